"""The facts about a machine that decide whether a library runs on it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coblyn.native.facts import Facts

__all__ = ["Host", "this_host"]


@dataclass(frozen=True, slots=True)
class Host:
    """A machine that libraries are to run on.

    Attributes:
        os: "linux", "macos" or "windows".
        version: Version of macOS: "14.5"; meaningless on other systems.
        arch: "x86-64" or "arm64".
        features: Flags of the CPU as Linux names them; empty if unknown.
        glibc: Version of glibc: "2.36"; empty if there is none.
    """

    os: str
    version: str = ""
    arch: str = ""
    features: frozenset[str] = frozenset()
    glibc: str = ""


def this_host(facts: Facts | None = None) -> Host:
    """The machine that this process runs on.

    Args:
        facts: Facts about it if already known; probed otherwise.
    """
    if facts is None:
        from coblyn.native.probe import Prober, system_facts

        facts = system_facts(Prober())
    return Host(
        os=facts["os"],
        version=facts["os.version"],
        arch=facts["arch"],
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
