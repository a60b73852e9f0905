"""Records which plans failed their proof, and which plans passed instead, in a small file next to the bundles.

A plan's id covers everything that can change the result, so a plan that failed once is not tried again.
"""

from __future__ import annotations

import json

from coblyn import paths
from coblyn.files import write_whole

__all__ = ["recall", "remember"]

_NAME = "repairs.json"


def recall(plan: str) -> frozenset[str]:
    """Names of what the plan with that id has to leave out; empty if nothing is on record, as for most plans."""
    names = _read().get(plan, ())
    return frozenset(name for name in names if isinstance(name, str))


def remember(plan: str, without: frozenset[str]) -> None:
    """Record what the plan with that id has to leave out; the caller must hold the lock of the builds.

    Raises:
        OSError: The file cannot be written.
    """
    known = _read()
    if frozenset(known.get(plan, ())) == without:
        return
    known[plan] = sorted(without)
    if not without:
        del known[plan]
    write_whole(paths.bundles() / _NAME, json.dumps(known, indent=2, sort_keys=True) + "\n")


def _read() -> dict[str, list[str]]:
    try:
        known = json.loads((paths.bundles() / _NAME).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {plan: names for plan, names in known.items() if isinstance(names, list)}
