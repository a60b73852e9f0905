from __future__ import annotations

import json
import struct
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from coblyn.errors import BadRequest, DiskFull, FetchError, ModelBroken, ModelUnsupported
from coblyn.files import alone
from coblyn.models.gguf import read_header
from coblyn.models.originals import needed_files
from coblyn.models.sources.take import RemoteFile
from coblyn.progress import Progress
from coblyn.workshop import converter as environment
from coblyn.workshop.convert import convert, open_original
from coblyn.workshop.converter import Converter, obtain_environment, requirements_of
from gguf_file import whole_model

SCRIPT = """
import pathlib, shutil, sys
folder, kind = pathlib.Path(sys.argv[1]), sys.argv[sys.argv.index('--outtype') + 1]
target = pathlib.Path(sys.argv[sys.argv.index('--outfile') + 1])
print('INFO:hf-to-gguf:Loading model: model', flush=True)
if (folder / 'unknown').exists():
    print('ERROR:hf-to-gguf:Model NewForCausalLM is not supported', flush=True)
    sys.exit(1)
for name in ('token_embd.weight', 'output_norm.weight'):
    print(f'INFO:hf-to-gguf:{name},   torch.float32 --> {kind.upper()}, shape = {{4, 2}}', flush=True)
shutil.copy(folder / 'result', target)
if (folder / 'breaks').exists():
    sys.exit('it broke')
"""
"""Stands for upstream's converter: the same arguments, the same words, and a file that is there already."""


def safetensors(path: Path, **tensors: tuple[int, ...]) -> None:
    """A file of zeros."""
    header, end = {}, 0
    for name, shape in tensors.items():
        start, end = end, end + 4 * int(np.prod(shape))
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, end]}
    raw = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    path.write_bytes(struct.pack("<Q", len(raw)) + raw + bytes(end))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "Tiny"
    made.mkdir()
    (made / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}', "utf-8")
    safetensors(made / "model.safetensors", embedding=(4, 2), norm=(4,))
    whole_model().write(made / "result")
    return made


@pytest.fixture
def converter(tmp_path: Path) -> Converter:
    script = tmp_path / "convert.py"
    script.write_text(SCRIPT, "utf-8")
    return Converter(Path(sys.executable), script)


