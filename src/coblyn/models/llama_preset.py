"""Converts llama-server's preset files to Coblyn's settings, and reports keys without an equivalent.

The files are INI: a section per model, ``[*]`` for all of them, and options of llama-server's command line as keys, by
their long or short names or those of their environment variables. Source: ``docs/preset.md`` of llama.cpp.
"""

from __future__ import annotations

import configparser
import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from coblyn.errors import SettingsError

__all__ = ["ENDING", "LlamaPreset", "is_llama_preset", "read_llama_preset"]

ENDING = ".ini"

MAX_SIZE = 1 << 20
"""Maximum size in bytes."""

_EVERYWHERE = "*"
_TOP = "\0"
"""Name for the part of a file before its first section."""

_VARIABLE = "LLAMA_ARG_"
_YES = ("on", "enabled", "true", "1", "yes", "")
_NO = ("off", "disabled", "false", "0", "no")


@dataclass(frozen=True, slots=True)
class LlamaPreset:
    """One model's part of a file.

    Attributes:
        path: The file.
        model: The model's file, or its name for ``coblyn pull``; empty if the file names none.
        settings: Values by the names of Coblyn's settings.
        understood: The setting for each key that has one.
        kept: The meaning of each key that such a file cannot set here yet.
        pointless: The reason for each key that has no meaning here.
    """

    path: Path
    model: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    understood: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    pointless: Mapping[str, str] = field(default_factory=dict)


def is_llama_preset(name: str) -> bool:
    """Whether a model argument is such a file, or ``FILE#SECTION``, by its name."""
    return name.partition("#")[0].lower().endswith(ENDING)


def read_llama_preset(name: str) -> LlamaPreset:
    """Read one section of a file, and what the file says for all sections.

    Args:
        name: ``FILE#SECTION``, or ``FILE`` if it has one section, or one with ``load-on-startup``.

    Raises:
        SettingsError: The file cannot be read, a value means nothing, or it is not clear which section is meant.
    """
    file, _, wanted = name.partition("#")
    path = Path(file).expanduser()
    sections = _load(path)
    section = _choose(path, sections, wanted)
    values = {**sections[_TOP], **sections.get(_EVERYWHERE, {}), **sections[section]}
    values.pop("version", None)
    reading = _Reading()
    for key, value in values.items():
        reading.take(key, value)
    named = "" if section in (_TOP, _EVERYWHERE) else section
    return LlamaPreset(
        path,
        _model(path, values, named),
        reading.settings | ({"generation_defaults": reading.fields} if reading.fields else {}),
        reading.understood,
        reading.kept,
        reading.pointless,
    )


class _Reading:
    """A section being read."""

    def __init__(self) -> None:
        self.settings: dict[str, Any] = {}
        self.fields: dict[str, int | float] = {}
        self.understood: dict[str, str] = {}
        self.kept: dict[str, str] = {}
        self.pointless: dict[str, str] = {}

    def take(self, key: str, value: str) -> None:
        """Convert a key."""
        try:
            self._take(key, value)
        except ValueError:
            raise SettingsError(
                f"{key} is {value!r} in the preset, which means nothing.",
                hint="Write the value as after llama-server's option.",
            ) from None

    def _take(self, key: str, value: str) -> None:
        table = _table()
        if key in _CONVERTED:
            found = _CONVERTED[key](value)
            self.settings |= found
            self.understood |= {key: " and ".join(found)} if found else {}
        elif key in table["fields"]:
            name = table["fields"][key]
            self.fields[name] = _number(value)
            self.understood[key] = f"generation_defaults.{name}"
        elif key in table["later"]:
            self.kept[key] = table["later"][key]
        elif key in table["pointless"]:
            self.pointless[key] = table["pointless"][key]
        elif key not in ("model", "hf-repo", "hf-file"):
            self._take_plain(table, key, value)

    def _take_plain(self, table: Mapping[str, Any], key: str, value: str) -> None:
        readers: Mapping[str, Callable[[str], Any]] = {
            "settings": str,
            "numbers": _number,
            "switches": _switch,
        }
        for group, read in readers.items():
            if name := table[group].get(key):
                self.settings[name] = read(value)
                self.understood[key] = name
                return
        if (positive := key.removeprefix("no-")) != key and positive in table["switches"]:
            self.settings[table["switches"][positive]] = not _switch(value)
            self.understood[key] = table["switches"][positive]
            return
        self.pointless[key] = "no option of this name is known here"


