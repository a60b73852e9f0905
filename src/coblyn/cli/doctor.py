"""``coblyn doctor``: explains broken builds, inspects libraries, and proves what accelerates this machine."""

from __future__ import annotations

import json
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coblyn.cli.text import shown

if TYPE_CHECKING:
    from rich.console import Console

    from coblyn.doctor.consult import Consultation
    from coblyn.doctor.repair import Move

__all__ = ["doctor"]

PROBLEM = 1
"""Exit code when something is wrong, explained or not."""


def doctor(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            help="A log, a source tree, object files, libraries, an engine or a model; - is standard input. "
            "None: this machine and the engine in use.",
            show_default=False,
        ),
    ] = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Do the safe part of the fix; nothing is deleted.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Undo the last --fix.")] = False,
    deep: Annotated[bool, typer.Option("--deep", help="For a model: check every weight.")] = False,
    evaluate: Annotated[
        bool,
        typer.Option(
            "--evaluate",
            help="Let make itself read the makefiles (make -pn), which runs their $(shell) calls.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Write facts for a bug report, without personal names.")
    ] = False,
    explain: Annotated[
        str, typer.Option(metavar="ID", help="Show one cause of the catalogue.")
    ] = "",
    show_list: Annotated[bool, typer.Option("--list", help="List the catalogue.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Explain a build that failed, look into libraries, or prove what accelerates this machine."""
    if show_list or explain:
        _show_catalogue(explain, as_json=as_json)
        return
    if undo:
        _undo(what or ["."], as_json=as_json)
        return
    names = what or _fed()
    if not names:
        from coblyn.cli.machine import examine_machine

        raise typer.Exit(0 if examine_machine(as_json=as_json) else PROBLEM)
    from coblyn.cli.checkup import examine_file, model_among

    if model := model_among(names):
        is_sound = examine_file(model, deep=deep, fix=fix, as_json=as_json)
        raise typer.Exit(0 if is_sound else PROBLEM)
    found = _consult(names, evaluate=evaluate and _may_evaluate(yes=yes))
    moves = _fix(found) if fix else ()
    if report:
        _write_report(found)
    elif as_json:
        print(json.dumps(found.to_json() | {"moves": [move.to_json() for move in moves]}, indent=2))
    else:
        _show(found, names, offers_fix=not fix)
    if fix and not as_json:
        # The report is for others; messages about the fix are for the user.
        _show_fix(_console(stderr=report), found, moves)
    raise typer.Exit(0 if found.diagnosis.is_clean else PROBLEM)


def _fed() -> list[str]:
    """Standard input, if a program or a file is connected to it: ``make 2>&1 | coblyn doctor``."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):  # closed, or no real file
        return []
    if stat.S_ISFIFO(mode):
        # Some parent processes leave a pipe open that never ends.
        _tell(f"Reading standard input to its end; this machine: coblyn doctor < {os.devnull}")
        return ["-"]
    return ["-"] if stat.S_ISREG(mode) else []


def _consult(names: list[str], *, evaluate: bool) -> Consultation:
    from coblyn.cli.bar import bar, later
    from coblyn.doctor.consult import consult

    with bar() as report:
        return consult(names, evaluate_make=evaluate, report=later(report))


def _may_evaluate(*, yes: bool) -> bool:
    """Whether make may read the makefiles; asks, since that executes parts of them."""
    if yes:
        return True
    _tell(
        "make -pn runs no recipe, but it does run what the makefiles call with $(shell), !=, $(file) and load."
    )
    if sys.stdin is None or not sys.stdin.isatty():
        _tell("Nobody can be asked, so the makefiles are only read. Use --yes to allow it.")
        return False
    return typer.confirm("Do you trust this tree?", default=False, err=True)


def _fix(found: Consultation) -> tuple[Move, ...]:
    """Do the safe part of the fix for certain findings."""
    import datetime as dt

    from coblyn.doctor.repair import repair
    from coblyn.errors import BadRequest

    if found.root is None:
        raise BadRequest("--fix changes a source tree.", hint="Name it: coblyn doctor . --fix")
    steps = [step for finding in found.diagnosis.findings for step in finding.safe_steps]
    today = dt.datetime.now().astimezone().date()
    return repair(found.root, steps, today)


def _undo(names: list[str], *, as_json: bool) -> None:
    from coblyn.cli.diagnosis import show_moves
    from coblyn.doctor.repair import undo
    from coblyn.errors import BadRequest

    if len(names) > 1:
        raise BadRequest(
            "--undo takes one fix back, in one source tree.", hint="Name only that tree."
        )
    moves = undo(Path(names[0]))
    if as_json:
        print(json.dumps({"moves": [move.to_json() for move in moves]}, indent=2))
        return
    print(f"Undone: {len(moves)} moved back.")
    show_moves(_console(), moves, undone=True)


def _show(found: Consultation, names: list[str], *, offers_fix: bool) -> None:
    from coblyn.cli.diagnosis import show_diagnosis
    from coblyn.run import show_command

    console = _console()
    if found.case.binaries:
        from coblyn.cli.audit import show_audit

        show_audit(console, found.case.binaries)
    for note in found.case.tree.notes if found.case.tree else ():
        console.print(shown(f"· {note}"), markup=False, highlight=False)
    show_diagnosis(console, found.diagnosis, show_command(names), offers_fix=offers_fix)


def _show_fix(console: Console, found: Consultation, moves: tuple[Move, ...]) -> None:
    from coblyn.cli.diagnosis import show_moves
    from coblyn.run import show_command

    def say(text: str) -> None:
        console.print(shown(text), markup=False, highlight=False, soft_wrap=True)

    if not moves:
        say(f"Nothing was moved: {_why_not(found)}")
        return
    back = show_command(["coblyn", "doctor", str(found.root), "--undo"])
    say(f"Fixed: {len(moves)} moved aside, nothing deleted. Back again: {back}")
    show_moves(console, moves, undone=False)
    say("Build again now.")


def _why_not(found: Consultation) -> str:
    """Why nothing was moved, and what would make the diagnosis certain."""
    unsure = [each for each in found.diagnosis.findings if each.fix.steps and not each.safe_steps]
    if not unsure:
        return "only you can do what is left to do here."
    missing = (
        "Do what it says by hand"
        if found.case.log
        else f"Give the log of the build that failed too: coblyn doctor build.log {found.root} --fix"
    )
    return f"{unsure[0].cause} is likely, not sure. {missing}."


def _write_report(found: Consultation) -> None:
    import platform

    from coblyn.doctor.consult import machine_facts
    from coblyn.doctor.report import report, without_names

    machine = found.case.machine or machine_facts()
    text = report(found.case, found.diagnosis, machine)
    user, home = _user()
    print(without_names(text, user=user, home=home, host=platform.node()), end="")


def _user() -> tuple[str, str]:
    """Name and home directory of the user; empty if a container has none."""
    import getpass

    name = home = ""
    with suppress(OSError, KeyError, ImportError):
        name = getpass.getuser()
    with suppress(RuntimeError):
        home = str(Path.home())
    return name, home


def _show_catalogue(name: str, *, as_json: bool) -> None:
    from coblyn.cli.diagnosis import show_cause, show_causes
    from coblyn.doctor.causes import catalogue, cause

    causes = (cause(name),) if name else catalogue()
    if as_json:
        entries = [each.to_json() for each in causes]
        print(json.dumps(entries[0] if name else entries, indent=2))
    elif name:
        show_cause(_console(), causes[0])
    else:
        show_causes(_console(), causes)


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr)


def _tell(text: str) -> None:
    print(shown(text), file=sys.stderr)
