"""Selects the lines of a log to keep: all of a short log; head, tail and signs of trouble of a long log."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from coblyn.doctor.log.blocks import MAX_LINE

__all__ = ["Keeper"]

_HEAD_BYTES = 400_000
_TAIL_BYTES = 600_000
_SIGNAL_BYTES = 1_000_000
_SIGNALS_OF_A_KIND = 60
_BEFORE = 2
_AFTER = 10
_MAX_KEPT_LINE = 4_000

# Lower case. Found by plain search, one after the other: ten times as fast as one expression for all of them. Every
# kind has its own share of what is kept, so that a thousand warnings of one kind do not crowd out the one line of
# another that explains them.
_SIGNALS = (
    b" error ",
    b"error:",
    b"\nerror",
    b" fatal",
    b"undefined ",
    b"unresolved ext",
    b"duplicate symbol",
    b"multiple definition",
    b" defined ",
    b"overriding ",
    b"ignoring old ",
    b"ignoring file",
    b"cannot ",
    b"could not ",
    b"can't ",
    b"not found",
    b"no such file",
    b"no rule to",
    b"failed",
    b"unable to ",
    b"support",
    b"denied",
    b"missing ",
    b"no space left",
    b"killed",
    b"memory",
    b"illegal inst",
    b"incompatible",
    b"requires ",
    b"traceback (",
    b"modification time",
    b"xcrun",
    b"cmakecache",
    b"identification is",
    b"*** ",
    b"\nfatal",
    b"manually-specified",
    b"using cached",
    b"not valid for use",
    b"announced as",
)


@dataclass(slots=True)
class _Kind:
    word: bytes
    left: int = _SIGNALS_OF_A_KIND


@dataclass(slots=True)
class Keeper:
    """Takes blocks of lines, and returns the relevant ones.

    Attributes:
        total: Number of lines taken.
    """

    total: int = 0
    _head: int = _HEAD_BYTES
    _room: int = _SIGNAL_BYTES
    _kept: dict[int, bytes] = field(default_factory=dict)
    _tail: deque[tuple[int, bytes]] = field(default_factory=deque)
    _tail_bytes: int = 0
    _kinds: list[_Kind] = field(default_factory=lambda: [_Kind(word) for word in _SIGNALS])

    def take(self, block: bytes) -> None:
        """Take whole lines, each ended by a newline."""
        if self._head > 0:
            self._keep(self.total + 1, block[: _forward(block, self._head, 0)])
            self._head -= len(block)
        self._find_signals(block)
        self._tail.append((self.total + 1, block))
        self._tail_bytes += len(block)
        self.total += block.count(b"\n")
        while self._tail_bytes - len(self._tail[0][1]) >= _TAIL_BYTES:
            self._tail_bytes -= len(self._tail.popleft()[1])

    def lines(self) -> list[tuple[int, bytes]]:
        """The kept lines in order, each with its number in the log, from 1 on."""
        cut = self._tail_bytes - _TAIL_BYTES
        for number, block in self._tail:
            start = _forward(block, cut, 0) if cut > 0 else 0
            self._keep(number + block.count(b"\n", 0, start), block[start:])
            cut -= len(block)
        return sorted(self._kept.items())

    def _keep(self, number: int, lines: bytes) -> None:
        if lines:
            for offset, line in enumerate(lines.removesuffix(b"\n").split(b"\n")):
                self._kept[number + offset] = _shortened(line)

    def _find_signals(self, block: bytes) -> None:
        lower = block.lower()
        places = sorted(place for kind in self._kinds for place in _places(lower, kind))
        self._kinds = [kind for kind in self._kinds if kind.left]
        number, counted, end = self.total + 1, 0, 0
        for place in places:
            if place < end or self._room <= 0:
                continue
            start = max(_back(block, place, _BEFORE), end)
            end = _forward(block, place, _AFTER)
            number += block.count(b"\n", counted, start)
            counted = start
            self._keep(number, block[start:end])
            self._room -= min(end - start, _AFTER * _MAX_KEPT_LINE)


def _places(block: bytes, kind: _Kind) -> list[int]:
    """Positions of a kind of signal, at most one per line."""
    places = []
    place = block.find(kind.word)
    while place >= 0 and kind.left:
        places.append(place + 1)  # not at the newline that a word may start with
        kind.left -= 1
        place = block.find(kind.word, _forward(block, place + 1, 0) - 1)
    return places


def _back(block: bytes, place: int, lines: int) -> int:
    """Start of the line that is the given number of lines before the one at a position."""
    for _ in range(lines + 1):
        place = block.rfind(b"\n", 0, max(place, 0))
        if place < 0:
            return 0
    return place + 1


def _forward(block: bytes, place: int, lines: int) -> int:
    """End of the line that is the given number of lines after the one at a position."""
    for _ in range(lines + 1):
        place = block.find(b"\n", place) + 1
        if place == 0:
            return len(block)
    return place


def _shortened(line: bytes) -> bytes:
    if len(line) <= _MAX_KEPT_LINE:
        return line
    # Carriage returns: a progress bar, of which the end matters; it is cut again when they are removed.
    if line.count(b"\r") > 20:
        return line[-MAX_LINE // 2 :]
    third = _MAX_KEPT_LINE // 3
    return line[: 2 * third] + " … ".encode() + line[-third:]
