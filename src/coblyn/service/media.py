"""Images and sounds of requests: fetched if allowed, decoded by a child process, and sent to the engine once."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace

from coblyn.chat.attachment import Attachment, split_marks
from coblyn.engine.encoded import Text
from coblyn.engine.interface import EngineClient
from coblyn.engine.media import Kind, RawMedia
from coblyn.errors import BadRequest, FetchError
from coblyn.media.client import Decoded, MediaFiles, shared_media_files
from coblyn.media.unreadable import Unreadable

__all__ = ["MAX_MEDIA", "MediaLoader", "Shown", "require_all", "texts_of"]

MAX_MEDIA = 64
"""Maximum number of images and sounds per request."""

MAX_FETCHED = 20 << 20
"""Maximum size of a fetched file in bytes."""

_AT_ONCE = 2
_DIGEST_SIZE = 16

Fetch = Callable[[str, int], Awaitable[bytes]]

Shown = Mapping[str, Text]
"""The replacement of each mark in a prompt."""


class MediaLoader:
    """Decodes images and sounds and sends them to an engine.

    Args:
        files: Decodes files; None for this server's decoder.
        fetch: Fetches a file from the public web, up to a maximum size; None if not allowed.
    """

    def __init__(self, files: MediaFiles | None = None, fetch: Fetch | None = None) -> None:
        self._files = files
        self._fetch = fetch
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def show(self, engine: EngineClient, media: Collection[Attachment]) -> Shown:
        """Send images and sounds to an engine; those it already has are only looked up.

        Raises:
            BadRequest: There are too many, or one is not supported by the model or cannot be decoded; ``field`` names
                it.
        """
        if len(media) > MAX_MEDIA:
            raise BadRequest(
                f"These are {len(media)} images and sounds; a request may have {MAX_MEDIA}.",
                field=next(iter(media)).field,
            )
        shown: dict[str, Text] = {}
        digests: dict[bytes, Attachment] = {}
        for each in media:
            if each.kind in engine.info.media:
                loaded = await self._loaded(each)
                digest = _digest(loaded, engine.info.sample_rate)
                digests[digest], shown[each.mark] = loaded, Text("", media=digest)
            else:
                shown[each.mark] = _instead(each, engine.info.media)
        for digest in await engine.unknown_media(list(digests)) if digests else ():
            await self._show(engine, digest, digests[digest])
        return shown

    async def _show(self, engine: EngineClient, digest: bytes, media: Attachment) -> None:
        rate = engine.info.sample_rate
        async with self._turns:
            found = await asyncio.to_thread(self._read, media, rate)
            raw = RawMedia(digest, media.kind, found.width, found.height, found.data)
            try:
                await engine.show(raw)
            except BadRequest as error:
                raise BadRequest(f"{media.field}: {error.message}", field=media.field) from error

    def _read(self, media: Attachment, sample_rate: int) -> Decoded:
        files = self._files or shared_media_files()
        try:
            return files.read(media.kind, media.data, sample_rate)
        except Unreadable as error:
            raise BadRequest(f"{media.field}: {error}.", field=media.field) from error

    async def _loaded(self, media: Attachment) -> Attachment:
        if not media.url:
            return media
        if self._fetch is None:
            raise BadRequest(
                f"{media.field} is an address, and this server fetches nothing.",
                field=media.field,
                hint="Send the file itself as base64, or start the server with --fetch-media.",
            )
        try:
            data = await self._fetch(media.url, MAX_FETCHED)
        except FetchError as error:
            raise BadRequest(f"{media.field}: {error.message}", field=media.field) from error
        return replace(media, data=data, url="")


def texts_of(text: str, shown: Shown, *, add_special: bool = True) -> tuple[Text, ...]:
    """The parts of a text with marks, to be tokenized.

    Args:
        text: The text.
        shown: The replacements of its marks.
        add_special: Whether a BOS token is put before it where the model wants one.
    """
    parts = split_marks(text)
    found = [Text(parts[0], add_special=add_special)]
    for mark, after in zip(parts[1::2], parts[2::2], strict=True):
        found.append(shown.get(mark) or Text(mark, add_special=False))
        if after:
            found.append(Text(after, add_special=False))
    return tuple(found)


def require_all(text: str, media: Sequence[Attachment]) -> None:
    """Refuse a text that lacks the mark of an image or a sound.

    Raises:
        BadRequest: The mark of one is not in the text.
    """
    for each in media:
        if each.mark not in text:
            raise BadRequest(
                f"{each.field}: this model's chat template leaves out what stands there.",
                field=each.field,
            )


def _instead(media: Attachment, taken: Sequence[Kind]) -> Text:
    if not media.instead:
        what = f"{'an' if media.kind[0] in 'aeiou' else 'a'} {media.kind}"
        lack = f"takes no {media.kind}s" if taken else "reads text only"
        raise BadRequest(
            f"{media.field} is {what}, and this model {lack}.",
            field=media.field,
            hint="Load a model of images or sounds with its projector (--projector FILE).",
        )
    return Text(media.instead, add_special=False, parse_special=False)


def _digest(media: Attachment, sample_rate: int) -> bytes:
    rate = sample_rate if media.kind == "sound" else 0
    begin = f"{media.kind} {rate} ".encode()
    return hashlib.blake2b(begin + media.data, digest_size=_DIGEST_SIZE).digest()
