"""Records the machines on which a bundle was proved, next to the bundles, since bundles never change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from coblyn import paths
from coblyn.files import write_whole
from coblyn.native.fault import Fault
from coblyn.progress import Report
from coblyn.proof import bundle

__all__ = ["Place", "forget", "is_proved", "prove_once", "remember"]

Place = Mapping[str, str]
"""Everything that a proof depends on besides the bundle: the CPU with its flags, and versions of drivers."""

_MAX_PLACES = 64


def prove_once(bundle_id: str, lib_dir: Path, place: Place, report: Report) -> Fault | None:
    """Prove a bundle, unless it was already proved in the same place.

    Args:
        bundle_id: Its id.
        lib_dir: Directory of its libraries.
        place: This machine.
        report: Receives the progress if a proof runs.

    Returns:
        The fault; None if the bundle runs and computes correctly here.
    """
    if is_proved(bundle_id, place):
        return None
    fault = bundle.prove_bundle(lib_dir, report)
    if fault is None:
        remember(bundle_id, place)
    return fault


def is_proved(bundle_id: str, place: Place) -> bool:
    """Whether the bundle was proved in this place."""
    return dict(place) in _read(_file(bundle_id))


def remember(bundle_id: str, place: Place) -> None:
    """Record that the bundle was proved here; if the record cannot be written, it will be proved again."""
    known = [each for each in _read(_file(bundle_id)) if each != dict(place)]
    _write(_file(bundle_id), [*known, dict(place)][-_MAX_PLACES:])


def forget(bundle_id: str, place: Place) -> None:
    """Delete the record that the bundle was proved in this place."""
    if is_proved(bundle_id, place):
        known = _read(_file(bundle_id))
        _write(_file(bundle_id), [each for each in known if each != dict(place)])


def _write(path: Path, places: list[dict[str, str]]) -> None:
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps({"places": places}, indent=1))


def _file(bundle_id: str) -> Path:
    return paths.proofs() / f"{bundle_id}.json"


def _read(path: Path) -> list[dict[str, str]]:
    """The stored records; damaged ones count as absent."""
    try:
        found = json.loads(path.read_text("utf-8"))["places"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
