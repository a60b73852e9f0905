"""What travels between the client and the engine process: MessagePack arrays, the first item tells what it is.

To the engine:
    ["load", config]  ["submit", request]  ["cancel", id]  ["tokenize", call, text, add_special, parse_special]
    ["detokenize", call, tokens, special]  ["stop"]
From the engine:
    ["loading", fraction]  ["ready", info]  ["events", [event, ...]]  ["answer", call, value]
    ["error", call, code, message, hint]  ["failed", code, message, hint]

Both sides are of one installation, so there is no version in it.
"""

from __future__ import annotations

from dataclasses import asdict, astuple
from typing import Any

import msgpack

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
from coblyn.engine.interface import ModelInfo
from coblyn.engine.params import SamplingParams
from coblyn.engine.request import Request
from coblyn.llama.placement import Placement

__all__ = [
    "event_from_wire",
    "event_to_wire",
    "info_from_wire",
    "info_to_wire",
    "new_unpacker",
    "pack",
    "request_from_wire",
    "request_to_wire",
]

_KINDS: tuple[type[Event], ...] = (Delta, Prefill, Finish, Failed)


def pack(*items: Any) -> bytes:
    """One frame."""
    data: bytes = msgpack.packb(items, use_bin_type=True)
    return data


def new_unpacker() -> msgpack.Unpacker:
    """What turns bytes into frames: ``feed`` it, then iterate. Arrays become tuples."""
    return msgpack.Unpacker(
        use_list=False, raw=False, max_buffer_size=2**31 - 1, strict_map_key=False
    )


def event_to_wire(event: Event) -> tuple[Any, ...]:
    """An event as plain values."""
    if isinstance(event, Delta):  # the one that comes with every token
        tokens = [
            (t.token, t.piece, t.logprob, [(a.token, a.piece, a.logprob) for a in t.top])
            for t in event.tokens
        ]
        return (0, event.request_id, event.text, tokens)
    return (_KINDS.index(type(event)), *astuple(event))


def event_from_wire(items: tuple[Any, ...]) -> Event:
    """The event that ``event_to_wire`` took apart."""
    kind, *values = items
    if kind == 0:
        request_id, text, tokens = values
        return Delta(request_id, text, tuple(_token_from_wire(token) for token in tokens))
    if _KINDS[kind] is Finish:
        request_id, reason, stats, stop = values
        return Finish(request_id, reason, Stats(*stats), stop)
    return Prefill(*values) if _KINDS[kind] is Prefill else Failed(*values)


def _token_from_wire(items: tuple[Any, ...]) -> TokenText:
    token, piece, logprob, top = items
    return TokenText(token, piece, logprob, tuple(TokenLogprob(*other) for other in top))


def info_to_wire(info: ModelInfo) -> dict[str, Any]:
    """Facts of a model as plain values."""
    return asdict(info)


def info_from_wire(values: dict[str, Any]) -> ModelInfo:
    """The facts that ``info_to_wire`` took apart."""
    placement = Placement.from_values(values["placement"])
    return ModelInfo(**values | {"placement": placement})


def request_to_wire(request: Request) -> tuple[Any, ...]:
    """A request as plain values, in the order of its fields."""
    return astuple(request)


def request_from_wire(items: tuple[Any, ...]) -> Request:
    """The request that ``request_to_wire`` took apart."""
    request_id, tokens, max_tokens, sampling, *rest = items
    return Request(request_id, tokens, max_tokens, SamplingParams(*sampling), *rest)
