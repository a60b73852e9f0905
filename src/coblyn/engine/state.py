"""Saved states: the results computed for a text, kept outside the cache in memory or in a file.

A file begins with a line that names its format, and a header: what the numbers depend on (the namespace and the
context's shape), the text, and the lengths and a digest of the parts that follow. Incomplete files are refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from coblyn.engine.prompt import Adapter, Namespace, Span
from coblyn.errors import BadRequest, NotFound, SettingsError
from coblyn.files import disk_errors, put_in_place

__all__ = ["Buffers", "SavedState", "StateInfo", "StateOrder", "read_state", "write_state"]

_FORMAT = b"coblyn state 1\n"

_MAX_HEADER = 64 << 20


@dataclass(frozen=True, slots=True)
class StateOrder:
    """An operation on states.

    Attributes:
        action: ``look`` reports a text and the slots; ``save`` saves the text; ``load`` restores a saved state;
            ``erase`` removes the text from the cache; ``clear`` empties the slots.
        rank: Selects the text: 0 for the most recent, 1 for the one before.
        slot: Slot in memory, if no file is given.
        path: The file.
    """

    action: Literal["look", "save", "load", "erase", "clear"]
    rank: int = 0
    slot: int = 0
    path: str = ""


@dataclass(frozen=True, slots=True)
class StateInfo:
    """The result of an operation.

    Attributes:
        tokens: Length of the text in tokens; 0 if there is none.
        size: Size of its state in bytes.
        slots: For each slot in use, its number and the tokens and bytes of its state.
    """

    tokens: int = 0
    size: int = 0
    slots: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Buffers:
    """The binary parts of a copy.

    Attributes:
        state: State of the sequence.
        logits: Logits after its prompt, or empty.
        windows: Copies of the sliding window, by the length at which each was taken.
    """

    state: bytes
    logits: bytes = b""
    windows: Mapping[int, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SavedState:
    """A copy of a sequence, with everything needed to decide where it can be restored.

    Attributes:
        namespace: What the numbers depend on.
        shape: Shape of the context; only a context of the same shape can restore it.
        spans: The text.
        logits_at: Length at which the logits are kept, the end of its prompt; 0 for none.
        start: First position of its window.
        marks: Lengths at which its window is kept too.
        buffers: The binary parts.
    """

    namespace: Namespace
    shape: tuple[int, ...]
    spans: tuple[Span, ...]
    logits_at: int
    start: int
    marks: tuple[int, ...]
    buffers: Buffers

    @property
    def tokens(self) -> int:
        """Length of the text in cells."""
        return sum(span.cells for span in self.spans)

    @property
    def size(self) -> int:
        """Size of the buffers in bytes."""
        return sum(map(len, _parts(self.buffers)))

    def require_like(self, namespace: Namespace, shape: tuple[int, ...]) -> None:
        """Refuse the state if it does not fit.

        Args:
            namespace: Namespace of the loaded model, without adapters.
            shape: Shape of its context.

        Raises:
            BadRequest: It is from another model, engine, cache type or shape; the message says which.
        """
        mine, theirs = dict(self.namespace.settings), dict(namespace.settings)
        for name in sorted(mine.keys() | theirs.keys()):
            if mine.get(name) != theirs.get(name):
                raise BadRequest(
                    f"The state was saved with {name} {mine.get(name)!r}, and here it is {theirs.get(name)!r}.",
                    field="filename",
                    hint="A state can be loaded only with the model, the engine and the settings it was saved with.",
                )
        if self.shape != shape:
            raise BadRequest(
                "The state was saved with a different number of requests, batch size or cell sharing.",
                field="filename",
                hint="A state can be loaded only with the settings it was saved with.",
            )


class _Header(msgspec.Struct, rename={"logits_at": "prompt_length"}):  # as earlier files have it
    settings: list[tuple[str, str]]
    adapters: list[tuple[str, float, str]]
    shape: tuple[int, ...]
    spans: list[Span]
    logits_at: int
    start: int
    marks: tuple[int, ...]
    windows: list[int]
    sizes: list[int]
    digest: bytes


def _parts(buffers: Buffers) -> list[bytes]:
    return [buffers.state, buffers.logits, *buffers.windows.values()]


def _digest(parts: list[bytes]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
    return digest.digest()


def write_state(state: SavedState, path: Path) -> int:
    """Write a state to a file, which appears only when complete. Gives its size in bytes.

    Raises:
        DiskFull, SettingsError: It cannot be written.
    """
    parts = _parts(state.buffers)
    space = state.namespace
    header = msgspec.msgpack.encode(
        _Header(
            list(space.settings),
            [(each.digest, each.scale, each.kind) for each in space.adapters],
            state.shape,
            list(state.spans),
            state.logits_at,
            state.start,
            state.marks,
            list(state.buffers.windows),
            [len(part) for part in parts],
            _digest(parts),
        )
    )
    with disk_errors(path.parent, what=f"Saving {path.name}", error=SettingsError):
        unfinished = path.with_name(f".{path.name}.new")
        try:
            with unfinished.open("wb") as file:
                file.write(_FORMAT + len(header).to_bytes(8, "little") + header)
                for part in parts:
                    file.write(part)
            put_in_place(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)
    return path.stat().st_size


def read_state(path: Path) -> SavedState:
    """Read a state that ``write_state`` wrote.

    Raises:
        NotFound: There is no such file.
        BadRequest: It is not a state, is from another version, or is incomplete.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(_FORMAT)) != _FORMAT:
                raise BadRequest(
                    f"{path.name} is not a state of this version of Coblyn.", field="filename"
                )
            size = int.from_bytes(file.read(8), "little")
            header = msgspec.msgpack.decode(file.read(min(size, _MAX_HEADER)), type=_Header)
            parts = [file.read(length) for length in header.sizes]
            has_more = bool(file.read(1))
    except FileNotFoundError:
        raise NotFound(f"There is no state {path.name}.") from None
    except (OSError, msgspec.MsgspecError, ValueError, MemoryError) as error:
        raise BadRequest(
            f"The state {path.name} cannot be read: {error}.", field="filename"
        ) from error
    if has_more or _digest(parts) != header.digest or len(parts) != 2 + len(header.windows):
        raise BadRequest(
            f"The state {path.name} is damaged.", field="filename", hint="Save it again."
        )
    return _state(header, parts)


def _state(header: _Header, parts: list[bytes]) -> SavedState:
    adapters = tuple(Adapter(*each) for each in header.adapters)
    windows = dict(zip(header.windows, parts[2:], strict=True))
    return SavedState(
        Namespace(tuple((name, value) for name, value in header.settings), adapters),
        header.shape,
        tuple(header.spans),
        header.logits_at,
        header.start,
        header.marks,
        Buffers(parts[0], parts[1], windows),
    )
