"""Several generations as one stream of events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from coblyn.service.generate import Generation
from coblyn.service.replies import Replies, Reply, replies

__all__ = ["merge"]


async def merge(generations: Sequence[Generation]) -> AsyncGenerator[tuple[int, Reply], None]:
    """Yield the replies of all generations as they arrive, each with its generation's index; closes all of them.

    Raises:
        CoblynError: What the first generation that fails raises; the others are cancelled.
    """
    if len(generations) == 1:
        async with aclosing(replies(generations[0])) as only:
            async for reply in only:
                yield 0, reply
        return
    queue: asyncio.Queue[tuple[int, Reply] | Exception | None] = asyncio.Queue()
    readers = [
        asyncio.create_task(_read(index, replies(generation), queue))
        for index, generation in enumerate(generations)
    ]
    try:
        num_open = len(readers)
        while num_open:
            item = await queue.get()
            if isinstance(item, Exception):
                raise item
            if item is None:
                num_open -= 1
            else:
                yield item
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        for generation in generations:
            await generation.aclose()


async def _read(
    index: int, source: Replies, queue: asyncio.Queue[tuple[int, Reply] | Exception | None]
) -> None:
    try:
        async for reply in source:
            queue.put_nowait((index, reply))
    except Exception as error:  # noqa: BLE001 - the border of a task: the reader of the queue raises it
        queue.put_nowait(error)
    else:
        queue.put_nowait(None)
