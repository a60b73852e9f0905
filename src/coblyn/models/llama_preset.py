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
from coblyn.files import expanded, read_text
from coblyn.models.finite_json import finite

__all__ = [
    "ENDING",
    "LlamaPreset",
    "is_llama_preset",
    "read_llama_preset",
    "read_llama_presets",
]

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
        name: The section; empty for a file without any.
        model: The model's file, or its name for ``coblyn pull``; empty if the file names none.
        aliases: Other names for requests.
        keys: What clients must send one of; empty if nothing is required.
        template: Name of a chat template that is built into llama.cpp; empty for none.
        starts: Whether the section is loaded at the start.
        settings: Values by the names of Coblyn's settings.
        understood: The setting for each key that has one.
        kept: The meaning of each key that such a file cannot set here yet.
        pointless: The reason for each key that has no meaning here.
    """

    path: Path
    name: str = ""
    model: str = ""
    aliases: tuple[str, ...] = ()
    keys: tuple[str, ...] = field(default=(), repr=False)
    template: str = ""
    starts: bool = False
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
    path = expanded(file)
    sections = _load(path)
    return _read(path, sections, _choose(path, sections, wanted))


def read_llama_presets(path: Path) -> tuple[LlamaPreset, ...]:
    """Read all sections of a file, each with what the file says for all of them.

    Raises:
        SettingsError: The file cannot be read, or a value means nothing.
    """
    sections = _load(path)
    return tuple(_read(path, sections, name) for name in _models(sections))


def _read(path: Path, sections: Mapping[str, Mapping[str, str]], section: str) -> LlamaPreset:
    values = {**sections[_TOP], **sections.get(_EVERYWHERE, {}), **sections[section]}
    values.pop("version", None)
    reading = _Reading(path)
    for key, value in values.items():
        reading.take(key, value)
    named = "" if section in (_TOP, _EVERYWHERE) else section
    return LlamaPreset(
        path,
        named,
        _model(path, values, named),
        reading.aliases,
        reading.keys,
        reading.template,
        values.get("load-on-startup", "").lower() in _YES[:-1],
        reading.settings | ({"generation_defaults": reading.fields} if reading.fields else {}),
        reading.understood,
        reading.kept,
        reading.pointless,
    )


class _Reading:
    """A section of a file being read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.aliases: tuple[str, ...] = ()
        self.keys: tuple[str, ...] = ()
        self.template = ""
        self.settings: dict[str, Any] = {}
        self.fields: dict[str, Any] = {}
        self.understood: dict[str, str] = {}
        self.kept: dict[str, str] = {}
        self.pointless: dict[str, str] = {}

    def take(self, key: str, value: str) -> None:
        """Convert a key."""
        try:
            self._take(key, value)
        except (ValueError, RecursionError):
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
        elif key in _FIELDS or key in table["fields"]:
            name, read = _FIELDS.get(key) or (table["fields"][key], _number)
            self.fields[name] = read(value)
            self.understood[key] = f"generation_defaults.{name}"
        elif key in _OF_FILES:
            self._take_files(key, value)
        elif key == "chat-template":
            self._take_template(value)
        elif key == "alias":
            self.aliases = _several(value)
            self.understood[key] = "names of the model"
        elif key in ("api-key", "api-key-file"):
            self._take_keys(key, value)
        elif key in table["later"]:
            self.kept[key] = table["later"][key]
        elif key in table["pointless"]:
            self.pointless[key] = table["pointless"][key]
        elif key not in ("model", "hf-repo", "hf-file"):
            self._take_plain(table, key, value)

    def _take_files(self, key: str, value: str) -> None:
        """Adapters, which llama-server uses for all requests unless it is told otherwise."""
        name, has_scale = _OF_FILES[key]
        given = [_scaled(each) if has_scale else (each, "") for each in _several(value)]
        files = [_beside(self._path, file) + scale for file, scale in given]
        self.settings[name] = (*self.settings.get(name, ()), *files)
        self.understood[key] = name
        if name == "adapters":
            self.settings.setdefault("adapters_on", True)
            self.understood[key] = "adapters and adapters_on"

    def _take_template(self, value: str) -> None:
        """A template itself, or the name of one that llama.cpp has."""
        if "{" in value:
            self.settings["chat_template"] = value
            self.understood["chat-template"] = "chat_template"
        else:
            self.template = value

    def _take_keys(self, key: str, value: str) -> None:
        """Keys for clients; none of them is ever shown."""
        try:
            found = _several(value) if key == "api-key" else _lines(_beside(self._path, value))
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{key} in the preset cannot be read: {error}.") from error
        self.keys = (*self.keys, *found)
        self.understood[key] = "keys"

    def _take_plain(self, table: Mapping[str, Any], key: str, value: str) -> None:
        readers: Mapping[str, Callable[[str], Any]] = {
            "settings": str,
            "files": lambda name: _beside(self._path, name),
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


def _several(value: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in value.split(",") if each.strip())


def _lines(path: str) -> tuple[str, ...]:
    lines = read_text(expanded(path), MAX_SIZE).splitlines()
    return tuple(line.strip() for line in lines if line.strip())


def _scaled(value: str) -> tuple[str, str]:
    """``FILE:SCALE`` as a file and ``:SCALE``."""
    file, colon, scale = value.rpartition(":")
    if not (colon and file):
        raise ValueError(value)
    return file, f":{_number(scale)!r}"


def _beside(path: Path, name: str) -> str:
    """A file that a settings file names, possibly relative to it."""
    beside = path.parent / name
    try:
        return str(beside) if not Path(name).exists() and beside.is_file() else name
    except OSError:  # too long
        return name


def _object(value: str) -> dict[str, Any]:
    found = finite(value)
    if not isinstance(found, dict):
        raise ValueError(value)  # noqa: TRY004 - callers report a ValueError as an error in the settings
    return found


def _samplers(value: str) -> list[str]:
    return [each.strip() for each in value.split(";") if each.strip()]


_FIELDS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "chat-template-kwargs": ("chat_template_kwargs", _object),
    "reasoning-budget": ("reasoning_budget", int),
    "samplers": ("samplers", _samplers),
    "sampling-seq": ("samplers", str),
}
"""Fields of requests whose values are not plain numbers."""

