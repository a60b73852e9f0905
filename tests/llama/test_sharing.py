"""What our own matrix products take over is set up by the first who computes, and stays while somebody does."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest

from coblyn.llama.kernels import Kernels


@pytest.fixture
def kernels() -> Kernels:
    library: Any = SimpleNamespace()  # sharing asks the library for nothing
    return Kernels(library)


def test_only_the_first_sets_up(kernels: Kernels) -> None:
    done: list[str] = []
    first, second = ExitStack(), ExitStack()
    first.enter_context(kernels.shared(lambda: done.append("first")))
    second.enter_context(kernels.shared(lambda: done.append("second")))
    first.close()
    with kernels.shared(lambda: done.append("third")):
        second.close()
        with kernels.shared(lambda: done.append("fourth")):
            assert done == ["first"]
    with kernels.shared(lambda: done.append("fifth")):
        assert done == ["first", "fifth"]


def test_one_that_fails_to_set_up_is_not_there(kernels: Kernels) -> None:
    def fail() -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"), kernels.shared(fail):
        pass
    done: list[str] = []
    with kernels.shared(lambda: done.append("next")):
        assert done == ["next"]


def test_nobody_computes_while_it_is_set_up(kernels: Kernels) -> None:
    computes = threading.Event()

    def second() -> None:
        with kernels.shared(lambda: None):
            computes.set()

    thread = threading.Thread(target=second)

    def set_up() -> None:
        thread.start()
        assert not computes.wait(0.1)

    with kernels.shared(set_up):
        assert computes.wait(10)
    thread.join()


def test_alone_is_who_shares_with_nobody(kernels: Kernels) -> None:
    def alone() -> bool:
        with kernels.alone() as is_alone:
            return is_alone

    with kernels.shared(lambda: None):
        assert alone()
        with kernels.shared(lambda: None):
            assert not alone()
        with kernels.alone() as first, kernels.alone() as second:
            assert first
            assert not second, "nobody waits for it"
        assert alone()
