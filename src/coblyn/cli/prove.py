"""Proves an engine at its first use on a machine, and on request."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from coblyn.cli.text import shown

if TYPE_CHECKING:
    from coblyn.native.bundle import Bundle
    from coblyn.native.fault import Fault

__all__ = ["prove_at_first_use", "prove_now", "remember_proof"]


def prove_at_first_use(bundle: Bundle) -> Fault | None:
    """Prove an engine unless it was proved on this machine; None if it runs and computes correctly."""
    from coblyn.cli.bar import bar
    from coblyn.native.place import place_here
    from coblyn.proof import record

    place = place_here(bundle.receipt.backend)
    if record.is_proved(bundle.id, place):
        return None
    text = f"The engine {bundle.id} was not proved with this CPU and driver yet; that takes some seconds, once."
    print(shown(text), file=sys.stderr)
    with bar() as report:
        return record.prove_once(bundle.id, bundle.lib_dir, place, report)


def remember_proof(bundle: Bundle) -> None:
    """Record that an engine was proved on this machine when it was built."""
    from coblyn.native.place import place_here
    from coblyn.proof.record import remember

    remember(bundle.id, place_here(bundle.receipt.backend))


def prove_now(bundle: Bundle, *, as_json: bool) -> None:
    """Prove an engine even if it was proved before, and print the outcome.

    Raises:
        ProofFailed: It does not run, or computes wrongly.
    """
    from coblyn.cli.bar import bar
    from coblyn.errors import ProofFailed
    from coblyn.native.place import place_here
    from coblyn.proof import record

    place, started = place_here(bundle.receipt.backend), time.monotonic()
    record.forget(bundle.id, place)
    with bar() as report:
        fault = record.prove_once(bundle.id, bundle.lib_dir, place, report)
    seconds = round(time.monotonic() - started, 2)
    if as_json:
        answer = {"id": bundle.id, "is_proved": fault is None, "seconds": seconds}
        print(json.dumps(answer | {"fault": _as_dict(fault)}, indent=2))
    elif fault is None:
        print(f"{bundle.id} runs and computes correctly here: proved in {seconds:g} s")
    if fault:
        raise ProofFailed.of(bundle.id, fault.stage, fault.message)


def _as_dict(fault: Fault | None) -> dict[str, Any] | None:
    if fault is None:
        return None
    values = asdict(fault)
    if fault.crash:
        values["crash"]["code"] = fault.crash.code.hex()
    if values["error"] == float("inf"):
        values["error"] = None  # JSON knows no infinity
    return values
