"""What has to be known about a machine to say whether a library runs on it."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coblyn.native.facts import Facts

__all__ = ["Machine", "this_machine"]

_SYSTEMS = {"darwin": "macos", "win32": "windows"}
_ARCHES = {"amd64": "x86-64", "x86_64": "x86-64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that libraries are to run on.

    Attributes:
        os: "linux", "macos" or "windows".
        version: Of macOS: "14.5"; otherwise of no meaning here.
        arch: "x86-64" or "arm64".
        features: Flags of the CPU as Linux names them; empty if unknown.
        glibc: Version of glibc: "2.36"; empty if there is none.
    """

    os: str
    version: str = ""
    arch: str = ""
    features: frozenset[str] = frozenset()
    glibc: str = ""


def this_machine(facts: Facts | None = None) -> Machine:
    """The machine that we run on.

    Args:
        facts: What is known about it already; without them, only the CPU is looked at.
    """
    if facts is None:
        from coblyn.native.probe import Prober, cpu_facts

        facts = cpu_facts(Prober())
    machine = platform.machine().lower()
    return Machine(
        os=facts["os"] or _SYSTEMS.get(sys.platform, sys.platform),
        version=facts["os.version"] or (platform.mac_ver()[0] if sys.platform == "darwin" else ""),
        arch=facts["arch"] or _ARCHES.get(machine, machine),
        features=frozenset(facts.words("cpu.features")),
        glibc=_glibc(),
    )


def _glibc() -> str:
    if sys.platform != "linux":
        return ""
    try:
        answer = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):  # another C library
        return ""
    return answer.removeprefix("glibc ")
