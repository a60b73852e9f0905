"""Fields about a generation that are not heard: another API has them, or another server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import AliasChoices, BaseModel

from coblyn.api.constraint import BOUND
from coblyn.api.later import Warnings
from coblyn.api.parameters import OPENAI_NUMBERS
from coblyn.api.wishes import same_field

__all__ = ["report_unheard"]

_NUMBERS = frozenset(name for names in OPENAI_NUMBERS.names.values() for name in names)

_TEXTS = """
    max_tokens max_completion_tokens max_output_tokens max_length n_predict num_predict max_context_length
    stop stop_sequence stop_sequences logit_bias custom_token_bans sampler_order samplers dry_sequence_breakers preset
    top_logprobs
"""
_SWITCHES = """
    ban_eos_token use_default_badwordsids ignore_eos bypass_eos include_stop_str_in_output render_special echo logprobs
    temperature_last grammar_retain_state singleline frmttriminc frmtrmblln frmtrmspch
"""
_LOGPROBS = ("logprobs", "top_logprobs", "n_probs")
_COUNTS = "n_discard n_indent n_keep n_probs min_keep"

_NEUTRAL: Mapping[str, Any] = {
    **dict.fromkeys(_TEXTS.split()),
    **dict.fromkeys(_SWITCHES.split(), False),
    **dict.fromkeys(("trim_stop", "skip_special_tokens"), True),
    **dict.fromkeys(_COUNTS.split(), 0),
    **dict.fromkeys(("n", "n_cmpl"), 1),
    **dict.fromkeys(("seed", "sampler_seed", "t_max_predict_ms"), -1),
}
"""Fields of all APIs besides numbers of samplers and what is bound, with the values that change nothing."""

_ELSEWHERE: Mapping[str, Any] = {
    "web_search_options": None,
    "prediction": None,
    "audio": None,
    "modalities": ["text"],
    "verbosity": "medium",
    "context_management": None,
    "container": None,
    "mcp_servers": None,
}
"""Fields of OpenAI's and Anthropic's services for what this server does not do, with the values that change nothing."""


def report_unheard(body: Mapping[str, Any], model: type[BaseModel] | None) -> Warnings:
    """Warnings about fields of a body that other APIs or servers have, where their values would change something.

    A field that the body also has under a name that counts is not reported: defaults come under all names.

    Args:
        body: The parsed JSON body.
        model: The wire model of the route's body.
    """
    heard = _heard(model) if model else frozenset()
    unheard = [name for name in body if name not in heard and _says_something(name, body[name])]
    return {
        name: f"This {'server' if name in _ELSEWHERE else 'API'} has no such field; it was ignored."
        for name in unheard
        if heard.isdisjoint(body.keys() & set(_same(name)))
    }


def _says_something(name: str, value: Any) -> bool:
    if name in _ELSEWHERE:  # an empty object can ask for something: `web_search_options` does
        return value is not None and value != [] and value != _ELSEWHERE[name]
    if value is None or value in ("", [], {}):
        return False
    return name in _NUMBERS or name in BOUND or (name in _NEUTRAL and value != _NEUTRAL[name])


def _same(name: str) -> tuple[str, ...]:
    return _LOGPROBS if name in _LOGPROBS else same_field(name)


@cache
def _heard(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(_names(model)) | BOUND


def _names(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield name
        if isinstance(field.validation_alias, AliasChoices):
            yield from map(str, field.validation_alias.choices)
