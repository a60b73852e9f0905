"""A finding: cause, consequence and fix. Its texts come from ``findings.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from coblyn.models.overrides import Overrides

__all__ = ["Finding", "Weight", "combined", "finding", "known"]

Weight = Literal["grave", "light", "note"]
Value = int | float | bool | str


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding.

    Attributes:
        id: Its name in the catalogue.
        weight: Its severity.
        cause: The fault.
        consequence: Its effect.
        fix: The fix; empty if it cannot be corrected beside the file.
        overrides: The fix as corrections beside the file.
    """

    id: str
    weight: Weight
    cause: str
    consequence: str
    fix: str = ""
    overrides: Overrides = field(default_factory=Overrides)

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id,
            "weight": self.weight,
            "cause": self.cause,
            "consequence": self.consequence,
            "fix": self.fix,
            "metadata": dict(self.overrides.metadata),
            "chat_template": self.overrides.chat_template,
        }


@cache
def known() -> Mapping[str, Mapping[str, str]]:
    """The catalogue: texts and severity by id."""
    text = files("coblyn.checkup").joinpath("findings.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def finding(
    id_: str,
    /,
    metadata: Mapping[str, Value] | None = None,
    *,
    chat_template: str = "",
    **found: object,
) -> Finding:
    """A finding of the catalogue.

    Args:
        id_: Its name in the catalogue.
        metadata: Correcting values by key; without these and without a template, it has no fix.
        chat_template: The correcting template.
        found: Values for its texts.
    """
    words = known()[id_]
    weight: Any = words["weight"]
    can_fix = bool(metadata or chat_template)
    return Finding(
        id_,
        weight,
        words["cause"].format(**found),
        words["consequence"].format(**found),
        words["fix"].format(**found) if can_fix else "",
        Overrides(dict(metadata or {}), chat_template),
    )


def combined(before: Overrides, findings: tuple[Finding, ...]) -> Overrides:
    """Corrections for all findings on top of existing ones; if two conflict, the first finding wins."""
    metadata, template = dict(before.metadata), before.chat_template
    for each in reversed(findings):
        metadata |= each.overrides.metadata
        template = each.overrides.chat_template or template
    return Overrides(metadata, template)
