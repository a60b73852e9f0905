"""Sampling parameters of KoboldAI's API: accepts all that KoboldCPP accepts, and reports every change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from coblyn.api.body import token_id
from coblyn.api.kobold.wire import GenerateInput
from coblyn.api.logprobs import KOBOLD_LOGPROBS
from coblyn.api.parameters import KOBOLD_NUMBERS, read_breakers, read_order
from coblyn.engine.params import DEFAULT_ORDER, MAX_TOP_LOGPROBS, SamplingParams
from coblyn.errors import BadRequest

__all__ = ["read_sampling"]

T = TypeVar("T")

MAX_BIASES = 512
MAX_BIAS = 100.0
FORBIDDEN = float("-inf")
OFF = -1.0
LEAST_MIN_P = 0.002
"""Of adaptive-p without top-p and min-p, as in KoboldCPP."""


def read_sampling(
    body: Mapping[str, Any], wanted: GenerateInput, warnings: dict[str, str]
) -> SamplingParams:
    """Sampling parameters of a body.

    Args:
        body: The parsed JSON body.
        wanted: The body as a wire model.
        warnings: Collects what was replaced or left out, by the caller's names.
    """
    return SamplingParams(
        **_with_adaptive_p(KOBOLD_NUMBERS.read(body, warnings), warnings),
        sampler_order=_lenient("sampler_order", read_order, body, DEFAULT_ORDER, warnings),
        dry_sequence_breakers=_lenient("dry_sequence_breakers", read_breakers, body, (), warnings),
        logit_bias=_biases(wanted, warnings),
        seed=wanted.sampler_seed if 0 < wanted.sampler_seed < 2**64 else None,
        logprobs=_num_logprobs(wanted.logprobs, warnings),
    )


def _with_adaptive_p(numbers: dict[str, Any], warnings: dict[str, str]) -> dict[str, Any]:
    """Numbers with KoboldCPP's rules for adaptive-p: a target of 0 is off, and something has to cut before it."""
    target = numbers.get("adaptive_target", OFF)
    if target <= 0:
        return numbers | {"adaptive_target": OFF}
    if numbers.get("min_p", 0.0) > 0 or numbers["top_p"] < 1:
        return numbers
    warnings["min_p"] = f"{LEAST_MIN_P:g} was used, since adaptive_target needs a cut before it."
    return numbers | {"min_p": LEAST_MIN_P}


def _lenient(
    name: str,
    read: Callable[[Any], T],
    body: Mapping[str, Any],
    default: T,
    warnings: dict[str, str],
) -> T:
    try:
        return read(body.get(name))
    except BadRequest as error:
        warnings[name] = f"{error.message} The default was used."
        return default


def _biases(wanted: GenerateInput, warnings: dict[str, str]) -> tuple[tuple[int, float], ...]:
    given = {token_id(text): bias for text, bias in wanted.logit_bias.items()}
    known = {token: bias for token, bias in given.items() if token is not None}
    biases = {
        token: max(-MAX_BIAS, min(bias, MAX_BIAS))
        for token, bias in list(known.items())[:MAX_BIASES]
    }
    if len(biases) < len(known):
        warnings["logit_bias"] = f"Only the first {MAX_BIASES} of {len(known)} were used."
    elif len(known) < len(given):
        warnings["logit_bias"] = "Keys that are not token ids were left out."
    elif biases != known:
        warnings["logit_bias"] = f"Values were held between -{MAX_BIAS:g} and {MAX_BIAS:g}."
    bans = [token_id(text.strip()) for text in wanted.custom_token_bans.split(",") if text.strip()]
    if None in bans:
        warnings["custom_token_bans"] = "Values that are not token ids were left out."  # noqa: S105
    return tuple((biases | {token: FORBIDDEN for token in bans if token is not None}).items())


def _num_logprobs(wanted: int | bool, warnings: dict[str, str]) -> int | None:
    if wanted is False or wanted < 0:
        return None
    if wanted > MAX_TOP_LOGPROBS:
        warnings["logprobs"] = f"{MAX_TOP_LOGPROBS} was used, which is the maximum."
    return KOBOLD_LOGPROBS if wanted is True else min(wanted, MAX_TOP_LOGPROBS)
