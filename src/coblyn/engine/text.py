"""From token bytes to text that may be sent: whole characters only, and nothing that may yet be a stop string.

A pure state machine; it knows no vocabulary and no clock.
"""

from __future__ import annotations

import codecs
from collections import deque
from typing import NamedTuple

from coblyn.engine.events import TokenText

__all__ = ["Chunk", "TextStream"]


class Chunk(NamedTuple):
    """Text that is free to go, the tokens whose text ends in it, and the stop string that was met, if any."""

    text: str
    tokens: tuple[TokenText, ...] = ()
    stop: str = ""


class TextStream:
    """Collects the tokens of one generation.

    Bytes that are no UTF-8 become U+FFFD. An incomplete character at the very end is dropped, as KoboldCPP does.

    Args:
        stop: Strings that end the text; empty ones are ignored.
        keep_stop: The stop string itself is sent too.
    """

    def __init__(self, stop: tuple[str, ...] = (), *, keep_stop: bool = False) -> None:
        self._stops = tuple(dict.fromkeys(text for text in stop if text))
        self._first_characters = frozenset(text[0] for text in self._stops)
        self._keep_stop = keep_stop
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = ""
        self._num_sent = 0
        self._num_decoded = 0
        # (offset of the token's first character, offset after its last one, token)
        self._waiting: deque[tuple[int, int, TokenText]] = deque()

    def push(self, token: TokenText) -> Chunk:
        """Add one token and take what is free to go."""
        start = self._num_decoded
        text = self._decoder.decode(token.piece)
        self._num_decoded += len(text)
        is_partial = bool(self._decoder.getstate()[0])
        if not (self._stops or self._waiting or is_partial):  # nearly always
            self._num_sent = self._num_decoded
            return Chunk(text, (token,))
        self._held += text
        self._waiting.append((start, self._num_decoded + is_partial, token))
        if not self._stops:
            return self._send(len(self._held))
        stop, index = self._first_stop()
        if stop:
            return self._end_at(stop, index)
        return self._send(self._free_length())

    def flush(self) -> Chunk:
        """Take the rest: no more tokens will come."""
        chunk = self._send(len(self._held))
        late = tuple(token for _, _, token in self._waiting)
        self._waiting.clear()
        return Chunk(chunk.text, chunk.tokens + late)

    def _first_stop(self) -> tuple[str, int]:
        found = [(index, stop) for stop in self._stops if (index := self._held.find(stop)) >= 0]
        if not found:
            return "", -1
        index, stop = min(found, key=lambda hit: hit[0])
        return stop, index

    def _free_length(self) -> int:
        """Length of the held text before the first place from which a stop string could still grow."""
        held = self._held
        for index, character in enumerate(held):
            if character in self._first_characters:
                tail = held[index:]
                if any(stop.startswith(tail) for stop in self._stops):
                    return index
        return len(held)

    def _send(self, length: int) -> Chunk:
        text, self._held = self._held[:length], self._held[length:]
        self._num_sent += length
        tokens = []
        while self._waiting and self._waiting[0][1] <= self._num_sent:
            tokens.append(self._waiting.popleft()[2])
        return Chunk(text, tuple(tokens))

    def _end_at(self, stop: str, index: int) -> Chunk:
        length = index + len(stop) if self._keep_stop else index
        end = self._num_sent + length
        text, self._held = self._held[:length], ""
        tokens = tuple(token for start, _, token in self._waiting if start < end)
        self._waiting.clear()
        return Chunk(text, tokens, stop)
