from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from coblyn.cli.quantize import beside
from coblyn.cli.quantize import quantize as command
from coblyn.errors import BadRequest, DiskFull, ModelUnsupported
from coblyn.models import store
from coblyn.models.gguf import read_header
from coblyn.native.bundle import Bundle
from coblyn.progress import Progress
from coblyn.workshop.importance import Importance, Sums, write_importance
from coblyn.workshop.kinds import FILE_KINDS, file_kind, tensor_kind
from coblyn.workshop.quantize import Plan, Recipe, plan_quantized, quantize, sizes_by_kind
from gguf_file import whole_model

MATRIX = "blk.0.ffn_down.weight"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return whole_model().write(tmp_path / "Tiny-F32.gguf")


def values(path: Path, name: str = MATRIX) -> NDArray[np.float32]:
    """A tensor of a file in F32 or Q4_0, as numbers."""
    tensor = next(each for each in read_header(path).tensors if each.name == name)
    raw = path.read_bytes()[tensor.offset : tensor.offset + tensor.size]
    if tensor.type == "F32":
        return np.frombuffer(raw, "<f4")
    assert tensor.type == "Q4_0"
    blocks = np.frombuffer(raw, np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)]))
    nibbles = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=1)
    return ((nibbles.astype(np.float32) - 8) * blocks["scale"][:, None]).reshape(-1)


class TestKinds:
    def test_names_may_be_written_in_any_case(self) -> None:
        assert file_kind("q4_k").name == "Q4_K_M"
        assert tensor_kind("q6_k") == 14

    def test_an_unknown_one_is_refused_with_what_is_near(self) -> None:
        with pytest.raises(BadRequest) as caught:
            file_kind("Q4_KM")
        assert "Q4_K_M" in caught.value.hint

    def test_default_names_exchange_the_quantization(self) -> None:
        assert beside(Path("a/Tiny-F16.gguf"), "Q8_0") == Path("a/Tiny-Q8_0.gguf")
        assert beside(Path("a/Tiny.Q4_1.gguf"), "Q8_0") == Path("a/Tiny-Q8_0.gguf")
        assert beside(Path("Tiny.gguf"), "Q8_0") == Path("Tiny-Q8_0.gguf")
        assert beside(Path("T-F16-00001-of-00002.gguf"), "Q8_0") == Path("T-Q8_0.gguf")


@pytest.mark.native
class TestPlan:
    def test_every_type_has_its_size(self, model: Path, bundle: Bundle) -> None:
        plans = sizes_by_kind(model, bundle.lib_dir)
        assert {"F32", "F16", "Q8_0", "Q4_0"} <= set(plans) <= set(FILE_KINDS)
        assert plans["F32"].size_after == plans["F32"].size_before
        assert plans["Q8_0"].size_after > plans["Q4_0"].size_after

    def test_what_would_be_ignored_is_refused(self, model: Path, bundle: Bundle) -> None:
        def planned(**changed: object) -> Plan:
            return plan_quantized(model, Recipe("Q8_0", **changed), bundle.lib_dir)  # type: ignore[arg-type]

        with pytest.raises(BadRequest, match="no tensor in whose name"):
            planned(tensors=[("nothing_like_that", "Q4_0")])
        with pytest.raises(BadRequest, match="not a regular expression"):
            planned(tensors=[("(", "Q4_0")])
        with pytest.raises(BadRequest, match="cannot become Q4_0"):
            planned(tensors=[("attn_norm", "Q4_0")])
        with pytest.raises(BadRequest, match="no tensor type Q9"):
            planned(output_type="Q9")


