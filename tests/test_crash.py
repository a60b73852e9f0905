"""Reading what a dying process said of itself."""

from __future__ import annotations

import pytest

from coblyn.crash import Crash, read_crash

LINE = (
    "coblyn-crash signal=SIGILL address=0x7f0012 offset=0x12 code=c4e27b49c0 library=/a dir/lib.so"
)


def test_a_crash_is_read() -> None:
    code = bytes.fromhex("c4e27b49c0")
    assert read_crash(LINE + "\n") == Crash("SIGILL", 0x7F0012, 0x12, code, "/a dir/lib.so")


def test_a_crash_outside_any_library_is_read() -> None:
    line = "coblyn-crash signal=SIGSEGV address=0x0 offset=-1 code= library="
    assert read_crash(line) == Crash("SIGSEGV")


@pytest.mark.parametrize(
    "line", ["", "coblyn-crash ", "load: done", LINE[:40], LINE.replace("c0 ", "c ")]
)
def test_other_lines_are_no_crash(line: str) -> None:
    assert read_crash(line) is None
