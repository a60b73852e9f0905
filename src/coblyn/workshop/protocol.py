"""What the process that works and the one that listens agree on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["MARK", "Tell"]

MARK = "coblyn-work "
"""How a line begins that is a report; every other line is log."""

Tell = Callable[..., None]
"""Tells an event: its name, and its values as JSON knows them."""

Task = Callable[[Any, dict[str, Any], Tell], dict[str, Any]]
"""What a process does: with the opened library, a request, and someone to tell; gives its answer."""
