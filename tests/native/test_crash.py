"""A process that dies of an instruction in a library says which one, and ends as it would have ended anyway."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from coblyn.crash import Crash, read_crash
from coblyn.native.prepare import shim_dir

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or not shutil.which("c++"), reason="needs a C++ compiler (POSIX)"
)

DEADLY = """\
#include <cstdlib>
#include <csignal>
#include <thread>
#include <vector>
extern "C" void trap() { __builtin_trap(); }
extern "C" void store() { *(volatile int *) 8 = 1; }
extern "C" void jump() { ((void (*)()) 8)(); }
extern "C" void give_up() { abort(); }
extern "C" void all_trap() {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back(trap);
    for (auto & thread : threads) thread.join();
}
extern "C" int deep(int n) { volatile char room[4096]; room[0] = (char) n; return deep(n + 1) + room[0]; }
"""
CHILD = """\
import ctypes, faulthandler, sys
if sys.argv[3] == "traced":
    faulthandler.enable()
shim, deadly = (ctypes.CDLL(path) for path in sys.argv[1:3])
assert shim.coblyn_crash_install() == 1
assert shim.coblyn_crash_install() == 1
getattr(deadly, sys.argv[4])(0)
"""


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The handler, and what dies; in a directory whose name has spaces."""
    folder = tmp_path_factory.mktemp("two words")
    shim, deadly = folder / "shim.so", folder / "deadly.so"
    source = folder / "deadly.cpp"
    source.write_text(DEADLY)
    command = ["c++", "-std=c++17", "-shared", "-fPIC", "-pthread", "-Werror=return-type"]
    subprocess.run([*command, "-O2", shim_dir() / "crash.cpp", "-o", shim], check=True)
    subprocess.run([*command, "-O0", source, "-o", deadly], check=True)
    return shim, deadly


def die(
    libraries: tuple[Path, Path], how: str, *, is_traced: bool = False
) -> tuple[int, list[Crash], str]:
    """Exit code, what was read, and standard error of a process that calls a deadly function."""
    traced = "traced" if is_traced else "plain"
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *libraries, traced, how],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    crashes = [crash for line in done.stderr.splitlines() if (crash := read_crash(line))]
    return done.returncode, crashes, done.stderr


def test_an_instruction_is_told(libraries: tuple[Path, Path]) -> None:
    code, (crash,), _ = die(libraries, "trap")
    # Compilers take ud2 on x86-64 and brk on ARM, whose signal is another.
    assert code == -getattr(signal, crash.signal)
    assert crash.library == str(libraries[1])
    assert len(crash.code) == 16
    assert crash.code in libraries[1].read_bytes()
    assert 0 < crash.offset < crash.address


def test_the_trap_is_at_the_offset(libraries: tuple[Path, Path]) -> None:
    _, (crash,), _ = die(libraries, "trap")
    if sys.platform == "linux":  # where code lies in the file as in the image
        assert libraries[1].read_bytes()[crash.offset :].startswith(crash.code)


def test_a_bad_address_is_told(libraries: tuple[Path, Path]) -> None:
    code, (crash,), _ = die(libraries, "store")
    assert (code, crash.signal) == (-signal.SIGSEGV, "SIGSEGV")
    assert crash.library == str(libraries[1])


def test_code_that_is_nowhere_can_not_be_read(libraries: tuple[Path, Path]) -> None:
    code, crashes, _ = die(libraries, "jump")
    assert code == -signal.SIGSEGV
    assert crashes == [Crash("SIGSEGV", 8)]


def test_abort_is_told(libraries: tuple[Path, Path]) -> None:
    code, (crash,), _ = die(libraries, "give_up")
    assert (code, crash.signal) == (-signal.SIGABRT, "SIGABRT")
    assert crash.library


def test_threads_that_die_at_once_are_told_once(libraries: tuple[Path, Path]) -> None:
    code, (crash,), _ = die(libraries, "all_trap")
    assert code == -getattr(signal, crash.signal)


def test_a_full_stack_is_told(libraries: tuple[Path, Path]) -> None:
    code, (crash,), _ = die(libraries, "deep")
    assert code in (-signal.SIGSEGV, -signal.SIGBUS)
    assert crash.library == str(libraries[1])


def test_pythons_own_handler_comes_after(libraries: tuple[Path, Path]) -> None:
    code, (crash,), errors = die(libraries, "trap", is_traced=True)
    assert code == -getattr(signal, crash.signal)
    assert "Fatal Python error" in errors
    assert errors.index("coblyn-crash") < errors.index("Fatal Python error")
