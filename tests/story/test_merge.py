from __future__ import annotations

import random

import pytest

from coblyn.story.merge import Conflict
from story.conftest import Shelf, edit


class Editor:
    """A client that changes every second paragraph only, and knows of the others what it has been told."""

    def __init__(self, shelf: Shelf, lines: list[str], first: int, rng: random.Random) -> None:
        self._shelf, self._rng = shelf, rng
        self.lines = lines
        self._own = range(first, len(lines), 2)
        self.base = shelf.journal.version(shelf.story)
        self._pending: list[dict[str, object]] = []
        self._num = 0
        self._name = f"editor{first}"

    def type(self) -> None:
        """Change a word of one of its paragraphs."""
        index = self._rng.choice(self._own)
        line = self.lines[index]
        start = self._rng.randint(0, len(line))
        end = self._rng.randint(start, min(len(line), start + 3))
        insert = self._rng.choice(["", "x", "你", "🐉", "word "])
        before = "".join(f"{one}\n" for one in self.lines[:index])
        at, to = (_units(before + line[:position]) for position in (start, end))
        self.lines[index] = line[:start] + insert + line[end:]
        self._num += 1
        name = f"{self._name}-{self._num}"
        self._pending.append({"id": name} | edit(at, insert, to))

    def send(self, *, is_answer_lost: bool) -> None:
        """Send what is pending; if the answer is lost, it will be sent again together with more."""
        appended = self._shelf.do(*self._pending, base=self.base)
        if not is_answer_lost:
            self._pending.clear()
            self.base = appended.version
            for index, line in enumerate(self._shelf.text.split("\n")):
                if index not in self._own:
                    self.lines[index] = line


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize("seed", range(4))
def test_two_editors_of_different_paragraphs_both_have_all(shelf: Shelf, seed: int) -> None:
    rng = random.Random(seed)
    lines = [rng.choice(["one two", "", "🐉 three", "你好"]) for _ in range(8)]
    shelf.type(0, "\n".join(lines))
    editors = [Editor(shelf, list(lines), first, rng) for first in (0, 1)]
    for _ in range(60):
        editor = rng.choice(editors)
        for _ in range(rng.randint(1, 3)):
            editor.type()
        editor.send(is_answer_lost=rng.random() < 0.3)
    for editor in (*editors, *editors):
        editor.type()
        editor.send(is_answer_lost=False)
    expected = [editors[index % 2].lines[index] for index in range(len(lines))]
    assert shelf.text.split("\n") == expected


def test_nothing_is_merged_within_a_paragraph(shelf: Shelf) -> None:
    rng = random.Random(1)
    for _ in range(40):
        shelf.story = shelf.library.create().id
        shelf.type(0, "one two three\nfour five six")
        a, b = rng.randint(0, 27), rng.randint(0, 27)
        shelf.type(a, "x", base=1)
        is_same = (a <= 13) == (b <= 13)
        if is_same:
            with pytest.raises(Conflict):
                shelf.type(b, "y", base=1)
        else:
            shelf.type(b, "y", base=1)
        assert shelf.text.count("y") == (not is_same)
