"""Saves of KoboldAI Lite, and the older forms that it reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from coblyn.story.interchange.report import Imported, Writer
from coblyn.story.lore.buffer import MAX_DEPTH
from coblyn.story.lore.entry import strings
from coblyn.story.operation import Branch
from coblyn.story.phrases import phrase
from coblyn.story.state import MAIN, State
from coblyn.story.text import Text

__all__ = ["import_kobold", "is_kobold", "kobold_json"]

_MODES = {1: "story", 2: "adventure", 3: "chat", 4: "instruct"}
_NUMBERS = {mode: number for number, mode in _MODES.items()}

_DEPTHS = {480: 4, 320: 3, 160: 2, 0: 0}
"""Where the author's note stands: characters from the end, and about as many paragraphs."""

_PARAGRAPH = 160
"""Characters that count as a paragraph or message in a search depth; few, so that no less is searched than there."""

_PENDING = re.compile(r"\[<\|p\|[^|\]]{0,200}\|p\|>\]")
_SECRETS = re.compile(r"key|token|url|secret|password|addr", re.IGNORECASE)

_USED = frozenset(
    {
        "prompt", "actions", "memory", "authorsnote", "anotetemplate", "anotestr", "worldinfo", "altbranches",
        "gamestarted", "savedsettings",
    }
)  # fmt: skip


def is_kobold(value: Any) -> bool:
    """Whether a JSON value is such a save."""
    if not isinstance(value, Mapping) or "scenarioVersion" in value:
        return False
    is_shared = isinstance(value.get("ga"), list) and "cm" in value
    return value.get("prompt") is not None or bool(value.get("savedsettings")) or is_shared


def import_kobold(given: Mapping[str, Any], name: str) -> Imported:
    """A save."""
    writer = Writer("format_kobold")
    value = _newest_form(given)
    chunks = _chunks(value)
    text = "".join(chunks)
    clean = _PENDING.sub("", text)
    writer.text(clean)
    if clean != text:
        writer.dropped("unfinished_pictures")
    if name:
        writer.put("title", name)
    settings = value.get("savedsettings")
    settings = settings if isinstance(settings, Mapping) else {}
    mode = _MODES.get(settings.get("opmode", 1), "story")
    writer.put("mode", mode, "mode", f"mode_{mode}")
    _speakers(writer, settings)
    _tags(writer, settings)
    if isinstance(value.get("memory"), str) and value["memory"]:
        writer.put("memory", value["memory"], "memory")
    _note(writer, value)
    _scan_depth(writer, value)
    writer.lore({str(n): entry for n, entry in enumerate(_entries(value))}, "kobold.")
    _branches(writer, value)
    _rest(writer, value, chunks, settings)
    return writer.done()


def _speakers(writer: Writer, settings: Mapping[str, Any]) -> None:
    """Who speaks in a chat: the writer, and one or several others."""
    name, others = settings.get("chatname"), settings.get("chatopponent")
    if isinstance(name, str) and name:
        writer.put("personas/user", {"name": name}, "user_name", phrase("given", text=name))
    if isinstance(others, str) and others:
        names = others.split("||$||")
        note = phrase("given", text=", ".join(names))
        writer.put("settings/speakers", names, "other_names", note)


def _tags(writer: Writer, settings: Mapping[str, Any]) -> None:
    """What instructions and answers stand between, unless that is left to the model's own template."""
    tags = {
        f"{role}_{end}": _tag(settings, f"instruct_{name}tag", end)
        for role, name in (("system", "sys"), ("user", "start"), ("assistant", "end"))
        for end in ("start", "end")
    }
    if tags["user_start"] and tags["assistant_start"] and "{{[" not in "".join(tags.values()):
        writer.put("settings/instruct", tags, "tags")


def _tag(settings: Mapping[str, Any], name: str, end: str) -> str:
    """A tag. Those that end a turn count only where they are separate; line ends are written as two characters."""
    if end == "end" and not settings.get("separate_end_tags"):
        return ""
    tag = settings.get(name + ("_end" if end == "end" else ""))
    return tag.replace("\\n", "\n") if isinstance(tag, str) else ""


