"""The tables of the catalogue: a ``causes.toml`` per family, with the texts and the signs of its causes.

An entry is named by the id of its cause, and its keys are the attributes of `Cause`. Those of its ``signs`` are the
attributes of `Sign`, and ``usual`` holds their shared values. Lines of prose are joined by a space, lines
of a pattern by nothing. A cause that needs more than signs has a module of the same name next to the table.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._sign import Sign, by_signs
from coblyn.doctor.causes._tree import joined
from coblyn.doctor.finding import Confidence, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from coblyn.doctor.cause import Case
    from coblyn.doctor.finding import Finding

__all__ = ["TABLE", "described", "table"]

TABLE = "causes.toml"
"""Name of a family's table."""

_PATTERNS = ("words", "also", "unless")
_BY_LINES = "The line of the log that says so."


def described(module: str, look: Callable[[Case], Finding | None]) -> Cause:
    """The cause of a module: texts and signs from its family's table, and a function that examines the rest of a case.

    If both find something, the function's finding takes precedence.

    Args:
        module: The module's ``__name__``, which ends with the family and the id.
        look: Finds the cause, or returns None; quick, pure, and None if unsure.
    """
    family, name = module.rsplit(".", 2)[1:]
    entry = table(Path(__file__).parent / family)[name.replace("_", "-")]
    return replace(entry, diagnose=lambda case: joined(look(case), entry.diagnose(case)))


@functools.cache
def table(family: Path) -> Mapping[str, Cause]:
    """The causes of a family by id, detected by signs in a log alone.

    Args:
        family: Its directory.
    """
    entries = tomllib.loads((family / TABLE).read_text("utf-8"))
    return {name: _cause(name, entry) for name, entry in entries.items()}


def _cause(name: str, entry: dict[str, Any]) -> Cause:
    usual = entry.pop("usual", {})
    signs = [_sign(usual | each) for each in entry.pop("signs", ())]
    words: dict[str, Any] = {"needs": _BY_LINES, "links": ()} | {
        key: _read(value) for key, value in entry.items()
    }

    def diagnose(case: Case) -> Finding | None:
        return by_signs(cause, case)

    cause = Cause(id=name, **words, diagnose=diagnose, signs=tuple(signs))
    return cause


def _sign(keys: dict[str, str]) -> Sign:
    read: dict[str, Any] = {
        key: value.replace("\n", "") if key in _PATTERNS else _prose(value)
        for key, value in keys.items()
    }
    if "sure" in read:
        read["sure"] = Confidence[read["sure"].upper()]
    if "severity" in read:
        read["severity"] = Severity(read["severity"])
    return Sign(**read)


def _read(value: object) -> object:
    if isinstance(value, list):
        return tuple(value)
    return _prose(value) if isinstance(value, str) else value


def _prose(text: str) -> str:
    return text.replace("\n", " ").strip()
