"""A constraint is a grammar or has a mask of its own: one that is new is a class and an entry in a table."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from coblyn.constraints.constraint import Constraint, Syntax
from coblyn.constraints.grammar import grammar_of
from coblyn.constraints.mask import OWN_MASKS
from coblyn.engine.fake import FakeRunner
from coblyn.errors import CoblynError, EngineError
from engine.machine import SCRIPT, Machine


class Alternating:
    """Allows two bytes in turn, a given number of times."""

    is_free = False

    def __init__(self, text: str, vocab_size: int) -> None:
        assert vocab_size > 255
        self._pattern = text.encode()
        self._num_taken = 0

    @property
    def is_over(self) -> bool:
        return self._num_taken == 8

    def fill(self, words: NDArray[np.uint32]) -> None:
        words[:] = 0
        token = self._pattern[self._num_taken % 2]
        words[token // 32] = np.uint32(1 << token % 32)

    def accept(self, token: int) -> None:
        if token != self._pattern[self._num_taken % 2]:
            raise EngineError("not its turn")
        self._num_taken += 1

    def forced(self) -> list[int]:
        return []

    def rewind(self, count: int) -> None:
        self._num_taken -= count


def test_a_new_mask_is_an_entry_in_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OWN_MASKS, "alternating", Alternating)  # type: ignore[call-overload]
    machine = Machine(FakeRunner(script=SCRIPT))
    machine.add("a", "x", 20, constraint=Constraint("alternating", "yn"))  # type: ignore[arg-type]
    machine.add("b", "x", 5)
    machine.run()
    assert machine.text("a") == "yn" * 4
    assert machine.text("b") == SCRIPT[:5]


@pytest.mark.parametrize("syntax", get_args(Syntax))
def test_each_constraint_is_one_or_the_other(syntax: Syntax) -> None:
    try:
        grammar_of(Constraint(syntax, "?"))
    except CoblynError as error:
        has_grammar = "has no grammar" not in error.message
    else:
        has_grammar = True
    assert has_grammar is (syntax not in OWN_MASKS)
