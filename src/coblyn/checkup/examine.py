"""All checks of a model's file, and the corrections for their findings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coblyn.chat.client import shared_renderers
from coblyn.checkup.card import Card, read_card
from coblyn.checkup.finding import Finding, combined
from coblyn.checkup.numbers import check_numbers
from coblyn.checkup.template import check_template
from coblyn.checkup.tokens import check_tokens
from coblyn.models.overrides import Overrides, write_overrides
from coblyn.progress import Report, silent

__all__ = ["Checkup", "examine", "set_right"]

_ORDER = ("grave", "light", "note")


@dataclass(frozen=True, slots=True)
class Checkup:
    """The result of the checks.

    Attributes:
        path: The file.
        findings: The findings, most serious first.
        overrides: Existing corrections, which were applied.
        fix: Corrections including those for the findings.
    """

    path: Path
    findings: tuple[Finding, ...]
    overrides: Overrides
    fix: Overrides

    @property
    def is_sound(self) -> bool:
        """Whether no finding affects the model's output."""
        return all(each.weight == "note" for each in self.findings)

    @property
    def can_fix(self) -> bool:
        """Whether any finding can be corrected beside the file."""
        return self.fix != self.overrides

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "path": str(self.path),
            "is_sound": self.is_sound,
            "findings": [each.to_json() for each in self.findings],
            "overrides": list(self.overrides.names),
            "fix": list(self.fix.names) if self.can_fix else [],
        }


def examine(path: Path, *, deep: bool = False, report: Report = silent) -> Checkup:
    """Check a file; ``deep`` checks every weight.

    Raises:
        ModelError: The file cannot be read.
        SettingsError: Its corrections cannot be read.
    """
    card = read_card(path)
    found = [*check_tokens(card), *check_numbers(card), *_of_template(card)]
    if deep:
        from coblyn.checkup.weights import check_weights  # numpy only when it is needed

        found += check_weights(card.header, report)
    found.sort(key=lambda each: _ORDER.index(each.weight))
    findings = tuple(found)
    return Checkup(path, findings, card.overrides, combined(card.overrides, findings))


def set_right(checkup: Checkup) -> Path:
    """Write corrections for the findings beside the file; they apply each time the model is loaded.

    Raises:
        CoblynError: It cannot be written.
    """
    return write_overrides(checkup.path, checkup.fix)


def _of_template(card: Card) -> list[Finding]:
    return list(check_template(card, shared_renderers().run))
