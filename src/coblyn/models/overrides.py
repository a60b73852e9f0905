"""Corrections of a model's metadata in a file beside it, ``MODEL.gguf.coblyn.toml``; the model's file is never changed.

    chat_template = "..."

    [metadata]
    "tokenizer.ggml.eos_token_id" = 2

The engine reads it each time it loads the model.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from coblyn.errors import SettingsError
from coblyn.files import disk_errors, read_text, write_whole
from coblyn.models.gguf import GgufHeader

__all__ = ["NONE", "Overrides", "corrected", "path_of", "read_overrides", "write_overrides"]

Value = int | float | bool | str

_MAX_TEXT = 127
"""Maximum length in bytes of a text value that the library accepts as a replacement."""

_MAX_KEY = 127


@dataclass(frozen=True, slots=True)
class Overrides:
    """Values that replace those of the model's file.

    Attributes:
        metadata: Values by key; lists cannot be replaced.
        chat_template: Jinja text; empty for the file's template.
    """

    metadata: Mapping[str, Value] = field(default_factory=dict)
    chat_template: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The replaced keys, for display."""
        template = ("chat_template",) if self.chat_template else ()
        return (*(f"{key} = {_written(value)}" for key, value in self.metadata.items()), *template)


NONE = Overrides()
"""No corrections."""


def path_of(model: Path) -> Path:
    """The corrections' file of a model; for a split model, beside its first part."""
    return model.with_name(f"{model.name}.coblyn.toml")


def read_overrides(model: Path) -> Overrides:
    """Read the corrections of a model; empty if there is no such file.

    Raises:
        SettingsError: The file cannot be read, or has an invalid value.
    """
    path = path_of(model)
    try:
        found = tomllib.loads(read_text(path))
        overrides = msgspec.convert(found, Overrides, strict=True)
    except FileNotFoundError:
        return NONE
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path} cannot be read: {error}.", hint=_HINT) from error
    unknown = set(found) - {"metadata", "chat_template"}
    for key, value in overrides.metadata.items():
        is_long = isinstance(value, str) and len(value.encode()) > _MAX_TEXT
        if not key or len(key.encode()) > _MAX_KEY or is_long:
            raise SettingsError(f"{path}: {key[:40]!r} is too long, or empty.", hint=_HINT)
    if unknown:
        raise SettingsError(f"{path} sets {min(unknown)!r}, which has no meaning.", hint=_HINT)
    return overrides


_HINT = "Mend it, or delete it: then the model's file counts as it is."


def corrected(header: GgufHeader) -> GgufHeader:
    """The header of a model's file with the corrections beside the file.

    Raises:
        SettingsError: See ``read_overrides``.
    """
    metadata = read_overrides(header.path).metadata
    return replace(header, metadata={**header.metadata, **metadata}) if metadata else header


def write_overrides(model: Path, overrides: Overrides) -> Path:
    """Write the corrections of a model, replacing earlier ones. Returns the path.

    Raises:
        CoblynError: It cannot be written.
    """
    path = path_of(model)
    lines = [
        "# Counts in place of what the model's file says; written by `coblyn doctor --fix`.",
        "",
    ]
    if overrides.chat_template:
        lines += [f"chat_template = {_written(overrides.chat_template)}", ""]
    lines += ["[metadata]"]
    lines += [f"{_written(k)} = {_written(value)}" for k, value in overrides.metadata.items()]
    _write(path, "\n".join(lines) + "\n")
    return path


def _written(value: Value) -> str:
    """A value as TOML, which is like JSON except for characters beyond U+FFFF."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write(path: Path, text: str) -> None:
    with disk_errors(path.parent, what="The file beside the model"):
        write_whole(path, text)
