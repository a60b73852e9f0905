"""Converts a constraint to a grammar of llguidance, or refuses it with the reason.

Constraints that cannot be enforced are refused: text that only appears to follow a schema is worse than an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from llguidance import LLMatcher

from coblyn.constraints.all_but import all_but
from coblyn.constraints.constraint import Constraint, Whitespace
from coblyn.constraints.gbnf import lark_of_gbnf
from coblyn.constraints.matcher import Matcher
from coblyn.constraints.node import Unenforceable, UnenforceableWhole
from coblyn.constraints.plain import is_plain
from coblyn.constraints.repeated import with_references
from coblyn.constraints.rewriting import rewritten
from coblyn.constraints.schema import NOTHING_FITS, Refusal, find_refusal
from coblyn.errors import ConstraintRefused, EngineError

if TYPE_CHECKING:
    from llguidance import LLTokenizer
    from llguidance._lib import JsonCompileOptions

__all__ = [
    "enforceable",
    "enforceable_arguments",
    "enforceable_together",
    "grammar_of",
    "matcher_of",
]

_WHITESPACE: dict[Whitespace, JsonCompileOptions] = {
    "any": {},
    "none": {"whitespace_flexible": False},
    # Enough for eight levels of four.
    "bounded": {"whitespace_pattern": r" |\r?\n[ \t]{0,32}"},
}

MAX_SIZE = 1 << 20
"""Maximum length of a schema or grammar in characters."""


def grammar_of(constraint: Constraint) -> str:
    """The validated grammar for llguidance.

    Raises:
        ConstraintRefused: It is invalid or cannot be enforced; the message names the keyword and its path, or the place
            in the grammar.
    """
    if len(constraint.text) > MAX_SIZE:
        raise _refused(constraint, f"is longer than {MAX_SIZE} characters")
    if constraint.syntax == "json_schema":
        return _of_schema(constraint)
    grammar = _unchecked(constraint)
    if problem := _problem(grammar):
        raise _refused(constraint, f"cannot be read: {problem}")
    return grammar


def matcher_of(tokenizer: LLTokenizer, constraint: Constraint) -> Matcher:
    """What follows a constraint. It is compiled once only, unless something is wrong with it.

    Raises:
        ConstraintRefused: As ``grammar_of`` does, or the grammar is more than llguidance's limits allow, or names a
            special token that the model does not have.
    """
    if len(constraint.text) <= MAX_SIZE:
        try:
            return Matcher(tokenizer, _unchecked(constraint, tokenizer))
        except (EngineError, Unenforceable):
            pass  # said below, where it is known what is wrong
    grammar = grammar_of(constraint)
    try:
        if constraint.syntax == "gbnf":  # which may name tokens of the model
            grammar = _unchecked(constraint, tokenizer)
        return Matcher(tokenizer, grammar)
    except EngineError as error:
        reason = error.message.partition(": ")[2].rstrip(".")
        raise _refused(constraint, f"cannot be compiled: {reason}") from error


def _unchecked(constraint: Constraint, tokenizer: LLTokenizer | None = None) -> str:
    """The grammar, which llguidance may find to be wrong.

    Args:
        constraint: What it says.
        tokenizer: That of the model; None where the model does not matter.

    Raises:
        ConstraintRefused: It cannot be read.
        Unenforceable: See ``rewritten``.
    """
    match constraint.syntax:
        case "json_schema":
            return _written(rewritten(_read(constraint)), constraint)
        case "choice":
            return LLMatcher.grammar_from_lark(_choices(constraint))
        case "regex":
            return LLMatcher.grammar_from_regex(constraint.text)
        case "gbnf":
            return LLMatcher.grammar_from_lark(_of_gbnf(constraint, tokenizer))
        case "lark":
            return LLMatcher.grammar_from_lark(constraint.text)
        case _:
            raise _refused(constraint, "has no grammar")


def _of_schema(constraint: Constraint) -> str:
    schema = _read(constraint)
    try:
        return _written(enforceable(schema), constraint)
    except ConstraintRefused as error:
        error.field = constraint.named
        raise


def _read(constraint: Constraint) -> Any:
    try:
        schema = json.loads(constraint.text)
    except (ValueError, RecursionError) as error:
        raise _refused(constraint, f"is not JSON: {error}") from error
    if not isinstance(schema, dict | bool):
        raise _refused(constraint, "must be an object")
    return schema


def _written(schema: Any, constraint: Constraint) -> str:
    """The grammar of a schema that is enforceable."""
    if schema is False:
        raise Unenforceable(f"{NOTHING_FITS} it")
    return LLMatcher.grammar_from_json_schema(
        json.dumps({} if schema is True else with_references(schema)),
        overrides=_WHITESPACE[constraint.whitespace],
    )


def enforceable(schema: Any) -> Any:
    """A schema that llguidance enforces, and that the same values fit.

    Args:
        schema: An object, or a boolean.

    Raises:
        ConstraintRefused: There is none; the message has the keyword and its place.
    """
    try:
        found, problem = _compiled(schema)
        refusal = find_refusal(schema, problem, _problem_of_schema) if problem else None
    except UnenforceableWhole as error:
        problem, refusal = str(error), Refusal("#", str(error))
    if refusal:
        raise ConstraintRefused(
            f"The schema cannot be enforced: at {refusal.path}, {refusal.reason}.",
            field="constraint",
        )
    return found


def enforceable_arguments(schema: dict[str, Any]) -> dict[str, Any]:
    """The same for an object whose properties are written one by one, outside of JSON.

    Returns:
        The schema, in which optional properties that no value fits are ``False``.

    Raises:
        ConstraintRefused: As ``enforceable``.
    """
    if found := _enforceable_at_once(schema):
        return found
    found = dict(enforceable(schema))
    declared = found.get("properties", {})
    required = found.get("required", [])
    if not _problem_of_grammar({**found, "required": list({*required, *declared})}):
        return found
    shared: dict[str, Any] = {
        key: found[key] for key in ("$schema", "$defs", "definitions") if key in found
    }
    never = [
        name
        for name, each in declared.items()
        if name not in required and _fits_nothing(each, shared)
    ]
    return {**found, "properties": {**declared, **dict.fromkeys(never, False)}}


def _fits_nothing(schema: Any, shared: dict[str, Any]) -> bool:
    """Whether no value fits a schema, given the definitions around it."""
    if not isinstance(schema, dict):
        return schema is False
    return _problem_of_grammar({**shared, **schema}).startswith(NOTHING_FITS)


def enforceable_together(schemas: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """``enforceable_arguments`` of many, by one compilation, in which what they have in common is compiled once.

    Plain ones are not compiled at all.

    Returns:
        One for each, in the same order; empty ones for those that have to be read one by one.
    """
    found = [_standing_alone(schema) for schema in schemas]
    doubted = [index for index, each in enumerate(found) if each and not is_plain(each)]
    names = list(map(str, doubted))
    whole = {
        "type": "object",
        "properties": {name: _with_all_required(found[int(name)]) for name in names},
        "required": names,
        "additionalProperties": False,
    }
    if names and _problem_of_grammar(whole):
        return [{} if index in doubted else each for index, each in enumerate(found)]
    return found


def _standing_alone(schema: dict[str, Any]) -> dict[str, Any]:
    """``_declared_only`` of a schema that means the same within another one; else nothing."""
    found = _declared_only(schema)
    is_whole = not _OF_A_WHOLE.isdisjoint(found) or '"$' in json.dumps(found)
    return {} if is_whole else found


def _enforceable_at_once(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema if one compilation shows that a value fits each property; else nothing."""
    found = _declared_only(schema)
    is_sound = is_plain(found) or not _problem_of_grammar(_with_all_required(found))
    return found if found and is_sound else {}


