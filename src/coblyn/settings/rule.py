"""The rule of a setting: its type, range, default and meaning, read from its class."""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, get_args, get_type_hints

import msgspec
from msgspec import Meta

__all__ = ["INTERNAL", "Rule", "rules"]

INTERNAL = "internal"
"""Metadata key that marks fields that are not settings."""

_WORDS = {
    **dict.fromkeys(("yes", "y", "on", "t"), True),
    **dict.fromkeys(("no", "n", "off", "f"), False),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule of a setting.

    Attributes:
        name: Its name.
        kind: Its type, with the range.
        default: Its default.
        meaning: Its meaning, in one sentence.
    """

    name: str
    kind: Any
    default: Any
    meaning: str

    @property
    def hint(self) -> str:
        """The meaning, for error messages."""
        return f"{self.name}: {self.meaning}" if self.meaning else ""

    def shown(self, value: Any) -> str:
        """A value as error messages show it; entries of ``keys`` may hold a key in plain text, and are not shown."""
        return "a value that is not shown here" if self.name == "keys" else repr(value)

    def read(self, value: Any) -> Any:
        """Validate a value; text from the environment is converted to the type.

        Raises:
            ValueError: It is invalid; the text says why.
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
"""Cache of rules, since every change of a setting needs them."""


def _default(each: Field[Any]) -> Any:
    return each.default if each.default_factory is MISSING else each.default_factory()


def _meaning(kind: Any) -> str:
    metas = (item for item in get_args(kind) if isinstance(item, Meta))
    return next((meta.description or "" for meta in metas), "")


def _plain(value: Any) -> Any:
    """Convert a word for yes or no to a bool; no setting uses such words for anything else."""
    return _WORDS.get(value.lower(), value) if isinstance(value, str) else value
