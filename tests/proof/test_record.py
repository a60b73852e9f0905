from __future__ import annotations

from pathlib import Path

import pytest

from coblyn import paths
from coblyn.native.fault import Fault, FaultKind
from coblyn.progress import silent
from coblyn.proof import bundle, record

HERE = {"cpu": "a CPU", "flags": "avx avx2"}
THERE = HERE | {"flags": "avx"}


def test_a_proof_holds_for_its_place() -> None:
    assert not record.is_proved("cpu-1", HERE)
    record.remember("cpu-1", HERE)
    record.remember("cpu-1", HERE)
    assert record.is_proved("cpu-1", HERE)
    assert not record.is_proved("cpu-1", THERE)
    assert not record.is_proved("cpu-2", HERE)
    record.remember("cpu-1", THERE)
    record.forget("cpu-1", HERE)
    assert not record.is_proved("cpu-1", HERE)
    assert record.is_proved("cpu-1", THERE)


@pytest.mark.parametrize("text", ["", "[]", '{"places": 5}', '{"places": ["x"]}', "[" * 100_000])
def test_a_damaged_file_proves_nothing(text: str) -> None:
    paths.proofs().mkdir(parents=True)
    (paths.proofs() / "cpu-1.json").write_text(text)
    assert not record.is_proved("cpu-1", HERE)
    record.remember("cpu-1", HERE)
    assert record.is_proved("cpu-1", HERE)


def test_what_cannot_be_written_is_proved_again() -> None:
    paths.proofs().parent.mkdir(parents=True)
    paths.proofs().write_text("no directory")
    record.remember("cpu-1", HERE)
    assert not record.is_proved("cpu-1", HERE)


def test_only_a_pass_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [Fault(FaultKind.HANG, "opening the CPU", "It hung."), None]
    monkeypatch.setattr(bundle, "prove_bundle", lambda lib_dir, report: answers.pop(0))
    fault = record.prove_once("cpu-1", tmp_path, HERE, silent)
    assert fault is not None
    assert record.prove_once("cpu-1", tmp_path, HERE, silent) is None
    assert record.prove_once("cpu-1", tmp_path, HERE, silent) is None  # not asked again
    assert not answers
