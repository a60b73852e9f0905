"""Reads text chunks anywhere in PNG files, and writes them before the end. Pixels are not decoded."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from coblyn.errors import FileRefused
from coblyn.story.bounded import inflated
from coblyn.story.phrases import Phrase, phrase, phrase_of, refused

__all__ = ["SIGNATURE", "texts_of_png", "with_texts", "without_texts"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_TEXT_CHUNKS = (b"tEXt", b"zTXt", b"iTXt")
_CARD_KEYWORDS = (b"chara", b"ccv3")


def texts_of_png(data: bytes, notes: list[Phrase]) -> dict[str, bytes]:
    """The texts of a PNG by lower-case keyword; the last of equal keywords counts.

    Args:
        data: The file.
        notes: Collects a sentence for each problem.
    """
    texts: dict[str, bytes] = {}
    for kind, body, is_sound in _chunks(data, notes):
        if kind not in _TEXT_CHUNKS:
            continue
        keyword = body.partition(b"\0")[0].decode("latin-1").lower()
        if not is_sound:
            notes.append(phrase("png_checksum", keyword=keyword[:79]))
        try:
            texts[keyword] = _text(kind, body)
        except FileRefused as error:
            notes.append(phrase_of(error))
    return texts


def with_texts(data: bytes, texts: dict[str, bytes]) -> bytes:
    """The file with these texts before its end, replacing those with the same keywords.

    Raises:
        FileRefused: It is not a complete PNG.
    """
    notes: list[Phrase] = []
    chunks = list(_chunks(data, notes))
    if notes or not chunks or chunks[-1][0] != b"IEND":
        raise refused("png_broken")
    old = {keyword.lower() for keyword in texts}
    parts = [SIGNATURE]
    for kind, body, _ in chunks[:-1]:
        keyword = body.partition(b"\0")[0].decode("latin-1").lower()
        if kind not in _TEXT_CHUNKS or keyword not in old:
            parts.append(_chunk(kind, body))
    parts += [_chunk(b"tEXt", key.encode("latin-1") + b"\0" + text) for key, text in texts.items()]
    return b"".join([*parts, _chunk(b"IEND", b"")])


def without_texts(data: bytes) -> bytes:
    """A picture without the card in it; one that is no whole PNG stays as it is."""
    notes: list[Phrase] = []
    if not data.startswith(SIGNATURE):
        return data
    chunks = list(_chunks(data, notes))
    if notes:
        return data
    kept = [
        _chunk(kind, body)
        for kind, body, _ in chunks
        if kind not in _TEXT_CHUNKS or body.partition(b"\0")[0].lower() not in _CARD_KEYWORDS
    ]
    return b"".join([SIGNATURE, *kept])


def _chunks(data: bytes, notes: list[Phrase]) -> Iterator[tuple[bytes, bytes, bool]]:
    """Type, content and whether the checksum is right, of each chunk until the file ends."""
    at = len(SIGNATURE)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 8 + length
        if end + 4 > len(data):
            notes.append(phrase("png_cut"))
            return
        body = data[at + 8 : end]
        yield kind, body, zlib.crc32(kind + body) == struct.unpack_from(">I", data, end)[0]
        if kind == b"IEND":
            return
        at = end + 4
    notes.append(phrase("png_no_end"))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _text(kind: bytes, body: bytes) -> bytes:
    keyword, _, rest = body.partition(b"\0")
    what = phrase("the_png_text", keyword=keyword[:79].decode("latin-1"))
    if kind == b"tEXt":
        return rest
    if kind == b"zTXt":
        return inflated(rest[1:], what)
    is_packed = rest[:1] == b"\1"
    text = rest[2:].split(b"\0", 2)[-1]  # after a language and a translated keyword
    return inflated(text, what) if is_packed else text
