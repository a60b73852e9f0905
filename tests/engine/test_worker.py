"""The engine process answers what is short while something long is being tokenized."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

from coblyn.engine.worker import Worker


class Frames:
    """What the worker sends."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, ...]] = []
        self.changed = threading.Condition()

    def send(self, *items: Any) -> None:
        with self.changed:
            self.sent.append(items)
            self.changed.notify_all()

    def wait_for(self, count: int) -> list[tuple[Any, ...]]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.sent) >= count, 10)
            return self.sent


class HeldVocab:
    """Tokenizes long texts only when the test allows it."""

    def __init__(self) -> None:
        self.allowed = threading.Event()

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        assert len(text) < 100 or self.allowed.wait(10)
        return [len(text)]


def test_a_long_text_holds_nobody_up() -> None:
    frames, vocab = Frames(), HeldVocab()
    worker = Worker(frames)  # type: ignore[arg-type]
    core = SimpleNamespace(runner=SimpleNamespace(vocab=vocab), stop=lambda: None)
    worker._core = core  # type: ignore[assignment]
    assert worker.handle(("tokenize", 1, "a" * 1_000_000, True, True))
    assert worker.handle(("tokenize", 2, "abc", True, True))
    assert frames.wait_for(1) == [("answer", 2, [3])]
    vocab.allowed.set()
    assert frames.wait_for(2)[1] == ("answer", 1, [1_000_000])
    assert not worker.handle(("stop",))
