"""Makefiles as make itself sees them: the database of ``make -pn``.

What runs: everything that make runs while it reads, as it would in any build: ``$(shell …)``, ``!=``, ``$(file …)``,
``$(guile …)`` and ``load``, with the rights of the user. Therefore the user is asked first.

What does not run: recipes. The goal is a target of our own without a recipe, in a second makefile that is read last, so
that lines with ``+`` or ``$(MAKE)``, which run even under ``-n``, are not reached. Make also remakes makefiles, and
does so even under ``-n``: every known one is passed as ``--old-file``, those that were read get an empty
recipe, and for any other the second makefile sets the shell of recipes to a program that does nothing. A makefile
that is written to circumvent this (a target-specific ``override SHELL``) still can; static reading, which is the
default, runs nothing.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from coblyn.doctor.tree.make.database import Place, Rule, Variable
from coblyn.doctor.tree.make.reader import read_makefile
from coblyn.errors import ProgramFailed
from coblyn.run import run, stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from coblyn.doctor.tree.files import Files
    from coblyn.doctor.tree.make.database import MakeDatabase

__all__ = ["evaluate_makefile", "parse_targets", "parse_variables"]

_SECONDS = 20.0
_MAX_LINES = 500_000
_MAX_LETTERS = 100_000_000
_GOAL = "coblyn-looks-only"
_LAST = "coblyn-last.mk"
_MADE_BY_MAKEFILE = re.compile(
    r"# (?P<origin>makefile|command line|'override' directive|`override' directive)"
    r"(?: \(from [`'](?P<file>.*)', line (?P<line>\d+)\))?$"
)
_SET = re.compile(r"(?P<name>\S+) (?P<kind>:?:?:?=|\+=|\?=) ?(?P<value>.*)$")
_DEFINE = re.compile(r"define (?P<name>\S+)(?: :?=)?$")
_RECIPE = re.compile(
    r"#  (?:recipe|commands) to execute(?: \(from [`'](?P<file>.*)', line (?P<line>\d+)\))?"
)
_ORIGINS = {"makefile": "file", "command line": "command line"}


def evaluate_makefile(
    files: Files, makefile: str, *, environ: Mapping[str, str], seconds: float = _SECONDS
) -> MakeDatabase:
    """Read a makefile with make's help.

    Args:
        files: The tree.
        makefile: Name of the file in ``files``.
        environ: Environment that make would see.
        seconds: Timeout for make.

    Raises:
        ProgramFailed: There is no GNU make, it fails, takes too long or writes endlessly.
    """
    static = read_makefile(files, makefile, environ=environ)
    lines = _database(_gnu_make(), static, environ, seconds)
    known = parse_variables(lines)
    again = read_makefile(files, makefile, environ=environ, known=known)
    return replace(_decided(again, parse_targets(lines)), is_evaluated=True)


def parse_variables(lines: Iterable[str]) -> dict[str, Variable]:
    """Variables that makefiles set, from the database that GNU make 3.81 to 4.x prints."""
    found: dict[str, Variable] = {}
    given = iter(lines)
    heading: re.Match[str] | None = None
    for line in given:
        if line.startswith("# "):
            heading = _MADE_BY_MAKEFILE.match(line)
        elif heading:
            place = Place(heading["file"] or "", int(heading["line"] or 0))
            origin = _ORIGINS.get(heading["origin"], "override")
            if define := _DEFINE.match(line):
                found[define["name"]] = Variable(_body(given), origin=origin, place=place)
            elif value := _SET.match(line):
                simple = value["kind"].startswith(":")
                found[value["name"]] = Variable(value["value"], simple, origin, place)
            heading = None
    return found


def parse_targets(lines: Iterable[str]) -> dict[str, tuple[tuple[str, ...], Place]]:
    """Prerequisites of every target of the database, and the place of its recipe."""
    found: dict[str, tuple[tuple[str, ...], Place]] = {}
    is_files = is_target = False
    target = ""
    for line in lines:
        if line == "# Files":
            is_files = True
        elif line.startswith(("# files hash-table stats", "# VPATH Search Paths")):
            is_files = False
        if not is_files:
            continue
        if not line:
            is_target, target = True, ""
        elif line == "# Not a target:":
            is_target = False
        elif is_target and not target and line[0] not in "#\t" and ":" in line:
            target, _, rest = line.partition(":")
            normal = rest.lstrip(":").partition("|")[0].split()
            found.setdefault(target, (tuple(normal), Place("", 0)))
        elif target and (recipe := _RECIPE.match(line)):
            found[target] = (
                found[target][0],
                Place(recipe["file"] or "", int(recipe["line"] or 0)),
            )
    return found


def _body(lines: Iterator[str]) -> str:
    body = []
    for line in lines:
        if line == "endef":
            break
        body.append(line)
    return "\n".join(body)


def _gnu_make() -> str:
    for name in ("gmake", "make", "mingw32-make"):
        program = shutil.which(name)
        if program and "GNU Make" in run([program, "--version"], timeout=10, check=False).output:
            return program
    raise ProgramFailed(
        "There is no GNU make on this machine.",
        hint="The makefiles can still be read without it, which is the default.",
    )


def _database(
    make: str, static: MakeDatabase, environ: Mapping[str, str], seconds: float
) -> list[str]:
    lines: list[str] = []
    letters = 0

    def keep(line: str) -> None:
        nonlocal letters
        letters += len(line)
        if len(lines) >= _MAX_LINES or letters > _MAX_LETTERS:
            raise ProgramFailed(f"make writes a database without end in {static.directory}.")
        lines.append(line)

    with tempfile.TemporaryDirectory(prefix="coblyn-") as folder:
        last = Path(folder) / _LAST
        last.write_text(_last_makefile(), encoding="utf-8")
        makefile = static.directory / Path(static.makefile).name
        argv: list[str | Path] = [
            make,
            "-p",
            "-n",
            "--no-print-directory",
            "-f",
            makefile.name,
            "-f",
            last,
        ]
        for name in _makefiles(static):
            argv += ["-o", name]
        done = stream(
            [*argv, _GOAL],
            keep,
            env=_environment(environ),
            cwd=static.directory,
            timeout=seconds,
            check=False,
        )
    if done.code != 0 or "# Files" not in lines:
        said = [line for line in lines if "***" in line or line.startswith(f"{makefile.name}:")]
        raise ProgramFailed(f"make cannot read {makefile}: {' '.join(said[-2:])}")
    return lines


def _last_makefile() -> str:
    nothing = shutil.which("true") or "true"
    return (
        f"override SHELL := {nothing}\n"
        f".PHONY: {_GOAL}\n{_GOAL}:\n"
        "$(foreach file,$(MAKEFILE_LIST),$(eval $(file): ;))\n"
    )


def _makefiles(static: MakeDatabase) -> tuple[str, ...]:
    root = static.directory
    names = [static.makefile, *(each.path for each in static.includes)]
    # Under both the makefile's name for it and the full path: make compares names as text.
    found = [name for each in names for name in (Path(each).name, str(root / each), each)]
    return tuple(dict.fromkeys(found))[:2000]


def _environment(environ: Mapping[str, str]) -> dict[str, str | None]:
    dropped = ("MAKEFLAGS", "MFLAGS", "GNUMAKEFLAGS", "MAKEFILES", "MAKELEVEL")
    return {**environ, **dict.fromkeys(dropped), "LC_ALL": "C"}


def _decided(
    database: MakeDatabase, made: Mapping[str, tuple[tuple[str, ...], Place]]
) -> MakeDatabase:
    """Resolve what static reading could not decide, from make's result."""
    rules = {
        target: tuple(
            _sure(rule, made[target][0]) for rule in rules if _is_real(rule, made[target][0])
        )
        for target, rules in database.rules.items()
        if target in made
    }
    for target, (names, place) in made.items():
        is_ours = target == _GOAL or Path(place.file).name == _LAST
        if target not in rules and not target.startswith(".") and not is_ours:
            rules[target] = (Rule(target, place, names, has_recipe=bool(place.file)),)
    return replace(database, rules={target: each for target, each in rules.items() if each})


def _is_real(rule: Rule, names: tuple[str, ...]) -> bool:
    return (
        not rule.is_maybe or not rule.prerequisites or set(rule.prerequisites) & set(names) != set()
    )


def _sure(rule: Rule, names: tuple[str, ...]) -> Rule:
    there = tuple(name for name in rule.prerequisites if name not in rule.maybe or name in names)
    return replace(rule, prerequisites=there, maybe=frozenset())
