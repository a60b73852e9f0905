"""Logs every finished generation as one line; prompts and answers are included only if the user wants that."""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from typing import Any

from coblyn.chat.attachment import unmarked
from coblyn.chat.messages import Message
from coblyn.service.command import AnyPrompt, ChatPrompt, InfillPrompt, TextPrompt
from coblyn.service.hub import Record

__all__ = ["GenerationLog"]

log = logging.getLogger("coblyn.generation")


class GenerationLog:
    """Logs generations when they are over; called with each record.

    Args:
        with_texts: Whether to log prompts and answers.
    """

    def __init__(self, *, with_texts: bool) -> None:
        self._with_texts = with_texts

    def __call__(self, record: Record) -> None:
        """Write the line."""
        if not log.isEnabledFor(logging.INFO):
            return
        facts = _facts(record)
        if self._with_texts:
            facts |= {"prompt": _prompt(record.prompt), "text": record.text}
        log.info(
            "%s: %d tokens read, %d written, %s",
            record.model,
            record.num_prompt,
            record.num_written,
            record.outcome,
            extra={"facts": facts},
        )


def _facts(record: Record) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "id": record.id,
        "model": record.model,
        "key": record.caller.name,
        "outcome": record.outcome,
        "failure": record.failure or None,
        "prompt_tokens": record.num_prompt,
        "completion_tokens": record.num_written,
    }
    if record.first_text is not None:
        facts["first_text_seconds"] = round(record.first_text - record.started, 6)
    if record.finish:
        stats = record.finish.stats
        facts |= {
            "cached_tokens": stats.num_cached,
            "queue_seconds": round(stats.queue_seconds, 6),
            "prefill_seconds": round(stats.prefill_seconds, 6),
            "decode_seconds": round(stats.decode_seconds, 6),
        }
    return facts


def _prompt(prompt: AnyPrompt | None) -> Any:
    if isinstance(prompt, TextPrompt):
        return unmarked(prompt.memory + prompt.text)
    if isinstance(prompt, ChatPrompt):
        return [_message(message) for message in prompt.messages]
    if isinstance(prompt, InfillPrompt):
        return [prompt.before, prompt.after]
    return list(prompt.tokens) if prompt else None


def _message(message: Message) -> dict[str, Any]:
    """A message without the data of its images and sounds."""
    plain = replace(message, content=unmarked(message.content), media=())
    return asdict(plain)
