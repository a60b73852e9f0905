"""Nothing from outside reaches a terminal raw."""

from __future__ import annotations

import io
import logging
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from coblyn import paths
from coblyn.cli.text import shown
from gguf_file import tiny_gguf


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain\n\ttext", "plain\n\ttext"),
        ("\x1b]0;title\x07\x1b[31m", "\\x1b]0;title\\x07\\x1b[31m"),
        ("a\rb\x08\x7f\x9b", "a\\rb\\x08\\x7f\\x9b"),
        ("\u202etxt.exe\u2066", "\\u202etxt.exe\\u2066"),
        ("\udc1b", "\\udc1b"),
        ("Größe 猫 👩\u200d🚀", "Größe 猫 👩\u200d🚀"),
    ],
)
def test_shown(text: str, seen: str) -> None:
    assert shown(text) == seen
    assert shown("a\nb", keep="") == "a\\nb"


NAME = "evil\x1b]0;owned\x07"


def coblyn(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "coblyn", *arguments]
    return subprocess.run(command, capture_output=True, timeout=60, check=False)


@pytest.mark.skipif(sys.platform == "win32", reason="no such file names there")
def test_names_of_files_are_escaped() -> None:
    path = tiny_gguf().write(paths.models() / f"{NAME}.gguf")
    for done in (
        coblyn("models"),
        coblyn("run", "nosuch", "x"),
        coblyn("serve", str(path.with_name(f"{NAME}2.gguf"))),
        coblyn("models", "--remove", NAME),
    ):
        output = done.stdout + done.stderr
        assert b"\x1b" not in output
        assert b"\\x1b]0;owned\\x07" in output
    assert not path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no such file names there")
def test_names_of_libraries_are_escaped(tmp_path: Path) -> None:
    sound = tmp_path / f"{NAME}.so"
    shutil.copyfile(shutil.which("true") or sys.executable, sound)
    cut = tmp_path / f"{NAME}.o"
    cut.write_bytes(sound.read_bytes()[:100])
    for names in ((sound,), (cut,), (sound, cut)):
        done = coblyn("doctor", *map(str, names))
        output = done.stdout + done.stderr
        assert b"\x1b" not in output
        assert b"\\x1b]0;owned\\x07" in output, names


def test_log_lines_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    from coblyn.cli.log import show_log

    stream = io.StringIO()
    logger = logging.getLogger("coblyn.test-of-the-log")
    monkeypatch.setattr(sys, "stderr", stream)
    show_log(verbose=False)
    handler = show_log(verbose=False)  # in place of the first
    try:
        logger.warning("a model said %s", "\x1b[2J")
    finally:
        logging.getLogger().removeHandler(handler)
    assert stream.getvalue() == "coblyn: a model said \\x1b[2J\n"


def test_the_log_follows_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs a command within a program may have closed what was standard error then."""
    from coblyn.cli.log import show_log

    first, second = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", first)
    handler = show_log(verbose=False)
    try:
        first.close()
        monkeypatch.setattr(sys, "stderr", second)
        logging.getLogger("coblyn.test-of-the-log").warning("still here")
    finally:
        logging.getLogger().removeHandler(handler)
    assert second.getvalue() == "coblyn: still here\n"


def test_loops_and_other_broken_entries_do_not_hide_the_others(tmp_path: Path) -> None:
    store = paths.models()
    tiny_gguf().write(store / "good.gguf")
    loop, gone = store / "loop.gguf", store / "gone.gguf"
    loop.symlink_to(loop)
    gone.symlink_to(tmp_path / "nothing")
    done = coblyn("models")
    assert done.returncode == 0
    assert b"good" in done.stdout
    assert b"loop" not in done.stdout
    assert b"loop.gguf is a link that leads to itself" in done.stderr
    assert b"gone.gguf is a link to" in done.stderr
    for name in ("nosuch", "loop"):
        done = coblyn("run", name, "x")
        assert done.returncode == 3
        assert b"Traceback" not in done.stderr
    assert b"leads to itself" in done.stderr


def test_the_doctor_quotes_logs_escaped(tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    log.write_text("make: *** No rule to make target \x1bcx\u202e.o, needed by 'all'.  Stop.\n")
    done = coblyn("doctor", str(log))
    assert b"No rule to make target" in done.stdout
    assert b"\x1b" not in done.stdout
    assert "\u202e".encode() not in done.stdout
