"""The plan for connecting a program: pure values, to be shown or executed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from coblyn.connect.target import Target

__all__ = ["Change", "Client", "Plan"]


@dataclass(frozen=True, slots=True)
class Change:
    """A file that says more than before.

    Attributes:
        path: The file; it need not be there.
        change: Its text as it is to be, from the text that it has (empty if it is not there).
    """

    path: Path
    change: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Plan:
    """All that points a program at a server.

    Attributes:
        changes: Files to change.
        variables: Variables of the environment that it needs.
        steps: What the user does in it, a sentence each.
        snippet: Text to copy, such as code; empty for none.
    """

    changes: tuple[Change, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[str, ...] = ()
    snippet: str = ""


@dataclass(frozen=True, slots=True)
class Client:
    """A program that can be pointed at a server.

    Attributes:
        name: Its name on the command line.
        title: Its name as it writes it.
        plan: What has to be done, for a server and for the user's home directory.
    """

    name: str
    title: str
    plan: Callable[[Target, Path], Plan]
