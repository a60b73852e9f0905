"""Starting programs: what they wrote, how they ended, and that nothing of them stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import psutil
import pytest

from coblyn.errors import Cancelled, ProgramFailed
from coblyn.run import end_tree, ending_signals, run, stream

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = sys.executable

# Starts a grandchild that sleeps, says its id, and sleeps itself.
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def wait_until(condition, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_run_returns_all_that_was_written() -> None:
    code = "import sys; print('out', flush=True); print('err', file=sys.stderr)"
    done = run([PYTHON, "-c", code])
    assert done.code == 0
    assert done.output == "out\nerr\n"


def test_a_failure_names_command_code_and_the_end_of_the_output() -> None:
    code = "for i in range(100): print('line', i)\nraise SystemExit(3)"
    with pytest.raises(ProgramFailed) as caught:
        run([PYTHON, "-c", code])
    text = caught.value.message
    assert "SystemExit" in text
    assert "ended with code 3" in text
    assert text.endswith("line 99")
    assert "line 10\n" not in text


def test_a_failure_can_be_a_value() -> None:
    assert run([PYTHON, "-c", "raise SystemExit(3)"], check=False).code == 3


def test_a_program_that_does_not_exist_is_named() -> None:
    with pytest.raises(ProgramFailed, match="no-such-program cannot be started"):
        run(["no-such-program"])


def test_lines_arrive_while_the_program_runs(tmp_path: Path) -> None:
    """The program goes on only when we have seen its line."""
    gate = tmp_path / "gate"
    code = textwrap.dedent("""
        import pathlib, sys, time
        print("first", flush=True)
        deadline = time.time() + 20
        while not pathlib.Path(sys.argv[1]).exists():
            time.sleep(0.01)
            assert time.time() < deadline
        print("second")
    """)
    seen: list[str] = []

    def on_line(line: str) -> None:
        seen.append(line)
        gate.touch()

    stream([PYTHON, "-c", code, gate], on_line)
    assert seen == ["first", "second"]


def test_the_environment_is_changed_and_logged(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("COBLYN_TEST_GONE", "1")
    code = "import os; print(os.environ.get('COBLYN_TEST_GONE'), os.environ['COBLYN_TEST_NEW'])"
    log = tmp_path / "log.txt"
    seen: list[str] = []
    changes = {"COBLYN_TEST_GONE": None, "COBLYN_TEST_NEW": "2", "COBLYN_TEST_NEVER": None}
    stream([PYTHON, "-c", code], seen.append, env=changes, log=log)
    assert seen == ["None 2"]
    text = log.read_text("utf-8")
    assert "# unset COBLYN_TEST_GONE\n" in text
    assert "# COBLYN_TEST_NEW=2\n" in text
    assert "COBLYN_TEST_NEVER" not in text
    assert "None 2\n" in text
    assert "# ended with code 0" in text


def test_output_that_is_no_utf8_is_no_error() -> None:
    code = r"import sys; sys.stdout.buffer.write(b'a\xffb\r\n')"
    assert run([PYTHON, "-c", code]).output == "a\ufffdb\n"


def test_a_program_that_takes_too_long_is_ended_with_its_children(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pids: list[int] = []
    # The time is over when it has said its child's id, however long it took to start.
    clock = SimpleNamespace(monotonic=lambda: 2.0 * len(pids))
    monkeypatch.setattr("coblyn.run.time", clock)
    with pytest.raises(ProgramFailed, match="longer than 1 seconds"):
        stream([PYTHON, "-c", PARENT], lambda line: pids.append(int(line)), timeout=1)
    assert len(pids) == 1
    assert wait_until(lambda: not is_running(pids[0]))


def test_a_program_whose_result_is_no_longer_wanted_is_ended_with_its_children() -> None:
    pids: list[int] = []
    ended = threading.Event()

    def read(line: str) -> None:
        pids.append(int(line))
        ended.set()

    with pytest.raises(Cancelled, match="was ended"):
        stream([PYTHON, "-c", PARENT], read, timeout=60, ended=ended)
    assert wait_until(lambda: not is_running(pids[0]))


def test_an_error_while_reading_ends_the_tree() -> None:
    pids: list[int] = []
    stopped = 0.0

    def stop(line: str) -> None:
        nonlocal stopped
        pids.append(int(line))
        stopped = time.monotonic()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stream([PYTHON, "-c", PARENT], stop)
    assert wait_until(lambda: not is_running(pids[0]))
    assert time.monotonic() - stopped < 8


def test_a_tree_that_ignores_the_request_is_ended_anyway() -> None:
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print('on', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([PYTHON, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        end_tree(process.pid, grace=0.2)
        assert not is_running(process.pid)


def test_ending_what_has_ended_is_no_error() -> None:
    process = subprocess.Popen([PYTHON, "-c", ""])
    process.wait()
    end_tree(process.pid)


def test_a_reader_that_outlives_the_program_does_not_hang_us() -> None:
    """A grandchild keeps the pipe open after its parent has ended well (a daemon, for example)."""
    code = (
        "import subprocess, sys; "
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); print(p.pid)"
    )
    started = time.monotonic()
    done = run([PYTHON, "-c", code], timeout=30)
    assert time.monotonic() - started < 10
    end_tree(int(done.output))


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_request_to_end_acts_like_ctrl_c() -> None:
    with pytest.raises(KeyboardInterrupt), ending_signals():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
