"""The plan for connecting a program: pure values, to be shown or executed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from coblyn.connect.target import Target

__all__ = ["Change", "Client", "Plan"]


@dataclass(frozen=True, slots=True)
class Change:
    """A file to change.

    Attributes:
        path: The file; it need not exist.
        change: Computes its new text from its current text (empty if it does not exist).
    """

    path: Path
    change: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything needed to connect a program to a server.

    Attributes:
        changes: Files to change.
        variables: Environment variables that it needs.
        steps: What the user must do in the program, one sentence each.
        snippet: Text to copy, such as code; empty for none.
    """

    changes: tuple[Change, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[str, ...] = ()
    snippet: str = ""


@dataclass(frozen=True, slots=True)
class Client:
    """A program that can be connected to a server.

    Attributes:
        name: Its name on the command line.
        title: Its name in its own spelling.
        plan: Makes the plan for a server and the user's home directory.
    """

    name: str
    title: str
    plan: Callable[[Target, Path], Plan]
