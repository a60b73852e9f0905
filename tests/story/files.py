"""Files of other programs, made in their true formats."""

from __future__ import annotations

import base64
import io
import json
import struct
import zipfile
import zlib
from typing import Any

V1 = {
    "name": "Tomos",
    "description": "A miner.",
    "personality": "Dry.",
    "scenario": "Cwm Carreg.",
    "first_mes": "Good evening, {{user}}.",
    "mes_example": "<START>",
}
BOOK = {
    "name": "The Mine",
    "scan_depth": 4,
    "extensions": {"author": "x"},
    "entries": [
        {
            "id": 7, "keys": ["lamp"], "secondary_keys": ["dream"], "content": "It knocks.", "enabled": False,
            "insertion_order": 5, "position": "after_char", "selective": True, "priority": 9, "case_sensitive": True,
            "extensions": {"selectiveLogic": 2, "position": 4, "depth": 6, "mystery": [1]},
        },
        {"keys": ["/l[ao]mp/"], "content": "", "enabled": True, "insertion_order": 6, "use_regex": False},
    ],
}  # fmt: skip
V2 = {
    "spec": "chara_card_v2",
    "spec_version": "2.0",
    "data": V1
    | {
        "alternate_greetings": ["Well."],
        "tags": ["mine"],
        "character_book": BOOK,
        "extensions": {"a": 1},
    },
}
V3 = {
    "spec": "chara_card_v3",
    "spec_version": "3.0",
    "data": V2["data"]
    | {"name": "Tomos the Third", "nickname": "Tom", "group_only_greetings": ["All!"]},  # type: ignore[operator]
}


def packed(value: Any) -> bytes:
    return base64.b64encode(json.dumps(value).encode())


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def text_chunk(keyword: str, text: bytes) -> bytes:
    return chunk(b"tEXt", keyword.encode() + b"\0" + text)


def png(before: bytes = b"", behind: bytes = b"") -> bytes:
    """A picture of one pixel with chunks before and behind its pixels."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"\x89PNG\r\n\x1a\n" + head + before + pixels + behind + chunk(b"IEND", b"")


def webp(text: bytes) -> bytes:
    exif = b"II*\0\x08\0\0\0" + b"ASCII\0\0\0" + text
    body = b"WEBP" + b"VP8 " + struct.pack("<I", 2) + b"ab"
    body += b"EXIF" + struct.pack("<I", len(exif)) + exif + b"\0" * (len(exif) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def zipped(**files: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/").replace("_json", ".json"), data)
    return target.getvalue()


KOBOLD = {
    "gamestarted": True,
    "prompt": "The lamp went out.",
    "actions": [" She waited.", "\n\n> light it\n\n", "It knocked. [<|p|12|p|>][<|h|ab|h|>]"],
    "actions_metadata": {},
    "memory": "A mine.",
    "authorsnote": "Dark.",
    "anotetemplate": "[Note: <|>]",
    "anotestr": 160,
    "worldinfo": [
        {
            "key": "lamp, torch", "keysecondary": "night", "keyanti": "dream", "content": "It knocks.",
            "comment": "The Lamp", "folder": None, "selective": True, "constant": False, "probability": 40,
            "wigroup": "g", "widisabled": True,
        },
        {"key": "mine", "content": "Deep.", "probability": 0},
    ],
    "wisearchdepth": 512,
    "altbranches": [None, ["The lamp ", "burned on."]],
    "completed_imgs_meta": {"ab": {"prompt": "a lamp"}},
    "savedsettings": {"opmode": 2, "temperature": 0.7, "my_api_key": "secret", "chatname": "Gwen"},
}  # fmt: skip

CHAT_HEADER = {
    "user_name": "Gwen",
    "character_name": "Tomos",
    "chat_metadata": {"note_prompt": "Dark.", "note_depth": 2, "integrity": "x"},
}
CHAT_MESSAGES = [
    {
        "name": "Tomos",
        "is_user": False,
        "mes": "Good evening.",
        "swipes": ["Hm.", "Good evening."],
        "swipe_id": 1,
    },
    {"name": "Gwen", "is_user": True, "mes": "Good evening\u2028to you: all.", "extra": {"x": [1]}},
    {"name": "Tomos", "is_user": False, "mes": "Two\nlines."},
]


def chat(*lines: dict[str, Any]) -> bytes:
    return "\n".join(
        json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in lines
    ).encode()


WORLD = {
    "entries": {
        "0": {
            "uid": 0, "key": ["lamp"], "keysecondary": ["dream"], "comment": "The Lamp", "content": "It knocks.",
            "constant": False,             "selective": True, "selectiveLogic": 2, "order": 90,
            "position": 4, "disable": True, "probability": 50,
            "useProbability": True, "depth": 2, "role": 1, "group": "g", "sticky": 3, "mystery": {"a": 1},
        },
        "3": {"uid": 3, "key": ["/a\\/b/i"], "content": "Slash.", "order": 10, "disable": False},
    },
    "name": "The Mine",
    "originalData": {"x": 1},
}  # fmt: skip

NOVELAI_BOOK = {
    "lorebookVersion": 5,
    "entries": [
        {
            "text": "It knocks.", "displayName": "The Lamp", "id": "a-b", "keys": ["lamp", "/l.mp/i"],
            "searchRange": 1000,             "enabled": False, "forceActivation": True,
            "contextConfig": {"budgetPriority": 300, "prefix": ""},
            "loreBiasGroups": [],
        }
    ],
    "categories": [{"name": "Things"}],
}  # fmt: skip
NOVELAI = {
    "storyContainerVersion": 1,
    "metadata": {"title": "The Knockers", "tags": ["mine"]},
    "content": {
        "storyContentVersion": 2,
        "story": {"version": 2, "fragments": [
            {"data": "The lamp", "origin": "user"}, {"data": " went out.", "origin": "ai"}], "step": 2},
        "context": [{"text": "A mine.", "contextConfig": {"x": 1}}, {"text": "Dark."}],
        "lorebook": NOVELAI_BOOK,
        "settings": {"model": "m"},
    },
}  # fmt: skip
