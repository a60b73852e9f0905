"""Chats of SillyTavern: one JSON object a line.

Swipes become takes; a chat that was not changed goes out as it came.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from coblyn.errors import BadRequest
from coblyn.story.bounded import decoded, json_of
from coblyn.story.interchange.report import Imported, Writer
from coblyn.story.phrases import phrase, refused
from coblyn.story.state import State
from coblyn.story.text import EMPTY, Text

__all__ = ["import_tavern", "is_tavern", "tavern_jsonl"]


def is_tavern(data: bytes) -> bool:
    """Whether a file looks like such a chat: its first line is a header or a message."""
    line = data.lstrip(b"\xef\xbb\xbf").split(b"\n", 1)[0]
    if not line.startswith(b"{") or len(line) > 16 << 20:
        return False
    try:
        first = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(first, dict) and (
        "chat_metadata" in first or "mes" in first or "user_name" in first
    )


def import_tavern(data: bytes, name: str) -> Imported:
    """A chat."""
    writer = Writer("format_tavern")
    lines = _lines(decoded(data, phrase("the_chat")), writer)
    header = lines.pop(0) if lines and "mes" not in lines[0] else {}
    if not header:
        writer.report.notes.append(phrase("no_header"))
    messages = [line for line in lines if isinstance(line.get("mes"), str)]
    if len(messages) < len(lines):
        writer.dropped(phrase("num_lines", n=len(lines) - len(messages)), "num_lines_note")
    writer.text(_text(messages), phrase("num_messages", n=len(messages)))
    writer.put("mode", "chat")
    writer.put("title", name)
    _names(writer, header, messages)
    num_takes = sum(_takes(writer, index, message) for index, message in enumerate(messages))
    if num_takes:
        writer.understood(phrase("num_takes", n=num_takes), "num_takes_note")
    metadata = header.get("chat_metadata")
    if isinstance(metadata, Mapping):
        _note(writer, metadata)
    writer.keep("tavern", {"header": header, "messages": messages}, "message_fields")
    return writer.done()


def _lines(text: str, writer: Writer) -> list[dict[str, Any]]:
    lines = [line for line in text.split("\n") if line.strip()]
    values: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        try:
            value = json_of(line, phrase("the_chat_line", n=number))
        except BadRequest:
            if number < len(lines):
                raise
            writer.dropped("last_line", "last_line_note")
            break
        if isinstance(value, dict):
            values.append(value)
    if not values:
        raise refused("no_message")
    return values


def _text(messages: list[dict[str, Any]]) -> Text:
    parts = [EMPTY]
    for index, message in enumerate(messages):
        piece = "" if message.get("is_user") or message.get("is_system") else f"tavern-{index}"
        end = "" if index == len(messages) - 1 else "\n"
        parts += [Text.of(_speaker(message)), Text.of(message["mes"], piece), Text.of(end)]
    return EMPTY.plus(*parts)


def _speaker(message: Mapping[str, Any]) -> str:
    name = message.get("name")
    return f"{name}: " if isinstance(name, str) and name else ""


def _names(writer: Writer, header: Mapping[str, Any], messages: list[dict[str, Any]]) -> None:
    spoken = [one for one in messages if one.get("is_user") and isinstance(one.get("name"), str)]
    user = spoken[0]["name"] if spoken else header.get("user_name")
    if isinstance(user, str) and user not in ("", "unused"):
        writer.put("personas/user", {"name": user}, "user_name", phrase("given", text=user))
    others = {
        one["name"] for one in messages if isinstance(one.get("name"), str) and one["name"] != user
    }
    writer.put("settings/speakers", sorted(others))


def _takes(writer: Writer, index: int, message: Mapping[str, Any]) -> int:
    """Other versions of a message."""
    swipes, chosen = message.get("swipes"), message.get("swipe_id", 0)
    if not isinstance(swipes, list):
        return 0
    num = 0
    for number, text in enumerate(swipes):
        if isinstance(text, str) and number != chosen:
            take = {"slot": f"tavern-{index}", "text": text}
            writer.put(f"takes/tavern-{index}-{number}", take)
            num += 1
    return num


def _note(writer: Writer, metadata: Mapping[str, Any]) -> None:
    prompt, depth = metadata.get("note_prompt"), metadata.get("note_depth")
    if isinstance(prompt, str) and prompt:
        note = {"text": prompt, "depth": depth if type(depth) is int and depth >= 0 else 4}
        writer.put("note", note, "note")


def tavern_jsonl(state: State, branch: str) -> str:
    """A story as a chat: its messages as they came where they still say the same, and others new."""
    kept = state.places.get("kept/tavern")
    kept = kept if isinstance(kept, dict) else {}
    known = kept.get("messages")
    known = known if isinstance(known, list) else []
    header = kept.get("header") or {
        "chat_metadata": {},
        "user_name": "unused",
        "character_name": "unused",
    }
    text = state.text(branch).text
    messages = known if _text(known).text == text else _messages(state, text, known)
    lines = [header, *messages] if kept.get("header") != {} else messages
    return "\n".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in lines)


def _messages(state: State, text: str, known: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Turns of a text, each the known message if it says the same."""
    users = {str(value.get("name")) for value in state.collection("personas").values()} | {"You"}
    unused = {(one.get("name"), one.get("mes")): one for one in known}
    messages: list[dict[str, Any]] = []
    names = {one.get("name") for one in known} | users
    names |= {
        str(value.get("card", {}).get("name")) for value in state.collection("characters").values()
    }
    for line in text.split("\n"):
        name, colon, mes = line.partition(": ")
        is_turn = bool(colon) and (name in names or (len(name) <= 40 and name.istitle()))
        if is_turn or not messages:
            speaker = name if is_turn else "Narrator"
            messages.append(
                {"name": speaker, "is_user": speaker in users, "mes": mes if is_turn else line}
            )
        else:
            messages[-1]["mes"] += "\n" + line
    return [unused.get((one["name"], one["mes"]), one) for one in messages]
