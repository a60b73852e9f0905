"""KoboldAI Lite's placeholders for turns, such as ``{{[INPUT]}}``, and the tags that replace them.

The rules are KoboldCPP's: reference in the docs of its API, "replace_instruct_placeholders".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Tags", "fill_placeholders", "fill_stops"]


@dataclass(frozen=True, slots=True)
class Tags:
    """What stands around each speaker's text; the defaults are the Alpaca format."""

    system_start: str = "\n### Instruction:\n"
    system_end: str = ""
    user_start: str = "\n### Instruction:\n"
    user_end: str = ""
    assistant_start: str = "\n### Response:\n"
    assistant_end: str = ""
    assistant_gen: str = ""

    @property
    def by_placeholder(self) -> dict[str, str]:
        """The tag of each placeholder, when every turn has its end marked."""
        return {
            "{{[INPUT]}}": self.user_start,
            "{{[OUTPUT]}}": self.assistant_start,
            "{{[SYSTEM]}}": self.system_start,
            "{{[INPUT_END]}}": self.user_end,
            "{{[OUTPUT_END]}}": self.assistant_end,
            "{{[SYSTEM_END]}}": self.system_end,
        }


_PLACEHOLDER = re.compile(r"\{\{\[(?:INPUT|OUTPUT|SYSTEM)(?:_END)?\]\}\}")


def fill_placeholders(memory: str, prompt: str, tags: Tags) -> tuple[str, str]:
    """Memory and prompt with tags in place of placeholders."""
    if "{{[" not in prompt and "{{[" not in memory:
        return memory, prompt
    memory, prompt = _fill_last_output(memory, prompt, tags)
    if "{{[INPUT_END]}}" in prompt or "{{[OUTPUT_END]}}" in prompt:
        table = tags.by_placeholder
        return _substitute(memory, table), _substitute(prompt, table)
    memory, prompt = _fill_first_input(memory, prompt, tags)
    table = {
        "{{[INPUT]}}": tags.assistant_end + tags.user_start,
        "{{[OUTPUT]}}": tags.user_end + tags.assistant_start,
        "{{[SYSTEM]}}": tags.system_start,
    }
    return _substitute(memory, table), _substitute(prompt, table)


def fill_stops(stops: Iterable[str], tags: Tags) -> tuple[str, ...]:
    """Stop texts with placeholders replaced by their stripped tags; empty ones are dropped."""
    table = tags.by_placeholder
    filled = (table[stop].strip() if stop in table else stop for stop in stops)
    return tuple(stop for stop in filled if stop)


def _fill_last_output(memory: str, prompt: str, tags: Tags) -> tuple[str, str]:
    """The turn that the model is to write may begin differently from those in the past."""
    if not tags.assistant_gen or tags.assistant_gen == tags.assistant_start:
        return memory, prompt
    if "{{[OUTPUT]}}" in prompt:
        return memory, tags.assistant_gen.join(prompt.rsplit("{{[OUTPUT]}}", 1))
    return tags.assistant_gen.join(memory.rsplit("{{[OUTPUT]}}", 1)), prompt


def _fill_first_input(memory: str, prompt: str, tags: Tags) -> tuple[str, str]:
    """No assistant's turn ends before the first of the user."""
    if "{{[INPUT]}}" in memory:
        return memory.replace("{{[INPUT]}}", tags.user_start, 1), prompt
    return memory, prompt.replace("{{[INPUT]}}", tags.user_start, 1)


def _substitute(text: str, table: dict[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: table.get(match[0], ""), text)
