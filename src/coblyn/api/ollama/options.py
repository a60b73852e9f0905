"""Ollama's options: those of a request, and the parameters of a model that is made by settings.

The sampling parameters among them are read by the table in ``engine/params.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coblyn.api.constraint import BOUND
from coblyn.api.parameters import (
    OPENAI_NUMBERS,
    NumbersReader,
    read_breakers,
    read_order,
    report_replaced,
)
from coblyn.engine.params import SamplingParams
from coblyn.errors import BadRequest

__all__ = ["OLLAMA_NUMBERS", "Options", "read_options"]

OLLAMA_NUMBERS = NumbersReader(
    names=OPENAI_NUMBERS.names,
    defaults={"temperature": 0.8, "top_k": 40, "top_p": 0.9, "repetition_range": 64},
    lows={},
    manner="strict",
)
"""Ollama's names, which are llama.cpp's, and its defaults, from its documentation of Modelfiles."""

_OF_THE_LOAD = frozenset(
    {"num_batch", "num_gpu", "main_gpu", "use_mmap", "use_mlock", "num_thread", "numa"}
    | {"low_vram", "f16_kv", "vocab_only", "num_keep", "penalize_newline", "draft_num_predict"}
)
"""Options that have no effect here, since they are decided when a model is loaded, or by the engine."""

_OWN = frozenset(
    {"dry_sequence_breakers", "num_ctx", "num_predict", "preset", "sampler_order", "seed", "stop"}
)

MAX_STOPS = 256


@dataclass(frozen=True, slots=True)
class Options:
    """Parsed options.

    Attributes:
        sampling: Sampling parameters.
        stop: Texts that end the generation.
        max_tokens: Maximum number of tokens; None for as many as fit.
    """

    sampling: SamplingParams
    stop: tuple[str, ...]
    max_tokens: int | None


def read_options(
    options: Mapping[str, Any],
    warnings: dict[str, str],
    *,
    context: int,
    logprobs: int | None = None,
) -> Options:
    """Parse options; null means "not given".

    Args:
        options: Values by Ollama's or KoboldAI's names.
        warnings: Collects ignored options.
        context: Context length in tokens.
        logprobs: Number of alternatives per token, if log-probabilities are wanted.

    Raises:
        BadRequest: A value has a wrong type or is out of range; ``field`` names it.
    """
    given = {name: value for name, value in options.items() if value is not None}
    _warn(given, warnings, context)
    numbers = OLLAMA_NUMBERS.read(given, warnings)
    if given.get("repeat_last_n") == 0:  # in Ollama 0 means "see nothing", in the table "see all"
        numbers |= {"repetition_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0}
    seed, limit = _whole(given, "seed", -1), _whole(given, "num_predict", -1)
    if limit == 0:
        raise BadRequest("num_predict must be at least 1, or negative.", field="num_predict")
    sampling = SamplingParams(
        **numbers,
        sampler_order=read_order(given.get("sampler_order")),
        dry_sequence_breakers=read_breakers(given.get("dry_sequence_breakers")),
        seed=None if seed < 0 else seed,
        logprobs=logprobs,
    )
    return Options(sampling, _stops(given.get("stop")), limit if limit > 0 else None)


def _warn(given: Mapping[str, Any], warnings: dict[str, str], context: int) -> None:
    warnings |= {f"options.{name}": reason for name, reason in report_replaced(given).items()}
    known = {name for names in OLLAMA_NUMBERS.names.values() for name in names} | _OWN | BOUND
    for name in given:
        if name in _OF_THE_LOAD:
            warnings[f"options.{name}"] = "This is decided when the model is loaded."
        elif name not in known:
            warnings[f"options.{name}"] = "There is no such option."
    if _whole(given, "num_ctx", 0) > context:
        warnings["options.num_ctx"] = f"The model was loaded with {context} tokens of context."


def _whole(given: Mapping[str, Any], name: str, default: int) -> int:
    value = given.get(name, default)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not abs(value) < 2**64 or value != int(value):
        raise BadRequest(f"{name} must be an integer of at most 64 bits.", field=name)
    return int(value)


def _stops(given: Any) -> tuple[str, ...]:
    stops = [given] if isinstance(given, str) else given or []
    if not isinstance(stops, list | tuple) or not all(isinstance(each, str) for each in stops):
        raise BadRequest("stop must be a list of texts.", field="stop")
    if len(stops) > MAX_STOPS:
        raise BadRequest(f"stop holds more than {MAX_STOPS} texts.", field="stop")
    return tuple(filter(None, stops))
