"""Turns in the text of a story: who says what, in chats and in instructions.

The text stays one text. In a chat a turn begins with a line ``Name: …`` of a speaker that the story knows; in
instructions with one of
KoboldAI Lite's marks, ``{{[INPUT]}}``, ``{{[OUTPUT]}}`` or ``{{[SYSTEM]}}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from coblyn.story.cards.card import Card
from coblyn.story.state import State

__all__ = ["Message", "Speakers", "speakers_of"]

_MARK = re.compile(r"\{\{\[(INPUT|OUTPUT|SYSTEM)(_END)?\]\}\}\n?")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_ROLES = {"INPUT": "user", "OUTPUT": "assistant", "SYSTEM": "system"}


@dataclass(frozen=True, slots=True)
class Message:
    """A message for the model's own chat template.

    Attributes:
        role: ``system``, ``user`` or ``assistant``.
        text: What is said.
        name: Who says it, where that is known.
    """

    role: str
    text: str = field(repr=False)
    name: str = ""

    def to_json(self) -> dict[str, str]:
        """As OpenAI's API has it."""
        body = {"role": self.role, "content": self.text}
        return body | ({"name": self.name} if self.name else {})


@dataclass(frozen=True, slots=True)
class Speakers:
    """How turns are told apart in a story.

    Attributes:
        mode: The story's.
        users: Names under which the writer speaks.
        others: Names of all others.
    """

    mode: str
    users: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()

    @property
    def has_turns(self) -> bool:
        """Whether the text consists of turns."""
        return self.mode in ("chat", "instruct", "assistant")

    def begins(self, line: str) -> bool:
        """Whether a line begins a turn."""
        if self.mode == "chat":
            return self._named(line) is not None
        return self.has_turns and (found := _MARK.match(line)) is not None and not found[2]

    def messages(self, text: str) -> list[Message]:
        """The turns of a text; what stands before the first is the system's."""
        found: list[Message] = []
        for part in self._parts(text):
            message = self._message(part)
            if message.text:  # an empty one at the end is what is to be written
                found.append(message)
        return found

    def _parts(self, text: str) -> Iterable[str]:
        part = ""
        for line in _LINE.findall(text):
            if self.begins(line) and part:
                yield part
                part = ""
            part += line
        if part:
            yield part

    def _message(self, part: str) -> Message:
        if self.mode == "chat":
            if (name := self._named(part)) is None:
                return Message("system", part.strip())
            role = "user" if name in self.users else "assistant"
            return Message(role, part.removeprefix(name + ":").strip(), name)
        found = _MARK.match(part)
        role = _ROLES[found[1]] if found else "system"
        return Message(role, _MARK.sub("", part).strip())

    def _named(self, line: str) -> str | None:
        name, colon, _ = line.partition(":")
        return name if colon and (name in self.users or name in self.others) else None


def speakers_of(state: State, cards: Mapping[str, Card]) -> Speakers:
    """Who speaks in a story: its characters and personas, and the names in the setting ``speakers``."""
    personas: list[Any] = [value.get("name") for value in state.collection("personas").values()]
    users = frozenset(name for name in personas if isinstance(name, str) and name) or frozenset(
        {"You"}
    )
    given = state.places.get("settings/speakers")
    named = (
        {name for name in given if isinstance(name, str)} if isinstance(given, list) else set[str]()
    )
    characters = {name for card in cards.values() for name in (card.name, card.called)}
    return Speakers(state.single("mode"), users, frozenset((named | characters) - users))
