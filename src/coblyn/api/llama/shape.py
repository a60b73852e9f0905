"""Answers in llama-server's format."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from coblyn.api.logprobs import finite_logprob
from coblyn.engine.events import Finish, FinishReason, Stats, TokenLogprob, TokenText
from coblyn.engine.interface import ModelInfo
from coblyn.engine.params import PARAMETERS, SamplingParams
from coblyn.engine.stages import STAGES
from coblyn.service.command import GenerateCommand
from coblyn.service.hub import Record

__all__ = ["final", "picked", "probabilities", "settings", "timings"]

_STOP_TYPES: Mapping[FinishReason, str] = {
    "eos": "eos",
    "stop": "word",
    "length": "limit",
    "cancelled": "none",
}
_NAMES = {
    "repetition_penalty": "repeat_penalty",
    "repetition_range": "repeat_last_n",
    "dry_range": "dry_penalty_last_n",
}
"""llama-server's names of parameters that differ from those in the table."""


def final(
    index: int,
    record: Record,
    finish: Finish,
    command: GenerateCommand,
    info: ModelInfo,
    prompt: str,
) -> dict[str, Any]:
    """The final fields of a generation, without its text, tokens and probabilities.

    Args:
        index: Its index in the answer.
        record: Its record.
        finish: How it ended.
        command: Its command.
        info: The model.
        prompt: Text of the prompt.
    """
    stats = finish.stats
    return {
        "index": index,
        "stop": True,
        "id_slot": -1,
        "model": info.name,
        "tokens_predicted": stats.num_generated,
        "tokens_evaluated": stats.num_prompt,
        "tokens_cached": stats.num_prompt + stats.num_generated,
        "generation_settings": settings(command, record.seed, info),
        "prompt": prompt,
        "has_new_line": "\n" in record.text,
        "truncated": False,
        "stop_type": _STOP_TYPES[finish.reason],
        "stopping_word": finish.stop,
        "timings": timings(stats),
    }


def timings(stats: Stats) -> dict[str, Any]:
    """Tokens and milliseconds of a prompt and its completion."""
    num_read = stats.num_prompt - stats.num_cached
    return {
        "cache_n": stats.num_cached,
        **_speed("prompt", num_read, stats.prefill_seconds),
        **_speed("predicted", stats.num_generated, stats.decode_seconds),
    }


def _speed(name: str, count: int, seconds: float) -> dict[str, Any]:
    return {
        f"{name}_n": count,
        f"{name}_ms": 1e3 * seconds,
        f"{name}_per_token_ms": 1e3 * seconds / count if count else 0.0,
        f"{name}_per_second": count / seconds if seconds else 0.0,
    }


def settings(command: GenerateCommand, seed: int, info: ModelInfo) -> dict[str, Any]:
    """The settings of a generation, by llama-server's names."""
    sampling = command.sampling
    constraint = command.constraint
    return {
        "n_predict": -1 if command.max_tokens is None else command.max_tokens,
        "seed": seed,
        **_numbers(sampling),
        "dry_sequence_breakers": list(sampling.dry_sequence_breakers),
        "n_probs": sampling.logprobs or 0,
        "logit_bias": [[token, max(bias, -1e30)] for token, bias in sampling.logit_bias],
        "stop": list(command.stop),
        "ignore_eos": command.ban_eos,
        "grammar": constraint.text if constraint and constraint.syntax == "gbnf" else "",
        "samplers": [name for name, row in STAGES.items() if row.is_on(sampling)],
        "n_ctx": info.context,
    }


def _numbers(sampling: SamplingParams) -> dict[str, Any]:
    return {_NAMES.get(name, name): getattr(sampling, name) for name in PARAMETERS}


def probabilities(tokens: Sequence[TokenText], *, after: bool) -> list[dict[str, Any]]:
    """``completion_probabilities`` of tokens.

    Args:
        tokens: The drawn tokens.
        after: Whether they are probabilities after the samplers (``post_sampling_probs``), which are shown without a
            logarithm.
    """
    top = "top_probs" if after else "top_logprobs"
    return [
        {
            **_token(each, after),
            "content": _text(each),  # the field's older name, which SillyTavern still reads
            top: [_token(one, after) for one in each.top],
        }
        for each in tokens
    ]


def _text(token: TokenText | TokenLogprob) -> str:
    return token.piece.decode(errors="replace")


def _token(token: TokenText | TokenLogprob, after: bool) -> dict[str, Any]:
    logprob = finite_logprob(token)
    number = {"prob": math.exp(logprob)} if after else {"logprob": logprob}
    return {
        "id": token.token,
        "token": _text(token),
        "bytes": list(token.piece),
        **number,
    }


def picked(answer: dict[str, Any], paths: Sequence[str] | None) -> dict[str, Any]:
    """The requested parts of an answer; ``a/b`` is ``b`` of ``a``. Missing ones are left out."""
    if not paths:
        return answer
    found = {}
    for path in paths:
        value: Any = answer
        for key in path.split("/"):
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None:
            found[path.rpartition("/")[2]] = value
    return found
