from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coblyn.cli.merge import merge as merge_command
from coblyn.cli.split import size_of
from coblyn.cli.split import split as split_command
from coblyn.errors import BadRequest, ModelBroken, ModelNotFound
from coblyn.llama.library import open_library
from coblyn.llama.model import Model
from coblyn.models import store
from coblyn.models.check import check_model
from coblyn.models.gguf import read_entries, read_header
from coblyn.native.bundle import Bundle
from coblyn.progress import Progress
from coblyn.workshop.split import merge, open_whole, split, split_by_size, split_by_tensors
from gguf_file import whole_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return whole_model().write(tmp_path / "Tiny.gguf")


def content(path: Path) -> dict[str, bytes]:
    """The bytes of all tensors of a model."""
    found = {}
    for part, tensor in open_whole(path).tensors:
        found[tensor.name] = part.read_bytes()[tensor.offset : tensor.offset + tensor.size]
    return found


class TestGroups:
    @given(
        st.lists(st.integers(1, 50), min_size=1, max_size=30), st.integers(1, 60), st.integers(0, 9)
    )
    def test_all_tensors_are_in_order_and_no_file_is_too_large(
        self, sizes: list[int], bound: int, header: int
    ) -> None:
        groups = split_by_size(sizes, bound, header)
        assert [index for group in groups for index in group] == list(range(len(sizes)))
        for number, group in enumerate(groups):
            size = sum(sizes[index] for index in group) + (0 if number else header)
            assert size <= bound or len(group) == 1

    @given(st.integers(1, 100), st.integers(1, 30))
    def test_by_number_no_file_has_more(self, count: int, bound: int) -> None:
        groups = split_by_tensors(count, bound)
        assert [index for group in groups for index in group] == list(range(count))
        assert all(len(group) <= bound for group in groups)


@pytest.mark.parametrize(("text", "size"), [("2G", 2 * 10**9), ("1.5m", 1500000), ("7", 7)])
def test_sizes_as_people_write_them(text: str, size: int) -> None:
    assert size_of(text) == size
    with pytest.raises(BadRequest):
        size_of(f"{text} pounds")


class TestSplit:
    @pytest.mark.parametrize("alignment", [32, 64])
    def test_there_and_back_nothing_is_changed(self, tmp_path: Path, alignment: int) -> None:
        model = whole_model(alignment=alignment).write(tmp_path / "Tiny.gguf")
        before, entries = content(model), read_entries(model)
        files = split(open_whole(model), split_by_tensors(11, 5), tmp_path / "Parts")
        assert [each.name for each in files] == [
            f"Parts-0000{number}-of-00003.gguf" for number in (1, 2, 3)
        ]
        assert content(files[0]) == before
        # Any of the files may be named.
        target = merge(open_whole(files[2]), tmp_path / "Again.gguf")
        assert read_entries(target) == entries
        assert target.read_bytes() == model.read_bytes()

    def test_every_file_says_what_llama_cpp_expects(self, model: Path) -> None:
        files = split(open_whole(model), split_by_tensors(11, 6), model.with_name("Parts"))
        for number, path in enumerate(files):
            header = read_header(path)
            metadata = header.metadata
            assert (metadata["split.no"], metadata["split.count"]) == (number, 2)
            assert metadata["split.tensors.count"] == 11
            assert len(header.tensors) == (6, 5)[number]
        check_model(files[0])

    def test_a_missing_file_is_named(self, model: Path) -> None:
        files = split(open_whole(model), split_by_tensors(11, 6), model.with_name("Parts"))
        files[1].unlink()
        with pytest.raises(ModelNotFound, match="Parts-00002-of-00002"):
            open_whole(files[0])

    def test_a_stop_leaves_nothing(self, model: Path) -> None:
        def stop(progress: Progress) -> None:
            if progress.done > progress.total // 2:  # type: ignore[operator]
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            split(open_whole(model), split_by_tensors(11, 5), model.with_name("Parts"), stop)
        assert [each.name for each in model.parent.iterdir() if "Parts" in each.name] == []
        with pytest.raises(KeyboardInterrupt):
            merge(open_whole(model), model.with_name("Parts.gguf"), stop)
        assert [each.name for each in model.parent.iterdir() if "Parts" in each.name] == []

    def test_files_that_repeat_a_tensor_are_refused(self, model: Path) -> None:
        files = split(open_whole(model), split_by_tensors(11, 6), model.with_name("Parts"))
        again = whole_model(split__no=1, split__count=2, split__tensors__count=11)
        again.write(files[1])
        with pytest.raises(ModelBroken):
            open_whole(files[0])

    def test_one_file_is_no_split(self, model: Path) -> None:
        with pytest.raises(BadRequest, match="would become 1 file"):
            split(open_whole(model), split_by_tensors(11, 100), model.with_name("Parts"))

    def test_the_commands(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        model = whole_model().write(home / "data" / "models" / "Tiny.gguf")
        split_command("Tiny", max_size="20k")
        assert "files:" in capsys.readouterr().out
        model.unlink()
        assert [each.name for each in store.installed()] == ["Tiny"]
        merge_command("Tiny")
        assert "11 tensors" in capsys.readouterr().out
        assert model.read_bytes() == whole_model().data
        with pytest.raises(BadRequest, match="either"):
            split_command("Tiny", max_size="20k", max_tensors=3)
        with pytest.raises(BadRequest, match="one file already"):
            merge_command(str(model))


@pytest.mark.native
def test_the_library_loads_what_was_split(model: Path, bundle: Bundle) -> None:
    files = split(open_whole(model), split_by_tensors(11, 5), model.with_name("Parts"))
    with Model(open_library(bundle.lib_dir), files[0]) as loaded:
        assert loaded.num_parameters == sum(
            tensor.size // 4 for _, tensor in open_whole(model).tensors
        )
