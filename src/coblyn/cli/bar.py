"""Progress on stderr: a bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress as RichProgress
    from rich.progress import Task, TaskID

    from coblyn.progress import Progress, Report

__all__ = ["PlainLines", "amount", "bar", "duration", "later"]

_LINE_SECONDS = 10.0


@contextmanager
def bar(file: TextIO | None = None) -> Iterator[Report]:
    """Yield a receiver that shows progress reports.

    Args:
        file: The output; stderr if None.
    """
    out = file or sys.stderr
    if not out.isatty():
        yield PlainLines(out)
        return
    with _rich_progress(out) as shown:
        yield _Bars(shown)


def later(report: Report, seconds: float = 1.0) -> Report:
    """A receiver that ignores reports in the first seconds, since short work needs no progress."""
    began = time.monotonic()

    def pass_on(progress: Progress) -> None:
        if time.monotonic() - began >= seconds:
            report(progress)

    return pass_on


class PlainLines:
    """Writes a line when a phase begins, every ten seconds, and when it is done.

    Args:
        file: Where to write.
        clock: Gives monotonic seconds.
    """

    def __init__(self, file: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._clock = clock
        self._phase = ""
        self._began = self._written = 0.0
        self._first = 0
        self._is_done = False

    def __call__(self, report: Progress) -> None:
        """Take one report."""
        now = self._clock()
        is_new = report.phase != self._phase
        if is_new:
            self._phase, self._began, self._first = report.phase, now, report.done
            self._is_done = False
        is_done = bool(report.total) and report.done == report.total
        has_ended = is_done and not self._is_done
        if is_new or has_ended or now - self._written >= _LINE_SECONDS:
            self._written, self._is_done = now, is_done
            self._file.write(self._line(report, now - self._began) + "\n")
            self._file.flush()

    def _line(self, report: Progress, seconds: float) -> str:
        if not report.total:
            return f"{report.phase}: {report.detail}" if report.detail else f"{report.phase}..."
        text = f"{report.phase}: {amount(report)} ({100 * report.done // report.total} %)"
        progressed = report.done - self._first
        if report.done == report.total or progressed <= 0 or seconds < 1:
            return text
        return f"{text}, {duration(seconds / progressed * (report.total - report.done))} left"


class _Bars:
    """One bar per phase; finished ones stay."""

    def __init__(self, shown: RichProgress) -> None:
        self._shown = shown
        self._phase = ""
        self._task: TaskID | None = None

    def __call__(self, report: Progress) -> None:
        """Take one report."""
        if self._task is None or report.phase != self._phase:
            self._finish()
            self._phase = report.phase
            self._task = self._shown.add_task(
                report.phase, total=report.total, amount="", detail=""
            )
        self._shown.update(
            self._task,
            completed=report.done,
            total=report.total,
            amount=amount(report),
            detail=report.detail,
        )

    def _finish(self) -> None:
        if self._task is None:
            return
        task = self._shown.tasks[self._task]
        if task.total is None:
            # Its total was never known, but it is done.
            self._shown.update(self._task, total=1, completed=1, amount="", detail="")
        else:
            self._shown.update(self._task, detail="")


def amount(report: Progress) -> str:
    """The amount done: "12.3 MB of 76.6 MB" or "42 of 140"; empty if nothing can be counted."""
    from coblyn.files import human_size

    show = human_size if report.unit == "bytes" else str
    if report.total is None:
        return show(report.done) if report.done else ""
    return f"{show(report.done)} of {show(report.total)}"


def duration(seconds: float) -> str:
    """A duration in readable form: "8 s", "3 min 20 s", "1 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _rich_progress(out: TextIO) -> RichProgress:
    from rich.console import Console
    from rich.progress import BarColumn, ProgressColumn, TextColumn
    from rich.progress import Progress as Shown
    from rich.table import Column
    from rich.text import Text

    class Times(ProgressColumn):
        """The elapsed and the remaining time."""

        def render(self, task: Task) -> Text:
            times = [duration(task.finished_time or task.elapsed or 0)]
            if task.time_remaining and not task.finished:
                times.append(f"{duration(task.time_remaining)} left")
            return Text(", ".join(times))

    return Shown(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[amount]}", markup=False),
        Times(),
        TextColumn(
            "{task.fields[detail]}",
            markup=False,
            style="dim",
            table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
        ),
        console=Console(file=out),
        expand=True,
    )
