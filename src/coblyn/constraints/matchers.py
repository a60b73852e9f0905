"""Matchers of recent constraints, so that the next request with the same one needs no compilation."""

from __future__ import annotations

import threading
from collections import OrderedDict

from llguidance import LLTokenizer

from coblyn.constraints.constraint import Constraint, Syntax, Whitespace
from coblyn.constraints.grammar import matcher_of
from coblyn.constraints.matcher import Matcher

__all__ = ["Matchers"]

_MAX_KEPT = 32
_MAX_LENGTH = 1 << 21
"""Characters of the texts of all kept constraints; a matcher takes up to some hundred times as many bytes."""

_Key = tuple[Syntax, str, Whitespace]


class Matchers:
    """Gives matchers at the beginning of a text, and keeps the latest. Any thread may call it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, Matcher] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, tokenizer: LLTokenizer, constraint: Constraint) -> Matcher:
        """A matcher of a constraint's own.

        Args:
            tokenizer: The model's tokenizer, always the same one.
            constraint: Its triggers have no influence.

        Raises:
            ConstraintRefused: It is invalid or cannot be enforced.
            EngineError: It is more than llguidance's limits allow.
        """
        key = constraint.syntax, constraint.text, constraint.whitespace
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key].copy()
        made = matcher_of(tokenizer, constraint)
        with self._lock:
            self._kept[key] = made.copy()
            while len(self._kept) > _MAX_KEPT or self._num_characters() > _MAX_LENGTH:
                self._kept.popitem(last=False)
        return made

    def _num_characters(self) -> int:
        return sum(len(text) for _, text, _ in self._kept)