def _number(value: str) -> int | float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return int(value) if number.is_integer() and value.lstrip("+-").isdecimal() else number


def _switch(value: str) -> bool:
    if value.lower() in _YES:
        return True
    if value.lower() in _NO:
        return False
    raise ValueError(value)


def _layers(value: str) -> dict[str, Any]:
    return {"gpu_layers": -1 if value in ("auto", "all") else int(value)}


def _attention(value: str) -> dict[str, Any]:
    return {} if value == "auto" else {"flash_attention": _switch(value)}


def _threads(value: str) -> dict[str, Any]:
    """-1 lets the server choose, which is 0 here."""
    return {"threads": max(0, int(value))}


def _running(value: str) -> dict[str, Any]:
    """-1 lets the server choose."""
    return {"max_running": int(value)} if int(value) > 0 else {}


def _context(value: str) -> dict[str, Any]:
    """0 is the model's own, as here."""
    return {"context": int(value)}


def _limit(value: str) -> dict[str, Any]:
    """-1 and -2 are no limit."""
    return {"default_max_tokens": int(value)} if int(value) > 0 else {}


_CONVERTED: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "ctx-size": _context,
    "threads": _threads,
    "parallel": _running,
    "n-gpu-layers": _layers,
    "flash-attn": _attention,
    "cache-type-k": lambda value: {"cache_type": value},
    "cpu-moe": lambda value: {"cpu_experts": -1 if _switch(value) else 0},
    "n-predict": _limit,
}
"""Keys whose values have to be converted."""


@cache
def _table() -> dict[str, dict[str, Any]]:
    text = files("coblyn.models").joinpath("llama_preset.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _load(path: Path) -> dict[str, dict[str, str]]:
    """The sections of a file with their keys, as long names of options."""
    parser = configparser.RawConfigParser(
        delimiters=("=",), default_section="\0\0", allow_no_value=True, strict=False
    )
    parser.optionxform = _option  # type: ignore[assignment,method-assign]
    try:
        if path.stat().st_size > MAX_SIZE:
            raise ValueError(f"it has more than {MAX_SIZE >> 20} MiB")
        parser.read_string(f"[{_TOP}]\n{path.read_text(encoding='utf-8-sig')}", str(path))
    except (OSError, ValueError, configparser.Error) as error:
        raise SettingsError(
            f"The presets {path} cannot be read: {error}.",
            hint="They are an INI file, as llama-server's --models-preset reads it.",
        ) from error
    return {name: {k: v or "" for k, v in parser.items(name)} for name in parser.sections()}


def _option(key: str) -> str:
    """The long name of an option, by any of its names."""
    if key.startswith(_VARIABLE):
        key = key.removeprefix(_VARIABLE).lower().replace("_", "-")
    key = key.lstrip("-")
    name: str = _table()["aliases"].get(key, key)
    return name


def _choose(path: Path, sections: Mapping[str, Mapping[str, str]], wanted: str) -> str:
    """The name of the section that is meant."""
    names = [name for name in sections if name not in (_TOP, _EVERYWHERE)]
    if wanted:
        if wanted not in names:
            raise _unclear(f"{path} has no section {wanted!r}.", path, names)
        return wanted
    if len(names) <= 1:
        return names[0] if names else _TOP
    first = [name for name in names if sections[name].get("load-on-startup") in ("true", "1", "on")]
    if len(first) != 1:
        raise _unclear(f"{path} has {len(names)} models.", path, names)
    return first[0]


def _unclear(message: str, path: Path, names: list[str]) -> SettingsError:
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    example = names[0] if names else "SECTION"
    return SettingsError(message, hint=f"Name one of {shown}: coblyn serve {path}#{example}")


def _model(path: Path, values: Mapping[str, str], section: str) -> str:
    """The model that a section names: by a file, a repository, or its own name."""
    if name := values.get("model"):
        beside = path.parent / name
        return str(beside) if not Path(name).exists() and beside.is_file() else name
    if repository := values.get("hf-repo"):
        file = values.get("hf-file")
        plain = repository.partition(":")[0] if file else repository
        return f"hf:{plain}" + (f":{file}" if file else "")
    return f"hf:{section}" if "/" in section and not section.startswith("hf:") else section