_OF_FILES = {
    "lora": ("adapters", False),
    "lora-scaled": ("adapters", True),
    "control-vector": ("control_vectors", False),
    "control-vector-scaled": ("control_vectors", True),
}
"""The setting that lists of files become, and whether each file has a scale."""


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
    "lora-init-without-apply": lambda value: {"adapters_on": not _switch(value)},
    "control-vector-layer-range": lambda value: {"control_layers": "-".join(value.split())},
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
        text = read_text(path, MAX_SIZE, encoding="utf-8-sig")
        parser.read_string(f"[{_TOP}]\n{text}", str(path))
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


def _models(sections: Mapping[str, Any]) -> tuple[str, ...]:
    """The sections that are models; the top of a file without any is one."""
    return tuple(name for name in sections if name not in (_TOP, _EVERYWHERE)) or (_TOP,)


def _choose(path: Path, sections: Mapping[str, Mapping[str, str]], wanted: str) -> str:
    """The name of the section that is meant."""
    names = list(_models(sections))
    if wanted:
        if wanted not in names:
            named = [name for name in names if name != _TOP]
            raise _unclear(f"{path} has no section {wanted!r}.", path, named)
        return wanted
    if len(names) == 1:
        return names[0]
    first = [name for name in names if sections[name].get("load-on-startup") in ("true", "1", "on")]
    if len(first) != 1:
        raise _unclear(f"{path} has {len(names)} models.", path, names)
    return first[0]


def _unclear(message: str, path: Path, names: list[str]) -> SettingsError:
    if not names:
        return SettingsError(message, hint=f"It has none: coblyn serve {path}")
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return SettingsError(message, hint=f"Name one of {shown}: coblyn serve {path}#{names[0]}")


def _model(path: Path, values: Mapping[str, str], section: str) -> str:
    """The model that a section names: by a file, a repository, or its own name."""
    if name := values.get("model"):
        return _beside(path, name)
    if repository := values.get("hf-repo"):
        file = values.get("hf-file")
        plain = repository.partition(":")[0] if file else repository
        return f"hf:{plain}" + (f":{file}" if file else "")
    return f"hf:{section}" if "/" in section and not section.startswith("hf:") else section
