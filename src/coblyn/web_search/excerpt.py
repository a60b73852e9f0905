"""Finds the part of a text most relevant to a query."""

from __future__ import annotations

import re

__all__ = ["best_excerpt"]

BEFORE, AFTER = 200, 800
"""Characters around the place; KoboldCPP's numbers."""

_MAX_PLACES = 2000
_SHORTEST = 3


def best_excerpt(text: str, query: str) -> str:
    """The passage of a text that contains the most words of a query; its beginning if it contains none."""
    words = {word for word in re.findall(r"\w+", query.lower()) if len(word) >= _SHORTEST}
    if not words:
        return text[: BEFORE + AFTER]
    lower = text.lower()
    pattern = re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))))
    places = [
        (m.start(), m[0]) for m, _ in zip(pattern.finditer(lower), range(_MAX_PLACES), strict=False)
    ]
    best, most = 0, 0
    for i, (start, _) in enumerate(places):
        inside = set()
        for at, word in places[i:]:
            if at > start + AFTER:
                break
            inside.add(word)
        if len(inside) > most:
            best, most = start, len(inside)
    return text[max(0, best - BEFORE) : best + AFTER].strip()
