from __future__ import annotations

import pytest

from coblyn.errors import BadRequest
from coblyn.service.shared import SharedStory, Turn


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_somebody_who_says_nothing_for_six_seconds_is_not_busy() -> None:
    clock = Clock()
    story = SharedStory(clock)
    story.hear("a", is_busy=True)
    clock.now = 5.9
    assert not story.is_idle_besides("b")
    assert story.is_idle_besides("a")
    clock.now = 6.0
    assert story.is_idle_besides("b")


def test_saying_so_again_keeps_somebody_busy() -> None:
    clock = Clock()
    story = SharedStory(clock)
    for clock.now in (0.0, 4.0, 8.0):
        story.hear("a", is_busy=True)
    clock.now = 12.0
    assert not story.is_idle_besides("b")
    story.hear("a", is_busy=False)
    assert story.is_idle_besides("b")


def test_versions_count_changes_and_new_beginnings() -> None:
    story = SharedStory()
    story.replace("one", "text", is_whole=False)
    assert story.turn == Turn(1, 2, "text")
    story.replace("two", "text", is_whole=True)
    story.replace("three", "lzma", is_whole=False)
    assert (story.turn, story.data) == (Turn(2, 2, "lzma"), "three")
    with pytest.raises(BadRequest):
        story.replace("", "lzma", is_whole=True)
    assert story.data == "three"


def test_names_of_strangers_are_not_kept_without_end() -> None:
    story = SharedStory(Clock())
    for number in range(1000):
        story.hear(f"somebody {number}", is_busy=True)
    assert len(story._busy_at) <= 256
