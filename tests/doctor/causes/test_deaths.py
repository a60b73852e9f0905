"""Processes that die: what is said with and without knowledge of the machine."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from coblyn.doctor.cause import Case
from coblyn.doctor.consult import consult
from coblyn.doctor.examine import examine
from coblyn.doctor.finding import Confidence, Finding
from coblyn.doctor.log.reader import read_log
from coblyn.native.facts import Facts

TILE = "c4e27b49c0"
VNNI = "62f2754850c2"
CRASH = "coblyn-crash signal={} address=0x7f00 offset=0x1000 code={} library={}\n"


def found(text: str, **facts: str) -> list[Finding]:
    machine = Facts.of(**facts) if facts else None
    log = read_log(io.BytesIO(text.encode()))
    return list(examine(Case(log=log, machine=machine)).findings)


def test_a_compiler_that_is_known_to_be_wrong() -> None:
    (finding,) = found(
        CRASH.format("SIGILL", TILE, "/x/libggml-cpu.so"),
        arch="x86-64",
        cpu__features="amx_tile avx512f",
        cxx__version="gcc 12.2.0",
    )
    assert (finding.cause, finding.confidence) == ("amx-miscompiled", Confidence.HIGH)
    told = " ".join(finding.story)
    assert "libggml-cpu.so at `tilezero tmm0`" in told
    assert "GCC 12.2.0 drops the stores" in told
    assert finding.fix.command == "coblyn build --force"


def test_a_virtual_machine_without_amx() -> None:
    (finding,) = found(
        CRASH.format("SIGILL", TILE, "/x/libggml-cpu.so"),
        arch="x86-64",
        cpu__features="avx2 fma",
        cxx__version="gcc 12.2.0",
    )
    assert finding.confidence is Confidence.MEDIUM
    assert "does not have AMX, or a virtual machine hides it" in finding.story[1]


@pytest.mark.parametrize(
    ("features", "confidence", "words"),
    [
        ("avx2 fma", Confidence.HIGH, "which this processor does not have"),
        ("avx2 avx512f avx512vl avx512_vnni", Confidence.MEDIUM, "which this processor has"),
    ],
)
def test_whether_the_processor_has_the_set(
    features: str, confidence: Confidence, words: str
) -> None:
    (finding,) = found(
        CRASH.format("SIGILL", VNNI, "/x/libggml-cpu.so"), arch="x86-64", cpu__features=features
    )
    assert (finding.cause, finding.confidence) == ("process-died", confidence)
    assert "AVX-512" in " ".join(finding.story)
    assert words in " ".join(finding.story)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The engine died: it was ended by signal 11.\n", "an address that is not there"),
        ("The engine died: it was ended by SIGABRT, the library gave up.\n", "its own decision"),
        (CRASH.format("SIGBUS", "", "/x/libllama.so"), "libllama.so"),
        (CRASH.format("EXCEPTION_ACCESS_VIOLATION", "", "C:\\x\\llama.dll"), "llama.dll"),
    ],
)
def test_other_ends_blame_no_driver(text: str, words: str) -> None:
    (finding,) = found(text)
    assert finding.cause == "process-died"
    assert words in finding.story[0]
    assert "driver" not in finding.fix.text


def test_a_driver_that_died() -> None:
    (finding,) = found(CRASH.format("SIGSEGV", "", "/usr/lib/libcuda.so.1"))
    assert "driver" in finding.fix.text


def test_the_shell_alone_is_never_sure() -> None:
    """The same words stand for another processor and for a compiler's fault."""
    (finding,) = found("Illegal instruction (core dumped)\n")
    assert (finding.cause, finding.confidence) == ("illegal-instruction", Confidence.MEDIUM)


def test_an_emulator_of_an_old_processor_is_one_finding() -> None:
    (finding,) = found("qemu: uncaught target signal 4 (Illegal instruction) - core dumped\n")
    assert finding.cause == "illegal-instruction"


def test_the_log_of_an_engine_that_is_here_counts_for_this_machine(tmp_path: Path) -> None:
    library = tmp_path / "libggml-cpu.so"
    library.touch()
    log = tmp_path / "serve.log"
    log.write_text(CRASH.format("SIGILL", TILE, library))
    assert consult([str(log)]).case.machine is not None
    log.write_text(CRASH.format("SIGILL", TILE, tmp_path / "gone.so"))
    assert consult([str(log)]).case.machine is None


def test_a_damaged_line_is_no_death() -> None:
    assert found("coblyn-crash signal=SIGILL address=0x7f00 offs\n") == []
