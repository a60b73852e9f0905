"""Untrusted text on a terminal: file names, models' text, other programs' output."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["shown"]

_UNSEEN = re.compile(r"[^\x20-\x7e]")


def shown(text: str, *, keep: str = "\n\t") -> str:
    r"""Escape characters that move the cursor, change colours or the writing direction: ``\x1b`` for ESC.

    Args:
        text: Untrusted text.
        keep: Control characters to keep.
    """
    return _UNSEEN.sub(lambda found: found[0] if found[0] in keep else _escaped(found[0]), text)


def _escaped(character: str) -> str:
    """Whether to escape.

    Control (Cc), format (Cf), surrogate, private or unassigned characters, and line separators.
    """
    if character in "\u200c\u200d":  # these only join letters and emoji
        return character
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character.encode("unicode_escape").decode("ascii")
    return character