@pytest.mark.native
class TestQuantize:
    def test_the_file_is_what_was_planned(self, model: Path, bundle: Bundle) -> None:
        recipe = Recipe("Q4_0", tensors=[("ffn_up", "Q8_0")], embedding_type="F16")
        plan = plan_quantized(model, recipe, bundle.lib_dir)
        seen: list[Progress] = []
        path = quantize(plan, recipe, model.with_name("b.gguf"), bundle.lib_dir, seen.append)
        header = read_header(path)
        types = {tensor.name: tensor.type for tensor in header.tensors}
        assert types["token_embd.weight"] == "F16"
        assert types["blk.0.ffn_up.weight"] == "Q8_0"
        assert types[MATRIX] == "Q4_0"
        assert types["output_norm.weight"] == "F32"
        assert header.quantization == "Q4_0"
        assert header.name == "Whole"
        assert sum(tensor.size for tensor in header.tensors) == plan.size_after
        assert seen[-1].done == seen[-1].total == plan.size_before
        np.testing.assert_allclose(values(path), values(model), atol=0.094 / 8)
        assert {each.name for each in model.parent.glob("*.gguf*")} == {"Tiny-F32.gguf", "b.gguf"}
        with pytest.raises(ModelUnsupported, match="quantized already"):
            plan_quantized(path, Recipe("Q8_0"), bundle.lib_dir)
        assert plan_quantized(path, Recipe("Q8_0", may_requantize=True), bundle.lib_dir).changes

    def test_inputs_that_matter_keep_more_of_their_value(
        self, model: Path, bundle: Bundle, tmp_path: Path
    ) -> None:
        weights = np.ones((1, 64), np.float32)
        weights[0, ::7] = 10_000
        sums = {MATRIX: Sums(weights, np.ones(1, np.float32))}
        matrix = tmp_path / "importance.gguf"
        with matrix.open("wb") as file:
            write_importance(file, Importance(sums))
        errors = []
        for importance in (None, matrix):
            recipe = Recipe("Q4_0", importance=importance)
            plan = plan_quantized(model, recipe, bundle.lib_dir)
            path = quantize(plan, recipe, tmp_path / "b.gguf", bundle.lib_dir)
            difference = (values(path) - values(model)).reshape(-1, 64)
            errors.append(float((difference[:, ::7] ** 2).sum()))
        assert errors[1] < 0.5 * errors[0]

    def test_an_importance_matrix_of_another_model_is_refused(
        self, model: Path, bundle: Bundle, tmp_path: Path
    ) -> None:
        matrix = tmp_path / "importance.gguf"
        sums = {"other": Sums(np.ones((1, 4), np.float32), np.ones(1, np.float32))}
        with matrix.open("wb") as file:
            write_importance(file, Importance(sums))
        with pytest.raises(BadRequest, match="of another model"):
            plan_quantized(model, Recipe("Q4_0", importance=matrix), bundle.lib_dir)

    def test_a_stop_leaves_nothing(self, model: Path, bundle: Bundle) -> None:
        recipe = Recipe("Q8_0")
        plan = plan_quantized(model, recipe, bundle.lib_dir)

        def stop(progress: Progress) -> None:
            if progress.done:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            quantize(plan, recipe, model.with_name("b.gguf"), bundle.lib_dir, stop)
        assert [each.name for each in model.parent.glob("*.gguf*")] == [model.name]

    def test_room_is_asked_for_before_anything_is_written(
        self, model: Path, bundle: Bundle
    ) -> None:
        recipe = Recipe("Q8_0")
        plan = plan_quantized(model, recipe, bundle.lib_dir)
        much = replace(plan.changes[0], size_after=1 << 60)
        with pytest.raises(DiskFull, match="needs"):
            quantize(replace(plan, changes=(much,)), recipe, model.with_name("b"), bundle.lib_dir)
        assert list(model.parent.glob("b*.part")) == []

    def test_a_disk_that_fills_up_is_named(
        self, model: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recipe = Recipe("Q8_0")
        plan = plan_quantized(model, recipe, bundle.lib_dir)
        free = iter((1 << 40, 0))

        def fail(*_: object, **__: object) -> None:
            raise ModelUnsupported("the library gave no reason")

        monkeypatch.setattr("coblyn.workshop.quantize.run_job", fail)
        monkeypatch.setattr(
            "coblyn.files.shutil.disk_usage", lambda _: SimpleNamespace(free=next(free))
        )
        with pytest.raises(DiskFull, match="no space left"):
            quantize(plan, recipe, model.with_name("b.gguf"), bundle.lib_dir)
        assert [each.name for each in model.parent.glob("*.gguf*")] == [model.name]

    def test_the_source_is_never_the_target(self, model: Path, bundle: Bundle) -> None:
        recipe = Recipe("Q8_0")
        plan = plan_quantized(model, recipe, bundle.lib_dir)
        before = model.read_bytes()
        with pytest.raises(BadRequest, match="is the file that is read"):
            quantize(plan, recipe, model, bundle.lib_dir)
        assert model.read_bytes() == before

    @pytest.mark.slow
    def test_a_kill_leaves_no_file_that_is_taken_for_a_model(
        self, home: Path, bundle: Bundle
    ) -> None:
        model = whole_model().write(home / "data" / "models" / "Tiny-F32.gguf")
        script = (
            "import sys, time\n"
            "from pathlib import Path\n"
            "from coblyn.workshop.quantize import Recipe, plan_quantized, quantize\n"
            "def wait(progress):\n"
            "    if progress.done:\n"
            "        print('half', flush=True)\n"
            "        time.sleep(60)\n"
            "source, library = Path(sys.argv[1]), Path(sys.argv[2])\n"
            "plan = plan_quantized(source, Recipe('Q8_0'), library)\n"
            "quantize(plan, Recipe('Q8_0'), source.with_name('b.gguf'), library, wait)\n"
        )
        process = psutil.Popen(
            [sys.executable, "-c", script, str(model), str(bundle.lib_dir)], stdout=-1
        )
        assert process.stdout.readline() == b"half\n"
        process.kill()
        process.wait()
        process.stdout.close()
        assert [each.name for each in store.installed()] == ["Tiny-F32"]
        recipe = Recipe("Q8_0")
        plan = plan_quantized(model, recipe, bundle.lib_dir)
        quantize(plan, recipe, model.with_name("b.gguf"), bundle.lib_dir)
        assert sorted(each.name for each in model.parent.iterdir()) == ["Tiny-F32.gguf", "b.gguf"]


@pytest.mark.native
def test_the_command_tells_what_it_made(
    model: Path,
    bundle: Bundle,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("coblyn.cli.build.ensure_bundle", lambda: bundle)
    command(str(model), "q8_0", as_json=True)
    answer = json.loads(capsys.readouterr().out)
    assert answer["path"] == str(model.with_name("Tiny-Q8_0.gguf"))
    assert Path(answer["path"]).stat().st_size > answer["size"] > 0
    with pytest.raises(BadRequest, match="is there already"):
        command(str(model), "q8_0")
    text = tmp_path / "text.txt"
    text.write_text("The lamp went out. " * 200)
    command(str(model), "q8_0", force=True, report=text, as_json=True)
    answer = json.loads(capsys.readouterr().out)
    assert answer["report"]["models"] == [str(model), answer["path"]]
    command(str(model), "q4_0", dry_run=True)
    assert "F32 -> Q4_0" in capsys.readouterr().out
    with pytest.raises(BadRequest, match="not a pair"):
        command(str(model), "q4_0", tensor=["ffn_down"])


def test_a_missing_text_is_told_before_anything_is_written(model: Path) -> None:
    with pytest.raises(BadRequest, match="There is no text"):
        command(str(model), "q8_0", report=model.with_name("none.txt"))
    assert list(model.parent.glob("*.gguf")) == [model]


def test_without_a_model_all_types_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    command()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(FILE_KINDS)
    assert lines[4].split() == ["Q8_0", "8.500", "Q8_0"]
