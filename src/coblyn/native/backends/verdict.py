"""What a backend says about a machine."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Verdict"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a backend fits a machine.

    Attributes:
        has_device: The hardware is there.
        has_tools: What the backend is built with is there.
        reason: Why, as a sentence.
        hint: What to install or to do, if something is missing.
    """

    has_device: bool
    has_tools: bool
    reason: str
    hint: str = ""
