"""What our own matrix products take over is set up by the first who computes, and stays while somebody does."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest

from coblyn.llama.accel import Accelerator


@pytest.fixture
def accelerator() -> Accelerator:
    library: Any = SimpleNamespace()  # sharing asks the library for nothing
    return Accelerator(library)


def test_only_the_first_sets_up(accelerator: Accelerator) -> None:
    done: list[str] = []
    first, second = ExitStack(), ExitStack()
    first.enter_context(accelerator.shared(lambda: done.append("first")))
    second.enter_context(accelerator.shared(lambda: done.append("second")))
    first.close()
    with accelerator.shared(lambda: done.append("third")):
        second.close()
        with accelerator.shared(lambda: done.append("fourth")):
            assert done == ["first"]
    with accelerator.shared(lambda: done.append("fifth")):
        assert done == ["first", "fifth"]


def test_whoever_fails_to_set_up_is_not_there(accelerator: Accelerator) -> None:
    def fail() -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"), accelerator.shared(fail):
        pass
    done: list[str] = []
    with accelerator.shared(lambda: done.append("next")):
        assert done == ["next"]


def test_nobody_computes_while_it_is_set_up(accelerator: Accelerator) -> None:
    computes = threading.Event()

    def second() -> None:
        with accelerator.shared(lambda: None):
            computes.set()

    thread = threading.Thread(target=second)

    def set_up() -> None:
        thread.start()
        assert not computes.wait(0.1)

    with accelerator.shared(set_up):
        assert computes.wait(10)
    thread.join()


def test_alone_is_who_shares_with_nobody(accelerator: Accelerator) -> None:
    def alone() -> bool:
        with accelerator.alone() as is_alone:
            return is_alone

    with accelerator.shared(lambda: None):
        assert alone()
        with accelerator.shared(lambda: None):
            assert not alone()
        with accelerator.alone() as first, accelerator.alone() as second:
            assert first
            assert not second, "nobody waits for it"
        assert alone()
