"""Images and sounds in conversations: files from clients, and the marks that represent them in texts."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from coblyn.errors import BadRequest

__all__ = [
    "MEDIA_WORD",
    "Attachment",
    "Content",
    "attached",
    "read_address",
    "read_base64",
    "read_file",
    "split_marks",
    "unmarked",
]

Kind = Literal["image", "sound"]

MEDIA_WORD = "<__media__>"
"""The marker of an image or a sound in prompts of llama-server's clients."""

# Letters and digits, so that no template, filter or JSON changes it; a secret number, so that no text contains it by
# accident or intent.
_NONCE = secrets.token_hex(8)
_MARK = re.compile(f"(media{_NONCE}x[0-9a-f]{{16}}x)")
_DATA_ADDRESS = re.compile(r"data:[^,;]*(?:;[^,;]*)*,", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Attachment:
    """An image or a sound.

    Attributes:
        kind: Image or sound.
        field: Its path in the body.
        data: The file; empty if it has to be fetched.
        url: The address to fetch it from; empty if it came with the request.
        instead: Replacement text if the model does not support it; if empty, the request is refused.
        mark: Represents it in texts.
    """

    kind: Kind
    field: str
    data: bytes = dataclasses.field(default=b"", repr=False)
    url: str = dataclasses.field(default="", repr=False)
    instead: str = ""
    mark: str = dataclasses.field(
        default_factory=lambda: f"media{_NONCE}x{secrets.token_hex(8)}x", repr=False
    )


class Content(NamedTuple):
    """A text, and the images and sounds whose marks are in it."""

    text: str
    media: tuple[Attachment, ...] = ()


def split_marks(text: str) -> list[str]:
    """Split a text before and after its marks, so that every second part is a mark."""
    return _MARK.split(text)


def unmarked(text: str) -> str:
    """A text for display, with llama-server's marker in place of each mark."""
    return _MARK.sub(MEDIA_WORD, text)


def attached(media: tuple[Attachment, ...], text: str) -> str:
    """A text preceded by the marks of images and sounds sent with it."""
    return "".join(each.mark for each in media) + text


def read_base64(value: object, field: str, kind: Kind, *, instead: str = "") -> Attachment:
    """An image or a sound from base64 text or a data URL.

    Raises:
        BadRequest: It is not base64 text, or is empty.
    """
    if not isinstance(value, str):
        raise BadRequest(f"{field} must be base64 text.", field=field)
    head = _DATA_ADDRESS.match(value)
    text = value[head.end() :] if head else value
    try:
        # Some clients break lines, leave out the padding, or use the alphabet of addresses.
        plain = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
        data = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest(f"{field} is not base64 text: {error}.", field=field) from None
    if not data:
        raise BadRequest(f"{field} is empty.", field=field)
    return Attachment(kind, field, data, instead=instead)


def read_file(value: object, field: str) -> Attachment:
    """An image or a sound from base64 text of either kind; whatever is not a sound counts as an image.

    Raises:
        BadRequest: It is not base64 text, or is empty.
    """
    found = read_base64(value, field, "image")
    return replace(found, kind="sound") if _is_sound(found.data) else found


def _is_sound(data: bytes) -> bool:
    is_wave = data[:4] == b"RIFF" and data[8:12] == b"WAVE"
    is_mp3 = data[:3] == b"ID3" or (
        data[:1] == b"\xff" and data[1:2] >= b"\xe0" and data[1:2] != b"\xff"
    )
    return is_wave or data[:4] in (b"fLaC", b"OggS") or (is_mp3 and data[:2] != b"\xff\xd8")


def read_address(value: object, field: str, kind: Kind, *, instead: str = "") -> Attachment:
    """An image or a sound from a data URL or a web address.

    Raises:
        BadRequest: It is neither.
    """
    if isinstance(value, Mapping):
        value, field = value.get("url"), f"{field}.url"
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{field} must be an address.", field=field)
    if value[:5].lower() == "data:":
        if ";base64," not in value[:200].lower():
            raise BadRequest(f"{field}: data addresses have to be base64.", field=field)
        return read_base64(value, field, kind, instead=instead)
    if value[:8].lower().startswith(("http://", "https://")):
        return Attachment(kind, field, url=value, instead=instead)
    scheme = value.partition(":")[0][:20]
    raise BadRequest(
        f"{field}: addresses of kind {scheme!r} are not read.",
        field=field,
        hint="Send the file itself, as data:image/png;base64,…",
    )


def _image(part: Mapping[str, Any], field: str) -> Attachment:
    for name in ("image_url", "url", "image"):
        if part.get(name) is not None:
            return read_address(part[name], f"{field}.{name}", "image")
    if part.get("file_id"):
        raise BadRequest(f"{field}: there are no files by id here.", field=f"{field}.file_id")
    raise BadRequest(f"{field} is an image without an image_url.", field=field)


def _sound(part: Mapping[str, Any], field: str) -> Attachment:
    if part.get("audio_url") is not None:
        return read_address(part["audio_url"], f"{field}.audio_url", "sound")
    where = f"{field}.input_audio"
    given = part.get("input_audio")
    if not isinstance(given, Mapping):
        raise BadRequest(f"{where} must be an object with data.", field=where)
    return read_base64(given.get("data"), f"{where}.data", "sound")


PARTS = {
    **dict.fromkeys(("image_url", "input_image", "image"), _image),
    **dict.fromkeys(("input_audio", "audio_url"), _sound),
}
"""Readers of the parts of a content, as OpenAI's APIs have them, that are images or sounds."""
