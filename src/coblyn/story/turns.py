"""Turns in the text of a story: speakers and their texts, in chats and in instructions.

The text stays one text. In a chat a turn begins with a line ``Name: …`` of a speaker that the story knows; in
instructions with one of
KoboldAI Lite's marks, ``{{[INPUT]}}``, ``{{[OUTPUT]}}`` or ``{{[SYSTEM]}}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from coblyn.errors import BadRequest
from coblyn.story.cards.card import card_of
from coblyn.story.parts import Call, parts_of
from coblyn.story.state import State

__all__ = ["Message", "Speakers", "speakers_of"]

_MARK = re.compile(r"\{\{\[(INPUT|OUTPUT|SYSTEM)(_END)?\]\}\}\n?")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_IMAGE = "image."
"""What names of settings that hold images begin with; an id follows."""

_ROLES = {"INPUT": "user", "OUTPUT": "assistant", "SYSTEM": "system"}


@dataclass(frozen=True, slots=True)
class Message:
    """A message for the model's own chat template.

    Attributes:
        role: ``system``, ``user``, ``assistant``, or ``tool`` for a tool's result.
        text: What is said.
        name: Who says it, where that is known.
        reasoning: What the assistant thought before it.
        calls: Tools that the assistant calls.
        call_id: The call whose result it is.
        images: Addresses of images that are shown with it, ``data:…``.
    """

    role: str
    text: str = field(repr=False)
    name: str = ""
    reasoning: str = field(default="", repr=False)
    calls: tuple[Call, ...] = ()
    call_id: str = ""
    images: tuple[str, ...] = field(default=(), repr=False)

    def to_json(self) -> dict[str, Any]:
        """As OpenAI's API has it."""
        shown: list[dict[str, Any]] = [
            {"type": "image_url", "image_url": {"url": url}} for url in self.images
        ]
        content = [*shown, {"type": "text", "text": self.text}] if shown else self.text
        body: dict[str, Any] = {"role": self.role, "content": content}
        body |= {"name": self.name} if self.name else {}
        body |= {"reasoning_content": self.reasoning} if self.reasoning else {}
        body |= {"tool_calls": [call.to_json() for call in self.calls]} if self.calls else {}
        return body | ({"tool_call_id": self.call_id} if self.call_id else {})


@dataclass(frozen=True, slots=True)
class Speakers:
    """The rules that separate the turns of a story.

    Attributes:
        mode: The story's.
        users: Names under which the writer speaks.
        others: Names of all others.
        images: Addresses of the story's images by their ids.
    """

    mode: str
    users: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    images: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def has_turns(self) -> bool:
        """Whether the text consists of turns."""
        return self.mode in ("chat", "instruct", "assistant")

    @property
    def stops(self) -> tuple[str, ...]:
        """Texts with which someone else's turn begins: in a chat the names, in an adventure the writer's mark."""
        if self.mode == "chat":
            return tuple(f"\n{name}:" for name in sorted(self.users | self.others))
        return ("\n>",) if self.mode == "adventure" else ()

    def begins(self, line: str) -> bool:
        """Whether a line begins a turn."""
        if self.mode == "chat":
            return self._named(line) is not None
        return self.has_turns and (found := _MARK.match(line)) is not None and not found[2]

    def messages(self, text: str) -> list[Message]:
        """The turns of a text; text before the first belongs to the system."""
        found: list[Message] = []
        for part in self._parts(text):
            message = self._message(part)
            if self.mode == "assistant":
                found += _said(message, self.images)
            elif message.text:  # an empty one at the end is what is to be written
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


def _said(message: Message, images: Mapping[str, str]) -> list[Message]:
    """The messages of a turn with an assistant: a result of a tool is one of its own."""
    parts = parts_of(message.text)
    found = [Message("tool", result, call_id=call) for call, result in parts.results]
    shown = tuple(images[name] for name in parts.images if name in images)
    if parts.text or parts.calls or shown:
        own = replace(
            message, text=parts.text, reasoning=parts.reasoning, calls=parts.calls, images=shown
        )
        found.append(own)
    return found


def speakers_of(state: State) -> Speakers:
    """Who speaks in a story: its characters and personas, and the names in the setting ``speakers``.

    A character that does not take part any more has said what it said.
    """
    personas: list[Any] = [value.get("name") for value in state.collection("personas").values()]
    users = frozenset(name for name in personas if isinstance(name, str) and name) or frozenset(
        {"You"}
    )
    given = state.places.get("settings/speakers")
    named = (
        {name for name in given if isinstance(name, str)} if isinstance(given, list) else set[str]()
    )
    others = named | {
        name for value in state.collection("characters").values() for name in _names(value)
    }
    images = {
        name.removeprefix(_IMAGE): value
        for name, value in state.collection("settings").items()
        if name.startswith(_IMAGE) and isinstance(value, str) and value.startswith("data:image/")
    }
    return Speakers(state.single("mode"), users, frozenset(others - users - {""}), images)


def _names(value: Mapping[str, Any]) -> tuple[str, ...]:
    try:
        card = card_of(value)
    except BadRequest:
        return ()  # it stays in the story, and has nothing to say
    return card.name, card.called
