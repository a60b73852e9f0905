"""Any token but one, as llguidance writes it."""

from __future__ import annotations

import re

import numpy as np
from llguidance import LLMatcher, LLTokenizer

from coblyn.constraints.matcher import Matcher, mask_words

__all__ = ["all_but"]

_ID = re.compile(r"<\[(\d+)\]>")


def all_but(tokenizer: LLTokenizer, token: str) -> str:
    """The symbol of any token but one and those that end a generation, which come only where a text is complete.

    Args:
        tokenizer: The model's tokenizer.
        token: A special token's name with angle brackets, or ``<[id]>``.

    Raises:
        EngineError: The model has no such token.
    """
    excluded = sorted({*_ids_of(tokenizer, token), *tokenizer.eos_tokens})
    return f"<[^{','.join(map(str, excluded))}]>"


def _ids_of(tokenizer: LLTokenizer, token: str) -> list[int]:
    named = _ID.fullmatch(token)
    if named and int(named[1]) < tokenizer.vocab_size:
        return [int(named[1])]
    # llguidance alone knows its names, and what is wrong with one.
    words = np.zeros(mask_words(tokenizer.vocab_size), np.uint32)
    Matcher(tokenizer, LLMatcher.grammar_from_lark(f"start: {token}")).fill(words)
    bits = np.unpackbits(words.view(np.uint8), bitorder="little")
    return [int(each) for each in np.flatnonzero(bits)]
