"""How often text is sent: no faster than a screen shows it.

A small model makes a token in a few milliseconds. To send each by itself costs the engine a write, the server a
wake-up, a frame and another write, and the client as much: time that the next step of a small machine lacks. So text
waits for the next step's while both reach the reader within one frame of a screen. Pure but for its clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from coblyn.engine.events import Delta, Event

__all__ = ["FRAME", "Pace"]

FRAME = 1 / 60
"""Seconds that text may wait: one frame of a screen."""


class Pace:
    """Holds text back for a moment, and joins what belongs together.

    Only text waits, and only behind earlier text of its request: the first token, progress and the end go at once,
    and take along whatever waits.

    Args:
        clock: Seconds.
        frame: Seconds that text may wait.
    """

    def __init__(self, clock: Callable[[], float], frame: float = FRAME) -> None:
        self._clock = clock
        self._frame = frame
        self._held: dict[str, Delta] = {}
        self._flowing: set[str] = set()
        self._last_step = 0.0
        self._held_since = 0.0

    def after_step(self, events: Sequence[Event]) -> Sequence[Event]:
        """What is to be sent after a step that brought these events; it may be nothing."""
        now = self._clock()
        seconds, self._last_step = now - self._last_step, now
        if not self._held:
            self._held_since = now
        # The next step will take as long as this one did.
        if now + seconds - self._held_since > self._frame or not self._can_wait(events):
            return self.release(events)
        for event in events:
            assert isinstance(event, Delta)
            self._held[event.request_id] = _joined(self._held.get(event.request_id), event)
        return ()

    def release(self, events: Sequence[Event]) -> Sequence[Event]:
        """These events, and before them what waits."""
        for event in events:
            if event.is_last:
                self._flowing.discard(event.request_id)
            elif isinstance(event, Delta):
                self._flowing.add(event.request_id)
        if not self._held:
            return events
        held, self._held = self._held, {}
        joined: list[Event] = []
        for event in events:
            earlier = held.pop(event.request_id, None)
            if isinstance(event, Delta):
                joined.append(_joined(earlier, event))
            else:
                joined += [earlier, event] if earlier else [event]
        return [*held.values(), *joined]

    def _can_wait(self, events: Sequence[Event]) -> bool:
        return all(
            isinstance(event, Delta) and event.request_id in self._flowing for event in events
        )


def _joined(earlier: Delta | None, later: Delta) -> Delta:
    if earlier is None:
        return later
    return Delta(later.request_id, earlier.text + later.text, earlier.tokens + later.tokens)
