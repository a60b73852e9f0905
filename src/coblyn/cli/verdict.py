"""Facts about this machine and the current bundle, for the engine's verdicts."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from coblyn.cli.engine import NO_BUNDLE
from coblyn.cli.text import shown
from coblyn.proof.machine import UNKNOWN, Accelerator, Machine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coblyn.native.facts import Facts
    from coblyn.native.receipt import Receipt
    from coblyn.proof.verdict import Verdict

__all__ = ["look", "machine_of", "show"]

_HIDING = {
    "cuda": ("CUDA_VISIBLE_DEVICES",),
    "hip": ("HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"),
    "vulkan": ("GGML_VK_VISIBLE_DEVICES", "VK_DRIVER_FILES", "VK_ICD_FILENAMES"),
    "metal": (),
}
"""Environment variables that can hide all devices of a backend."""


def look(bundle_id: str) -> Machine:
    """Inspect this machine; programs' answers are cached, so it takes milliseconds except for the first time.

    Args:
        bundle_id: The current bundle; empty for the scripted engine, for which nothing is inspected.
    """
    if bundle_id in ("", NO_BUNDLE):
        return UNKNOWN
    from coblyn.native import bundle
    from coblyn.native.probe import Prober, probe

    prober = Prober()
    facts = probe(prober)
    prober.save()
    return machine_of(facts, bundle.find(bundle_id).receipt, os.environ)


def show(verdict: Verdict) -> None:
    """Print on stderr what is wrong, why, and what to do; nothing if everything is in order."""
    if verdict.is_fault:
        text = f"error: {verdict.text} {verdict.reason}\n  fix: {verdict.fix}"
        print(shown(text), file=sys.stderr)
    elif verdict.reason:
        print(shown(f"note: {verdict.reason} {verdict.fix}".rstrip()), file=sys.stderr)


def machine_of(facts: Facts, receipt: Receipt, environ: Mapping[str, str]) -> Machine:
    """Combine facts about the machine and the receipt of the current bundle."""
    from coblyn.native.backends import BACKENDS

    verdicts = {name: each.detect(facts) for name, each in BACKENDS.items() if name != "cpu"}
    return Machine(
        is_known=True,
        bundle=receipt.backend,
        is_portable=receipt.portable,
        accelerators=tuple(
            Accelerator(name, verdict.reason, verdict.has_tools, verdict.hint)
            for name, verdict in verdicts.items()
            if verdict.has_device
        ),
        cpu_flags=facts.words("cpu.features"),
        built_flags=tuple(receipt.platform.get("cpu.features", "").split()),
        hidden_by=tuple(name for name in _HIDING.get(receipt.backend, ()) if name in environ),
    )
