"""What a reproduction is: a small tree that really fails, and what must be said about it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from coblyn.run import Finished, run
from doctor.reproductions.toolchain import Toolchain

__all__ = ["Reproduction", "Workshop"]

_MINUTES = 60.0


@dataclass(frozen=True, slots=True)
class Workshop:
    """A tree on the disk, and the compilers that it is built with."""

    tree: Path
    tools: Toolchain

    def write(self, files: Mapping[str, str]) -> None:
        """Write files; a leading newline is dropped, so that texts can stand in a column."""
        for name, text in files.items():
            path = self.tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.removeprefix("\n"), newline="")

    def run(self, *argv: str, check: bool = True) -> Finished:
        """Run a command in the tree."""
        # The log must be the same whatever language the developer speaks.
        env = {"LC_ALL": "C", "MAKEFLAGS": None, **self.tools.environ}
        return run(argv, cwd=self.tree, env=env, timeout=5 * _MINUTES, check=check)

    def make(self, *goals: str, check: bool = True) -> Finished:
        """Run make with the compilers."""
        return self.run(*self.tools.make(*goals), check=check)

    def shell(self, command: str, *, check: bool = True) -> Finished:
        """Run a line of shell in the tree, as a user who follows advice does."""
        return self.run("sh", "-c", command, check=check)

    def all_of(self, *commands: tuple[str, ...]) -> Finished:
        """Run commands until one fails, as one log."""
        return self.shell(" && ".join(shlex.join(each) for each in commands), check=False)

    def age(self, *names: str, days: float = 1.0) -> None:
        """Let files, or all of the tree, have been written days earlier, in the order they were."""
        files = [self.tree / name for name in names] or [*self.tree.rglob("*")]
        for file in files:
            then = file.stat().st_mtime - days * 86400
            os.utime(file, (then, then))


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A failure that is made on purpose.

    Attributes:
        name: Its name in tests.
        make: Writes the tree and brings it to the point where `build` fails.
        build: The command that the user types; its output is the log.
        log: Cause that the log alone must name; empty if a log cannot tell.
        tree: Cause that the tree alone must name; empty if a tree cannot tell.
        both: Cause that the two together must name; empty for either of them.
        sure: Which of "log", "tree" and "both" must name it with certainty, and nothing beside it.
        fails: Whether `build` ends with an error; else its product is wrong.
        works: Checks the product of a build that passed; raises AssertionError.
        by_steps: Whether ``--fix`` mends it.
        by_command: Whether the command that is proposed mends it.
        by_hand: What the fix tells the user to do where neither can.
        tools: Names of toolchains that can show it.
        slow: Those of them that take seconds and show nothing that a quicker reproduction does not.
    """

    name: str
    make: Callable[[Workshop], None]
    build: Callable[[Workshop], Finished]
    log: str = ""
    tree: str = ""
    both: str = ""
    sure: tuple[str, ...] = ()
    fails: bool = True
    works: Callable[[Workshop], None] | None = None
    by_steps: bool = False
    by_command: bool = False
    by_hand: Callable[[Workshop], None] | None = None
    tools: tuple[str, ...] = field(default=("host", "macos-arm64"))
    slow: tuple[str, ...] = ()
