"""Constraints and bans in a body, under the names of several servers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from coblyn.api.adapters import read_lora
from coblyn.api.ends import bind_ends
from coblyn.api.guidance import bind_guidance
from coblyn.api.logprobs import bind_logprobs
from coblyn.api.thinking import bind_thinking
from coblyn.chat.flag import read_flag
from coblyn.constraints.constraint import ANY_JSON, WHITESPACE, Constraint, Whitespace
from coblyn.engine.patterns import patterns_of
from coblyn.errors import BadRequest
from coblyn.service.command import GenerateCommand

__all__ = ["BOUND", "bind", "read_constraint", "read_patterns", "read_phrases"]

MAX_PHRASES = 10_000
MAX_CHARACTERS = 200_000
"""Of all banned phrases together: their automaton takes 300 bytes for each."""

_PHRASES = ("banned_tokens", "banned_strings")
"""KoboldCPP's name, which takes precedence, and SillyTavern's."""

_WHITESPACE = "json_whitespace"

_VLLM = {
    "json",
    "regex",
    "choice",
    "grammar",
    "json_object",
    "disable_any_whitespace",
    "disable_fallback",  # there is none
}
"""Supported fields of vLLM's ``structured_outputs``."""


def bind(command: GenerateCommand, body: Mapping[str, Any]) -> GenerateCommand:
    """Add a body's constraints, bans, guidance, adapters, reasoning and log-probabilities to a command.

    Raises:
        BadRequest: One of these values is invalid; ``field`` names it.
    """
    constraint, whitespace = read_constraint(body), _read_whitespace(body)
    if constraint and whitespace:
        constraint = replace(constraint, whitespace=whitespace)
    command = bind_ends(bind_guidance(command, body), body)
    command = bind_logprobs(bind_thinking(command, body), body)
    return replace(
        command,
        constraint=constraint,
        banned_phrases=read_phrases(body),
        banned_patterns=read_patterns(body),
        adapters=read_lora(body),
    )


def read_phrases(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The banned phrases.

    Raises:
        BadRequest: They are not a list of texts, or too many; ``field`` names it.
    """
    name = next((each for each in _PHRASES if body.get(each)), _PHRASES[0])
    phrases = _texts(body, name)
    if sum(map(len, phrases)) > MAX_CHARACTERS:
        raise BadRequest(f"{name} holds more than {MAX_CHARACTERS} characters.", field=name)
    return phrases


def read_patterns(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The banned regular expressions.

    Raises:
        BadRequest: They are not a list of texts, or one of them cannot be matched in linear time.
    """
    found = _texts(body, "banned_patterns")
    patterns_of(found)
    return found


def _texts(body: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = body.get(name) or []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadRequest(f"{name} must be a list of texts.", field=name)
    if len(value) > MAX_PHRASES:
        raise BadRequest(f"{name} holds more than {MAX_PHRASES} texts.", field=name)
    return tuple(dict.fromkeys(each for each in value if each))


def read_constraint(body: Mapping[str, Any]) -> Constraint | None:
    """The constraint of a body; None if there is none.

    Args:
        body: The parsed JSON body. Values that are null, empty or "text" are no constraints.

    Raises:
        BadRequest: A field is invalid, or there are two constraints; ``field`` names it.
    """
    found = {
        name: constraint
        for name, read in _READERS.items()
        if body.get(name) not in (None, "", {}, []) and (constraint := read(name, body[name]))
    }
    if len(found) > 1:
        names = " and ".join(found)
        raise BadRequest(
            f"{names} cannot be given together: a text follows one constraint.",
            field=list(found)[1],
        )
    return next((replace(each, named=name) for name, each in found.items()), None)


def _read_whitespace(body: Mapping[str, Any]) -> Whitespace | None:
    value = body.get(_WHITESPACE)
    if value is None or value in WHITESPACE:
        return value
    raise BadRequest(f"{_WHITESPACE} must be {_either(WHITESPACE)}.", field=_WHITESPACE)


def _either(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _response_format(name: str, value: Any) -> Constraint | None:
    """OpenAI's field, with the additions of llama-server and Fireworks."""
    if not isinstance(value, dict):
        raise BadRequest(f"{name} must be an object.", field=name)
    kind = value.get("type", "text")
    if kind == "text":
        return None
    if kind == "grammar":
        return _grammar(f"{name}.grammar", value.get("grammar"))
    if kind == "json_object" and not value.get("schema"):
        return ANY_JSON
    if kind in ("json_object", "json_schema"):
        inner = value.get("json_schema")
        if isinstance(inner, dict) and "schema" in inner:
            return _schema(f"{name}.json_schema.schema", inner["schema"])
        return _schema(f"{name}.schema", value.get("schema"))
    raise BadRequest(
        f"{name}.type must be text, json_object or json_schema, not {kind!r}.", field=name
    )


def _schema(name: str, value: Any) -> Constraint:
    """A JSON schema, as an object or as its text."""
    if isinstance(value, str):
        return Constraint("json_schema", value)
    if isinstance(value, dict | bool):
        return Constraint("json_schema", json.dumps(value))
    raise BadRequest(f"{name} must be a JSON schema, an object.", field=name)


def _grammar(name: str, value: Any) -> Constraint:
    """GBNF or a JSON schema, as in KoboldCPP; Lark is recognized by its ``start:``."""
    if isinstance(value, dict):
        return _schema(name, value)
    text = _text(name, value)
    if text.lstrip().startswith("{"):
        return _schema(name, text)
    return Constraint("gbnf" if "::=" in text else "lark", text)


def _regex(name: str, value: Any) -> Constraint:
    return Constraint("regex", _text(name, value))


def _choice(name: str, value: Any) -> Constraint:
    if not isinstance(value, list):
        raise BadRequest(f"{name} must be a list of texts.", field=name)
    return Constraint("choice", json.dumps(value))


def _structured_outputs(name: str, value: Any) -> Constraint | None:
    """vLLM's: one of ``json``, ``regex``, ``choice`` and ``grammar``."""
    if not isinstance(value, dict):
        raise BadRequest(f"{name} must be an object.", field=name)
    unknown = [key for key, each in value.items() if each and key not in _VLLM]
    if unknown:
        field = f"{name}.{unknown[0]}"
        raise BadRequest(f"{field} is not supported.", field=field)
    if read_flag(value, "json_object", name):
        constraint: Constraint | None = ANY_JSON
    else:
        constraint = read_constraint({f"guided_{key}": each for key, each in value.items()})
    if constraint and read_flag(value, "disable_any_whitespace", name):
        return replace(constraint, whitespace="none")
    return constraint


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise BadRequest(f"{name} must be a string.", field=name)
    return value


_READERS: Mapping[str, Callable[[str, Any], Constraint | None]] = {
    "response_format": _response_format,
    "json_schema": _schema,
    "grammar": _grammar,
    "grammar_string": _grammar,
    "guided_json": _schema,
    "guided_regex": _regex,
    "guided_choice": _choice,
    "guided_grammar": _grammar,
    "structured_outputs": _structured_outputs,
}

BOUND = frozenset(
    {*_READERS, *_PHRASES, "banned_patterns", _WHITESPACE, "lora", "negative_prompt"}
    | {"min_tokens", "stop_token_ids", "logprobs_after", "post_sampling_probs"}
    | {"reasoning_budget", "thinking_budget_tokens", "thinking_budget", "thinking", "reasoning"}
    | {"reasoning_effort", "think"}
)
"""The fields that ``bind`` reads."""
