"""What travels between the client and the engine process: frames, each a length of four bytes and a MessagePack array.

A frame is a struct with a tag; what it carries are the dataclasses of the engine, as they are, nested ones included.
Token ids are one bytes object (``coblyn.engine.prompt``). Both sides are of one installation, so there is no version.

What a dataclass may hold is what msgspec can decode: a union of several dataclasses is not, of several structs it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from coblyn.engine.config import EngineConfig
from coblyn.engine.encoded import Encoded, Source
from coblyn.engine.events import Event
from coblyn.engine.interface import ModelInfo
from coblyn.engine.media import RawMedia
from coblyn.engine.params import SamplingParams
from coblyn.engine.request import Request
from coblyn.engine.stage_view import StageView
from coblyn.engine.state import StateOrder
from coblyn.errors import CoblynError

__all__ = [
    "AddAdapter",
    "Answer",
    "Broken",
    "Cancel",
    "Detokenize",
    "Embed",
    "Encode",
    "EndThinking",
    "Events",
    "Foresee",
    "FromEngine",
    "Load",
    "Loading",
    "Look",
    "Ping",
    "Pong",
    "Reader",
    "Ready",
    "Refusal",
    "Seek",
    "Show",
    "State",
    "Stop",
    "Submit",
    "ToEngine",
    "Told",
    "Unreadable",
    "pack",
    "pack_views",
    "to_client",
    "to_engine",
    "unpack_views",
]

_HEAD = 4
"""Bytes of a frame's length."""


class _Frame(msgspec.Struct, frozen=True, array_like=True):
    """Fields in their order, behind the name of the frame."""


class Load(_Frame, frozen=True, tag="load"):
    """Load a model; the first frame."""

    config: EngineConfig


class Submit(_Frame, frozen=True, tag="submit"):
    """Start a request; ``Events`` follow."""

    request: Request


class Cancel(_Frame, frozen=True, tag="cancel"):
    """End a request early."""

    request_id: str


class EndThinking(_Frame, frozen=True, tag="end_thinking"):
    """Let a request answer: its reasoning ends where it is."""

    request_id: str


class Encode(_Frame, frozen=True, tag="encode"):
    """Ask for a prompt to be made."""

    call: int
    source: Source


class Seek(_Frame, frozen=True, tag="seek"):
    """Ask which images and sounds, by their digests, are not known."""

    call: int
    digests: list[bytes]


class Show(_Frame, frozen=True, tag="show"):
    """Have an image or a sound taken apart and kept; the answer says how many tokens it takes."""

    call: int
    media: RawMedia


class Foresee(_Frame, frozen=True, tag="foresee"):
    """Ask how many tokens of a prompt are in memory."""

    call: int
    prompt_id: str


class Look(_Frame, frozen=True, tag="look"):
    """Ask what could be drawn behind a prompt, after each sampler; the answer is packed ``StageView``s."""

    call: int
    prompt: str
    sampling: SamplingParams
    max_count: int


class Detokenize(_Frame, frozen=True, tag="detokenize"):
    """Ask for the bytes of tokens."""

    call: int
    ids: bytes
    special: bool


class Embed(_Frame, frozen=True, tag="embed"):
    """Ask for the vectors of prompts, which are computed in one step."""

    call: int
    prompt_ids: list[str]


class AddAdapter(_Frame, frozen=True, tag="add_adapter"):
    """Load a further adapter; ``Ready`` comes before the answer."""

    call: int
    text: str


class State(_Frame, frozen=True, tag="state"):
    """Look at what was computed for texts, save it, or take it back; the answer is a ``StateInfo`` in MessagePack."""

    call: int
    order: StateOrder


class Ping(_Frame, frozen=True, tag="ping"):
    """Ask whether it lives."""


class Stop(_Frame, frozen=True, tag="stop"):
    """End; the last frame."""


class Loading(_Frame, frozen=True, tag="loading"):
    """How much is loaded, 0 to 1."""

    fraction: float


class Ready(_Frame, frozen=True, tag="ready"):
    """The model is loaded, or there is something new to tell of it."""

    info: ModelInfo


class Events(_Frame, frozen=True, tag="events"):
    """What happened in a step."""

    events: list[Event]


Told = bytes | int | Encoded | list[bytes]
"""What answers to questions hold."""


class Answer(_Frame, frozen=True, tag="answer"):
    """The answer to a question."""

    call: int
    value: Told


class Refusal(_Frame, frozen=True, tag="refusal"):
    """A question has no answer; ``code`` is that of a class in ``coblyn.errors``."""

    call: int
    code: str
    message: str
    hint: str = ""
    field: str = ""


class Broken(_Frame, frozen=True, tag="broken"):
    """The engine cannot go on: its last frame."""

    code: str
    message: str
    hint: str = ""


class Pong(_Frame, frozen=True, tag="pong"):
    """It lives; ``age`` is for how many seconds the step in hand has run, or a load has shown no progress."""

    age: float


ToEngine = (
    Load
    | Submit
    | Cancel
    | EndThinking
    | Encode
    | Seek
    | Show
    | Foresee
    | Look
    | Detokenize
    | Embed
    | AddAdapter
    | State
    | Ping
    | Stop
)
FromEngine = Loading | Ready | Events | Answer | Refusal | Broken | Pong

_ENCODER = msgspec.msgpack.Encoder()


def pack(frame: ToEngine | FromEngine) -> bytearray:
    """A frame as bytes.

    Raises:
        OverflowError: It holds an integer beyond 64 bits.
    """
    data = bytearray(_HEAD)
    _ENCODER.encode_into(frame, data, _HEAD)
    data[:_HEAD] = (len(data) - _HEAD).to_bytes(_HEAD, "little")
    return data


def pack_views(views: list[StageView]) -> bytes:
    """What answers ``Look``."""
    return _ENCODER.encode(views)


def unpack_views(data: bytes) -> list[StageView]:
    """The views that ``pack_views`` packed."""
    return msgspec.msgpack.decode(data, type=list[StageView])


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A frame that is wrong: what kind it is, the first thing that it holds, and what is wrong with it."""

    kind: str
    asked: Any
    error: Exception


class Reader:
    """Turns bytes, as they come, into frames. Make it with ``to_engine`` or ``to_client``."""

    def __init__(self, decoder: msgspec.msgpack.Decoder[Any]) -> None:
        self._decoder = decoder
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Any]:
        """Take bytes, and give the frames that are whole now; one that is wrong comes as ``Unreadable``."""
        buffer = self._buffer
        buffer += data
        start = 0
        try:
            while len(buffer) >= start + _HEAD:
                end = start + _HEAD + int.from_bytes(buffer[start : start + _HEAD], "little")
                if len(buffer) < end:
                    return
                frame = bytes(memoryview(buffer)[start + _HEAD : end])
                start = end
                yield self._decode(frame)
        finally:
            del buffer[:start]

    def _decode(self, frame: bytes) -> Any:
        try:
            return self._decoder.decode(frame)
        except (msgspec.MsgspecError, CoblynError, UnicodeError) as error:
            kind, *values = msgspec.msgpack.decode(frame)
            return Unreadable(kind, values[0] if values else None, error)


def to_engine() -> Reader:
    """Reads what a client sends."""
    return Reader(msgspec.msgpack.Decoder(ToEngine))


def to_client() -> Reader:
    """Reads what an engine sends."""
    return Reader(msgspec.msgpack.Decoder(FromEngine))
