"""Shows the content of object files and libraries on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.cli.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from coblyn.native.audit import AuditReport, FileFacts

__all__ = ["show_audit"]

_MAX_FILES = 40
_MAX_LETTERS = 1000


def show_audit(console: Console, report: AuditReport) -> None:
    """Show a block per file: its target, its content and its requirements."""
    for facts in report.files[:_MAX_FILES]:
        binary = facts.binary
        name = f"{binary.path}({binary.member})" if binary.member else str(binary.path)
        console.print(shown(name), style="bold", markup=False, highlight=False, soft_wrap=True)
        for label, value in _lines(facts):
            text = shown(_cut(value))
            console.print(f"  {label:14}{text}", markup=False, highlight=False)
    if len(report.files) > _MAX_FILES:
        more = len(report.files) - _MAX_FILES
        console.print(f"and {more} more files and members (--json lists all)", highlight=False)
    for folder in report.unfinished:
        text = f"{shown(str(folder))} holds more; the rest was not looked at"
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    console.print()


def _cut(text: str) -> str:
    """Shorten a name, since names inside a file may have any length."""
    return text if len(text) <= _MAX_LETTERS else f"{text[:_MAX_LETTERS]}…"


def _lines(facts: FileFacts) -> Iterator[tuple[str, str]]:
    binary = facts.binary
    made_for = " ".join(part for part in (binary.platform, binary.arch) if part)
    yield "kind", f"{binary.format} {binary.kind} for {made_for}"
    if binary.min_os:
        sdk = f", made with SDK {binary.sdk}" if binary.sdk else ""
        yield "lowest system", f"{binary.min_os}{sdk}"
    if facts.backends:
        yield "backends", ", ".join(backend.name for backend in facts.backends)
    if facts.shaders:
        yield "Metal shaders", facts.shaders
    if facts.cpu_variant:
        yield "CPU", facts.cpu_variant
    if binary.code and binary.code.instruction_sets:
        sets = ", ".join(each.name for each in binary.code.instruction_sets)
        asks = ", chosen at run time" if binary.code.asks_cpu else ""
        yield "instructions", f"{sets}{asks}"
    if binary.needed:
        yield "needs", ", ".join(binary.needed)
    if binary.rpaths:
        yield "looks in", ", ".join(binary.rpaths)
