"""Makes the grammar of the tool calls in a reply."""

from __future__ import annotations

import re
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
    answer: Mapping[str, Any] | None = None,
) -> CallGrammar | None:
    """The grammar of a reply's calls; None if there are no requirements.

    Args:
        form: The form of the reply, with the tools that may be called.
        choice: Whether a call is required.
        schemas: The schema of each tool's arguments, by its name, without keywords that cannot be enforced.
        special: Ids of the form's marks that are special tokens, by text.
        is_parallel: Whether several calls at once are allowed.
        answer: The schema of an answer, in JSON, that may be given instead of calls; None if the answer is free, or a
            call is required.

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
    if choice != "auto" or answer is not None:
        return CallGrammar(lark.grammar(_whole(lark, rule, form, answer)))
    if not rule.triggers:
        return None
    repeats = is_parallel and not rule.is_end
    return CallGrammar(lark.grammar(rule.body), tuple(rule.triggers), repeats)


def _whole(lark: Lark, rule: CallRule, form: ReplyForm, answer: Mapping[str, Any] | None) -> str:
    """The rule of a whole reply with a call, or else an answer, after optional reasoning."""
    mark = _as_json(lark, rule.mark) if answer is not None else lark.text(rule.mark)
    call = f"{mark} {rule.body}"
    if lark.is_parallel and not (rule.is_block or rule.is_end):
        again = lark.rule(call)
        call = f"{again} (S {again})*"
    if rule.between:
        call = f"({rule.between})? {call}"
    if answer is not None:
        call = lark.any_of([call, lark.json(answer)])
    return f"{_reasoning(lark, rule, form)} {call}"


def _as_json(lark: Lark, mark: str) -> str:
    """A mark; one that begins an object in the pieces of JSON, since one longer text would hide an answer's brace."""
    if not mark.startswith("{"):
        return lark.text(mark)
    return " S ".join(map(lark.text, re.findall(r'"\w+"|\S', mark)))


def _reasoning(lark: Lark, rule: CallRule, form: ReplyForm) -> str:
    if rule.before:
        return f"({rule.before})?"
    marks = form.reasoning
    if not marks:
        return ""
    rest = f"{lark.until(marks.closing)} S"
    return rest if form.is_reasoning else f"(S {lark.text(marks.opening)} {rest})?"
