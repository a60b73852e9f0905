"""Makes the grammar of the tool calls in a reply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coblyn.chat.formats.lark import CallRule, Lark
from coblyn.chat.messages import NamedTool, ToolChoice
from coblyn.chat.reply import ReplyForm

__all__ = ["CallGrammar", "call_grammar"]


@dataclass(frozen=True, slots=True)
class CallGrammar:
    """A grammar in llguidance's dialect of Lark.

    Attributes:
        lark: The rules.
        triggers: Marks after which it applies; text before them is free. If empty, it applies to the whole reply.
        repeats: Whether the reply is free again after a call.
    """

    lark: str
    triggers: tuple[str, ...] = ()
    repeats: bool = False


def call_grammar(
    form: ReplyForm,
    choice: ToolChoice,
    schemas: Mapping[str, Mapping[str, Any]],
    special: Mapping[str, int],
    *,
    is_parallel: bool = True,
) -> CallGrammar | None:
    """The grammar of a reply's calls; None if there are no requirements.

    Args:
        form: The form of the reply, with the tools that may be called.
        choice: Whether a call is required.
        schemas: The schema of each tool's arguments, by its name, without keywords that cannot be enforced.
        special: Ids of the form's marks that are special tokens, by text.
        is_parallel: Whether several calls at once are allowed.

    Raises:
        ConstraintRefused: The format cannot write the name of a required argument.
    """
    make = form.format.make_rule
    if make is None or not form.tools or choice == "none":
        return None
    tools = [each for each in form.tools if choice in ("auto", "required", NamedTool(each.name))]
    lark = Lark(
        tools,
        schemas,
        special=special,
        template=form.template,
        is_parallel=is_parallel,
        is_needed=choice != "auto",
    )
    rule = make(lark)
    if choice != "auto":
        return CallGrammar(lark.grammar(_whole(lark, rule, form)))
    if not rule.triggers:
        return None
    repeats = is_parallel and not rule.is_end
    return CallGrammar(lark.grammar(rule.body), tuple(rule.triggers), repeats)


def _whole(lark: Lark, rule: CallRule, form: ReplyForm) -> str:
    """The rule of a whole reply with a call, after optional reasoning."""
    call = f"{lark.text(rule.mark)} {rule.body}"
    if lark.is_parallel and not (rule.is_block or rule.is_end):
        again = lark.rule(call)
        call = f"{again} (S {again})*"
    between = f"({rule.between})?" if rule.between else ""
    return f"{_reasoning(lark, rule, form)} {between} {call}"


def _reasoning(lark: Lark, rule: CallRule, form: ReplyForm) -> str:
    if rule.before:
        return f"({rule.before})?"
    marks = form.reasoning
    if not marks:
        return ""
    rest = f"{lark.until(marks.closing)} S"
    return rest if form.is_reasoning else f"(S {lark.text(marks.opening)} {rest})?"
