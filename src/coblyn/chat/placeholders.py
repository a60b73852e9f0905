"""KoboldAI Lite's placeholders for turns, such as ``{{[INPUT]}}``, the tags that replace them, and chats between tags.

The rules are KoboldCPP's: reference in the docs of its API, "replace_instruct_placeholders".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from coblyn.chat.messages import Message

__all__ = ["Tags", "fill_placeholders", "fill_stops", "read_tags", "write_chat"]


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags around each speaker's text, and before the first; the defaults are the Alpaca format."""

    system_start: str = "\n### Instruction:\n"
    system_end: str = ""
    user_start: str = "\n### Instruction:\n"
    user_end: str = ""
    assistant_start: str = "\n### Response:\n"
    assistant_end: str = ""
    assistant_gen: str = ""
    chat_start: str = ""

    @property
    def stops(self) -> tuple[str, ...]:
        """Texts that end an answer, because another speaker's text begins with them."""
        starts = (self.user_start.strip(), self.assistant_start.strip())
        return tuple(dict.fromkeys(start for start in starts if start))

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


def read_tags(adapter: Any) -> Tags | None:
    """The tags of one of KoboldCPP's chat adapters, an object; None if it has none."""
    if not isinstance(adapter, dict):
        return None
    names = Tags.__dataclass_fields__
    given = {
        key: value for key, value in adapter.items() if key in names and isinstance(value, str)
    }
    return Tags(**given) if given else None


def write_chat(messages: Sequence[Message], tags: Tags, *, continues_last: bool) -> str:
    """The prompt text of a conversation between tags.

    Args:
        messages: The messages; the results of tools are what a user says.
        tags: The tags.
        continues_last: Whether the text ends inside the last message; otherwise it ends where the assistant's next one
            begins.
    """
    text = tags.chat_start
    around = {
        "system": (tags.system_start, tags.system_end),
        "developer": (tags.system_start, tags.system_end),
        "assistant": (tags.assistant_start, tags.assistant_end),
    }
    end = ""
    for message in messages:
        start, following = around.get(message.role, (tags.user_start, tags.user_end))
        text += end + start + message.content
        end = following
    return text if continues_last else text + end + (tags.assistant_gen or tags.assistant_start)


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
    """Replace the last placeholder by the tag of the turn to generate, which may differ from earlier turns."""
    if not tags.assistant_gen or tags.assistant_gen == tags.assistant_start:
        return memory, prompt
    if "{{[OUTPUT]}}" in prompt:
        return memory, tags.assistant_gen.join(prompt.rsplit("{{[OUTPUT]}}", 1))
    return tags.assistant_gen.join(memory.rsplit("{{[OUTPUT]}}", 1)), prompt


def _fill_first_input(memory: str, prompt: str, tags: Tags) -> tuple[str, str]:
    """Handle the first user turn, before which no assistant's turn ends."""
    if "{{[INPUT]}}" in memory:
        return memory.replace("{{[INPUT]}}", tags.user_start, 1), prompt
    return memory, prompt.replace("{{[INPUT]}}", tags.user_start, 1)


def _substitute(text: str, table: dict[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: table.get(match[0], ""), text)
