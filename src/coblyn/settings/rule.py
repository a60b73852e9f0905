"""What a setting may be: its type, its range, its default and its meaning, read from the class that holds it."""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, get_args, get_type_hints

import msgspec
from msgspec import Meta

__all__ = ["INTERNAL", "Rule", "rules"]

INTERNAL = "internal"
"""Marks fields, in their metadata, that are not settings."""

_WORDS = {
    **dict.fromkeys(("yes", "y", "on", "t"), True),
    **dict.fromkeys(("no", "n", "off", "f"), False),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What a setting may be.

    Attributes:
        name: Its name.
        kind: Its type, with the range.
        default: Its value where nobody chose one.
        meaning: What it does, in a sentence.
    """

    name: str
    kind: Any
    default: Any
    meaning: str

    @property
    def hint(self) -> str:
        """The meaning, for error messages."""
        return f"{self.name}: {self.meaning}" if self.meaning else ""

    def read(self, value: Any) -> Any:
        """A value from outside as what it means: text from the environment is read as the type wants it.

        Raises:
            ValueError: It means nothing here; the text says why.
        """
        try:
            return msgspec.convert(_plain(value), self.kind, strict=False)
        except msgspec.ValidationError as error:
            raise ValueError(str(error).partition(" - at ")[0].replace("`", "")) from error

    def problem(self, value: Any) -> str:
        """Why a value is not allowed; empty if it is."""
        try:
            msgspec.convert(value, self.kind)
        except msgspec.ValidationError as error:
            return str(error).partition(" - at ")[0].replace("`", "")
        return ""


def rules(settings: type[Any]) -> tuple[Rule, ...]:
    """The rule of each setting that a class has."""
    if settings not in _rules:
        kinds = get_type_hints(settings, include_extras=True)
        _rules[settings] = tuple(
            Rule(each.name, kinds[each.name], _default(each), _meaning(kinds[each.name]))
            for each in fields(settings)
            if INTERNAL not in each.metadata
        )
    return _rules[settings]


_rules: dict[type, tuple[Rule, ...]] = {}
"""Those that were read: every change of a setting asks for them."""


def _default(each: Field[Any]) -> Any:
    return each.default if each.default_factory is MISSING else each.default_factory()


def _meaning(kind: Any) -> str:
    metas = (item for item in get_args(kind) if isinstance(item, Meta))
    return next((meta.description or "" for meta in metas), "")


def _plain(value: Any) -> Any:
    """A word for yes or no as the value that it stands for; no setting uses such a word for anything else."""
    return _WORDS.get(value.lower(), value) if isinstance(value, str) else value
