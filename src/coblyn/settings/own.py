"""What counts for single models in place of the general settings: ``models.toml`` beside the settings file.

    ["SmolLM2-135M-Instruct.Q4_1"]
    context = 4096
    adapters = { pirate = "pirate.gguf", old = "old.gguf:0.5" }

A table is called after a model, as ``coblyn models`` lists it. Files in it are sought beside it.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from coblyn import paths
from coblyn.errors import SettingsError
from coblyn.files import read_text
from coblyn.settings.engine import EngineSettings
from coblyn.settings.rule import rules
from coblyn.settings.template import is_template

__all__ = ["OF_ONE_MODEL", "checked", "own_settings"]

OF_ONE_MODEL = frozenset(
    {
        "adapters",
        "adapters_on",
        "chat_template",
        "control_vectors",
        "control_layers",
        "projector",
    }
)
"""Settings that mean files for a certain model, and nothing for another."""

_LISTS = ("adapters", "control_vectors")


def own_settings(names: Iterable[str]) -> dict[str, Any]:
    """The settings of the model that has one of these names, in any case of letters; none if it has no table.

    Where several names have one, the table of the first counts.

    Raises:
        SettingsError: The file cannot be read, or a table in it says what cannot be.
    """
    file = paths.own_settings()
    wanted = [name.lower() for name in names]
    tables = {_plain(name): (name, table) for name, table in _read(file).items()}
    found = next((tables[name] for name in wanted if name in tables), None)
    return _checked(file, *found) if found else {}


def _plain(name: str) -> str:
    return name.lower().removesuffix(".gguf")


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(file))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"The settings of models in {file} cannot be read: {error}.") from error


def _checked(file: Path, name: str, table: Any) -> dict[str, Any]:
    origin = f"The table {name!r} in {file}"
    if not isinstance(table, dict):
        raise SettingsError(
            f"{origin} is none.", hint='Write a line ["NAME"], and settings below it.'
        )
    return checked(origin, {key: _placed(file, key, value) for key, value in table.items()})


def checked(origin: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """The values of an engine's settings, validated.

    Args:
        origin: Where they stand, for errors.
        table: The values by name.

    Raises:
        SettingsError: A name or a value is invalid.
    """
    known = {rule.name: rule for rule in rules(EngineSettings)}
    read = {}
    for key, value in table.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(known)}."
            raise SettingsError(
                f"{origin} sets {key}, which is no setting of an engine.", hint=hint
            )
        try:
            read[key] = known[key].read(value)
        except ValueError as error:
            raise SettingsError(
                f"{origin} sets {key} to {value!r}: {error}.", hint=known[key].hint
            ) from error
    return read


def _placed(file: Path, key: str, value: Any) -> Any:
    """A value whose files are sought beside the file that names them."""
    if key == "projector" and isinstance(value, str) and value not in ("", "auto"):
        return _beside(file, value)
    if key == "chat_template" and isinstance(value, str) and value and not is_template(value):
        return _beside(file, value)
    if key not in _LISTS or not isinstance(value, list | dict):
        return value
    texts = _named(value) if isinstance(value, dict) else map(str, value)
    return [_beside(file, text) for text in texts]


def _named(table: Mapping[str, Any]) -> Iterable[str]:
    return (f"{name}={value}" for name, value in table.items())


def _beside(file: Path, text: str) -> str:
    """``NAME=FILE``, or a file alone, with its whole path."""
    name, equals, path = text.rpartition("=")
    return name + equals + str(file.parent / Path(path).expanduser())
