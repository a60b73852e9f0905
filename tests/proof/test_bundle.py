"""How a proof's process is read, and that its end in any way is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coblyn.native.fault import Fault, FaultKind
from coblyn.progress import Progress, silent
from coblyn.proof import bundle
from coblyn.proof.bundle import Reading, prove_bundle
from coblyn.proof.protocol import MARK


def told(event: str, **values: object) -> str:
    return MARK + json.dumps({"event": event, **values})


STAGE = told("stage", name="product of q4_1, 33 rows, 2 threads")
VARIANT = told("variant", name="libggml-cpu-haswell.so")
CRASH = (
    "coblyn-crash signal=SIGILL address=0x7f00 offset=0x1000 code=c5fd6fc1 library=/x/libggml.so"
)


def read(*lines: str, code: int = 0) -> Fault | None:
    reading = Reading(silent)
    for line in lines:
        reading.read(line)
    return reading.outcome(code)


def test_what_passes_has_no_fault() -> None:
    assert read(VARIANT, STAGE, "log", told("done", checked=5, error=0.005, what="")) is None


def test_a_crash_has_its_instruction() -> None:
    fault = read(VARIANT, STAGE, "some log", CRASH, code=-4)
    assert fault is not None
    assert fault.kind is FaultKind.CRASH
    assert fault.stage == "product of q4_1, 33 rows, 2 threads"
    assert fault.variant == "libggml-cpu-haswell.so"
    assert fault.crash is not None
    assert fault.crash.code == bytes.fromhex("c5fd6fc1")
    assert fault.crash.offset == 0x1000
    assert "SIGILL" in fault.message
    assert fault.log[0] == "some log"


@pytest.mark.parametrize(
    ("code", "words"),
    [(-11, "SIGSEGV"), (-4, "SIGILL"), (0xC000001D, "0xC000001D"), (-77, "signal 77")],
)
def test_a_crash_without_last_words(code: int, words: str) -> None:
    fault = read(STAGE, code=code)
    assert fault is not None
    assert (fault.kind, fault.crash) == (FaultKind.CRASH, None)
    assert words in fault.message


def test_what_was_killed_from_outside_is_no_crash() -> None:
    fault = read(STAGE, code=-9)
    assert fault is not None
    assert fault.kind is FaultKind.FAILED
    assert "memory" in fault.message


def test_an_end_without_a_word_is_no_pass() -> None:
    for lines in ([], [VARIANT, STAGE]):
        fault = read(*lines, code=0)
        assert fault is not None
        assert fault.kind is FaultKind.FAILED
    fault = read(STAGE, "Traceback", code=1)
    assert fault is not None
    assert fault.kind is FaultKind.FAILED
    assert fault.log == ("Traceback",)


def test_wrong_numbers() -> None:
    fault = read(STAGE, told("wrong", message="The numbers are off.", error=0.5))
    assert fault is not None
    assert (fault.kind, fault.error) == (FaultKind.WRONG, 0.5)
    fault = read(STAGE, told("wrong", message="The numbers are off.", error=float("inf")))
    assert fault is not None
    assert fault.error == float("inf")


def test_a_hang_is_one() -> None:
    fault = read(STAGE, "Timeout (0:01:00)!", "Thread 0x00007f (most recent call first):", code=1)
    assert fault is not None
    assert fault.kind is FaultKind.HANG


def test_progress_never_goes_beyond_its_end() -> None:
    seen: list[Progress] = []
    reading = Reading(seen.append)
    for _ in range(3000):
        reading.read(STAGE)
    assert {each.phase for each in seen} == {"Proving"}
    assert all(each.total is not None and each.done <= each.total for each in seen)
    assert seen[0].detail == "product of q4_1, 33 rows, 2 threads"


def test_a_real_process_without_libraries(tmp_path: Path) -> None:
    fault = prove_bundle(tmp_path, silent)
    assert fault is not None
    assert fault.kind is FaultKind.FAILED
    assert fault.stage == "loading the libraries"
    assert "is not there" in fault.message


def test_a_real_process_that_takes_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "_SECONDS", 0.01)
    fault = prove_bundle(tmp_path, silent)
    assert fault is not None
    assert fault.kind is FaultKind.HANG
