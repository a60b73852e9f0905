"""The command that a service runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Command"]


@dataclass(frozen=True, slots=True)
class Command:
    """A program that a service manager keeps running.

    Attributes:
        name: Name of the service: letters, digits and hyphens.
        argv: The program and its arguments.
        environment: Variables that it needs.
        stop_seconds: Seconds it may take to end when stopped.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_seconds: float = 20.0
