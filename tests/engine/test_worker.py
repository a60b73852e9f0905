"""The engine process's side of the pipe: a frame that cannot be read is answered, and ends nothing else."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest

from coblyn.engine import wire
from coblyn.engine.config import EngineConfig
from coblyn.engine.core import Core
from coblyn.engine.encoded import Source
from coblyn.engine.events import Event, Failed, Finish
from coblyn.engine.fake import FakeRunner
from coblyn.engine.prompt import pack_ids
from coblyn.engine.request import Request
from coblyn.engine.worker import Worker


class Frames:
    """Takes what a worker sends."""

    def __init__(self) -> None:
        self.sent: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def send(self, frame: wire.FromEngine) -> None:
        self.sent.put(frame)

    def send_events(self, events: Sequence[Event]) -> None:
        for event in events:
            self.sent.put(event)

    def next(self, kind: type) -> Any:
        while True:
            frame = self.sent.get(timeout=10)
            if isinstance(frame, kind):
                return frame


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
    assert worker.handle(wire.Stop()) is False


def handle(worker: Worker, *items: Any) -> None:
    """Send a frame that is put together by hand."""
    data = msgspec.msgpack.encode(items)
    for frame in wire.to_engine().feed(len(data).to_bytes(4, "little") + data):
        assert worker.handle(frame)


def a_request(**changes: Any) -> dict[str, Any]:
    request = dict(msgspec.msgpack.decode(msgspec.msgpack.encode(Request("a", "", 3))))
    del request["prompt"]
    return request | changes


@pytest.mark.parametrize(
    "request_",
    [
        a_request(sampling=(1.0,) * 40),
        a_request(sampling={"temperature": 1e39}),
        a_request(sampling={"temperature": "warm"}),
        a_request(prompt={"spans": [["tokens", "x"]]}),
        a_request(prompt=5),
        a_request(max_tokens=None),
        a_request(prompt="unknown"),
        {"id": "a"},
    ],
)
def test_a_request_that_can_not_be_read_fails_alone(
    worker: Worker, frames: Frames, request_: dict[str, Any]
) -> None:
    prompt = worker._encoder.encode(Source(ids=pack_ids((104, 105)))).id
    handle(worker, "submit", {"prompt": prompt} | request_)
    assert frames.next(Failed).request_id == "a"
    handle(worker, "submit", a_request(id="b", prompt=prompt))
    assert frames.next(Finish).request_id == "b"


def test_a_question_that_can_not_be_read_is_answered(worker: Worker, frames: Frames) -> None:
    for frame in (
        ("encode", 7, {"texts": [{"text": 5}]}),
        ("encode", 7),
        ("detokenize", 7, pack_ids((10**6,)), False),
        ("detokenize", 7, b"odd", False),
    ):
        handle(worker, *frame)
        assert frames.next(wire.Refusal).call == 7
    source = {"texts": [{"text": "hi"}], "is_prompt": False, "wants_ids": True}
    handle(worker, "encode", 8, source)
    assert frames.next(wire.Answer).value.ids == pack_ids((256, 104, 105))


def test_the_scripted_engine_has_the_context_that_is_set(worker: Worker) -> None:
    assert worker._make_runner(EngineConfig(model="", context=64)).info.context == 64
    assert worker._make_runner(EngineConfig(model="")).info.context == FakeRunner().context
