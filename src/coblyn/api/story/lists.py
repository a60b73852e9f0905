"""Lists of stories as answers. A long one is written a part at a time: as a whole it would hold up other answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

from msgspec import to_builtins
from msgspec.json import encode
from starlette.responses import Response

from coblyn.api.stream import StreamResponse
from coblyn.service.stories import Stories
from coblyn.story.store.library import Shelf

__all__ = ["found_list", "in_parts", "whole_list"]

Tell = Callable[[Sequence[Shelf]], Any]
"""What is told of some stories: JSON objects."""

_AT_ONCE = 250
"""Stories whose part of an answer is written in one piece, which takes a quarter of a millisecond."""


async def whole_list(stories: Stories, title: str, **part: Any) -> Response:
    """Stories, or those with something in their titles (`Stories.listed`)."""
    listed = await stories.listed(title=title, **part)
    return _answer(listed.stories, list, {"num_stories": listed.num_stories})


async def found_list(stories: Stories, words: str, **part: Any) -> Response:
    """Stories that hold all words, each with an excerpt (`Stories.holding`)."""
    shelves, found = await stories.holding(words, **part)
    excerpts = {hit.story: hit.excerpt for hit in found.hits if hit.place != "title"}

    def told(some: Sequence[Shelf]) -> list[Any]:
        return [to_builtins(shelf) | {"excerpt": excerpts.get(shelf.id, "")} for shelf in some]

    counts = {"num_stories": found.num_hits, "num_unread": found.num_unread}
    return _answer(shelves, told, counts)


def _answer(shelves: Sequence[Shelf], tell: Tell, counts: dict[str, int]) -> Response:
    media_type = "application/json"
    if len(shelves) <= _AT_ONCE:
        return Response(encode({**counts, "stories": tell(shelves)}), media_type=media_type)
    return StreamResponse(in_parts(shelves, tell, counts), (), media_type)


async def in_parts(
    shelves: Sequence[Shelf], tell: Tell, counts: dict[str, int], at_once: int = _AT_ONCE
) -> AsyncGenerator[bytes, None]:
    """A JSON object with some counts and ``stories``, piece by piece; others have their turn between two of them."""
    yield encode(counts)[:-1] + b',"stories":['
    for start in range(0, len(shelves), at_once):
        inner = encode(tell(shelves[start : start + at_once]))[1:-1]
        yield b"," + inner if start else inner
        await asyncio.sleep(0)
    yield b"]}"
