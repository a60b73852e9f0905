"""What runs now and what ran last: by the callers' keys, in bounded memory.

Nothing here is "the current request" of the process. Where an API wants one, it is derived.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from coblyn.engine.events import Delta, Event, Finish, TokenText
from coblyn.errors import CoblynError
from coblyn.service.caller import CALLER, Caller
from coblyn.service.command import AnyPrompt

__all__ = ["Hub", "Record"]

MAX_FINISHED = 32
"""Finished generations that are remembered, for callers who look at theirs a moment too late."""


@dataclass(slots=True, eq=False)
class Record:
    """One generation as it is seen from outside.

    Attributes:
        id: The engine's name for it.
        key: The caller's name for it, or empty.
        caller: On whose behalf it is made.
        model: Name of the model.
        prompt: What it continues; forgotten when it is over.
        started: When it was asked for, in seconds that only grow.
        first_text: When its first text came; None before.
        seed: The seed that it samples with.
        num_prompt: Tokens of the prompt.
        num_cut: Tokens at the beginning of the text that had no room, and were left out.
        num_written: Tokens of the answer so far.
        num_thought: Those of them that were reasoning.
        parts: Its text so far, piece by piece.
        tokens: Its tokens so far, if log-probabilities were asked for or all are kept.
        keeps_tokens: Whether tokens are kept without log-probabilities too.
        finish: How it ended, once it has.
        failure: Code of the error that it ended in, or empty.
        is_aborted: Whether someone asked for its end.
        cancel: Tells the engine to end the request of an id; None while the engine knows nothing of it.
        end_thinking: Tells the engine to let it answer, likewise.
    """

    id: str
    key: str
    caller: Caller = field(default_factory=CALLER.get)
    model: str = ""
    prompt: AnyPrompt | None = field(default=None, repr=False)
    started: float = field(default_factory=time.monotonic)
    first_text: float | None = None
    seed: int = 0
    num_prompt: int = 0
    num_cut: int = 0
    num_written: int = 0
    num_thought: int = 0
    parts: list[str] = field(default_factory=list, repr=False)
    tokens: list[TokenText] = field(default_factory=list, repr=False)
    finish: Finish | None = None
    failure: str = ""
    is_aborted: bool = False
    keeps_tokens: bool = False
    cancel: Callable[[str], Awaitable[None]] | None = field(default=None, repr=False)
    end_thinking: Callable[[str], Awaitable[None]] | None = field(default=None, repr=False)

    @property
    def text(self) -> str:
        """All text so far."""
        return "".join(self.parts)

    @property
    def outcome(self) -> str:
        """How it ended: a reason of the engine's, ``failed``, or ``left`` where nobody waited for the end."""
        if self.finish:
            return self.finish.reason
        return "failed" if self.failure else "left"

    def note(self, event: Event | CoblynError) -> None:
        """Remember what an event says, or in which error it ended."""
        if isinstance(event, Delta):
            if self.first_text is None:
                self.first_text = time.monotonic()
            self.parts.append(event.text)
            self.num_written += len(event.tokens)
            if self.keeps_tokens or (event.tokens and event.tokens[0].logprob is not None):
                self.tokens += event.tokens
        elif isinstance(event, Finish):
            self.finish = event
        elif isinstance(event, CoblynError):
            self.failure = event.code


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
        self._watchers: list[Callable[[Record], None]] = []
        self.num_finished = 0

    def watch(self, watcher: Callable[[Record], None]) -> None:
        """Have each generation told to someone when it is over."""
        self._watchers.append(watcher)

    def open(self, record: Record) -> None:
        """A generation begins."""
        self._active[record.id] = record

    def close(self, record: Record) -> None:
        """A generation is over; once more does no harm."""
        if self._active.pop(record.id, None) is None:
            return
        self._idle_since = self._clock()
        for watcher in self._watchers:
            watcher(record)
        record.prompt = None
        if record.finish is not None:
            self.num_finished += 1
            self._finished.append(record)

    def active(self, key: str) -> list[Record]:
        """Generations under way with this key, as far as the caller may know of them.

        Without a key: the only one, if it is alone.
        """
        records = [record for record in self._active.values() if _is_visible(record)]
        if key:
            return [record for record in records if record.key == key]
        return records if len(records) == 1 else []

    def find(self, key: str) -> Record | None:
        """The newest generation with this key, under way or finished.

        Without a key: the only one under way or, if none is, the last that finished.
        """
        if active := self.active(key):
            return active[-1]
        finished = (record for record in reversed(self._finished) if _is_visible(record))
        if not key:
            is_busy = any(map(_is_visible, self._active.values()))
            return None if is_busy else next(finished, None)
        return next((record for record in finished if record.key == key), None)

    def finished_of(self, model: str) -> list[Record]:
        """The generations of a model that are remembered, the newest first."""
        return [record for record in reversed(self._finished) if record.model == model]

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


def _is_visible(record: Record) -> bool:
    """Whether the caller at hand may see and end a generation: its own, or all of them for an administrator."""
    caller = CALLER.get()
    return caller.scope == "admin" or record.caller.name == caller.name
