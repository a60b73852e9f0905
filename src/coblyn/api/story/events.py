"""The stream that informs other tabs about changes to a story."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from coblyn.api.framing import SSE
from coblyn.api.stream import compact
from coblyn.service.stories import Stories

__all__ = ["story_events"]

_BATCH = 500
_QUIET_SECONDS = 15.0
_LOOK_SECONDS = 1.0


async def story_events(
    stories: Stories, story: str, after: int, is_ending: Callable[[], bool]
) -> AsyncGenerator[bytes, None]:
    """Server-sent events with the operations appended after a version, as they happen.

    Args:
        stories: The stories.
        story: The story's id.
        after: The version that the client has.
        is_ending: Says whether the server is stopping; then the stream ends, and the client reconnects later.
    """
    with stories.watching(story) as flag:
        num_watchers, quiet = 0, 0.0
        while not is_ending():
            if flag.is_set():
                flag.clear()
                records = await stories.records(story, after, _BATCH)
                while records:
                    after, quiet = records[-1].version, 0.0
                    lines = [record.to_json() for record in records]
                    yield SSE.frame(compact({"version": after, "operations": lines}), b"operations")
                    records = await stories.records(story, after, _BATCH)
                if num_watchers != stories.num_watchers(story):
                    num_watchers = stories.num_watchers(story)
                    yield SSE.frame(compact({"open": num_watchers}), b"open")
            elif quiet >= _QUIET_SECONDS:
                quiet = 0.0
                yield SSE.comment(b"quiet")
            try:
                # Not wait_for: in Python 3.11 it lets nobody cancel it in the moment in which the flag is set.
                async with asyncio.timeout(_LOOK_SECONDS):
                    await flag.wait()
            except TimeoutError:
                quiet += _LOOK_SECONDS
