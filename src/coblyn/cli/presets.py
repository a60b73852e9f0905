"""``coblyn presets``: named sets of generation parameters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coblyn import paths

if TYPE_CHECKING:
    from coblyn.service.presets import Preset

__all__ = ["presets"]


def presets(
    as_json: Annotated[bool, typer.Option("--json", help="For programs, with all values.")] = False,
) -> None:
    """List presets of generation parameters: KoboldAI Lite's and yours.

    A request to any API names one as "preset"; `coblyn serve --preset NAME` sets the default.
    """
    from coblyn.cli.text import shown
    from coblyn.service.presets import Presets

    found = Presets.load(paths.presets()).all()
    if as_json:
        rows = [{"name": p.name, "is_own": p.is_own, "values": dict(p.values)} for p in found]
        print(json.dumps({"presets": rows, "file": str(paths.presets())}, indent=2))
        return
    width = max(len(preset.name) for preset in found)
    for preset in found:
        print(shown(f"{preset.name.ljust(width)}  {_told(preset)}"))
    print(shown(f"\nYour own are read from {paths.presets()}"))


def _told(preset: Preset) -> str:
    """The values that are not neutral."""
    from coblyn.service.presets import changes

    return ", ".join(f"{name} {_short(value)}" for name, value in changes(preset).items())


def _short(value: Any) -> str:
    if isinstance(value, list):
        return "-".join(map(str, value))
    return f"{value:g}" if isinstance(value, int | float) else str(value)
