"""The only module that starts other programs; it ends them with all their children.

A program runs in a separate process group, so that Ctrl-C only reaches Coblyn, which ends the whole tree and waits for
it before the interrupt propagates. This module knows nothing of compilers, engines or terminals.
"""

from __future__ import annotations

import logging
import os
import queue
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import psutil

from coblyn.errors import Cancelled, ProgramFailed

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "Environment",
    "Finished",
    "end_group",
    "end_tree",
    "ending_signals",
    "run",
    "show_command",
    "stream",
]

Environment = Mapping[str, str | None]
"""Changes to the environment: a value sets a variable, None removes it."""

_log = logging.getLogger(__name__)

_TAIL_LINES = 40
_GRACE_SECONDS = 3.0
# Waiting in slices keeps Ctrl-C alive on Windows, where a blocked wait cannot be interrupted.
_SLICE_SECONDS = 0.2
_IDLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that has ended.

    Attributes:
        argv: The command.
        code: Its exit code; negative is the signal that ended it (POSIX).
        output: What it wrote to stdout and stderr, in order; of `stream` only the last lines.
        seconds: How long it ran.
    """

    argv: tuple[str, ...]
    code: int
    output: str
    seconds: float


def run(
    argv: Sequence[str | Path],
    *,
    env: Environment | None = None,
    cwd: Path | None = None,
    timeout: float | None = 60.0,
    check: bool = True,
) -> Finished:
    """Run a program to its end and return all that it wrote.

    Args:
        argv: Command and arguments; never goes through a shell.
        env: Changes to our environment.
        cwd: Working directory.
        timeout: Seconds until the program and its children are ended, or None.
        check: Raise if the exit code is not 0.

    Raises:
        ProgramFailed: It cannot be started, took too long, or (with ``check``) ended with an
            error.
    """
    lines: list[str] = []
    done = stream(argv, lines.append, env=env, cwd=cwd, timeout=timeout, check=check)
    return Finished(done.argv, done.code, "".join(line + "\n" for line in lines), done.seconds)


def stream(
    argv: Sequence[str | Path],
    on_line: Callable[[str], None],
    *,
    env: Environment | None = None,
    cwd: Path | None = None,
    log: Path | None = None,
    timeout: float | None = None,
    ended: threading.Event | None = None,
    check: bool = True,
) -> Finished:
    """Run a program and hand over each line of its output (without the line end) as it comes.

    Args:
        argv: Command and arguments; never goes through a shell.
        on_line: Called in this thread with each line; what it raises ends the program.
        env: Changes to our environment.
        cwd: Working directory.
        log: A file that gets the command, the changes of the environment and all output appended.
        timeout: Seconds until the program and its children are ended, or None.
        ended: Set, on any thread, when the result is no longer wanted: the program and its children are ended.
        check: Raise if the exit code is not 0.

    Raises:
        Cancelled: Its result is no longer wanted.
        ProgramFailed: It cannot be started, took too long, or (with ``check``) ended with an
            error.
    """
    command = tuple(str(part) for part in argv)
    _log.debug("%s", _heading(command, env, cwd))
    started = time.monotonic()
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    with _log_file(log) as write, _started(command, env, cwd) as process:
        write(_heading(command, env, cwd))
        for line in _lines(process, command, timeout, ended or threading.Event()):
            write(line)
            tail.append(line)
            on_line(line)
        code = process.wait()
        seconds = time.monotonic() - started
        write(f"# ended with code {code} after {seconds:.1f} s\n")
    done = Finished(command, code, "\n".join(tail), seconds)
    if check and code != 0:
        raise _failed(done)
    return done


def show_command(argv: Sequence[str | Path]) -> str:
    """Write a command so that it can be pasted into a shell of this platform."""
    parts = [str(part) for part in argv]
    return subprocess.list2cmdline(parts) if sys.platform == "win32" else shlex.join(parts)


def end_tree(pid: int, *, grace: float = _GRACE_SECONDS) -> None:
    """End a process and its descendants: ask first, insist after ``grace`` seconds, wait."""
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
        _signal(family, hard=False)
        _, alive = psutil.wait_procs(family, timeout=grace)
        # A program that was asked to end may have started another one meanwhile.
        with suppress(psutil.NoSuchProcess):
            alive += root.children(recursive=True)
        _signal(alive, hard=True)
        psutil.wait_procs(alive, timeout=grace)


def end_group(leader: int, *, grace: float = _GRACE_SECONDS) -> None:
    """End what is left of the group of a process that has ended and was waited for, as `end_tree` does.

    Where there are no groups of processes (Windows), nothing is ended.
    """
    # No new process gets the number of a group that lives: one that has it means that the group is gone.
    if not hasattr(os, "getpgid") or psutil.pid_exists(leader):
        return
    members = [each for each in psutil.process_iter() if _group(each.pid) == leader]
    _signal(members, hard=False)
    _, alive = psutil.wait_procs(members, timeout=grace)
    _signal(alive, hard=True)
    psutil.wait_procs(alive, timeout=grace)


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


@contextmanager
def ending_signals() -> Iterator[None]:
    """Let a request to end this process act like Ctrl-C inside the block, so that it can clean up.

    Only the main thread can do that; in others, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = ("SIGTERM", "SIGHUP", "SIGBREAK")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _signal(processes: Sequence[psutil.Process], *, hard: bool) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process.kill() if hard else process.terminate()


