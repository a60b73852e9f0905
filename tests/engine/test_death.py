"""What is said of an engine that died, and when it is started again."""

from __future__ import annotations

from pathlib import Path

import pytest

from coblyn.crash import Crash
from coblyn.engine.death import Death, explain_plainly, last_words
from coblyn.engine.pulse import Pulse
from coblyn.engine.revival import MAX_DEATHS, Revival
from coblyn.errors import BadRequest, EngineError, EngineRestarted, ModelBroken

ILLEGAL = Crash("SIGILL", 0x7F00, 0x1000, bytes.fromhex("c4e27b49"), "/lib/libggml-cpu.so")


def test_an_illegal_instruction_is_named_with_its_library_and_the_command() -> None:
    death = Death(-4, "/m/x.gguf", True, ILLEGAL, "tilezero of AMX-TILE")
    error = death.stopped("Later.")
    assert "SIGILL, an illegal instruction, in libggml-cpu.so (tilezero of AMX" in error.message
    assert "coblyn build --force" in error.hint
    assert "Send it again" not in str(error)
    assert explain_plainly(ILLEGAL) == "the bytes c4 e2 7b 49"


def test_a_load_that_kills_names_the_file_and_the_last_words() -> None:
    log = ("llama_model_loader: loaded meta data", "ggml.c:7: GGML_ASSERT(n > 0) failed", "done")
    error = Death(-6, "/m/x.gguf", log=log).error()
    assert isinstance(error, ModelBroken)
    assert "/m/x.gguf" in error.message
    assert "SIGABRT" in error.message
    assert "GGML_ASSERT(n > 0) failed" in error.message


@pytest.mark.parametrize(
    "death", [Death(-9, "/m/x"), Death(1, "/m/x"), Death(-9, "/m/x", hang="h")]
)
def test_what_no_file_can_do_is_not_the_files_fault(death: Death) -> None:
    assert type(death.error()) is EngineError


def test_who_waited_may_send_it_again() -> None:
    error = Death(-11, "/m/x.gguf", was_ready=True).error()
    assert isinstance(error, EngineRestarted)
    assert "SIGSEGV" in error.message
    assert error.hint == "Send it again."


def test_last_words() -> None:
    assert last_words(["one", "two", " "]) == "two"
    assert last_words(["what(): bad", "two"]) == "what(): bad"
    assert last_words([]) == ""
    assert len(last_words(["failed " + "x" * 9999])) < 500


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_it_is_started_at_once_until_it_dies_too_often() -> None:
    clock = Clock()
    revival = Revival("", clock)
    death = Death(-11, was_ready=True)
    assert [revival.is_at_once(death) for _ in range(MAX_DEATHS)] == [True, True, False]
    assert not revival.is_due
    clock.now += 6
    assert revival.is_due
    clock.now += 1000
    assert revival.is_at_once(death)


def test_what_is_no_use_at_once_waits_longer_each_time() -> None:
    clock = Clock()
    revival = Revival("", clock)
    waits = []
    for _ in range(9):
        assert not revival.is_at_once(Death(-4, was_ready=True))
        start = clock.now
        while not revival.is_due:
            clock.now += 1
        waits.append(clock.now - start)
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_a_file_that_changed_is_tried_at_once(tmp_path: Path) -> None:
    model = tmp_path / "m.gguf"
    model.write_bytes(b"broken")
    revival = Revival(str(model), Clock())
    assert not revival.is_at_once(Death(0, str(model), failure=BadRequest("It is damaged.")))
    assert not revival.is_due
    model.write_bytes(b"all well")
    assert revival.is_due


def test_a_pulse_counts_beats_and_not_seconds() -> None:
    pulse = Pulse(hang_seconds=5, step_seconds=10)
    assert [bool(pulse.beat()) for _ in range(11)] == [False] * 10 + [True]  # Python starts
    pulse.hear()
    assert [bool(pulse.beat()) for _ in range(6)] == [False] * 5 + [True]
    assert pulse.is_quiet
    pulse.hear(9.0)
    assert not pulse.is_quiet
    assert not pulse.beat()
    pulse.hear(11.0)
    assert "a single step took more than 10 s" in pulse.beat()
