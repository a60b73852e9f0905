"""What a text must be, as a caller says it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from coblyn.errors import BadRequest

__all__ = ["ANY_JSON", "WHITESPACE", "Constraint", "Syntax", "Whitespace"]

Syntax = Literal["json_schema", "gbnf", "regex", "lark", "choice", "tokens"]
"""How a constraint is written.

``json_schema``: a JSON Schema (drafts 4 to 2020-12), as JSON text.
``gbnf``: llama.cpp's grammars, as KoboldCPP takes them.
``regex``: a regular expression that the whole text matches (the syntax of Rust's ``regex`` crate, which has no
look-around and no references).
``lark``: llguidance's dialect of Lark.
``choice``: a JSON list of texts, one of which is written.
``tokens``: a JSON list of the token ids that are written, those that end a generation among them.
"""

Whitespace = Literal["bounded", "any", "none"]
"""Whitespace between the parts of JSON.

``bounded``: a space, or a line break and its indentation. Small models that may write more go on with it forever.
``any``: as much as JSON allows, which is any amount.
``none``: none.
"""

WHITESPACE: tuple[Whitespace, ...] = get_args(Whitespace)


@dataclass(frozen=True, slots=True)
class Constraint:
    """A rule that the generated text follows: from its first character to its last, or from a trigger on.

    Attributes:
        syntax: How it is written.
        text: The schema, grammar, expression or list.
        triggers: The text is free until one of these was written, if there are any; the constrained part begins behind
            it. The name of a special token is found as well as the same text in other tokens.
        includes_trigger: The constrained part begins with the trigger itself.
        repeats: Where the constrained part is complete and nothing may follow, the text is free again, until the next
            trigger. If not, it ends there.
        quiet: An opening and a closing mark, between which triggers are only text; empty if there are none.
        starts_quiet: The text begins between these marks.
        is_required: The text does not end before a trigger was written.
        whitespace: In JSON, where a schema describes it.

    Raises:
        BadRequest: A trigger is empty.
    """

    syntax: Syntax
    text: str = field(repr=False)
    triggers: tuple[str, ...] = ()
    includes_trigger: bool = False
    repeats: bool = False
    is_required: bool = False
    quiet: tuple[str, ...] = ()
    starts_quiet: bool = False
    whitespace: Whitespace = "bounded"

    def __post_init__(self) -> None:
        if "" in self.triggers:
            raise BadRequest("A trigger must not be empty.", field="triggers")

    @property
    def holds_ends(self) -> bool:
        """Whether tokens that end a generation are text like any other."""
        return self.syntax == "tokens"

    @property
    def is_lazy(self) -> bool:
        """Whether the text is free until a trigger was written."""
        return bool(self.triggers)


ANY_JSON = Constraint("json_schema", '{"type": "object"}')
"""What OpenAI calls JSON mode: any JSON object."""
