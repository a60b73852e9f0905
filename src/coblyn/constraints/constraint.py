"""A constraint as specified by a caller."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from coblyn.errors import BadRequest

__all__ = ["ANY_JSON", "WHITESPACE", "Constraint", "Syntax", "Whitespace"]

Syntax = Literal["json_schema", "gbnf", "regex", "lark", "choice", "tokens"]
"""The syntax of a constraint.

``json_schema``: a JSON Schema (drafts 4 to 2020-12), as JSON text.
``gbnf``: llama.cpp's grammars, as in KoboldCPP.
``regex``: a regular expression that the whole text matches (the syntax of Rust's ``regex`` crate, which has no
look-around and no references).
``lark``: llguidance's dialect of Lark.
``choice``: a JSON list of texts, one of which is generated.
``tokens``: a JSON list of the token ids to generate, which may include end-of-generation tokens.
"""

Whitespace = Literal["bounded", "any", "none"]
"""Whitespace between the parts of JSON.

``bounded``: a space, or a line break with indentation. Some small models would write unlimited whitespace forever.
``any``: any amount, as JSON allows.
``none``: none.
"""

WHITESPACE: tuple[Whitespace, ...] = get_args(Whitespace)


@dataclass(frozen=True, slots=True)
class Constraint:
    """A rule for the generated text, either for all of it or from a trigger on.

    Attributes:
        syntax: Its syntax.
        text: The schema, grammar, expression or list.
        triggers: If there are any, the text is free until one of them is generated, and the constrained part begins
            after it. A special token's name matches both the token and the same text in other tokens.
        includes_trigger: Whether the constrained part begins with the trigger itself.
        repeats: Whether the text is free again after a complete constrained part, until the next trigger; otherwise it
            ends there.
        quiet: An opening and a closing mark, between which triggers have no effect; empty if there are none.
        starts_quiet: Whether the text begins between these marks.
        is_required: Whether the text must not end before a trigger.
        whitespace: Whitespace in JSON by a schema.
        named: The caller's name for it, in errors.

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
    named: str = field(default="constraint", compare=False)

    def __post_init__(self) -> None:
        if "" in self.triggers:
            raise BadRequest("A trigger must not be empty.", field="triggers")

    @property
    def holds_ends(self) -> bool:
        """Whether end-of-generation tokens are ordinary tokens."""
        return self.syntax == "tokens"

    @property
    def is_lazy(self) -> bool:
        """Whether the text is free until a trigger."""
        return bool(self.triggers)


ANY_JSON = Constraint("json_schema", '{"type": "object"}')
"""OpenAI's JSON mode: any JSON object."""
