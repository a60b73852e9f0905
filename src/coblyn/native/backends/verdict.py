"""A backend's verdict on a machine."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Verdict"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a backend fits a machine.

    Attributes:
        has_device: Whether the hardware is present.
        has_tools: Whether the tools to build the backend are present.
        reason: Why, as a sentence.
        hint: What to install or do, if something is missing.
    """

    has_device: bool
    has_tools: bool
    reason: str
    hint: str = ""
