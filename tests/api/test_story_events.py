"""The stream of a story's changes ends when its page goes away, also while something changes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from coblyn.api.story.events import story_events
from coblyn.service.stories import Stories


class QuietStories:
    """A story in which nothing is ever appended, though its watchers are told of news."""

    def __init__(self) -> None:
        self.flag = asyncio.Event()

    @contextmanager
    def watching(self, story: str) -> Iterator[asyncio.Event]:
        yield self.flag

    async def records(self, story: str, after: int, limit: int) -> list[Any]:
        return []

    def num_watchers(self, story: str) -> int:
        return 0


@pytest.mark.parametrize("num_turns", range(4))
async def test_it_ends_when_the_page_leaves_at_the_moment_of_news(num_turns: int) -> None:
    stories = QuietStories()

    async def read() -> None:
        async for _ in story_events(cast("Stories", stories), "story", 0, lambda: False):
            pass

    reader = asyncio.create_task(read())
    await asyncio.sleep(0.01)
    stories.flag.set()
    for _ in range(num_turns):
        await asyncio.sleep(0)
    reader.cancel()
    done, _ = await asyncio.wait([reader], timeout=5.0)
    reader.cancel()
    assert done
