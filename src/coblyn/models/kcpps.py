"""Converts KoboldCPP's settings files to Coblyn's settings, and reports keys without an equivalent.

The files are JSON: all long option names of KoboldCPP's command line with their values, most of them defaults.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from coblyn.errors import SettingsError
from coblyn.files import read_text
from coblyn.models.finite_json import finite

__all__ = ["ENDINGS", "Kcpps", "is_kcpps", "read_kcpps"]

ENDINGS = (".kcpps", ".kcppt")

MAX_SIZE = 16 << 20
"""Maximum size in bytes; a file may contain a whole initial story."""

_CACHE_TYPES = ("f16", "q8_0", "q4_0", "bf16")
"""Names for the numbers that older versions wrote."""

_MEDIA = ("sd", "whisper", "tts", "music")

_FIELDS = "generation_defaults"

_MISSING = object()


@dataclass(frozen=True, slots=True)
class Kcpps:
    """The content of a file.

    Attributes:
        path: The file.
        model: The model's file or address; empty if the file names none.
        settings: Values by the names of Coblyn's settings.
        password, admin_password: What clients must send, or empty.
        understood: The setting for each key that has one.
        kept: The meaning of each key that Coblyn does not support yet.
        pointless: The reason for each key that has no meaning here.
    """

    path: Path
    model: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    password: str = field(default="", repr=False)
    admin_password: str = field(default="", repr=False)
    understood: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    pointless: Mapping[str, str] = field(default_factory=dict)


def is_kcpps(name: str) -> bool:
    """Whether a file is a KoboldCPP settings file, by its name."""
    return name.lower().endswith(ENDINGS)


def read_kcpps(path: Path) -> Kcpps:
    """Read a file; keys with default values are ignored.

    Raises:
        SettingsError: It cannot be read, or is not such a file.
    """
    given = _load(path)
    changed = {key: value for key, value in given.items() if not _is_neutral(key, value)}
    reading = _Reading()
    for key, value in changed.items():
        reading.take(key, value)
    reading.take_adapters(path, given.get("lora"), given.get("loramult"))
    reading.take_template(path, changed.get("jinjatemplate"))
    return Kcpps(
        path,
        _model(path, given),
        reading.settings,
        str(given.get("password") or ""),
        str(given.get("adminpassword") or ""),
        reading.understood,
        reading.kept,
        reading.pointless,
    )


class _Reading:
    """A file being read."""

    def __init__(self) -> None:
        self.settings: dict[str, Any] = {}
        self.understood: dict[str, str] = {}
        self.kept: dict[str, str] = {}
        self.pointless: dict[str, str] = {}

    def take(self, key: str, value: Any) -> None:
        """Convert a key."""
        table = _table()
        if key in _CONVERTED:
            self._convert(key, value)
        elif key in table["used"]:
            self._set(key, table["used"][key], value)
        elif key in table["later"]:
            self.kept[key] = table["later"][key]
        elif key in table["pointless"]:
            self.pointless[key] = table["pointless"][key]
        elif key.startswith(_MEDIA):
            self.pointless[key] = "there is text only"
        elif key == "preloadstory":
            self._take_story(key, value)
        elif key in _KEYS:
            self.understood[key] = "keys"
        elif key not in _READ_ELSEWHERE:
            self.pointless[key] = "KoboldCPP up to 1.121 has no such key"

    def _take_story(self, key: str, value: Any) -> None:
        """An initial story: a file's name, or the story itself."""
        story = json.dumps(value) if isinstance(value, dict) else str(value)
        self._set(key, "preload_story", story)

    def take_adapters(self, path: Path, names: Any, scale: Any) -> None:
        """Adapters, which KoboldCPP uses for all requests."""
        if not names:
            return
        files = [names] if isinstance(names, str) else names
        strength = 1.0 if scale is None else scale
        is_right = isinstance(files, list) and all(isinstance(each, str) and each for each in files)
        if not (is_right and isinstance(strength, int | float)):
            raise SettingsError(f"lora is {names!r} and loramult {scale!r}, which means nothing.")
        self.settings["adapters"] = tuple(
            f"{_adapter_name(number, each)}={_beside(path, each)}:{float(strength)!r}"
            for number, each in enumerate(files)
        )
        self.settings["adapters_on"] = True
        self.understood["lora"] = "adapters and adapters_on"

    def take_template(self, path: Path, name: Any) -> None:
        """A chat template's file."""
        if name:
            self._set("jinjatemplate", "chat_template", _beside(path, str(name)))

    def _convert(self, key: str, value: Any) -> None:
        """Convert a value; defaults of requests come from several keys."""
        try:
            found = _CONVERTED[key](value)
        except (TypeError, ValueError, LookupError):
            raise SettingsError(f"{key} is {value!r}, which means nothing.") from None
        if found:
            self.understood[key] = " and ".join(found)
        fields = {**self.settings.get(_FIELDS, {}), **found.pop(_FIELDS, {})}
        self.settings |= found | ({_FIELDS: fields} if fields else {})

    def _set(self, key: str, name: str, value: Any) -> None:
        self.settings[name] = value
        self.understood[key] = name


