"""The script that works through a pack on another machine: steps, what depends on them, and the report."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "elsewhere.py"


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("elsewhere", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "elsewhere", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "LOOKS", ((sys.executable, "--version"),))
    return module


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    (tmp_path / "pack" / "checkout").mkdir(parents=True)
    (tmp_path / "pack" / "manifest.json").write_text('{"backend": "cuda"}')
    return tmp_path / "pack"


def python(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", text)


def test_a_step_that_fails_is_told_and_what_needs_it_is_not_tried(
    elsewhere: ModuleType, pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = elsewhere.Step
    steps = [
        step("build", python("import sys; print('no nvcc', file=sys.stderr); sys.exit(6)")),
        step("tests", python("print('never')"), ("build",)),
        step("more", python("print('never')"), ("tests",)),
        step("bench", python("import os, json; print(json.dumps(os.environ['COBLYN_PACK']))")),
        step("hangs", python("import time; time.sleep(60)"), minutes=0.02),
    ]
    asked = []
    monkeypatch.setattr(elsewhere, "steps", lambda *args: asked.append(args) or steps)
    out = tmp_path / "out"
    monkeypatch.setattr(sys, "argv", ["elsewhere", "run", str(pack), str(out)])
    assert elsewhere.main() == 1
    assert asked == [(pack, out, "cuda")]
    report = json.loads((out / "report.json").read_text())
    told = {each["name"]: each for each in report["steps"]}
    assert told["build"]["code"] == 6
    assert told["build"]["tail"] == ["no nvcc"]
    assert told["tests"]["tail"] == ["not tried: build went wrong"]
    assert told["more"]["tail"] == ["not tried: tests went wrong"]
    assert told["bench"]["answer"] == str(pack)
    assert told["hangs"]["code"] is None
    assert "timed out" in told["hangs"]["tail"][0]
    assert any(text.startswith("Python 3") for text in report["machine"].values())
    text = (out / "report.txt").read_text()
    assert "exit code 6" in text
    assert "no nvcc" in text


def test_what_is_done_there(elsewhere: ModuleType, pack: Path, tmp_path: Path) -> None:
    steps = {step.name: step for step in elsewhere.steps(pack, tmp_path, "cuda")}
    names = list(steps)
    assert all(
        names.index(need) < names.index(name) for name in names for need in steps[name].needs
    )
    assert "--no-index" in steps["install"].argv
    assert steps["build"].argv[1:5] == ("build", "--offline", "--backend", "cuda")
    assert "gpu" in steps["tests"].argv


def test_a_pack_gets_the_tests_of_this_checkout(
    elsewhere: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    class Done:
        returncode = 0

    monkeypatch.setattr(elsewhere.subprocess, "run", lambda argv, **_: asked.append(argv) or Done)
    monkeypatch.setattr(
        sys, "argv", ["elsewhere", "make", str(tmp_path), "--backend", "cuda", "--python", "3.12"]
    )
    assert elsewhere.main() == 0
    assert (tmp_path / "checkout" / "tests" / "gpu" / "test_device.py").is_file()
    assert (tmp_path / "checkout" / "scripts" / "elsewhere.py").read_bytes() == SCRIPT.read_bytes()
    (argv,) = asked
    assert argv[-2:] == ["--python", "3.12"]
    assert argv[argv.index("--backend") + 1] == "cuda"
