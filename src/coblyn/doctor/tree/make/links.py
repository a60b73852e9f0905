"""Links in a set of makefiles, and their sources."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from coblyn.doctor.tree.make.value import is_certain
from coblyn.native.trace.link import (
    Compiled,
    Link,
    compilation,
    is_object,
    linking,
    whole_archives,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from coblyn.doctor.tree.files import Files
    from coblyn.doctor.tree.make.database import MakeDatabase

__all__ = ["links_of"]

_MAX_STEPS = 100_000
_BRANCH = re.compile(r"(?:^|[\s;&])(?:if|case|for|while)\s|\|\|")


def links_of(database: MakeDatabase, files: Files) -> Iterator[Link]:
    """Every link that a recipe performs; objects that are uncertain are omitted."""
    folder = posixpath.dirname(database.makefile)

    def name(path: str) -> str:
        return files.name(posixpath.join(folder, path))

    reached = _reached(database)
    sources = {
        name(target): _compiled(database, target, name, reached.get(target, ()))
        for target in database.commands
    }
    for target, lines in database.commands.items():
        place = _place(database, target)
        for line in lines:
            for output, words, is_archive in linking(line):
                sure = [word for word in words[1:] if is_object(word) and is_certain(word)]
                objects = dict.fromkeys(name(word) for word in sure if word != output)
                found = tuple(sources.get(each) or Compiled(each) for each in objects)
                if found or any(whole_archives(words)):
                    yield Link(name(output or target), found, words, is_archive, place, target)


def _reached(database: MakeDatabase) -> Mapping[str, list[str]]:
    """For each name: targets whose specific variables it inherits, so that its options may depend on them."""
    reached: dict[str, list[str]] = {}
    steps = _MAX_STEPS
    givers = {
        target
        for target, found in database.targeted.items()
        if any(not each.is_private for each in found)
    }
    for giver in sorted(givers):
        waiting = list(database.prerequisites(giver))
        seen: set[str] = set()
        while waiting and steps > 0:
            steps -= 1
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                reached.setdefault(name, []).append(f"for {giver}")
                waiting += database.prerequisites(name)
    if steps <= 0:
        # Too many to follow: every name is treated separately.
        return {name: [f"for {name}"] for name in database.commands}
    return reached


def _compiled(
    database: MakeDatabase, target: str, name: Callable[[str], str], reached: Sequence[str]
) -> Compiled | None:
    for line in database.commands[target]:
        found = compilation(line, target)
        if found and is_certain(found.source):
            return Compiled(
                name(target),
                name(found.source),
                tuple(each for each in found.options if is_certain(each)),
                _place(database, target),
                tuple(name(each) for each in found.include if is_certain(each)),
                # A shell conditional may choose another command.
                () if _BRANCH.search(line) else (*found.given, *reached),
            )
    return None


def _place(database: MakeDatabase, target: str) -> str:
    rules = database.recipes(target)
    return str(rules[-1].place) if rules else ""