def _newest_form(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """A save with today's names of its fields."""
    if isinstance(value.get("ga"), list):  # a share file
        first, *rest = [*value["ga"], ""][: max(len(value["ga"]), 1)]
        return {
            "prompt": first, "actions": rest, "memory": value.get("cm", ""), "authorsnote": value.get("ca", ""),
            "anotetemplate": value.get("ct", ""), "worldinfo": value.get("cwi", []), "shared": dict(value),
        }  # fmt: skip
    actions = value.get("actions")
    inner = actions.get("actions") if isinstance(actions, Mapping) else None
    if not isinstance(inner, Mapping):
        return value
    numbered = sorted((int(key), one) for key, one in inner.items() if str(key).isdigit())
    texts = [one.get("Selected Text", "") for _, one in numbered if isinstance(one, Mapping)]
    note = {
        "authorsnote": value.get("authornote", ""),
        "anotetemplate": value.get("authornotetemplate", ""),
    }
    return {**value, **note, "actions": texts, "worldinfo": _united(value)}


def _united(value: Mapping[str, Any]) -> list[Any]:
    """World info of KoboldAI United, whose keys are lists."""
    new = value.get("worldinfo_v2")
    entries = new.get("entries") if isinstance(new, Mapping) else None
    if isinstance(entries, Mapping):
        return list(entries.values())
    old = value.get("worldinfo")
    return old if isinstance(old, list) else []


def _chunks(value: Mapping[str, Any]) -> list[str]:
    actions = value.get("actions")
    parts = [value.get("prompt"), *(actions if isinstance(actions, list) else [])]
    return [part for part in parts if isinstance(part, str)]


def _note(writer: Writer, value: Mapping[str, Any]) -> None:
    text, template = value.get("authorsnote"), value.get("anotetemplate")
    if not isinstance(text, str) or not text:
        return
    place = value.get("anotestr")
    depth = _DEPTHS.get(place, 3) if isinstance(place, int) else 3
    note: dict[str, Any] = {"text": text, "depth": depth, "kobold": {"anotestr": place}}
    if isinstance(template, str) and template:
        note["template"] = template
    writer.put("note", note, "note", phrase("note_place", n=depth))


def _scan_depth(writer: Writer, value: Mapping[str, Any]) -> None:
    """How far back keys are looked for: characters there, of which 0 means all; paragraphs and messages here."""
    entries, chars = value.get("worldinfo"), value.get("wisearchdepth")
    if isinstance(entries, list) and entries:
        depth = _paragraphs(chars if type(chars) is int and chars > 0 else 0)
        writer.put("settings/lore", {"scan_depth": depth}, "scan_depth")


def _paragraphs(chars: int) -> int:
    return min(-(-chars // _PARAGRAPH), MAX_DEPTH) if chars else MAX_DEPTH


def _chars_of(depth: int, kept: Any) -> int:
    """A search depth in characters: the one that the save came with while it means the same."""
    if type(kept) is int and kept >= 0 and _paragraphs(kept) == depth:
        return kept
    return 0 if depth >= MAX_DEPTH else max(1, depth * _PARAGRAPH)


def _entries(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = value.get("worldinfo")
    return (
        [_entry(one) for one in given if isinstance(one, Mapping)]
        if isinstance(given, list)
        else []
    )


def _entry(one: Mapping[str, Any]) -> dict[str, Any]:
    """An entry in SillyTavern's form; the keys that forbid it are a list of their own."""
    probability = one.get("probability", 100)
    number = (
        probability if isinstance(probability, int) and not isinstance(probability, bool) else 100
    )
    return {
        "key": list(strings(one.get("key"))),
        "keysecondary": list(strings(one.get("keysecondary"))),
        "keyanti": list(strings(one.get("keyanti"))),
        "content": one.get("content") if isinstance(one.get("content"), str) else "",
        "comment": one.get("comment") if isinstance(one.get("comment"), str) else "",
        "selective": bool(one.get("selective")),
        "constant": bool(one.get("constant")),
        "disable": bool(one.get("widisabled")),
        "probability": number or 100,  # a stored 0 means always there
        "kobold": {key: one[key] for key in ("folder", "wigroup", "probability") if key in one},
    }


def _branches(writer: Writer, value: Mapping[str, Any]) -> None:
    branches = value.get("altbranches")
    num = 0
    for number, chunks in enumerate(branches if isinstance(branches, list) else []):
        if isinstance(chunks, list):
            text = "".join(part for part in chunks if isinstance(part, str))
            writer.operations.append(Branch(f"kobold-{number}", MAIN, 0, Text.of(text)))
            num += 1
    if num:
        writer.understood(phrase("num_branches", n=num))


def _rest(
    writer: Writer, value: Mapping[str, Any], chunks: list[str], settings: Mapping[str, Any]
) -> None:
    """What is not used stays, but secrets and addresses of services do not."""
    rest = {key: one for key, one in value.items() if key not in _USED}
    safe = {
        key: one
        for key, one in settings.items()
        if not (one and _SECRETS.search(key) and isinstance(one, str))
    }
    kept = phrase("given", text=", ".join(["settings", *rest]))
    writer.keep("kobold", {"rest": rest, "settings": safe, "chunks": chunks}, kept)
    secrets = sorted(set(settings) - set(safe))
    if secrets:
        writer.dropped(phrase("given", text=", ".join(secrets)), "secrets_note")


def kobold_json(state: State, branch: str) -> dict[str, Any]:
    """A story as a save that KoboldAI Lite loads."""
    kept = state.places.get("kept/kobold")
    kept = kept if isinstance(kept, dict) else {}
    text = state.text(branch).text
    chunks = kept.get("chunks")
    is_same = isinstance(chunks, list) and "".join(map(str, chunks)) == text
    first, *rest = chunks if is_same and chunks else [text]
    note = state.single("note")
    others = [name for name in state.texts if name != branch]
    mode = _NUMBERS.get(state.single("mode"), 1)
    rest_of_save, settings = (
        value if isinstance(value := kept.get(name), dict) else {} for name in ("rest", "settings")
    )
    lore = state.places.get("settings/lore")
    depth = lore.get("scan_depth") if isinstance(lore, Mapping) else None
    searched = (
        {"wisearchdepth": _chars_of(depth, rest_of_save.get("wisearchdepth"))}
        if type(depth) is int
        else {}
    )
    return {
        **rest_of_save,
        **searched,
        "gamestarted": True,
        "prompt": first,
        "actions": rest,
        "actions_metadata": {
            str(n): {"Selected Text": "", "Alternative Text": []} for n in range(len(rest))
        },
        "memory": state.single("memory"),
        "authorsnote": note.get("text", ""),
        "anotetemplate": note.get("template", "[Author's note: <|>]"),
        "anotestr": _place_of(note),
        "worldinfo": [_kobold_entry(entry) for entry in state.collection("lore").values()],
        "altbranches": [[state.texts[name].text] for name in others] + [None] if others else [],
        "savedsettings": {**settings, "opmode": mode},
    }


def _place_of(note: Mapping[str, Any]) -> int:
    kept = note.get("kobold")
    place = kept.get("anotestr") if isinstance(kept, Mapping) else None
    depth = note.get("depth", 3)
    if isinstance(place, int) and _DEPTHS.get(place, 3) == depth:
        return place
    return next((chars for chars, paragraphs in _DEPTHS.items() if paragraphs <= depth), 0)


def _kobold_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    kept = entry.get("kobold")
    kept = kept if isinstance(kept, Mapping) else {}
    secondary = list(strings(entry.get("keysecondary")))
    is_anti = entry.get("selectiveLogic") == 2
    anti = [*strings(entry.get("keyanti")), *(secondary if is_anti else [])]
    probability = entry.get("probability", 100)
    return {
        "key": ",".join(strings(entry.get("key"))),
        "keysecondary": "" if is_anti else ",".join(secondary),
        "keyanti": ",".join(anti),
        "content": entry.get("content", ""),
        "comment": entry.get("comment", ""),
        "folder": kept.get("folder"),
        "selective": bool(secondary and not is_anti and entry.get("selective", True)),
        "constant": bool(entry.get("constant")),
        "probability": kept.get("probability", probability) if probability == 100 else probability,
        "wigroup": kept.get("wigroup", ""),
        "widisabled": bool(entry.get("disable")),
    }
