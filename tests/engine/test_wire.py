"""What goes into a frame comes out of it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from coblyn.engine import wire
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
from coblyn.engine.params import SamplingParams
from coblyn.engine.request import Request
from coblyn.llama.placement import Device, Placement, Share


def through(*items: Any) -> tuple[Any, ...]:
    """Send a frame, one byte at a time."""
    unpacker = wire.new_unpacker()
    frames = []
    for byte in wire.pack(*items):
        unpacker.feed(bytes((byte,)))
        frames += list(unpacker)
    (frame,) = frames
    return tuple(frame)


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
    _, items = through("event", wire.event_to_wire(event))
    assert wire.event_from_wire(items) == event


def test_requests() -> None:
    request = Request(
        "id",
        (1, 2, 3),
        7,
        SamplingParams(temperature=0.5, logit_bias=((3, -math.inf),), seed=2**64 - 1, logprobs=2),
        stop=("a", "b"),
        ban_eos=True,
        special=True,
    )
    _, items = through("submit", wire.request_to_wire(request))
    assert wire.request_from_wire(items) == request


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
    (values,) = through(wire.info_to_wire(info))
    assert wire.info_from_wire(values) == info
