"""Answers in Ollama's format: times, durations, and facts about a model."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from coblyn.chat.reasoning import reasoning_of
from coblyn.engine.events import Stats
from coblyn.engine.interface import ModelInfo
from coblyn.service.inventory import Facts, Item

__all__ = ["Clock", "capabilities", "details", "nanoseconds", "now", "stamp"]

_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of a request, for its durations."""

    start: int

    def durations(self, stats: Stats) -> dict[str, int]:
        """The durations of a generation in nanoseconds, and its token counts; zeros are left out.

        ``load_duration`` is the time to find the model and to make the prompt: all but waiting, prefill and decoding.
        """
        total = time.perf_counter_ns() - self.start
        known = stats.queue_seconds + stats.prefill_seconds + stats.decode_seconds
        fields = {
            "total_duration": total,
            "load_duration": max(0, total - nanoseconds(known)),
            "prompt_eval_count": stats.num_prompt,
            "prompt_eval_duration": nanoseconds(stats.prefill_seconds),
            "eval_count": stats.num_generated,
            "eval_duration": nanoseconds(stats.decode_seconds),
        }
        return {name: value for name, value in fields.items() if value}


def nanoseconds(seconds: float) -> int:
    """Seconds in nanoseconds."""
    return round(seconds * _SECOND)


def now() -> str:
    """The current time in the format of answers."""
    return stamp(datetime.now(UTC))


def stamp(when: datetime) -> str:
    """A time in the format of RFC 3339."""
    return when.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def details(item: Item, facts: Facts) -> dict[str, Any]:
    """Facts about a model, wherever it is listed."""
    family = facts.architecture or "unknown"
    return {
        "parent_model": item.modelfile.base if item.is_made else "",
        "format": "gguf",
        "family": family,
        "families": [family],
        "parameter_size": _human(facts.num_parameters),
        "quantization_level": facts.quantization or "unknown",
    }


def capabilities(template: str, info: ModelInfo | None) -> list[str]:
    """A model's capabilities, by Ollama's names.

    Args:
        template: Its chat template, or empty.
        info: Its facts if it is loaded, such as whether it generates text and fills gaps.
    """
    if info and not info.writes:
        return ["embedding"]
    found = ["completion", "insert"] if info and info.infill else ["completion"]
    if "tools" in template:
        found.append("tools")
    if reasoning_of(template):
        found.append("thinking")
    words = {"image": "vision", "sound": "audio"}
    return found + [words[kind] for kind in (info.media if info else ())]


def _human(count: int) -> str:
    """A number of weights in short form: 134.5M, 7.6B."""
    if count >= 10**9:
        return f"{count / 10**9:.1f}B"
    return f"{count / 10**6:.2f}M" if count >= 10**6 else str(count)
