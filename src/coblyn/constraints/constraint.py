"""What a text must be, as a caller says it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["ANY_JSON", "Constraint", "Syntax"]

Syntax = Literal["json_schema", "gbnf", "regex", "lark", "choice"]
"""How a constraint is written.

``json_schema``: a JSON Schema (drafts 4 to 2020-12), as JSON text.
``gbnf``: llama.cpp's grammars, as KoboldCPP takes them.
``regex``: a regular expression that the whole text matches (the syntax of Rust's ``regex`` crate, which has no
look-around and no references).
``lark``: llguidance's dialect of Lark.
``choice``: a JSON list of texts, one of which is written.
"""


@dataclass(frozen=True, slots=True)
class Constraint:
    """A rule that the generated text follows from its first character to its last.

    Attributes:
        syntax: How it is written.
        text: The schema, grammar, expression or list.
    """

    syntax: Syntax
    text: str = field(repr=False)


ANY_JSON = Constraint("json_schema", '{"type": "object"}')
"""What OpenAI calls JSON mode: any JSON object."""