@contextmanager
def _started(
    command: tuple[str, ...], env: Environment | None, cwd: Path | None
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program in a group of its own; leaving by an exception ends its tree."""
    try:
        process = subprocess.Popen(  # noqa: S603 (starting programs is what this module is for)
            command,
            cwd=cwd,
            env=_environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    except OSError as error:
        reason = error.strerror or str(error)
        raise ProgramFailed(f"{command[0]} cannot be started: {reason}.") from error
    try:
        yield process
    except BaseException:
        end_tree(process.pid)
        process.wait()
        raise


def _lines(
    process: subprocess.Popen[bytes],
    command: tuple[str, ...],
    timeout: float | None,
    ended: threading.Event,
) -> Iterator[str]:
    """Yield the program's lines until it closes its output."""
    assert process.stdout is not None, "stdout is always piped"
    arrived: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    reader = threading.Thread(target=_pump, args=(process.stdout, arrived), daemon=True)
    reader.start()
    deadline = None if timeout is None else time.monotonic() + timeout
    idle = 0.0
    while idle < _IDLE_SECONDS:
        try:
            line = arrived.get(timeout=_SLICE_SECONDS)
        except queue.Empty:
            # A program that has ended may have left one behind that holds the pipe open forever.
            idle = idle + _SLICE_SECONDS if process.poll() is not None else 0.0
        else:
            if line is None:
                return
            yield line
        _check_time(deadline, command, timeout)
        if ended.is_set():
            raise Cancelled(f"{show_command(command)} was ended.")


def _pump(pipe: IO[bytes], arrived: queue.SimpleQueue[str | None]) -> None:
    with suppress(ValueError, OSError), pipe:
        for raw in pipe:
            arrived.put(raw.decode("utf-8", errors="replace").rstrip("\r\n"))
    arrived.put(None)


def _check_time(deadline: float | None, command: tuple[str, ...], timeout: float | None) -> None:
    if deadline is not None and time.monotonic() > deadline:
        raise ProgramFailed(
            f"{show_command(command)} took longer than {timeout:g} seconds and was ended."
        )


def _environment(changes: Environment | None) -> dict[str, str]:
    changed = {**os.environ, **(changes or {})}
    return {name: value for name, value in changed.items() if value is not None}


def _heading(command: tuple[str, ...], env: Environment | None, cwd: Path | None) -> str:
    """Command, directory and what differs from our own environment, as lines of a log."""
    lines = [f"# in {cwd}"] if cwd else []
    for name, value in sorted((env or {}).items()):
        if value != os.environ.get(name):
            lines.append(f"# unset {name}" if value is None else f"# {name}={value}")
    return "\n".join([*lines, f"$ {show_command(command)}"])


@contextmanager
def _log_file(path: Path | None) -> Iterator[Callable[[str], None]]:
    if path is None:
        yield lambda _: None
        return
    with path.open("a", encoding="utf-8") as file:

        def write(line: str) -> None:
            file.write(line + "\n")
            file.flush()

        yield write


def _failed(done: Finished) -> ProgramFailed:
    how = f"code {done.code}" if done.code >= 0 else f"signal {-done.code}"
    message = f"{show_command(done.argv)} ended with {how}"
    return ProgramFailed(f"{message}:\n{done.output}" if done.output else f"{message}.")
