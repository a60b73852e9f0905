"""The protocol between the client and the engine process: frames of a four-byte length and a MessagePack array.

A frame is a tagged struct that carries the engine's dataclasses, nested ones included. Token ids are one bytes object
(``coblyn.engine.prompt``). Both sides belong to one installation, so there is no version number.

Dataclasses may hold only what msgspec can decode, which includes unions of structs but not of dataclasses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from coblyn.engine.config import EngineConfig
from coblyn.engine.encoded import Encoded, PromptId, Source
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
"""Size of a frame's length field in bytes."""


class _Frame(msgspec.Struct, frozen=True, array_like=True):
    """Base of all frames: encoded as the frame's name and its fields, in order."""


class Load(_Frame, frozen=True, tag="load"):
    """Load a model; the first frame."""

    config: EngineConfig


class Submit(_Frame, frozen=True, tag="submit"):
    """Start a request; ``Events`` follow."""

    request: Request[PromptId]


class Cancel(_Frame, frozen=True, tag="cancel"):
    """End a request early."""

    request_id: str


class EndThinking(_Frame, frozen=True, tag="end_thinking"):
    """End a request's reasoning at once."""

    request_id: str


class Encode(_Frame, frozen=True, tag="encode"):
    """Ask for a prompt to be made."""

    call: int
    source: Source


class Seek(_Frame, frozen=True, tag="seek"):
    """Ask which digests of images and sounds are not known."""

    call: int
    digests: list[bytes]


class Show(_Frame, frozen=True, tag="show"):
    """Send an image or a sound to keep; the answer is the number of tokens it takes."""

    call: int
    media: RawMedia


class Foresee(_Frame, frozen=True, tag="foresee"):
    """Ask how many tokens of a prompt are in memory."""

    call: int
    prompt_id: PromptId


class Look(_Frame, frozen=True, tag="look"):
    """Ask for the candidates after a prompt; the answer is packed ``StageView``s."""

    call: int
    prompt_id: PromptId
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
    prompt_ids: list[PromptId]


class AddAdapter(_Frame, frozen=True, tag="add_adapter"):
    """Load another adapter; ``Ready`` is sent before the answer."""

    call: int
    text: str


class State(_Frame, frozen=True, tag="state"):
    """Execute an operation on states; the answer is a ``StateInfo`` in MessagePack."""

    call: int
    order: StateOrder


class Ping(_Frame, frozen=True, tag="ping"):
    """Ask for a ``Pong``."""


class Stop(_Frame, frozen=True, tag="stop"):
    """End the process; the last frame."""


class Loading(_Frame, frozen=True, tag="loading"):
    """The loaded fraction, 0 to 1."""

    fraction: float


class Ready(_Frame, frozen=True, tag="ready"):
    """The model is loaded, or its facts have changed."""

    info: ModelInfo


class Events(_Frame, frozen=True, tag="events"):
    """The events of a step."""

    events: list[Event]


Told = bytes | int | Encoded | list[bytes]
"""The types of answers."""


class Answer(_Frame, frozen=True, tag="answer"):
    """The answer to a question."""

    call: int
    value: Told


class Refusal(_Frame, frozen=True, tag="refusal"):
    """The error in place of an answer; ``code`` is the code of a class in ``coblyn.errors``."""

    call: int
    code: str
    message: str
    hint: str = ""
    field: str = ""


class Broken(_Frame, frozen=True, tag="broken"):
    """The engine cannot continue; its last frame."""

    code: str
    message: str
    hint: str = ""


class Pong(_Frame, frozen=True, tag="pong"):
    """The answer to ``Ping``; ``age`` is the number of seconds of the current step, or of a load without progress."""

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
    """Pack views as the answer to ``Look``."""
    return _ENCODER.encode(views)


def unpack_views(data: bytes) -> list[StageView]:
    """The views that ``pack_views`` packed."""
    return msgspec.msgpack.decode(data, type=list[StageView])


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An invalid frame: its kind, its first field, and the error."""

    kind: str
    asked: Any
    error: Exception


class Reader:
    """Splits a byte stream into frames. Make it with ``to_engine`` or ``to_client``."""

    def __init__(self, decoder: msgspec.msgpack.Decoder[Any]) -> None:
        self._decoder = decoder
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Any]:
        """Add bytes, and give the frames that are complete now; an invalid one is given as ``Unreadable``."""
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
    """A reader of the client's frames."""
    return Reader(msgspec.msgpack.Decoder(ToEngine))


def to_client() -> Reader:
    """A reader of the engine's frames."""
    return Reader(msgspec.msgpack.Decoder(FromEngine))