class TestOriginal:
    def test_its_size_is_known_before(self, folder: Path) -> None:
        original = open_original(folder)
        assert (original.num_tensors, original.num_weights) == (2, 12)
        assert original.architecture == "LlamaForCausalLM"

    @pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
    def test_what_lacks_is_named(self, folder: Path, missing: str) -> None:
        (folder / missing).unlink()
        with pytest.raises(BadRequest, match=f"has no .*{Path(missing).suffix}"):
            open_original(folder)

    def test_missing_files_of_an_index_are_named(self, folder: Path) -> None:
        weight_map = {"a": "model.safetensors", "b": "model-00002.safetensors"}
        index = json.dumps({"weight_map": weight_map})
        (folder / "model.safetensors.index.json").write_text(index, "utf-8")
        with pytest.raises(BadRequest, match="lacks 1 of 2 files: model-00002"):
            open_original(folder)

    @pytest.mark.parametrize("text", ['{"architectures": 5}', '{"architectures": {"a": 1}}', "[]"])
    def test_another_config_is_damaged(self, folder: Path, text: str) -> None:
        (folder / "config.json").write_text(text, "utf-8")
        with pytest.raises(ModelBroken, match=r"config\.json is damaged"):
            open_original(folder)

    def test_an_index_of_numbers_lists_files_that_lack(self, folder: Path) -> None:
        (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": 1}}', "utf-8")
        with pytest.raises(BadRequest, match="lacks 1 of 1 files: 1"):
            open_original(folder)

    def test_every_cut_of_a_file_is_found(self, folder: Path) -> None:
        path = folder / "model.safetensors"
        whole = path.read_bytes()
        for length in range(len(whole)):
            path.write_bytes(whole[:length])
            with pytest.raises(ModelBroken):
                open_original(folder)


class TestConvert:
    def test_the_file_is_put_in_place_when_it_is_whole(
        self, folder: Path, converter: Converter
    ) -> None:
        seen: list[Progress] = []
        target = folder.parent / "new.gguf"
        convert(open_original(folder), "F16", target, converter, report=seen.append)
        assert read_header(target).name == "Whole"
        assert [each.detail for each in seen if each.unit == "steps"] == [
            "token_embd.weight",
            "output_norm.weight",
        ]
        assert list(target.parent.glob("new*")) == [target]

    def test_a_killed_one_that_goes_on_harms_no_other(
        self, folder: Path, converter: Converter
    ) -> None:
        target, old = folder.parent / "new.gguf", folder.parent / "new.gguf.0123abcd.part"
        old.write_bytes(b"half")
        with old.open("ab") as orphan:
            convert(open_original(folder), "F16", target, converter)
            orphan.write(b"more")
        assert target.read_bytes() == whole_model().data
        assert list(target.parent.glob("new*")) == [target]

    def test_two_at_once_wait_for_each_other(self, folder: Path, converter: Converter) -> None:
        target, told = folder.parent / "new.gguf", threading.Event()

        def note(progress: Progress) -> None:
            if "waiting for another process" in progress.detail:
                told.set()

        with ThreadPoolExecutor(1) as pool:
            with alone(target, on_wait=lambda: None):
                second = pool.submit(
                    convert, open_original(folder), "F16", target, converter, report=note
                )
                assert told.wait(10)
                assert not target.exists()
            second.result(20)
        assert read_header(target).name == "Whole"

    def test_an_unknown_architecture_is_named(self, folder: Path, converter: Converter) -> None:
        (folder / "unknown").touch()
        with pytest.raises(ModelUnsupported, match="NewForCausalLM"):
            convert(open_original(folder), "F16", folder.parent / "new.gguf", converter)

    @pytest.mark.parametrize("fault", ["breaks", "cut"])
    def test_what_broke_leaves_nothing(
        self, folder: Path, converter: Converter, fault: str
    ) -> None:
        if fault == "cut":
            (folder / "result").write_bytes(whole_model().data[:-200])
        (folder / fault).touch()
        with pytest.raises(ModelBroken):
            convert(open_original(folder), "F16", folder.parent / "new.gguf", converter)
        assert list(folder.parent.glob("new*")) == []

    def test_room_is_asked_for_first(
        self, folder: Path, converter: Converter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Usage:
            free = 1000

        monkeypatch.setattr("coblyn.files.shutil.disk_usage", lambda _: Usage)
        with pytest.raises(DiskFull):
            convert(open_original(folder), "F16", folder.parent / "new.gguf", converter)


class TestEnvironment:
    @pytest.fixture
    def tree(self, tmp_path: Path) -> Path:
        """A converter that needs one package, which lies beside it."""
        folder = tmp_path / "tree" / "requirements"
        folder.mkdir(parents=True)
        (folder / "requirements-base.txt").write_text("numpy~=2.2.6\n\ngguf>=0.1.0\n", "utf-8")
        (folder / "requirements-convert_hf_to_gguf.txt").write_text(
            "-r ./requirements-base.txt\n--extra-index-url https://packages.example/cpu\n# torch\ntorch==2.11.0\n",
            "utf-8",
        )
        return tmp_path / "tree"

    def test_requirements_are_those_of_the_tree(self, tree: Path) -> None:
        found = requirements_of(tree / "requirements" / "requirements-convert_hf_to_gguf.txt")
        assert found == [
            "numpy~=2.2.6",
            "--extra-index-url https://packages.example/cpu",
            "torch==2.11.0",
        ]

    def test_it_is_made_once_and_only_whole(
        self, tree: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("COBLYN_OFFLINE", raising=False)
        asked: list[list[str]] = []

        def install(argv: list[object], _: object) -> None:
            asked.append([str(word) for word in argv])
            if len(asked) == 1:
                raise KeyboardInterrupt

        monkeypatch.setattr(environment, "stream", install)
        monkeypatch.setattr(environment, "run", lambda argv, **_: Path(argv[-1]).mkdir())
        with pytest.raises(KeyboardInterrupt):
            obtain_environment(tree)
        made = obtain_environment(tree)
        assert obtain_environment(tree) == made
        assert len(asked) == 2
        assert asked[1][-4:] == [
            "--extra-index-url",
            "https://packages.example/cpu",
            "numpy~=2.2.6",
            "torch==2.11.0",
        ]

    def test_nothing_is_installed_where_the_network_is_forbidden(
        self, tree: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COBLYN_OFFLINE", "1")
        with pytest.raises(FetchError, match="must not be used"):
            obtain_environment(tree)


def test_only_what_a_conversion_reads_is_fetched() -> None:
    names = [
        "config.json",
        "model-00001-of-00001.safetensors",
        "consolidated.safetensors",
        "modeling_custom.py",
        "pytorch_model.bin",
        "tokenizer.model",
        "original/params.json",
        "README.md",
    ]
    found = needed_files("hf:a/b", [RemoteFile(f"x/{name}", name) for name in names])
    assert [each.name for each in found] == [
        "config.json",
        "model-00001-of-00001.safetensors",
        "tokenizer.model",
    ]
    with pytest.raises(BadRequest, match="no safetensors") as caught:
        needed_files("hf:a/b", [RemoteFile("x", "m-Q4_0.gguf")])
    assert caught.value.hint == "coblyn pull hf:a/b"
