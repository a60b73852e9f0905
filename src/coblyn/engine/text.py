"""Turns token bytes into text that may be sent: complete characters only, and nothing that may begin a stop string.

It uses no vocabulary and no clock.
"""

from __future__ import annotations

import codecs
from collections import deque
from typing import NamedTuple

from coblyn.engine.banned import Banned, Place
from coblyn.engine.events import TokenText

__all__ = ["Chunk", "TextStream"]


class Chunk(NamedTuple):
    """What a token releases.

    Attributes:
        text: Text to send.
        tokens: The tokens whose text ends in it.
        stop: The stop string that was found, if any.
        rewind: Number of last tokens that wrote a banned phrase; the stream has removed them.
        phrase: That phrase, if one token wrote all of it.
        is_pattern: Whether a pattern was looked for, and one token wrote all that is banned.
    """

    text: str
    tokens: tuple[TokenText, ...] = ()
    stop: str = ""
    rewind: int = 0
    phrase: str = ""
    is_pattern: bool = False


class _Waiting(NamedTuple):
    """A token whose text has not been sent yet.

    Attributes:
        start: Offset of its first character.
        end: Offset after its last one.
        token: The token.
        decoder: State of the UTF-8 decoder before it.
        place: State of the banned automata before it.
    """

    start: int
    end: int
    token: TokenText
    decoder: tuple[bytes, int]
    place: Place


class TextStream:
    """Collects the tokens of one generation.

    Bytes that are not UTF-8 become U+FFFD. An incomplete character at the very end is dropped, as in KoboldCPP.

    Args:
        stop: Strings that end the text; empty ones are ignored.
        keep_stop: Whether the stop string itself is sent too.
        banned: Banned phrases and patterns. With these, a token is sent only when no part of it may belong to a match.
    """

    def __init__(
        self, stop: tuple[str, ...] = (), *, keep_stop: bool = False, banned: Banned | None = None
    ) -> None:
        self._stops = tuple(dict.fromkeys(text for text in stop if text))
        self._first_characters = frozenset(text[0] for text in self._stops)
        self._keep_stop = keep_stop
        self._banned = banned
        self._place = Banned.start
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = ""
        self._num_sent = 0
        self._num_decoded = 0
        self._waiting: deque[_Waiting] = deque()

    def push(self, token: TokenText, *, is_allowed: bool = False) -> Chunk:
        """Add one token, and take the text that may be sent.

        Args:
            token: The next token.
            is_allowed: Whether banned texts that end in it, or begin before it, are allowed.
        """
        before = self._decoder.getstate()
        start = self._num_decoded
        text = self._decoder.decode(token.piece)
        self._num_decoded += len(text)
        is_partial = bool(self._decoder.getstate()[0])
        if not (self._stops or self._waiting or is_partial or self._banned):  # the common case
            self._num_sent = self._num_decoded
            return Chunk(text, (token,))
        self._held += text
        end = self._num_decoded + is_partial
        self._waiting.append(_Waiting(start, end, token, before, self._place))
        banned = None
        if is_allowed:
            self._place = Banned.start
        elif self._banned:
            banned = self._first_banned(self._banned, text, start)
        stop, index = self._first_stop() if self._stops else ("", -1)
        if stop and (banned is None or self._num_sent + index < banned.start):
            return self._end_at(stop, index)
        if banned is not None:
            return self._rewind(banned)
        return self._send(self._free_length())

    def would_ban(self, piece: bytes) -> tuple[bool, int]:
        """Whether a token would write something banned that begins within it, and how many characters were tried."""
        if not self._banned or self._decoder.getstate()[0]:  # what it completes begins before it
            return False, len(piece)
        return self._banned.begins_in(piece, self._place)

    def flush(self) -> Chunk:
        """Take the remaining text at the end of the generation."""
        chunk = self._send(len(self._held))
        late = tuple(each.token for each in self._waiting)
        self._waiting.clear()
        return Chunk(chunk.text, chunk.tokens + late)

    def _first_banned(self, banned: Banned, text: str, start: int) -> range | None:
        """The offsets of the first banned phrase that ends in a text."""
        for offset, character in enumerate(text, start + 1):
            step = banned.step(self._place, character)
            self._place = step.state
            if step.match:
                return range(offset - step.match, offset)
        return None

    def _rewind(self, banned: range) -> Chunk:
        """Remove the tokens from the one in which a phrase begins. They were held back, so none was sent."""
        count = 0
        phrase = self._held[banned.start - self._num_sent : banned.stop - self._num_sent]
        while self._waiting and self._waiting[-1].end > banned.start:
            first = self._waiting.pop()
            count += 1
        self._decoder.setstate(first.decoder)
        self._place = first.place
        self._held = self._held[: first.start - self._num_sent]
        self._num_decoded = first.start
        if count > 1:
            return Chunk("", rewind=count)
        if self._banned and self._banned.has_patterns:
            return Chunk("", rewind=count, is_pattern=True)
        return Chunk("", rewind=count, phrase=phrase)

    def _first_stop(self) -> tuple[str, int]:
        found = [(index, stop) for stop in self._stops if (index := self._held.find(stop)) >= 0]
        if not found:
            return "", -1
        index, stop = min(found, key=lambda hit: hit[0])
        return stop, index

    def _free_length(self) -> int:
        """Length of the held text before the first place at which a stop string or a phrase could begin."""
        free = self._before_stops()
        pending = self._banned.pending(self._place) if self._banned else 0
        if not pending:
            return free
        # A partly sent token could not be taken back.
        phrase = self._num_decoded - pending
        whole = next((each.start for each in self._waiting if each.end > phrase), phrase)
        return min(free, whole - self._num_sent)

    def _before_stops(self) -> int:
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
        while self._waiting and self._waiting[0].end <= self._num_sent:
            tokens.append(self._waiting.popleft().token)
        return Chunk(text, tuple(tokens))

    def _end_at(self, stop: str, index: int) -> Chunk:
        length = index + len(stop) if self._keep_stop else index
        end = self._num_sent + length
        text, self._held = self._held[:length], ""
        tokens = tuple(each.token for each in self._waiting if each.start < end)
        self._waiting.clear()
        return Chunk(text, tokens, stop)
