"""What is shown of binaries that somebody else made."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from coblyn.cli.audit import show_audit
from coblyn.native.audit import AuditReport, FileFacts
from coblyn.native.binary.binary import Binary, Format, Kind


def shown(report: AuditReport) -> str:
    console = Console(width=100)
    with console.capture() as capture:
        show_audit(console, report)
    return capture.get()


def binary(name: str, **given: tuple[str, ...]) -> FileFacts:
    return FileFacts(Binary(Path(name), Format.ELF, Kind.LIBRARY, "x86-64", "linux", **given))


def test_names_of_a_file_do_not_steer_the_terminal() -> None:
    facts = binary(
        "lib\x1b[2J.so", needed=("libc\x1b]0;title\x07.so",), rpaths=("/opt\x9b1m", "[red]")
    )
    text = shown(AuditReport((facts,)))
    assert not set(text) & set("\x1b\x07\x9b")
    assert "lib\\x1b[2J.so" in text
    assert "libc\\x1b]0;title\\x07.so" in text
    assert "[red]" in text


def test_what_was_not_looked_at_is_said() -> None:
    text = shown(AuditReport((binary("a.so"),) * 41, unfinished=(Path("build"),)))
    assert "and 1 more files and members" in text
    assert "build holds more; the rest was not looked at" in text
