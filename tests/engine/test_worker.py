"""The engine process's side of the pipe: a frame that can not be read is answered, and ends nothing else."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from coblyn.engine import wire
from coblyn.engine.core import Core
from coblyn.engine.events import Event, Failed, Finish
from coblyn.engine.fake import FakeRunner
from coblyn.engine.request import Request
from coblyn.engine.worker import Worker


class Frames:
    """Takes what a worker sends."""

    def __init__(self) -> None:
        self.sent: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()

    def send(self, *items: Any) -> None:
        self.sent.put(items)

    def send_events(self, events: Sequence[Event]) -> None:
        for event in events:
            self.sent.put((event,))

    def next(self, kind: type | str) -> Any:
        while True:
            frame = self.sent.get(timeout=10)
            if frame[0] == kind or (isinstance(kind, type) and isinstance(frame[0], kind)):
                return frame[0] if isinstance(kind, type) else frame


@pytest.fixture
def frames() -> Frames:
    return Frames()


@pytest.fixture
def worker(frames: Frames) -> Iterator[Worker]:
    worker = Worker(frames)  # type: ignore[arg-type]
    core = Core(FakeRunner, frames.send_events, max_running=2, busy_batch=64)
    core.start()
    worker._core = core
    yield worker
    assert worker.handle(("stop",)) is False


def a_request(**changes: Any) -> list[Any]:
    names = ("id", "tokens", "max_tokens", "sampling")
    values = list(wire.request_to_wire(Request("a", (104, 105), 3)))
    for name, value in changes.items():
        values[names.index(name)] = value
    return values


@pytest.mark.parametrize(
    "request_",
    [
        a_request(sampling=(1.0,) * 40),
        a_request(sampling=(1e39,)),
        a_request(sampling=("warm",)),
        a_request(tokens=("x", None)),
        a_request(tokens=5),
        a_request(max_tokens=None),
        ["a", (1,)],
    ],
)
def test_a_request_that_can_not_be_read_fails_alone(
    worker: Worker, frames: Frames, request_: list[Any]
) -> None:
    assert worker.handle(("submit", request_))
    assert frames.next(Failed).request_id == "a"
    assert worker.handle(("submit", a_request(id="b")))
    assert frames.next(Finish).request_id == "b"


def test_a_question_that_can_not_be_read_is_answered(worker: Worker, frames: Frames) -> None:
    for frame in (
        ("tokenize", 7, 5, True, True),
        ("tokenize", 7, "text"),
        ("detokenize", 7, (10**6,), False),
        ("detokenize", 7, ("x",), False),
    ):
        assert worker.handle(frame)
        assert frames.next("error")[1] == 7
    assert worker.handle(("tokenize", 8, "hi", False, False))
    assert frames.next("answer") == ("answer", 8, [104, 105])
