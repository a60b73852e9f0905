"""What the proof of a bundle depends on besides the bundle: the CPU, and the drivers of its devices.

Read from files, in milliseconds: this runs at every start.
"""

from __future__ import annotations

import platform
from pathlib import Path

from coblyn.native.probe import Prober, cpu_facts, file_identity

__all__ = ["driver", "place_here"]

_MODULES = {"cuda": ("nvidia",), "hip": ("amdgpu",), "vulkan": ("nvidia", "amdgpu", "i915", "xe")}
_ICDS = ("usr/share/vulkan/icd.d", "etc/vulkan/icd.d")


def place_here(backend: str) -> dict[str, str]:
    """This machine, for a bundle of a backend.

    Args:
        backend: "cpu", "metal", "cuda", "vulkan" or "hip".
    """
    facts = cpu_facts(Prober())
    place = {"cpu": facts["cpu"], "flags": facts["cpu.features"]}
    return place if backend == "cpu" else place | {"driver": driver(backend)}


def driver(backend: str, root: Path = Path("/")) -> str:
    """A text that changes when another driver is installed.

    Kernel modules of hardware vendors have a version; those of the kernel share its version. The part of Vulkan outside
    the kernel is identified by its description's time and size. On macOS and Windows, drivers come with the system.

    Args:
        backend: As for ``place_here``.
        root: Root directory of the system's files.
    """
    found = [platform.system(), platform.release(), platform.version()]
    for module in _MODULES.get(backend, ()):
        version = _text(root / "sys/module" / module / "version")
        found += [f"{module} {version}"] if version else []
    if backend == "vulkan":
        icds = (path for folder in _ICDS for path in sorted((root / folder).glob("*.json")))
        found += [file_identity(path) for path in icds]
    return "; ".join(found)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace").strip()
    except OSError:
        return ""
