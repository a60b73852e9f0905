"""Whether a bundle suits this machine and this version of Coblyn.

A home directory may be shared by different machines, and Coblyn may have been upgraded since the build.
"""

from __future__ import annotations

from coblyn.native.backends import BACKENDS
from coblyn.native.bundle import Bundle, packaged
from coblyn.native.lock import load_lock
from coblyn.native.prepare import shim_digest, shim_dir
from coblyn.native.probe import Prober, cpu_facts, probe
from coblyn.native.receipt import Receipt
from coblyn.native.sets import features_without

__all__ = ["best_package", "misfit", "misfit_here", "package_faults"]


def best_package(backend: str = "auto") -> Bundle | None:
    """The engine among the installed Python packages that suits this machine best; None if none does.

    Args:
        backend: The only acceptable backend, or "auto".
    """
    suiting = [
        bundle
        for bundle in packaged()
        if backend in ("auto", bundle.receipt.backend)
        and bundle.is_complete()
        and not misfit_here(bundle.receipt)
    ]
    if len(suiting) > 1:
        facts = probe(Prober())
        suiting.sort(
            key=lambda bundle: not BACKENDS[bundle.receipt.backend].detect(facts).has_device
        )
    return next(iter(suiting), None)


def package_faults() -> list[str]:
    """Why engines of installed Python packages cannot be used here, one sentence each."""
    faults = []
    for bundle in packaged():
        why = misfit_here(bundle.receipt)
        if not bundle.is_complete():
            why = f"is damaged: {bundle.repair}"
        if why:
            faults.append(f"The engine of the installed package {bundle.distribution} {why}.")
    return faults


def misfit_here(receipt: Receipt) -> str:
    """Why a bundle does not suit this machine and this version, as the end of a sentence; empty if it does."""
    features = frozenset(cpu_facts(Prober()).words("cpu.features"))
    return misfit(receipt, features, source=load_lock().digest, shim=shim_digest(shim_dir()))


def misfit(receipt: Receipt, features: frozenset[str], *, source: str, shim: str) -> str:
    """Why a bundle does not suit, as the end of a sentence; empty if it does.

    Args:
        receipt: Receipt of the bundle.
        features: The CPU's flags, as in the fact "cpu.features"; empty if they are not known.
        source: Digest of the llama.cpp tree that this version is made for.
        shim: Digest of the native sources of this version.
    """
    is_custom = receipt.llama_version == "custom"  # the user's own choice
    if receipt.inputs.get("shim") != shim or (
        receipt.inputs.get("source") != source and not is_custom
    ):
        return "was built by another version of Coblyn"
    wanted = _needed(receipt)
    if features and not receipt.portable and not wanted <= features:
        missing = ", ".join(sorted(wanted - features))
        return f"was built for another CPU (this one lacks {missing})"
    return ""


def _needed(receipt: Receipt) -> frozenset[str]:
    """The CPU flags that a bundle was made for, without those that its code does not use."""
    built_for = receipt.platform.get("cpu.features", "").split()
    without = receipt.inputs.get("without", "").split()
    return frozenset(features_without(receipt.platform.get("arch", ""), built_for, without))
