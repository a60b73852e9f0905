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
from coblyn.workshop.text import Excerpt
models, script, text, library, stops = *map(Path, sys.argv[1:5]), sys.argv[5] == "stops"
source, target = models / "Tiny-F32.gguf", models / "new.gguf"
converter = Converter(Path(sys.executable), script)

def note(progress):
    # A matrix is written at the end only; while its text is read, there is just the lock.
    if stops and (list(models.glob("*.part")) or list(models.glob("*.imatrix.gguf.lock"))):
        print("half", flush=True)
        time.sleep(600)
"""

WORK = {
    "convert": "convert(open_original(script.parent), 'F16', target, converter, report=note)",
    "split": "split(open_whole(source), split_by_tensors(len(open_whole(source).tensors), 1), models / 'new', note)",
    "merge": "merge(open_whole(source), target, note)",
    "quantize": "quantize(plan_quantized(source, Recipe('Q8_0'), library), Recipe('Q8_0'), target, library, note)",
    "imatrix": "observe(source, Excerpt(text, 64), models / 'new.imatrix.gguf', "
    "EngineConfig(str(source), str(library)), report=note)",
}

PLAIN, NATIVE = ("convert", "split", "merge"), ("quantize", "imatrix")

pytestmark = pytest.mark.slow


class Bench:
    """A home with a model, and all that the work reads."""

    def __init__(self, home: Path, tmp_path: Path) -> None:
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
        self._arguments = [str(self.models), str(folder / "convert.py"), str(text)]

    def start(self, kind: str, library: str, how: str) -> psutil.Popen:
        script = f"{PREPARE}\n{WORK[kind]}\n"
        return psutil.Popen(
            [sys.executable, "-c", script, *self._arguments, library, how], stdout=-1
        )

    def names(self) -> list[str]:
        return sorted(each.name for each in self.models.iterdir())


@pytest.fixture
def bench(home: Path, tmp_path: Path) -> Bench:
    return Bench(home, tmp_path)


def kill_one(bench: Bench, kind: str, library: str) -> None:
    process = bench.start(kind, library, "stops")
    assert process.stdout.readline() == b"half\n"
    process.kill()
    process.wait()
    process.stdout.close()
    assert [each.name for each in store.installed()] == ["Tiny-F32"]
    halves = [name for name in bench.names() if name != "Tiny-F32.gguf"]
    assert halves
    assert all(name.endswith((".part", ".lock")) for name in halves)
    again = bench.start(kind, library, "")
    again.communicate(timeout=120)
    assert again.returncode == 0
    made = [name for name in bench.names() if name != "Tiny-F32.gguf"]
    assert made
    assert all(name.endswith(".gguf") for name in made), "the half file is gone"


def start_two(bench: Bench, kind: str, library: str) -> None:
    both = [bench.start(kind, library, "") for _ in range(2)]
    for process in both:
        process.communicate(timeout=240)
    assert [process.returncode for process in both] == [0, 0]
    made = [name for name in bench.names() if name != "Tiny-F32.gguf"]
    assert made
    assert all(name.endswith(".gguf") for name in made)
    if kind != "imatrix":
        check_model(bench.models / made[0])


@pytest.mark.parametrize("kind", PLAIN)
def test_a_kill_leaves_nothing_that_is_taken_for_a_file(bench: Bench, kind: str) -> None:
    kill_one(bench, kind, "")


@pytest.mark.native
@pytest.mark.parametrize("kind", NATIVE)
def test_a_kill_leaves_nothing_of_work_with_the_library(
    bundle: Bundle, bench: Bench, kind: str
) -> None:
    kill_one(bench, kind, str(bundle.lib_dir))


@pytest.mark.parametrize("kind", PLAIN)
def test_two_that_write_the_same_file_leave_a_whole_one(bench: Bench, kind: str) -> None:
    start_two(bench, kind, "")


@pytest.mark.native
@pytest.mark.parametrize("kind", NATIVE)
def test_two_that_use_the_library_leave_a_whole_one(
    bundle: Bundle, bench: Bench, kind: str
) -> None:
    start_two(bench, kind, str(bundle.lib_dir))
