"""Makes the engine's constraint for a reply, from the requirements on its tool calls and its answer."""

from __future__ import annotations

import asyncio
import functools
import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from coblyn.chat.calls import call_grammar
from coblyn.chat.messages import NamedTool
from coblyn.chat.reply import ReplyForm
from coblyn.constraints.constraint import Constraint
from coblyn.errors import BadRequest, ConstraintRefused
from coblyn.service.command import ChatPrompt
from coblyn.service.tool_schemas import ANY_OBJECT, read_schemas

__all__ = ["constraint_of", "constraint_of_calls", "read_calls", "unwanted_marks"]


async def read_calls(
    prompt: ChatPrompt,
    form: ReplyForm | None,
    special: Mapping[str, int],
    answer: Constraint | None = None,
) -> Constraint | None:
    """``constraint_of_calls`` on a thread, which stops at the next tool when the caller is cancelled.

    Large schemas take a second, so they have threads of their own, and stall nothing but each other.
    """
    is_unwanted = threading.Event()
    read = functools.partial(
        constraint_of_calls, prompt, form, special, answer, is_unwanted=is_unwanted.is_set
    )
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads(), read)
    finally:
        is_unwanted.set()


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(2, "coblyn-schemas")


def constraint_of_calls(
    prompt: ChatPrompt,
    form: ReplyForm | None,
    special: Mapping[str, int],
    answer: Constraint | None = None,
    *,
    is_unwanted: Callable[[], bool] = bool,
) -> Constraint | None:
    """The constraint on a reply's tool calls; None if there is no requirement.

    If the answer is JSON of a schema and calls are free, it is one on the whole reply, which is either.

    Args:
        prompt: The conversation, with its tools.
        form: The form of the reply.
        special: Ids of the form's marks that are special tokens.
        answer: The caller's constraint on the answer.
        is_unwanted: Whether nobody waits for the result any more.

    Raises:
        ConstraintRefused: The schema of a tool cannot be enforced although it is strict or a call is required.
    """
    if form is None or not form.tools:
        return None
    is_needed = prompt.tool_choice != "auto"
    schemas = read_schemas(form.tools, is_needed=is_needed, is_unwanted=is_unwanted)
    if schemas is None:
        return None
    # A named tool is called once: a small model would go on calling it until the limit.
    is_parallel = prompt.parallel_tool_calls and not isinstance(prompt.tool_choice, NamedTool)
    grammar = call_grammar(
        form,
        prompt.tool_choice,
        schemas,
        special,
        is_parallel=is_parallel,
        answer=None if is_needed else _answer(answer, form),
    )
    if grammar is None:
        return None
    marks = (form.reasoning.opening.strip(), form.reasoning.closing)
    return Constraint(
        "lark",
        grammar.lark,
        triggers=grammar.triggers,
        repeats=grammar.repeats,
        quiet=marks if form.reasoning and grammar.triggers else (),
        starts_quiet=form.is_reasoning and bool(grammar.triggers),
    )


def unwanted_marks(form: ReplyForm, special: Mapping[str, int]) -> tuple[int, ...]:
    """Special tokens that begin a call, where none may be made. A mark of several tokens may be text.

    Args:
        form: The form of a reply with calls, with the tools that the model knows of.
        special: Ids of the form's marks that are special tokens.
    """
    schemas = {tool.name: ANY_OBJECT for tool in form.tools}
    grammar = call_grammar(form, "auto", schemas, special)
    triggers = grammar.triggers if grammar else ()
    return tuple(special[mark] for mark in triggers if mark in special)


def constraint_of(
    asked: Constraint | None, calls: Constraint | None, form: ReplyForm | None
) -> Constraint | None:
    """The constraint on a reply. A schema is about the answer, so a required call takes its place.

    Args:
        asked: The caller's constraint on the answer.
        calls: The constraint on tool calls.
        form: The form of the reply; None if it is not a conversation's.

    Raises:
        BadRequest: The caller requires both a call and a text that follows another kind of constraint.
    """
    if asked is None or form is None:
        return asked or calls
    if calls and not calls.is_lazy:
        if asked.syntax == "json_schema" and not asked.is_lazy:
            return calls
        raise BadRequest(
            "tool_choice asks for a call, and a constraint for an answer.",
            field="tool_choice",
            hint="Leave one of them out.",
        )
    triggers = () if form.is_answering else tuple(form.format.answers)
    if form.is_reasoning and not triggers:
        triggers = (form.reasoning.closing,)
    if asked.is_lazy or not triggers:
        return asked
    return replace(asked, triggers=triggers, is_required=True)


def _answer(asked: Constraint | None, form: ReplyForm) -> Mapping[str, Any] | None:
    """The schema of an answer that may stand in the place of calls; None if a constraint of its own has to say it."""
    if asked is None or not _is_json(asked) or form.format.answers:
        return None
    try:
        found = json.loads(_enforceable_answer(asked.text))
    except (ConstraintRefused, ValueError, RecursionError):
        return None  # the engine refuses it, and says why
    return found if isinstance(found, dict) else None


def _is_json(asked: Constraint) -> bool:
    return asked.syntax == "json_schema" and asked.whitespace == "bounded" and not asked.is_lazy


@functools.lru_cache(maxsize=64)
def _enforceable_answer(schema: str) -> str:
    from coblyn.constraints.grammar import enforceable

    return json.dumps(enforceable(json.loads(schema)))
