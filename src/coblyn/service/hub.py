"""What runs now and what ran last: by the callers' keys, in bounded memory.

Nothing here is "the current request" of the process. Where an API wants one, it is derived.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from coblyn.engine.events import Delta, Event, Finish, TokenText

__all__ = ["Hub", "Record"]

MAX_FINISHED = 32
"""Finished generations that are remembered, for callers who look at theirs a moment too late."""


@dataclass(slots=True, eq=False)
class Record:
    """One generation as it is seen from outside.

    Attributes:
        id: The engine's name for it.
        key: The caller's name for it, or empty.
        seed: The seed that it samples with.
        num_prompt: Tokens of the prompt.
        num_written: Tokens of the answer so far.
        parts: Its text so far, piece by piece.
        tokens: Its tokens so far, if log-probabilities were asked for or all are kept.
        keeps_tokens: Whether tokens are kept without log-probabilities too.
        finish: How it ended, once it has.
        is_aborted: Whether somebody asked for its end.
        cancel: Tells the engine to end the request of an id; None while the engine knows nothing of it.
    """

    id: str
    key: str
    seed: int = 0
    num_prompt: int = 0
    num_written: int = 0
    parts: list[str] = field(default_factory=list, repr=False)
    tokens: list[TokenText] = field(default_factory=list, repr=False)
    finish: Finish | None = None
    is_aborted: bool = False
    keeps_tokens: bool = False
    cancel: Callable[[str], Awaitable[None]] | None = field(default=None, repr=False)

    @property
    def text(self) -> str:
        """All text so far."""
        return "".join(self.parts)

    def note(self, event: Event) -> None:
        """Remember what an event says."""
        if isinstance(event, Delta):
            self.parts.append(event.text)
            self.num_written += len(event.tokens)
            if self.keeps_tokens or (event.tokens and event.tokens[0].logprob is not None):
                self.tokens += event.tokens
        elif isinstance(event, Finish):
            self.finish = event


class Hub:
    """All generations under way, and the last few that ended.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = self._idle_since = clock()
        self._active: dict[str, Record] = {}
        self._finished: deque[Record] = deque(maxlen=MAX_FINISHED)
        self.num_finished = 0

    def open(self, record: Record) -> None:
        """A generation begins."""
        self._active[record.id] = record

    def close(self, record: Record) -> None:
        """A generation is over; once more does no harm."""
        if self._active.pop(record.id, None) is None:
            return
        self._idle_since = self._clock()
        if record.finish is not None:
            self.num_finished += 1
            self._finished.append(record)

    def active(self, key: str) -> list[Record]:
        """Generations under way with this key. Without a key: the only one, if it is alone."""
        if key:
            return [record for record in self._active.values() if record.key == key]
        return list(self._active.values()) if len(self._active) == 1 else []

    def find(self, key: str) -> Record | None:
        """The newest generation with this key, under way or finished.

        Without a key: the only one under way or, if none is, the last that finished.
        """
        if active := self.active(key):
            return active[-1]
        if not key:
            return self.last if not self._active else None
        return next((record for record in reversed(self._finished) if record.key == key), None)

    @property
    def last(self) -> Record | None:
        """The generation that finished last."""
        return self._finished[-1] if self._finished else None

    @property
    def uptime(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._started

    @property
    def idle_time(self) -> float:
        """Seconds since anything was generated; 0 while something is."""
        return 0.0 if self._active else self._clock() - self._idle_since
