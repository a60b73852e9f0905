"""Threads that wait for each other look a bounded number of times, then sleep."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from coblyn.llama.environment import engine_environment
from coblyn.llama.openmp import SPINS, bounded_waiting, waiting
from coblyn.native.bundle import Bundle

BOUND = {"GOMP_SPINCOUNT": str(SPINS)}


def test_waiting_is_bounded_in_the_engine_s_process() -> None:
    assert BOUND.items() <= engine_environment({"PATH": "/bin"}).items()
    assert SPINS < 300_000, "what libgomp does by itself starves beside other programs"


@pytest.mark.parametrize("name", ["GOMP_SPINCOUNT", "OMP_WAIT_POLICY"])
def test_who_chose_how_threads_wait_is_obeyed(name: str) -> None:
    assert waiting({name: "7"}) == {}
    assert waiting({name: ""}) == BOUND
    assert engine_environment({name: "7"})[name] == "7"


def test_the_caller_s_environment_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    with bounded_waiting():
        assert os.environ["GOMP_SPINCOUNT"] == BOUND["GOMP_SPINCOUNT"]
    assert "GOMP_SPINCOUNT" not in os.environ
    monkeypatch.setenv("GOMP_SPINCOUNT", "")
    with bounded_waiting():
        pass
    assert os.environ["GOMP_SPINCOUNT"] == ""
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    with bounded_waiting():
        assert os.environ["GOMP_SPINCOUNT"] == ""


@pytest.mark.native
@pytest.mark.skipif(sys.platform != "linux", reason="OpenMP is used on Linux only")
@pytest.mark.parametrize(("chosen", "looks"), [({}, SPINS), ({"GOMP_SPINCOUNT": "77"}, 77)])
def test_libgomp_says_that_it_obeys(bundle: Bundle, chosen: dict[str, str], looks: int) -> None:
    """In a caller's own process as well, where nobody set the environment before it started."""
    if not any(b"libgomp.so" in path.read_bytes() for path in bundle.lib_dir.glob("libggml-cpu*")):
        pytest.skip("this bundle was built without OpenMP")
    code = (
        "import sys; from pathlib import Path; from coblyn.llama.library import open_library;"
        "open_library(Path(sys.argv[1]))"
    )
    clean = {name: value for name, value in os.environ.items() if "OMP_" not in name}
    environment = clean | {"OMP_DISPLAY_ENV": "verbose"} | chosen
    command = [sys.executable, "-c", code, str(bundle.lib_dir)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert f"GOMP_SPINCOUNT = '{looks}'" in done.stderr
