"""Processes that are killed while they write a file, or write the same one: no half file is taken for a whole."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from coblyn.models import store
from coblyn.models.check import check_model
from coblyn.native.bundle import Bundle
from gguf_file import whole_model
from workshop.test_convert import SCRIPT, safetensors

PREPARE = """
import sys, time
from pathlib import Path
from coblyn.engine.config import EngineConfig
from coblyn.workshop.convert import convert, open_original
from coblyn.workshop.converter import Converter
from coblyn.workshop.examine import observe
from coblyn.workshop.quantize import Recipe, plan_quantized, quantize
from coblyn.workshop.split import merge, open_whole, split, split_by_tensors
models, script, text, library, stops = *map(Path, sys.argv[1:5]), sys.argv[5] == "stops"
source, target = models / "Tiny-F32.gguf", models / "new.gguf"
converter = Converter(Path(sys.executable), script)

def note(progress):
    if stops and list(models.glob("*.part")):
        print("half", flush=True)
        time.sleep(600)
"""

WORK = {
    "convert": "convert(open_original(script.parent), 'F16', target, converter, report=note)",
    "split": "split(open_whole(source), split_by_tensors(len(open_whole(source).tensors), 1), models / 'new', note)",
    "merge": "merge(open_whole(source), target, note)",
    "quantize": "quantize(plan_quantized(source, Recipe('Q8_0'), library), Recipe('Q8_0'), target, library, note)",
    "imatrix": "observe(source, text, models / 'new.imatrix.gguf', EngineConfig(str(source), str(library)), "
    "length=64, report=note)",
}

NATIVE = pytest.mark.native
KINDS = [
    pytest.param(kind, marks=NATIVE if kind in ("quantize", "imatrix") else ()) for kind in WORK
]

pytestmark = pytest.mark.slow


class Bench:
    """A home with a model, and all that the work reads."""

    def __init__(self, home: Path, tmp_path: Path, library: str) -> None:
        self.models = home / "data" / "models"
        self.source = whole_model().write(self.models / "Tiny-F32.gguf")
        folder = tmp_path / "Tiny"
        folder.mkdir()
        (folder / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}', "utf-8")
        safetensors(folder / "model.safetensors", embedding=(4, 2), norm=(4,))
        whole_model().write(folder / "result")
        (folder / "convert.py").write_text(
            SCRIPT.replace(
                "shutil.copy(",
                "target.touch(); print('INFO:hf-to-gguf:a, torch.', flush=True); shutil.copy(",
            ),
            "utf-8",
        )
        text = tmp_path / "text.txt"
        text.write_text("abc " * 400, "utf-8")
        self._arguments = [
            str(each) for each in (self.models, folder / "convert.py", text, library)
        ]

    def start(self, kind: str, how: str) -> psutil.Popen:
        script = f"{PREPARE}\n{WORK[kind]}\n"
        return psutil.Popen([sys.executable, "-c", script, *self._arguments, how], stdout=-1)

    def names(self) -> list[str]:
        return sorted(each.name for each in self.models.iterdir())


@pytest.fixture
def bench(home: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Bench:
    kind = request.node.callspec.params["kind"]
    needs_library = kind in ("quantize", "imatrix")
    bundle: Bundle | None = request.getfixturevalue("bundle") if needs_library else None
    return Bench(home, tmp_path, str(bundle.lib_dir) if bundle else "")


@pytest.mark.parametrize("kind", KINDS)
def test_a_kill_leaves_nothing_that_is_taken_for_a_file(bench: Bench, kind: str) -> None:
    process = bench.start(kind, "stops")
    assert process.stdout.readline() == b"half\n"
    process.kill()
    process.wait()
    process.stdout.close()
    assert [each.name for each in store.installed()] == ["Tiny-F32"]
    halves = [name for name in bench.names() if name != "Tiny-F32.gguf"]
    assert halves
    assert all(name.endswith((".part", ".lock")) for name in halves)
    again = bench.start(kind, "")
    again.communicate(timeout=120)
    assert again.returncode == 0
    made = [name for name in bench.names() if name != "Tiny-F32.gguf"]
    assert made
    assert all(name.endswith(".gguf") for name in made), "the half file is gone"


@pytest.mark.parametrize("kind", KINDS)
def test_two_that_write_the_same_file_leave_a_whole_one(bench: Bench, kind: str) -> None:
    both = [bench.start(kind, "") for _ in range(2)]
    for process in both:
        process.communicate(timeout=240)
    assert [process.returncode for process in both] == [0, 0]
    made = [name for name in bench.names() if name != "Tiny-F32.gguf"]
    assert made
    assert all(name.endswith(".gguf") for name in made)
    if kind != "imatrix":
        check_model(bench.models / made[0])
