"""Answers in KoboldCPP's format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from coblyn import __version__
from coblyn.api.logprobs import Offsets, chat_form, completion_form
from coblyn.engine.events import Stats, TokenText
from coblyn.engine.interface import EngineStatus
from coblyn.service.caller import CALLER
from coblyn.service.hub import Hub, Record
from coblyn.service.services import Services

__all__ = ["COMPATIBLE_VERSION", "logprobs_object", "perf", "result", "service_info", "version"]

COMPATIBLE_VERSION = "1.115.1"
"""The release of KoboldCPP whose API this is; clients enable features by it."""

_STOP_REASONS = {"cancelled": -1, "length": 0, "eos": 1, "stop": 2}

_ABILITIES = {
    "llm": True,
    "txt2img": False,
    "transcribe": False,
    "tts": False,
    "embeddings": True,
    "music": False,
    "router": False,
    "guidance": True,
    "jinja": True,
}


def result(record: Record, reason: str | None) -> dict[str, Any]:
    """One finished generation, with KoboldCPP's finish reason."""
    stats = record.finish.stats if record.finish else Stats()
    return {
        "text": record.text,
        "tool_calls": None,
        "finish_reason": reason,
        "logprobs": logprobs_object(record.tokens) if record.tokens else None,
        "prompt_tokens": stats.num_prompt,
        "completion_tokens": stats.num_generated,
    }


def version(services: Services, *, has_keys: bool) -> dict[str, Any]:
    """The version and features of this server for the current caller.

    Args:
        services: Its services.
        has_keys: Whether it knows API keys.
    """
    needs_key = CALLER.get().scope != "admin"
    about = {"result": "KoboldCpp", "version": COMPATIBLE_VERSION, "coblyn": __version__}
    media = services.models.current.engine.info.media
    return about | {
        **_ABILITIES,
        "vision": "image" in media,
        "audio": "sound" in media,
        "protected": has_keys,
        "admin": 0 if services.admin is None else 1 + needs_key,
        "websearch": services.web is not None,
        "multiplayer": services.shared is not None,
        "savedata": services.slots is not None,
        "mcp": services.tool_servers is not None,
    }


def service_info() -> dict[str, Any]:
    """The service description that clients look for at a well-known path."""
    software = {
        "name": "KoboldCpp",
        "version": COMPATIBLE_VERSION,
        "coblyn": __version__,
        "repository": "",
        "homepage": "",
        "logo": "",
    }
    kobold = {"name": "KoboldAI API", "rel_url": "/api", "documentation": "/docs"}
    openai = {"name": "OpenAI API", "rel_url": "/v1", "documentation": "/docs"}
    version = {"version": COMPATIBLE_VERSION}
    return {
        "version": "0.2",
        "software": software,
        "api": {"koboldai": kobold | version, "openai": openai | version},
    }


def perf(hub: Hub, status: EngineStatus) -> dict[str, Any]:
    """Speeds of the last finished generation, and the state of the queue."""
    record = hub.last
    finish = record.finish if record else None
    stats = finish.stats if finish else Stats()
    last = _speeds(stats)
    return last | {
        "last_seed": record.seed if record else -1,
        "stop_reason": _STOP_REASONS[finish.reason] if finish else -1,
        "last_draft_success": stats.num_right,
        "last_draft_failed": stats.num_drafts - stats.num_right,
        "total_gens": hub.num_finished,
        "total_img_gens": 0,
        "total_tts_gens": 0,
        "total_transcribe_gens": 0,
        "queue": status.num_waiting,
        "idle": int(status.num_running + status.num_waiting == 0),
        "hordeexitcounter": 0,
        "uptime": int(hub.uptime),
        "idletime": int(hub.idle_time),
        "quiet": False,
    }


def logprobs_object(tokens: Sequence[TokenText]) -> dict[str, Any]:
    """Log-probabilities in OpenAI's chat form and in its older completion form at once."""
    return {
        "content": chat_form(tokens, with_ids=True),
        "token_ids": [token.token for token in tokens],
        **completion_form(tokens, Offsets()),
    }


def _speeds(stats: Stats) -> dict[str, Any]:
    num_read = stats.num_prompt - stats.num_cached
    # The first token is drawn in the prompt's last step.
    num_written = max(0, stats.num_generated - 1)
    return {
        "last_process": _ratio(1000 * stats.prefill_seconds, num_read),
        "last_eval": _ratio(1000 * stats.decode_seconds, num_written),
        "last_token_count": stats.num_generated,
        "last_input_count": stats.num_prompt,
        "last_process_time": stats.prefill_seconds,
        "last_eval_time": stats.decode_seconds,
        "last_process_speed": _ratio(num_read, stats.prefill_seconds),
        "last_eval_speed": _ratio(num_written, stats.decode_seconds),
    }


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else 0.0
