"""Progress as plain lines, as a bar, and in words."""

from __future__ import annotations

import io

import pytest

from coblyn.cli.bar import PlainLines, amount, bar, duration
from coblyn.progress import Progress


class Clock:
    """Seconds that pass when told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_plain_lines_come_now_and_then_with_the_time_left() -> None:
    file, clock = io.StringIO(), Clock()
    lines = PlainLines(file, clock)
    lines(Progress("Configuring", 0, None))
    lines(Progress("Configuring", 0, None, detail="not worth a line"))
    lines(Progress("Compiling", 0, 140))
    for done in range(1, 21):
        clock.now += 1
        lines(Progress("Compiling", done, 140))
    lines(Progress("Compiling", 140, 140))
    assert file.getvalue().splitlines() == [
        "Configuring...",
        "Compiling: 0 of 140 (0 %)",
        "Compiling: 10 of 140 (7 %), 2 min 10 s left",
        "Compiling: 20 of 140 (14 %), 2 min 0 s left",
        "Compiling: 140 of 140 (100 %)",
    ]


def test_a_resumed_download_counts_only_what_came_now() -> None:
    file, clock = io.StringIO(), Clock()
    lines = PlainLines(file, clock)
    lines(Progress("Fetching", 50_000_000, 100_000_000, "bytes"))
    clock.now += 10
    lines(Progress("Fetching", 60_000_000, 100_000_000, "bytes"))
    assert file.getvalue().splitlines()[-1] == "Fetching: 60.0 MB of 100.0 MB (60 %), 40 s left"


def test_the_last_report_is_written_once() -> None:
    file = io.StringIO()
    lines = PlainLines(file, Clock())
    for _ in range(3):
        lines(Progress("Checking", 5, 5))
    assert len(file.getvalue().splitlines()) == 1


@pytest.mark.parametrize(
    ("report", "text"),
    [
        (Progress("x", 3, 7), "3 of 7"),
        (Progress("x", 1_500_000, 76_600_000, "bytes"), "1.5 MB of 76.6 MB"),
        (Progress("x", 1_500_000, None, "bytes"), "1.5 MB"),
        (Progress("x", 0, None), ""),
    ],
)
def test_amount(report: Progress, text: str) -> None:
    assert amount(report) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(7.6, "8 s"), (59.9, "1 min 0 s"), (200, "3 min 20 s"), (3900, "1 h 5 min")],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


class Terminal(io.StringIO):
    """A file that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_for_each_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    file = Terminal()
    with bar(file) as report:
        report(Progress("Configuring", 0, None, detail="[bold]no markup[/]"))
        report(Progress("Compiling", 1, 140, detail="llama.cpp.o"))
        report(Progress("Compiling", 140, 140))
    text = file.getvalue()
    assert "Configuring" in text
    assert "140 of 140" in text


def test_a_file_gets_plain_lines() -> None:
    file = io.StringIO()
    with bar(file) as report:
        report(Progress("Checking", 0, None))
    assert file.getvalue() == "Checking...\n"
