"""The protocol between the worker process and its caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["MARK", "Tell"]

MARK = "coblyn-work "
"""Prefix of a line that is a report; every other line is log output."""

Tell = Callable[..., None]
"""Reports an event: its name, and its values as JSON."""

Task = Callable[[Any, dict[str, Any], Tell], dict[str, Any]]
"""A task: takes the opened library, a request and an event reporter; returns the result."""
