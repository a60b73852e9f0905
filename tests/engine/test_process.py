"""Engine processes that begin before anyone knows what they will load."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from coblyn.engine import process

SLEEPER = (sys.executable, "-c", "import sys; sys.stdin.read()")


@pytest.fixture(autouse=True)
def sleeper(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(process, "COMMAND", SLEEPER)
    yield
    process._discard()


def end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    process._close(child)


def test_what_was_begun_early_is_taken_once() -> None:
    process.begin()
    process.begin()
    first, second = process.take(), process.take()
    assert [first.args[-1], second.args[-1]] == ["early", SLEEPER[-1]]
    assert first.pid != second.pid
    end(first)
    end(second)


def test_one_that_has_ended_meanwhile_is_not_taken() -> None:
    process.begin()
    early = process._early[0]
    early.kill()
    early.wait()
    taken = process.take()
    assert taken.pid != early.pid
    assert taken.poll() is None
    end(taken)


def test_one_that_nobody_takes_ends_with_the_program() -> None:
    script = (
        "from coblyn.engine import process\n"
        f"process.COMMAND = {SLEEPER!r}\n"
        "process.begin()\n"
        "print(process._early[0].pid)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)
    assert not done.stderr


def test_no_key_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    shower = (sys.executable, "-c", "import os; print(os.environ.get('COBLYN_API_KEY'))")
    monkeypatch.setattr(process, "COMMAND", shower)
    monkeypatch.setenv("COBLYN_API_KEY", "a secret of many characters")
    child = process.take()
    assert child.communicate()[0].strip() == b"None"
