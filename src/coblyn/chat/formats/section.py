"""Calls with a mark each, in a section with optional marks around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from coblyn.chat.formats.format import CallReader, Situation, drop
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.outgoing import Outgoing

__all__ = ["section"]


def section(
    call: str,
    ends: Sequence[str],
    read_one: Callable[[Incoming, Outgoing, Situation], Reading[bool]],
) -> CallReader:
    """Make a reader of such a section, from after its mark or that of its first call.

    Args:
        call: The mark of a call.
        ends: Marks that end a section.
        read_one: Reads a call from after its mark, and says whether it is complete.
    """

    def read(incoming: Incoming, out: Outgoing, situation: Situation, mark: str) -> Reading[None]:
        before = out.num_calls
        incoming.record(mark)
        is_call = mark == call
        while True:
            if not is_call and not (yield from incoming.accept_behind_space(call)):
                break
            if not (yield from read_one(incoming, out, situation)):
                following = yield from incoming.before((call, *ends), drop)
                if following != call:
                    yield from incoming.accept_any(*ends)
                    out.broken(incoming.recorded())
                    return
                out.broken(incoming.recorded())
            incoming.record()
            is_call = False
        yield from incoming.accept_behind_space(*ends)
        if out.num_calls == before:
            out.broken(incoming.recorded())

    return read
