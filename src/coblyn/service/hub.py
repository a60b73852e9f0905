"""Active and recent generations by the callers' keys, in bounded memory.

There is no global "current request"; APIs that need one derive it.
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
from coblyn.service.request_id import request_id

__all__ = ["Hub", "Record"]

MAX_FINISHED = 32
"""Number of finished generations that are kept, for callers who poll a moment too late."""


@dataclass(slots=True, eq=False)
class Record:
    """The public record of one generation.

    Attributes:
        id: The engine's request id.
        key: The caller's name for it, or empty.
        caller: The caller that started it.
        model: Name of the model.
        prompt: Its prompt; dropped when it is over.
        started: Time of the request, in monotonic seconds.
        first_text: Time of its first text; None before.
        seed: The seed that it samples with.
        num_prompt: Number of tokens of the prompt.
        num_cut: Number of tokens left out at the beginning of the text for lack of room.
        num_written: Number of tokens generated so far.
        num_thought: Number of reasoning tokens among them.
        parts: Its text so far, in pieces.
        tokens: Its tokens so far, if log-probabilities were requested or all are kept.
        keeps_tokens: Whether tokens are kept even without log-probabilities.
        finish: How it ended, once it has.
        failure: Code of the error that ended it, or empty.
        is_aborted: Whether its abort was requested.
        cancel: Cancels the request in the engine, by id; None before it is submitted.
        end_thinking: Ends its reasoning in the same way.
        request: The id of the request that it belongs to, as in the answer's header.
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
    request: str = field(default_factory=request_id)

    @property
    def text(self) -> str:
        """All text so far."""
        return "".join(self.parts)

    @property
    def outcome(self) -> str:
        """How it ended: the engine's finish reason, ``failed``, or ``left`` if the caller left before the end."""
        if self.finish:
            return self.finish.reason
        return "failed" if self.failure else "left"

    def has_name(self, name: str) -> bool:
        """Whether the caller knows it by that: its key, or the id of its request."""
        return name in (self.key, self.request)

    def note(self, event: Event | CoblynError) -> None:
        """Record an event, or the error that ended it."""
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
    """All active generations, and the last few that ended.

    Args:
        clock: Gives monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = self._idle_since = clock()
        self._active: dict[str, Record] = {}
        self._finished: deque[Record] = deque(maxlen=MAX_FINISHED)
        self._watchers: list[Callable[[Record], None]] = []
        self.num_finished = 0

    def watch(self, watcher: Callable[[Record], None]) -> None:
        """Call a function with each generation when it is over."""
        self._watchers.append(watcher)

    def open(self, record: Record) -> None:
        """Add a generation that begins."""
        self._active[record.id] = record

    def close(self, record: Record) -> None:
        """Record the end of a generation; calling it again has no effect."""
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
        """Active generations with this key, or of the request of this id, that the caller may see.

        Without a key, the only active one, if there is exactly one.
        """
        records = [record for record in self._active.values() if _is_visible(record)]
        if key:
            return [record for record in records if record.has_name(key)]
        return records if len(records) == 1 else []

    def find(self, key: str) -> Record | None:
        """The newest generation with this key, or of the request of this id, active or finished.

        Without a key, the only active one, or the last finished one if none is active.
        """
        if active := self.active(key):
            return active[-1]
        finished = (record for record in reversed(self._finished) if _is_visible(record))
        if not key:
            is_busy = any(map(_is_visible, self._active.values()))
            return None if is_busy else next(finished, None)
        return next((record for record in finished if record.has_name(key)), None)

    def finished_of(self, model: str) -> list[Record]:
        """The kept generations of a model, newest first."""
        return [record for record in reversed(self._finished) if record.model == model]

    @property
    def last(self) -> Record | None:
        """The most recently finished generation."""
        return self._finished[-1] if self._finished else None

    @property
    def uptime(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._started

    @property
    def idle_time(self) -> float:
        """Seconds since the last generation ended; 0 while one is active."""
        return 0.0 if self._active else self._clock() - self._idle_since


def _is_visible(record: Record) -> bool:
    """Whether the current caller may see and abort a generation: its own, or any for an administrator."""
    caller = CALLER.get()
    return caller.scope == "admin" or record.caller.name == caller.name
