"""The compute backends, one small module each, and the choice between them.

Pure functions of facts. Does not know compilers, directories or programs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from coblyn.errors import ToolchainMissing
from coblyn.native.backends import cpu, cuda, hip, metal, vulkan

if TYPE_CHECKING:
    from types import ModuleType

    from coblyn.native.backends.verdict import Verdict
    from coblyn.native.facts import Facts

__all__ = ["BACKENDS", "Backend", "Choice", "choose"]


class Backend(Protocol):
    """The names that a backend's module provides.

    Attributes:
        NAME: As the user writes it.
        INPUTS: Facts that can change the result, besides the arguments of CMake.
        LIBRARIES: Names of the libraries that it adds to those of every build, without prefix and
            suffix.
    """

    NAME: str
    INPUTS: tuple[str, ...]
    LIBRARIES: tuple[str, ...]

    def detect(self, facts: Facts) -> Verdict:
        """Whether this machine has the hardware for the backend, and the tools to build it."""
        ...

    def cmake_args(self, facts: Facts, *, portable: bool) -> tuple[str, ...]:
        """The CMake arguments that turn it on."""
        ...

    def phrase(self, facts: Facts, *, portable: bool) -> str:
        """What accelerates inference, as one phrase."""
        ...


def _backend(module: ModuleType) -> Backend:
    return cast("Backend", module)


BACKENDS: dict[str, Backend] = {
    module.NAME: _backend(module) for module in (metal, cuda, hip, vulkan, cpu)
}
"""All backends by name, in order of preference."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen backend.

    Attributes:
        backend: The backend.
        reason: Why it was chosen.
        notes: Notes for the user: accelerators that stay unused, and how to use them.
    """

    backend: Backend
    reason: str
    notes: tuple[str, ...] = ()


def choose(name: str, facts: Facts) -> Choice:
    """Return the backend that the user named, or for "auto" the best one that this machine has.

    Raises:
        ToolchainMissing: The tools to build the named backend are missing.
    """
    if name != "auto":
        return _named(BACKENDS[name], facts)
    notes: list[str] = []
    for backend in BACKENDS.values():
        verdict = backend.detect(facts)
        if verdict.has_device and verdict.has_tools:
            return Choice(backend, verdict.reason, tuple(notes))
        if verdict.has_device:
            notes.append(f"{verdict.reason} {verdict.hint}".strip())
    raise AssertionError("the CPU backend is always there")


def _named(backend: Backend, facts: Facts) -> Choice:
    verdict = backend.detect(facts)
    if not verdict.has_tools:
        raise ToolchainMissing(
            f"The {backend.NAME} backend cannot be built: {verdict.reason}", hint=verdict.hint
        )
    notes = () if verdict.has_device else (verdict.reason,)
    return Choice(backend, f"chosen with --backend {backend.NAME}.", notes)