def _with_all_required(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "required": list(schema["properties"])}


def _declared_only(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema that would be enforced, if it only declares properties, all of which may be required; else nothing.

    With all properties required, only those may be left out that are counted, or that other schemas speak of.
    """
    try:
        found: dict[str, Any] | bool = rewritten(schema)
    except Unenforceable:
        return {}
    if isinstance(found, bool) or not _ONLY_DECLARES.issuperset(found):
        return {}
    declared, required = found.get("properties"), found.get("required", [])
    if not isinstance(declared, dict) or not isinstance(required, list):
        return {}
    if any(not isinstance(name, str) or name not in declared for name in required):
        return {}
    return found


_OF_A_WHOLE = {"definitions", "x-guidance"}
"""What counts at the root of a schema only, beside names that begin with a dollar sign."""

_ONLY_DECLARES = {
    *("$schema", "$defs", "definitions", "$id", "title", "description", "default", "examples"),
    *("type", "properties", "required", "additionalProperties", "patternProperties", "x-guidance"),
}


def _compiled(schema: Any) -> tuple[Any, str]:
    """The schema that is enforced, and what is wrong with it, if anything is.

    Raises:
        UnenforceableWhole: It takes too much to find out, or its draft is not known.
    """
    problems = []
    for has_plain_text in (False, True):
        try:
            found = rewritten(schema, has_plain_text=has_plain_text)
        except UnenforceableWhole:
            raise
        except Unenforceable as error:
            return {}, str(error)
        if found is False:
            return {}, f"{NOTHING_FITS} it"
        found = {} if found is True else found
        problem = _problem_of_grammar(found)
        if not problem:
            return found, ""
        problems.append(problem)
    return {}, problems[0]


def _choices(constraint: Constraint) -> str:
    """A grammar for a list of texts, each written as a JSON string, which Lark accepts."""
    try:
        choices = json.loads(constraint.text)
    except ValueError as error:
        raise _refused(constraint, f"is not JSON: {error}") from error
    if not isinstance(choices, list) or not all(isinstance(each, str) for each in choices):
        raise _refused(constraint, "must be a list of texts")
    if not choices or "" in choices:
        raise _refused(constraint, "must have at least one text, and none that is empty")
    return "start: " + " | ".join(json.dumps(each, ensure_ascii=False) for each in choices)


def _of_gbnf(constraint: Constraint, tokenizer: LLTokenizer | None) -> str:
    try:
        if tokenizer:
            return lark_of_gbnf(constraint.text, partial(all_but, tokenizer))
        return lark_of_gbnf(constraint.text)
    except ValueError as error:
        raise _refused(constraint, f"cannot be read: {error}") from error


def _problem_of_schema(schema: Any) -> str:
    return _compiled(schema)[1]


def _problem_of_grammar(schema: dict[str, Any]) -> str:
    """What llguidance says against a schema, in our words; empty if there is nothing."""
    problem = _problem(LLMatcher.grammar_from_json_schema(json.dumps(with_references(schema))))
    problem = re.sub(r" while processing json-schema:\S*", "", problem)
    for said, meant in _MEANT:
        if found := said.fullmatch(problem):
            return found.expand(meant)
    return problem


_MEANT = [
    (re.compile(said), meant)
    for said, meant in (
        (
            r"Unsatisfiable schema: required property '(.*)' is unsatisfiable",
            rf"{NOTHING_FITS} the required property '\1'",
        ),
        (r"Unsatisfiable schema: schema is false", f"{NOTHING_FITS} it"),
        (r"Unsatisfiable schema: (.*)", rf"{NOTHING_FITS} it: \1"),
        (
            r"min/maxProperties only supported.*",
            "counts of properties are not enforced beside so many optional ones",
        ),
        (r"Unimplemented keys: \[(.*)\]", r"\1 is not enforced here"),
        (r"regex parse error: (.*)", r'"pattern" cannot be read: \1'),
        (r"Pointer '(.*)' does not exist", r'"$ref" points to #\1, which does not exist'),
        (
            r"oneOf constraints are not supported.*",
            "oneOf is not enforced where more than one of its schemas may fit",
        ),
    )
]


def _problem(grammar: str) -> str:
    """The error in a grammar, in one line; empty if there is none."""
    is_wrong, messages = LLMatcher.validate_grammar_with_warnings(grammar)
    if not is_wrong:
        return ""
    lines = [line.strip() for line in messages[0].splitlines() if line.strip()]
    return " ".join(lines)[:500] or "it is invalid"


_NAMES = {
    "json_schema": "The schema",
    "gbnf": "The grammar",
    "regex": "The regular expression",
    "lark": "The grammar",
    "choice": "The list of choices",
}


def _refused(constraint: Constraint, what: str) -> ConstraintRefused:
    return ConstraintRefused(
        f"{_NAMES.get(constraint.syntax, 'The constraint')} {what}.", field=constraint.named
    )
