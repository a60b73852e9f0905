"""The formats in which models write calls of tools, one a module; the template tells which a model has."""

from __future__ import annotations

from collections.abc import Sequence

from coblyn.chat.formats.format import Format
from coblyn.chat.formats.hermes import HERMES
from coblyn.chat.formats.tagged import tagged

__all__ = ["FORMATS", "NO_FORMAT", "format_of"]

FORMATS: Sequence[Format] = (HERMES,)
"""All formats, in the order in which they are looked for: templates of earlier ones may have signs of later ones."""

NO_FORMAT = Format("none", lambda template: True, tagged({}))  # noqa: ARG005
"""What a model without a format of calls writes: reasoning and content."""


def format_of(template: str) -> Format:
    """The format of a model that has this chat template."""
    return next((each for each in FORMATS if each.is_of(template)), NO_FORMAT)
