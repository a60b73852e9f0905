"""Placeholders in memory, lore and cards: names, random choices and comments."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

__all__ = ["Names", "filled"]

_MACRO = re.compile(r"\{\{([^{}]*)\}\}")
_COMMA = re.compile(r"(?<!\\),")
_MAX_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Names:
    """Replacements of placeholders.

    Attributes:
        char: The character.
        user: The writer.
        original: The replacement for ``{{original}}``.
        seed: Decides ``random`` and ``roll``; ``pick`` is decided by the text alone.
    """

    char: str = ""
    user: str = ""
    original: str = ""
    seed: int = 0


def filled(text: str, names: Names) -> str:
    """Replace the placeholders of a text; unknown ones are kept."""
    text = re.sub("<BOT>", lambda _: names.char, text, flags=re.IGNORECASE)
    text = re.sub("<USER>", lambda _: names.user, text, flags=re.IGNORECASE)
    for _ in range(_MAX_ROUNDS):  # names may hold placeholders
        new = _MACRO.sub(lambda found: _value(found, names), text)
        if new == text:
            break
        text = new
    return text


def _value(found: re.Match[str], names: Names) -> str:
    inner = found[1].strip()
    name, _, rest = inner.partition(":")
    match name.strip().lower():
        case "char":
            return names.char
        case "user":
            return names.user
        case "original":
            return names.original
        case "comment" | "hidden_key":
            return ""
        case "reverse":
            return rest.strip()[::-1]
        case "random":
            return _one_of(rest, f"{names.seed}/{found.start()}")
        case "pick":
            return _one_of(rest, f"{found.start()}/{rest}")
        case "roll":
            return _rolled(rest, f"{names.seed}/{found.start()}", found[0])
        case _:
            return "" if inner.startswith("//") else found[0]


def _drawn(key: str, below: int) -> int:
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") % below


def _one_of(choices: str, key: str) -> str:
    parts = [part.strip().replace("\\,", ",") for part in _COMMA.split(choices.strip(": "))]
    return parts[_drawn(key, len(parts))]


def _rolled(sides: str, key: str, otherwise: str) -> str:
    number = sides.strip().lower().removeprefix("1d").removeprefix("d")
    if not number.isascii() or not number.isdigit() or len(number) > 9 or int(number) == 0:
        return otherwise
    return str(1 + _drawn(key, int(number)))
