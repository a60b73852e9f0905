"""Whether a bundle suits this machine and this version of Coblyn.

A home directory may be shared by machines that differ, and Coblyn may have been upgraded since the build.
"""

from __future__ import annotations

from coblyn.native.lock import load_lock
from coblyn.native.prepare import shim_digest, shim_dir
from coblyn.native.probe import Prober, cpu_facts
from coblyn.native.receipt import Receipt

__all__ = ["misfit", "misfit_here"]


def misfit_here(receipt: Receipt) -> str:
    """Why a bundle is not for this machine and this version, as the end of a sentence; empty if it is."""
    features = frozenset(cpu_facts(Prober()).words("cpu.features"))
    return misfit(receipt, features, source=load_lock().digest, shim=shim_digest(shim_dir()))


def misfit(receipt: Receipt, features: frozenset[str], *, source: str, shim: str) -> str:
    """Why a bundle does not suit, as the end of a sentence; empty if it does.

    Args:
        receipt: Of the bundle.
        features: The CPU's flags, as in the fact "cpu.features"; empty if they are not known.
        source: Digest of the llama.cpp tree that this version is made for.
        shim: Digest of the native sources of this version.
    """
    is_custom = receipt.llama_version == "custom"  # the user's own choice
    if receipt.inputs.get("shim") != shim or (
        receipt.inputs.get("source") != source and not is_custom
    ):
        return "was built by another version of Coblyn"
    wanted = set(receipt.platform.get("cpu.features", "").split())
    if features and not receipt.portable and not wanted <= features:
        missing = ", ".join(sorted(wanted - features))
        return f"was built for another CPU (this one lacks {missing})"
    return ""
