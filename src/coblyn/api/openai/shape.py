"""Answers in OpenAI's format: what completions and chat completions share."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from coblyn.api.logprobs import chat_form
from coblyn.chat.messages import Message
from coblyn.engine.events import TokenText
from coblyn.engine.interface import ModelInfo
from coblyn.service.hub import Record

__all__ = ["Answer", "chat_logprobs", "chat_message", "usage"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The first fields of an answer and of each of its chunks."""

    id: str
    kind: str
    created: int
    model: str
    fingerprint: str

    @classmethod
    def new(cls, prefix: str, kind: str, model: ModelInfo) -> Answer:
        """An answer with a new id.

        Args:
            prefix: Prefix of ids of this kind.
            kind: ``object`` in the answer.
            model: The answering model; its engine is part of the fingerprint.
        """
        name = f"{prefix}-{uuid.uuid4().hex}"
        return cls(name, kind, int(time.time()), model.name, f"fp_{model.bundle or 'none'}")

    @property
    def head(self) -> dict[str, Any]:
        """The fields."""
        return {
            "id": self.id,
            "object": self.kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
        }


def usage(
    records: Sequence[Record], num_choices: int, *, is_silent: bool = False
) -> dict[str, Any]:
    """Token counts of finished generations; a prompt counts once for all its choices.

    Args:
        records: ``num_choices`` of each prompt, one prompt after the other.
        num_choices: Number of completions per prompt.
        is_silent: Whether generated text is not shown and does not count.
    """
    finished = [(index, r.finish.stats) for index, r in enumerate(records) if r.finish is not None]
    firsts = [stats for index, stats in finished if index % num_choices == 0]
    num_prompt = sum(stats.num_prompt for stats in firsts)
    num_completion = 0 if is_silent else sum(stats.num_generated for _, stats in finished)
    return {
        "prompt_tokens": num_prompt,
        "completion_tokens": num_completion,
        "total_tokens": num_prompt + num_completion,
        "prompt_tokens_details": {"cached_tokens": sum(stats.num_cached for stats in firsts)},
        "completion_tokens_details": {"reasoning_tokens": sum(r.num_thought for r in records)},
    }


def chat_logprobs(tokens: Sequence[TokenText]) -> dict[str, Any]:
    """Log-probabilities in the format of chat completions."""
    return {"content": chat_form(tokens), "refusal": None}


def chat_message(message: Message) -> dict[str, Any]:
    """The assistant's message in the format of chat completions."""
    content = message.content or (None if message.tool_calls else "")
    fields: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None}
    if message.reasoning:
        fields["reasoning_content"] = message.reasoning
    if message.tool_calls:
        fields["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    return fields
