"""Makes a diagnosis from the user's arguments.

Reads logs, trees and object files, and checks them against the catalogue.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coblyn.crash import read_crash
from coblyn.doctor.cause import Case
from coblyn.doctor.examine import examine
from coblyn.doctor.subject import Subject, classify, is_engine
from coblyn.errors import BadRequest, NotFound
from coblyn.native import probe
from coblyn.progress import silent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coblyn.doctor.finding import Diagnosis
    from coblyn.doctor.log.log import Log
    from coblyn.doctor.tree.tree import Tree
    from coblyn.native.audit.report import AuditReport
    from coblyn.native.facts import Facts
    from coblyn.progress import Report

__all__ = ["STDIN", "Consultation", "check_machine", "consult", "machine_facts"]

_IN_TREE = re.compile(r"(?:mv|mkdir|rm|make|git|sed|cmake|ninja|find) (?!-C |/|-p /)")
STDIN = "-"
"""The name of standard input."""


@dataclass(frozen=True, slots=True)
class Consultation:
    """What was examined, and the result.

    Attributes:
        case: The case that was checked against the catalogue.
        diagnosis: The result.
        root: The source tree, if there was one.
    """

    case: Case
    diagnosis: Diagnosis
    root: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        diagnosis = self.diagnosis
        answer: dict[str, Any] = {
            "clean": diagnosis.is_clean,
            "failed": diagnosis.failed,
            "explained": diagnosis.is_explained,
            "findings": [finding.to_json() for finding in diagnosis.findings],
            "first_error": list(diagnosis.first_error),
        }
        if self.case.tree:
            answer["notes"] = list(self.case.tree.notes)
        if self.case.binaries:
            answer["audit"] = self.case.binaries.to_json()
        return answer


def consult(
    names: Sequence[str],
    *,
    evaluate_make: bool = False,
    environ: Mapping[str, str] = os.environ,
    report: Report = silent,
) -> Consultation:
    """Look at a log, a tree, object files, or several of them that belong together.

    Args:
        names: Paths, ids of engines, or "-" for standard input; at most one log and one tree.
        evaluate_make: Let make read the makefiles, which runs their ``$(shell)`` commands.
        environ: Environment of the build, if it runs on this machine.
        report: Receives the progress.

    Raises:
        NotFound, BadRequest: Something cannot be examined.
    """
    subjects: dict[Subject, list[str]] = {}
    for name in names:
        kind, place = _subject(name)
        subjects.setdefault(kind, []).append(place)
    for kind in (Subject.LOG, Subject.TREE):
        if len(subjects.get(kind, ())) > 1:
            raise BadRequest(
                f"Only one {kind} at a time; here are {', '.join(subjects[kind])}.",
                hint="A log and the tree that it came from belong together.",
            )
    log_name = next(iter(subjects.get(Subject.LOG, ())), "")
    tree_name = next(iter(subjects.get(Subject.TREE, ())), "")
    log = _log(log_name, report) if log_name else None
    tree = _tree(tree_name, environ, report, evaluate_make=evaluate_make) if tree_name else None
    # A log file may come from anywhere; a log piped in, and a tree, belong to this machine.
    is_here = tree is not None or log_name == STDIN or (log is not None and _is_of_engine_here(log))
    files = [Path(name) for name in subjects.get(Subject.BINARY, ())]
    files += [Path(name) for name in subjects.get(Subject.BUNDLE, ())]
    case = Case(
        log,
        tree,
        machine_facts(environ) if is_here else None,
        environ if is_here else {},
        _audit(files) if files else None,
    )
    diagnosis = examine(case)
    if tree_name and Path(tree_name).resolve() != Path.cwd():
        diagnosis = typed_in(diagnosis, tree_name)
    return Consultation(case, diagnosis, Path(tree_name) if tree_name else None)


def _is_of_engine_here(log: Log) -> bool:
    """Whether a log is of an engine of this machine: the library that it died in is here."""
    crash = next(filter(None, map(read_crash, log.text.splitlines())), None)
    return crash is not None and bool(crash.library) and Path(crash.library).is_file()


def typed_in(diagnosis: Diagnosis, tree: str) -> Diagnosis:
    """The same diagnosis, with commands for a tree's directory changed so that they work in any directory."""
    folder = shlex.quote(tree)
    findings = (
        replace(each, fix=replace(each.fix, command=f"cd {folder} && {each.fix.command}"))
        if _IN_TREE.match(each.fix.command)
        else each
        for each in diagnosis.findings
    )
    return replace(diagnosis, findings=tuple(findings))


def check_machine(machine: Facts, environ: Mapping[str, str] = os.environ) -> Diagnosis:
    """Problems of a machine, regardless of what is built on it."""
    return examine(Case(machine=machine, environ=environ))


def machine_facts(environ: Mapping[str, str] = os.environ) -> Facts:
    """Facts about this machine, including the compilers that a build would use.

    Args:
        environ: Environment of the build.
    """
    from coblyn.doctor.tree.machine import compiler_facts

    prober = probe.Prober()
    facts = probe.probe(prober)
    facts = facts.with_facts(compiler_facts(prober, environ))
    prober.save()
    return facts


def _subject(name: str) -> tuple[Subject, str]:
    if name == STDIN:
        return Subject.LOG, name
    try:
        return classify(Path(name)), name
    except NotFound:
        from coblyn.native import bundle

        known = next((each for each in bundle.installed() if each.id == name), None)
        if known is None:
            raise
        return Subject.BUNDLE, str(known.path)


def _log(name: str, report: Report) -> Log:
    from coblyn.doctor.log.reader import read_log

    if name == STDIN:
        if sys.stdin is None:
            raise BadRequest("Standard input is closed.", hint="Name a file, or pipe the log in.")
        return read_log(sys.stdin.buffer, report=report)
    return read_log(Path(name), name=Path(name).name, report=report)


def _tree(name: str, environ: Mapping[str, str], report: Report, *, evaluate_make: bool) -> Tree:
    from coblyn.doctor.tree.tree import read_tree

    return read_tree(Path(name), evaluate_make=evaluate_make, environ=environ, report=report)


def _audit(files: Sequence[Path]) -> AuditReport:
    from coblyn.native.audit import audit_bundle, audit_files
    from coblyn.native.receipt import read_receipt

    if len(files) == 1 and is_engine(files[0]):
        engine = files[0]
        return audit_bundle(engine / "lib", read_receipt(engine).backend)
    return audit_files(files)
