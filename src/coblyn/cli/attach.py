"""Images and sounds from local files as parts of a message."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coblyn.errors import BadRequest
from coblyn.files import read_small

__all__ = ["content_with"]

_MAX_SIZE = 256 * 2**20
"""Bytes of a picture or a recording."""


def content_with(text: str, files: Sequence[Path]) -> str | list[dict[str, Any]]:
    """The content of a message: image and sound files followed by a text.

    Raises:
        BadRequest: A file cannot be read.
    """
    if not files:
        return text
    return [*(_part(file) for file in files), {"type": "text", "text": text}]


def _part(file: Path) -> dict[str, Any]:
    from coblyn.chat.attachment import read_file

    try:
        data = base64.b64encode(read_small(file, _MAX_SIZE)).decode()
    except OSError as error:
        raise BadRequest(f"{file} cannot be read: {error.strerror}.", field="image") from error
    if read_file(data, str(file)).kind == "sound":
        return {"type": "input_audio", "input_audio": {"data": data}}
    return {"type": "image_url", "image_url": f"data:;base64,{data}"}
