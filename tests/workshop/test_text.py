"""Texts that models read: what is not one, and what is too large, is refused before any model is loaded."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from coblyn.errors import BadRequest
from coblyn.workshop.text import MAX_TEXT, open_text, require_text


def test_what_is_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"There is no text .*none\.txt"):
        require_text(tmp_path / "none.txt")
    with pytest.raises(BadRequest, match="not a regular file"):
        require_text(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such files")
def test_what_may_never_end_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(BadRequest, match="not a regular file"):
            require_text(path)
        with pytest.raises(OSError, match="not a regular file"):
            open_text(path)


def test_a_text_has_a_maximum_size(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    with text.open("wb") as file:
        file.truncate(MAX_TEXT)
    require_text(text)
    with text.open("ab") as file:
        file.write(b"x")
    with pytest.raises(BadRequest, match="more than 64 MiB"):
        require_text(text)
    with pytest.raises(OSError, match="more than 64 MiB"):
        open_text(text)


def test_line_ends_and_damaged_characters_are_replaced(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_bytes("a\r\nb\rc\nä".encode() + b"\xff")
    assert open_text(text) == "a\nb\nc\nä\ufffd"
