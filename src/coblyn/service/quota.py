"""Usage of each caller, checked against the limits of its key."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from coblyn.errors import LimitReached
from coblyn.service.caller import Caller

__all__ = ["Meter", "Quotas"]

_MINUTE = 60.0
_SOON = 1.0
"""Suggested seconds to wait for a free place among the running requests."""


@dataclass(slots=True)
class _Bucket:
    """A per-minute limit as a bucket that refills evenly, up to a minute's worth.

    Attributes:
        level: The remaining amount; negative if more was used than could be known in advance.
        at: Time of that level, in seconds.
    """

    level: float
    at: float

    def fill(self, limit: int, now: float) -> float:
        self.level = min(self.level + (now - self.at) * limit / _MINUTE, float(limit))
        self.at = now
        return self.level


@dataclass(slots=True)
class _Usage:
    num_running: int = 0
    buckets: dict[str, _Bucket] = field(default_factory=dict)


@dataclass(slots=True)
class Meter:
    """Counts the tokens that an operation takes."""

    num_tokens: int = 0


class Quotas:
    """Usage of all callers with limits.

    Args:
        clock: Gives monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._usages: dict[str, _Usage] = {}

    def admit(self, caller: Caller) -> None:
        """Admit a generation; call ``release`` when it is over.

        Raises:
            LimitReached: The caller has reached a limit; the error says when to retry.
        """
        limits, usage = caller.limits, self._usages.setdefault(caller.name, _Usage())
        if limits.max_running and usage.num_running >= limits.max_running:
            raise _reached(f"has {usage.num_running} requests running, its maximum", _SOON)
        requests = self._bucket(usage, "requests", limits.requests_per_minute)
        tokens = self._bucket(usage, "tokens", limits.tokens_per_minute)
        if requests and requests.level < 1:
            wait = (1 - requests.level) * _MINUTE / limits.requests_per_minute
            raise _reached(f"may send {limits.requests_per_minute} requests per minute", wait)
        if tokens and tokens.level <= 0:
            wait = (1 - tokens.level) * _MINUTE / limits.tokens_per_minute
            raise _reached(f"may use {limits.tokens_per_minute} tokens per minute", wait)
        if requests:
            requests.level -= 1
        usage.num_running += 1

    def release(self, caller: Caller, num_tokens: int) -> None:
        """Record the end of a generation and its number of tokens."""
        usage = self._usages[caller.name]
        usage.num_running -= 1
        if tokens := self._bucket(usage, "tokens", caller.limits.tokens_per_minute):
            tokens.level -= num_tokens

    @contextmanager
    def held(self, caller: Caller) -> Iterator[Meter]:
        """Run an operation other than generation within the limits; record its tokens on the meter.

        Raises:
            LimitReached: The caller has reached a limit.
        """
        self.admit(caller)
        meter = Meter()
        try:
            yield meter
        finally:
            self.release(caller, meter.num_tokens)

    def _bucket(self, usage: _Usage, name: str, limit: int) -> _Bucket | None:
        if not limit:
            return None
        now = self._clock()
        bucket = usage.buckets.setdefault(name, _Bucket(float(limit), now))
        bucket.fill(limit, now)
        return bucket


def _reached(what: str, seconds: float) -> LimitReached:
    return LimitReached(f"This key {what}.", retry_after=seconds)
