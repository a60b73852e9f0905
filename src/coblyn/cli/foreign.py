"""Settings files of KoboldCPP and llama-server on the command line: their conversion, and messages about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coblyn.cli.several import NOT_SEVERAL, Several, declare, file_here
from coblyn.errors import SettingsError
from coblyn.files import expanded
from coblyn.models.kcpps import is_kcpps, read_kcpps
from coblyn.models.llama_preset import (
    is_llama_preset,
    read_llama_preset,
    read_llama_presets,
)

if TYPE_CHECKING:
    from coblyn.models.kcpps import Kcpps
    from coblyn.models.llama_preset import LlamaPreset

__all__ = ["Foreign", "read_foreign"]

_STARTS = "load-on-startup"


@dataclass(frozen=True, slots=True)
class Foreign:
    """The content of another program's settings file.

    Attributes:
        model: The model that it names, or the argument itself if it is no such file; None for none.
        settings: The name of the file, and values by Coblyn's setting names.
        told: Messages about its keys; empty without a file.
        several: The models of a file with several.
    """

    model: str | None = None
    settings: tuple[str, dict[str, Any]] = ("", {})
    told: str = ""
    several: Several = NOT_SEVERAL


def read_foreign(name: str | None, resolve: Callable[[str], Path] = file_here) -> Foreign:
    """Interpret a model argument that may be such a file.

    Args:
        name: The argument.
        resolve: Finds the file of a model's reference, if the file declares several.

    Raises:
        SettingsError: It is such a file but cannot be read.
    """
    if name is None or not (is_kcpps(name) or is_llama_preset(name)):
        return Foreign(name)
    if "://" in name:
        raise SettingsError(
            f"{name} is on another machine.", hint="Fetch the file, and name it: coblyn serve FILE"
        )
    if is_llama_preset(name):
        presets = () if "#" in name else read_llama_presets(expanded(name))
        if len(presets) > 1:
            return _several([_with_template(_as_one_of_several(each)) for each in presets], resolve)
        preset = _with_template(read_llama_preset(name))
        settings = {**preset.settings, **_preset_keys((preset,))}
        told = _told("Presets of llama-server", preset)
        return Foreign(preset.model or None, (str(preset.path), settings), told)
    found = _with_fields_told(read_kcpps(expanded(name)))
    settings = {**found.settings, **_keys(found)}
    origin = (str(found.path), settings)
    return Foreign(found.model or None, origin, _told("Settings of KoboldCPP", found))


def _several(presets: Sequence[LlamaPreset], resolve: Callable[[str], Path]) -> Foreign:
    found = declare(presets, resolve)
    file, first = str(presets[0].path), found.models.first
    told = [_told(f"Presets of llama-server, section {each.name},", each) for each in presets]
    told += [f"{name}: {why}" for name, why in found.told.items()]
    # An unknown name means none of several models, least of all in place of one that is not here.
    settings = {"strict_models": True, **found.server, **_preset_keys(presets)}
    return Foreign(str(first.path) if first else None, (file, settings), "\n".join(told), found)


def _as_one_of_several(preset: LlamaPreset) -> LlamaPreset:
    """The same where a section says that it, and not another one, is loaded at the start."""
    others = {key: why for key, why in preset.pointless.items() if key != _STARTS}
    return replace(preset, pointless=others)


def _with_template(preset: LlamaPreset) -> LlamaPreset:
    """The same with the chat template that it names; one that is not here is kept as such."""
    from coblyn.chat.families import template_named

    if not preset.template:
        return preset
    if text := template_named(preset.template):
        settings = {**preset.settings, "chat_template": text}
        understood = {**preset.understood, "chat-template": "chat_template"}
        return replace(preset, settings=settings, understood=understood)
    why = f"{preset.template} of llama.cpp; the model's own template counts"
    return replace(preset, kept={**preset.kept, "chat-template": why})


def _preset_keys(presets: Iterable[LlamaPreset]) -> dict[str, Any]:
    """llama-server's keys, which it requires from local programs too."""
    from coblyn.keys.key import hash_of

    secrets = dict.fromkeys(secret for each in presets for secret in each.keys)
    keys = [
        {"name": f"preset-{number}", "hash": hash_of(secret.encode()), "scope": "generate"}
        for number, secret in enumerate(secrets, 1)
    ]
    return {"keys": keys, "require_key": True} if keys else {}


def _with_fields_told(found: Kcpps) -> Kcpps:
    """The same with a word about each default of requests that no request has a field for."""
    if not (fields := found.settings.get("generation_defaults")):
        return found
    from coblyn.api.fields import unknown_fields

    why = "no API has such a field"
    told = {f"gendefaults.{name}": why for name in unknown_fields(fields)}
    return replace(found, pointless={**found.pointless, **told})


def _keys(found: Kcpps) -> dict[str, Any]:
    """KoboldCPP's passwords as keys; KoboldCPP requires them from local programs too."""
    from coblyn.keys.key import hash_of

    scopes = {"generate": found.password, "admin": found.admin_password}
    keys = [
        {"name": f"kcpps-{scope}", "hash": hash_of(secret.encode()), "scope": scope}
        for scope, secret in scopes.items()
        if secret
    ]
    needs_key = {"require_key": True} if found.password else {}
    return {"keys": keys, **needs_key} if keys else {}


def _told(what: str, found: Kcpps | LlamaPreset) -> str:
    """Messages about each non-default key."""
    lines = [f"{what} from {found.path}:"]
    understood = [f"{key} as {name}" for key, name in found.understood.items()]
    lines += _listed("understood", understood)
    lines += _listed("not yet here", [f"{key} ({text})" for key, text in found.kept.items()])
    lines += _listed("without meaning", [f"{k} ({why})" for k, why in found.pointless.items()])
    return "\n".join(lines)


def _listed(title: str, items: list[str]) -> list[str]:
    return [f"  {title}: {', '.join(items)}"] if items else []
