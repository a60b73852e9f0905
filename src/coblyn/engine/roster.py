"""The active requests: those waiting, and those running with a sequence."""

from __future__ import annotations

from collections import deque

from coblyn.engine.cache import SequenceCache
from coblyn.engine.generation import Generation

__all__ = ["Roster"]


class Roster:
    """Waiting and running generations, and the sequences of the running ones.

    Args:
        cache: The context's sequences.
    """

    def __init__(self, cache: SequenceCache) -> None:
        self._cache = cache
        self.waiting: deque[Generation] = deque()
        self.running: list[Generation] = []

    def find(self, request_id: str) -> Generation | None:
        """The generation of a request id; None if it is not active."""
        for generation in (*self.running, *self.waiting):
            if generation.request.id == request_id:
                return generation
        return None

    def ids(self) -> list[str]:
        """All requests, the running ones first."""
        return [generation.request.id for generation in (*self.running, *self.waiting)]

    def clear(self) -> None:
        """Remove all requests."""
        self.running.clear()
        self.waiting.clear()

    def preempt(self, generation: Generation) -> None:
        """Take a generation's sequence away and put it at the front of the queue; it is computed again later."""
        self.running.remove(generation)
        for track in generation.tracks:
            self._cache.drop(track.sequence)
            track.computed = 0
        self.waiting.appendleft(generation)

    def remove(self, generation: Generation) -> None:
        """Remove a generation; its sequence is free at once."""
        if generation in self.running:
            self.running.remove(generation)
            for track in generation.tracks:
                self._cache.release(track.sequence)
        else:
            self.waiting.remove(generation)