def _threads(value: Any) -> dict[str, Any]:
    return {"threads": max(0, int(value))}


def _batch(value: Any) -> dict[str, Any]:
    return {"batch": max(32, int(value))}


def _cache_type(value: Any) -> dict[str, Any]:
    is_number = isinstance(value, int) or str(value).isdecimal()
    return {"cache_type": _CACHE_TYPES[int(value)] if is_number else str(value)}


def _running(value: Any) -> dict[str, Any]:
    """KoboldCPP's values 0 and 1, which mean no batching, are ignored."""
    return {"max_running": int(value)} if int(value) > 1 else {}


def _waiting(value: Any) -> dict[str, Any]:
    """All but the running request; 1 means KoboldCPP's default."""
    return {} if int(value) == 1 else {"max_waiting": max(0, int(value) - 1)}


def _body(value: Any) -> dict[str, Any]:
    return {"max_body": int(value) << 20}


def _certificate(value: Any) -> dict[str, Any]:
    certificate, key = value
    return {"tls_cert": str(certificate), "tls_key": str(key)}


def _slots(value: Any) -> dict[str, Any]:
    return {"data_slots": bool(value)}


def _defaults(value: Any) -> dict[str, Any]:
    values = finite(value) if isinstance(value, str) else value
    return {_FIELDS: dict(values)}


def _variables(value: Any) -> dict[str, Any]:
    values = finite(value) if isinstance(value, str) else value
    return {_FIELDS: {"chat_template_kwargs": dict(values)}}


def _thinking(value: Any) -> dict[str, Any]:
    return {_FIELDS: {"enable_thinking": {"true": True, "false": False}[str(value).lower()]}}


def _effort(value: Any) -> dict[str, Any]:
    return {_FIELDS: {"reasoning_effort": str(value)}}


_CONVERTED: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "threads": _threads,
    "batchsize": _batch,
    "blasbatchsize": _batch,
    "flashattention": lambda value: {"flash_attention": bool(value)},
    "noflashattention": lambda value: {"flash_attention": not value},
    "usemmap": lambda value: {"memory_map": bool(value)},
    "nommap": lambda value: {"memory_map": not value},
    "quantkv": _cache_type,
    "parallelrequests": _running,
    "multiuser": _waiting,
    "maxrequestsize": _body,
    "ssl": _certificate,
    "savedatafile": _slots,
    "gendefaults": _defaults,
    "jinja_kwargs": _variables,
    "jinjathink": _thinking,
    "reasoningeffort": _effort,
}
"""Keys whose values have to be converted."""

_KEYS = frozenset({"password", "adminpassword"})
_READ_ELSEWHERE = frozenset({"model", "model_param", "lora", "loramult", "jinjatemplate"})


@cache
def _table() -> dict[str, dict[str, Any]]:
    text = files("coblyn.models").joinpath("kcpps.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _is_neutral(key: str, value: Any) -> bool:
    """Whether a value is the default."""
    neutral = _table()["neutral"].get(key, _MISSING)
    if neutral is not _MISSING and value == neutral:
        return True
    return (
        value is None
        or value is False
        or value in ("", [], {})
        or (value == 0 and key != "gpulayers")
    )


def _load(path: Path) -> dict[str, Any]:
    try:
        value = finite(read_text(path, MAX_SIZE, encoding="utf-8-sig"))
        if not isinstance(value, dict):
            raise TypeError("it holds no object")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise SettingsError(
            f"The KoboldCPP settings {path} cannot be read: {error}.",
            hint="They are a JSON object, as KoboldCPP's launcher saves it.",
        ) from error
    return value


def _model(path: Path, given: Mapping[str, Any]) -> str:
    """The first model that a file names; a relative path may be relative to the file."""
    names = [given.get("model"), given.get("model_param")]
    flat = [each for name in names for each in (name if isinstance(name, list) else [name])]
    name = next((each for each in flat if isinstance(each, str) and each), "")
    return _beside(path, name)


def _beside(path: Path, name: str) -> str:
    """A file that a settings file names, possibly relative to it."""
    beside = path.parent / name
    if name and "://" not in name and not Path(name).exists() and beside.is_file():
        return str(beside)
    return name


def _adapter_name(number: int, file: str) -> str:
    """An adapter's name, made from its file's name."""
    stem = re.sub(r"[^\w.-]+", "-", Path(file).stem).strip("-")
    return stem or f"lora-{number}"
