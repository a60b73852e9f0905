"""What goes into a frame comes out of it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from coblyn.engine import wire
from coblyn.engine.config import EngineConfig
from coblyn.engine.encoded import Encoded, Source, Text
from coblyn.engine.events import (
    Delta,
    Event,
    Failed,
    Finish,
    Prefill,
    Stats,
    TokenLogprob,
    TokenText,
)
from coblyn.engine.fake import FakeRunner
from coblyn.engine.media import RawMedia
from coblyn.engine.params import SamplingParams
from coblyn.engine.prompt import pack_ids
from coblyn.engine.request import Request
from coblyn.errors import BadRequest
from coblyn.llama.placement import Device, Placement, Share


def through(reader: wire.Reader, frame: wire.ToEngine | wire.FromEngine) -> Any:
    """Send a frame, one byte at a time."""
    frames: list[Any] = []
    for byte in wire.pack(frame):
        frames += reader.feed(bytes((byte,)))
    (arrived,) = frames
    return arrived


@pytest.mark.parametrize(
    "event",
    [
        Prefill("a", 10, 2, 5),
        Delta("a", "é text"),
        Delta(
            "a",
            "x",
            (TokenText(1, b"\xff"), TokenText(2, b"y", -0.5, (TokenLogprob(3, b"z", -1.0),))),
        ),
        Finish("a", "stop", Stats(1, 2, 3, 0.1, 0.2, 0.3), "END"),
        Failed("a", "busy", "Too much.", "Wait."),
    ],
)
def test_events(event: Event) -> None:
    frame = wire.Events([event])
    arrived = through(wire.to_client(), frame)
    assert arrived == frame
    assert type(arrived.events[0]) is type(event)


def test_requests() -> None:
    request = Request(
        "id",
        "prompt",
        7,
        SamplingParams(temperature=0.5, logit_bias=((3, -math.inf),), seed=2**64 - 1, logprobs=2),
        stop=("a", "b"),
        ban_eos=True,
        special=True,
        negative="another",
    )
    assert through(wire.to_engine(), wire.Submit(request)) == wire.Submit(request)


def test_facts_of_a_model() -> None:
    placement = Placement(
        -1,
        31,
        20,
        (Device("CUDA0", "GeForce", "gpu", "CUDA", "CUDA0"),),
        (Share("CUDA0", 5, 4, 3), Share("CPU", 1)),
        2,
        ("AVX2",),
    )
    info = replace(FakeRunner().info, placement=placement)
    assert through(wire.to_client(), wire.Ready(info)) == wire.Ready(info)


@pytest.mark.parametrize(
    "frame",
    [
        wire.Load(EngineConfig("model.gguf", flash_attention=False)),
        wire.Cancel("a"),
        wire.EndThinking("a"),
        wire.Encode(1, Source((Text("é\0", True, False),), (Text("m"),), pack_ids((1,)), 5)),
        wire.Encode(1, Source((Text("", False, True, b"\0cat"),))),
        wire.Seek(4, [b"\0cat", b""]),
        wire.Show(5, RawMedia(b"\0cat", "image", 2, 1, bytes(range(6)))),
        wire.Detokenize(2, pack_ids([1, 2, 2**31 - 1]), False),
        wire.Ping(),
        wire.Stop(),
    ],
)
def test_frames_to_the_engine(frame: wire.ToEngine) -> None:
    assert through(wire.to_engine(), frame) == frame


@pytest.mark.parametrize(
    "frame",
    [
        wire.Loading(0.5),
        wire.Answer(1, b"\xff"),
        wire.Answer(1, Encoded("a-1", 3, 1, b"hash", pack_ids((1, 2, 3)))),
        wire.Refusal(1, "busy", "Too much.", "Wait."),
        wire.Broken("engine", "It failed."),
        wire.Pong(1.5),
    ],
)
def test_frames_from_the_engine(frame: wire.FromEngine) -> None:
    assert through(wire.to_client(), frame) == frame


def test_frames_that_arrive_together_are_all_there() -> None:
    reader = wire.to_engine()
    data = b"".join(wire.pack(wire.Cancel(str(number))) for number in range(5))
    arrived = [*reader.feed(data[:17]), *reader.feed(data[17:])]
    assert arrived == [wire.Cancel(str(number)) for number in range(5)]


def test_a_wrong_frame_says_who_asked_and_the_next_one_is_read() -> None:
    wrong = msgspec.msgpack.encode(["encode", 7, 5])
    data = len(wrong).to_bytes(4, "little") + wrong + wire.pack(wire.Ping())
    first, second = wire.to_engine().feed(data)
    assert (first.kind, first.asked) == ("encode", 7)
    assert second == wire.Ping()


@pytest.mark.parametrize(
    "frame",
    [
        wire.Encode(1, Source(ids=pack_ids(range(1000)))),
        wire.Answer(1, Encoded("a", 1000, ids=pack_ids(range(1000)))),
        wire.Detokenize(1, pack_ids(range(1000)), False),
    ],
)
def test_token_ids_are_one_bytes_object(frame: wire.ToEngine | wire.FromEngine) -> None:
    def leaves(value: Any) -> list[Any]:
        if isinstance(value, dict):
            return [leaf for each in value.values() for leaf in leaves(each)]
        return [leaf for each in value for leaf in leaves(each)] if type(value) is list else [value]

    found = leaves(msgspec.msgpack.decode(wire.pack(frame)[4:]))
    assert len(found) < 60
    assert pack_ids(range(1000)) in found


def test_a_request_for_an_encoded_prompt_is_small() -> None:
    assert len(wire.pack(wire.Submit(Request("a" * 32, "b" * 20, 1)))) < 1000


def test_an_error_names_its_field_on_the_other_side() -> None:
    wrong = BadRequest("It is too large.", field="top_k", hint="Take less.")
    (frame,) = wire.to_client().feed(bytes(wire.pack(wire.Events([Failed.by("a", wrong)]))))
    error = frame.events[0].error
    assert (type(error), error.field, str(error)) == (BadRequest, "top_k", str(wrong))
