"""Merges values into settings files, and leaves everything else unchanged."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from io import StringIO
from typing import Any

from coblyn.errors import SettingsError

__all__ = ["into_json", "into_toml", "into_yaml", "merged"]

Values = Mapping[str, Any]


def merged(old: Any, new: Any, key: str = "name") -> Any:
    """Merge a value into another: mappings are merged, and so are lists of named entries.

    Args:
        old: The existing value.
        new: The value that takes precedence.
        key: The key that identifies entries of a list.
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return {**old, **{name: merged(old.get(name), value) for name, value in new.items()}}
    if isinstance(old, list) and isinstance(new, list) and _are_named(new, key):
        names = {entry[key] for entry in new}
        kept = [e for e in old if not (isinstance(e, Mapping) and e.get(key) in names)]
        return [*kept, *new]
    return new


def into_json(values: Values) -> Callable[[str], str]:
    """A change of a JSON file. A file with comments is rejected, since they would be lost."""

    def change(text: str) -> str:
        try:
            old = json.loads(text) if text.strip() else {}
        except ValueError as error:
            raise SettingsError(
                f"It is not plain JSON ({error}); perhaps it has comments.",
                hint="Insert by hand what is shown without --write.",
            ) from error
        return json.dumps(merged(_mapping(old), values), indent=2, ensure_ascii=False) + "\n"

    return change


def into_toml(values: Values) -> Callable[[str], str]:
    """A change of a TOML file."""

    def change(text: str) -> str:
        import tomlkit
        from tomlkit.exceptions import TOMLKitError

        try:
            document = tomlkit.parse(text)
            _join(document, values)
            return tomlkit.dumps(document)
        except TOMLKitError as error:
            raise SettingsError(f"It cannot be read: {error}.") from error

    return change


def into_yaml(values: Values) -> Callable[[str], str]:
    """A change of a YAML file."""

    def change(text: str) -> str:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError

        yaml = YAML()
        yaml.width = 2**16
        try:
            document = _mapping(yaml.load(text) or yaml.load("{}"))
            document.fa.set_block_style()
        except YAMLError as error:
            raise SettingsError(f"It cannot be read: {error}.") from error
        _join(document, values)
        written = StringIO()
        yaml.dump(document, written)
        return written.getvalue()

    return change


def _join(document: Any, values: Values) -> None:
    """Merge values in place into a document that keeps its comments."""
    for name, value in values.items():
        old = document.get(name)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            _join(old, value)
        elif isinstance(old, list) and isinstance(value, list) and _are_named(value, "name"):
            _join_entries(old, value)
        else:
            document[name] = value


def _join_entries(old: Any, new: list[Any]) -> None:
    for entry in new:
        for index, each in enumerate(old):
            if isinstance(each, Mapping) and each.get("name") == entry["name"]:
                old[index] = entry
                break
        else:
            old.append(entry)


def _are_named(entries: list[Any], key: str) -> bool:
    return bool(entries) and all(isinstance(entry, Mapping) and key in entry for entry in entries)


def _mapping(value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise SettingsError("It holds no table of settings.")
    return value
