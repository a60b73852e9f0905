"""The settings of KoboldAI's API as options of the APIs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from coblyn import paths
from coblyn.api.wishes import Wishes
from coblyn.errors import BadRequest, SettingsError
from coblyn.files import read_text
from coblyn.service.presets import Presets, check_values
from coblyn.settings import Settings

__all__ = ["kobold_options"]

_MAX_STORY = 256 * 2**20
"""Bytes of a saved story, which may hold pictures."""


def kobold_options(settings: Settings) -> dict[str, Any]:
    """Fields of ``ApiOptions``.

    Raises:
        SettingsError: A file that they name cannot be read.
    """
    return {
        "data_slots": paths.stories() if settings.data_slots else None,
        "state_dir": _directory(settings.slot_save_path),
        "has_multiplayer": settings.multiplayer,
        "preload_story": _story(settings.preload_story),
        "web_search": settings.web_search_address if settings.web_search else "",
        "fetch_media": settings.fetch_media,
        "lite": Path(settings.lite) if settings.lite else None,
        "wishes": _wishes(settings),
        "default_max_tokens": settings.default_max_tokens,
        "max_completion": settings.max_completion,
    }


def _directory(name: str) -> Path | None:
    path = Path(name).expanduser().absolute() if name else None
    if path and not path.is_dir():
        raise SettingsError(
            f"slot_save_path is {name}, which is no directory.", hint="Make it, or name another."
        )
    return path


def _wishes(settings: Settings) -> Wishes:
    """Presets and defaults, validated now rather than at the first request."""
    presets = Presets.load(paths.presets())
    check_values(settings.generation_defaults, "generation_defaults")
    if settings.preset:
        try:
            presets.find(settings.preset)
        except BadRequest as error:
            raise SettingsError(error.message, hint=error.hint) from error
    return Wishes(presets, settings.preset, settings.generation_defaults, settings.defaults_win)


def _story(name: str) -> str:
    """The story in a file, or in the setting itself, as JSON."""
    if not name:
        return ""
    is_story = name.lstrip().startswith("{")
    try:
        text = name if is_story else read_text(Path(name).expanduser(), _MAX_STORY)
        json.loads(text)
    except (OSError, ValueError, RuntimeError, RecursionError) as error:
        raise SettingsError(
            f"The story {name[:100]} cannot be read: {error}.",
            hint="preload_story names a file as KoboldAI Lite saves it.",
        ) from error
    return text
