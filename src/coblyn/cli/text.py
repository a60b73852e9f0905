"""Text from outside on a terminal: names of files, words of models, lines of other programs."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["shown"]

_UNSEEN = re.compile(r"[^\x20-\x7e]")


def shown(text: str, *, keep: str = "\n\t") -> str:
    r"""Text in which nothing moves the cursor, changes colours, or turns the direction of writing: ``\x1b`` for ESC.

    Args:
        text: From outside.
        keep: Control characters that stay as they are.
    """
    return _UNSEEN.sub(lambda found: found[0] if found[0] in keep else _escaped(found[0]), text)


def _escaped(character: str) -> str:
    """Control (Cc), format (Cf: directions), lone surrogate, private or unassigned, and line separators."""
    if character in "\u200c\u200d":  # join letters and emoji, and do nothing else
        return character
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character.encode("unicode_escape").decode("ascii")
    return character
