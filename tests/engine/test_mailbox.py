"""Places in the queue belong to what runs, not to those who read its answers."""

from __future__ import annotations

import asyncio

import pytest

from coblyn.engine.events import Delta, Finish, Stats
from coblyn.engine.mailbox import Mailboxes
from coblyn.engine.params import SamplingParams
from coblyn.engine.request import Request
from coblyn.errors import Busy


def make_request(name: str) -> Request:
    return Request(id=name, prompt="p", max_tokens=1, sampling=SamplingParams())


async def test_a_reader_that_sleeps_takes_no_place_when_its_answer_is_made() -> None:
    boxes = Mailboxes(1)
    cancelled: list[str] = []

    def converse(name: str):  # type: ignore[no-untyped-def]
        return boxes.converse(make_request(name), lambda _: None, cancelled.append)

    slow = converse("slow")
    first = asyncio.ensure_future(anext(slow))
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await anext(converse("early"))
    boxes.deliver([Delta("slow", "a"), Delta("slow", "b"), Finish("slow", "eos", Stats())])
    assert len(boxes) == 0
    assert (await first).text == "a"
    next_one = converse("next")
    also = asyncio.ensure_future(anext(next_one))
    await asyncio.sleep(0)
    boxes.deliver([Finish("next", "eos", Stats())])
    assert isinstance(await also, Finish)
    # The slow one still gets all of it.
    assert [type(event) async for event in slow] == [Delta, Finish]
    await next_one.aclose()
    assert cancelled == []
