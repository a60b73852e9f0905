"""Models that end the engine, with the real one: each verb names the file, and what the library said."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from coblyn.native.bundle import Bundle
from gguf_file import whole_model

pytestmark = pytest.mark.native

VERBS = (
    ("run", "hello", "--raw", "--max-tokens", "4"),
    ("bench", "--prompt", "32", "--generate", "16", "--streams", "1", "--repeats", "1"),
    ("serve", "--port", "0"),
)


def coblyn(
    environment: dict[str, str], verb: Sequence[str], model: Path
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "coblyn", verb[0], str(model), *verb[1:]]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=environment, check=False
    )


@pytest.fixture
def deadly(tmp_path: Path) -> Path:
    """The library maps it and ends the process: its tensors lie where it does not expect them."""
    return whole_model(alignment=8).write(tmp_path / "deadly.gguf")


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_a_model_that_ends_the_engine(
    bundle: Bundle, users_environment: dict[str, str], deadly: Path, verb: Sequence[str]
) -> None:
    assert bundle.lib_dir.is_dir()
    done = coblyn(users_environment, verb, deadly)
    assert done.returncode == 3
    assert str(deadly) in done.stderr
    assert "SIGABRT" in done.stderr
    assert "GGML_ASSERT" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_a_fault_that_takes_time_to_find_is_found_then(
    bundle: Bundle, users_environment: dict[str, str], tmp_path: Path, verb: Sequence[str]
) -> None:
    assert bundle.lib_dir.is_dir()
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "a", "a"]
    path = whole_model(tokenizer__ggml__tokens=tokens).write(tmp_path / "twice.gguf")
    done = coblyn(users_environment, verb, path)
    assert done.returncode == 3
    assert "twice.gguf has the token 'a' twice" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("verb", VERBS[:2], ids=lambda verb: verb[0])
def test_a_whole_model_runs(
    bundle: Bundle, users_environment: dict[str, str], tmp_path: Path, verb: Sequence[str]
) -> None:
    assert bundle.lib_dir.is_dir()
    done = coblyn(users_environment, verb, whole_model().write(tmp_path / "whole.gguf"))
    assert done.returncode == 0, done.stderr
    assert done.stdout
