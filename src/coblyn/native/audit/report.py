"""The report of an audit: facts about each file, and the findings of every rule. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coblyn.native.audit.shaders import Shaders

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from coblyn.native.audit.architecture import Odd
    from coblyn.native.audit.duplicates import Clash
    from coblyn.native.audit.gather import Broken
    from coblyn.native.audit.inside import Backend
    from coblyn.native.audit.instruction_sets import Foreign
    from coblyn.native.audit.needed import Absolute, Missing
    from coblyn.native.audit.runpaths import Escape
    from coblyn.native.audit.systems import TooNew
    from coblyn.native.audit.undefined import Unresolved
    from coblyn.native.binary.binary import Binary
    from coblyn.native.trace.link import Twins

__all__ = ["AuditReport", "FileFacts", "Scope"]


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Facts about one file, slice or member.

    Attributes:
        binary: Everything that was read from it.
        backends: The ggml backends it contains.
        shaders: Location of Metal's shaders.
        cpu_variant: The CPU that ggml's CPU code was made for, taken from the file name; empty if it names none.
    """

    binary: Binary
    backends: tuple[Backend, ...] = ()
    shaders: Shaders = Shaders.NONE
    cpu_variant: str = ""

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        binary = self.binary
        code = binary.code
        return {
            "path": str(binary.path),
            "member": binary.member,
            "format": binary.format.value,
            "kind": binary.kind.value,
            "arch": binary.arch,
            "platform": binary.platform,
            "min_os": binary.min_os,
            "sdk": binary.sdk,
            "name": binary.name,
            "needed": list(binary.needed),
            "rpaths": list(binary.rpaths),
            "backends": [
                {"name": each.name, "evidence": list(each.evidence), "needs": list(each.needs)}
                for each in self.backends
            ],
            "metal_shaders": self.shaders.value,
            "cpu_variant": self.cpu_variant,
            "instruction_sets": None
            if code is None
            else {each.name: each.count for each in code.instruction_sets},
            "asks_cpu": code.asks_cpu if code else None,
            "symbols": {
                "strong": len(binary.strong),
                "exported": len(binary.exported),
                "undefined": len(binary.undefined),
            },
        }


@dataclass(frozen=True, slots=True)
class Scope:
    """Facts about the files as a whole.

    Attributes:
        is_bundle: They were built to run here, and the set is complete.
        is_one_link: The objects are linked together.
        backend: The backend that must be present; empty if any or none is acceptable.
    """

    is_bundle: bool = False
    is_one_link: bool = False
    backend: str = ""


@dataclass(frozen=True, slots=True)
class AuditReport:
    """All findings of an audit.

    Attributes:
        files: Facts about each file, slice and member.
        scope: Facts about them as a whole.
        named: Files that were named individually and so belong together; all others were found in directories.
        unfinished: Directories that hold so many binaries that only the first were examined.
        broken: Files that cannot be read.
        clashes: Objects that define the same symbols, those with the most symbols first.
        twins: Objects of one source in one link.
        mixed: Objects of a different architecture than most.
        strangers: Libraries and programs for this system but for another processor.
        unresolved: Symbols that no library provides.
        missing: Libraries that cannot be found.
        absolute: Libraries that are requested by a path that exists on one machine only.
        escapes: Run paths that lead out of the bundle.
        too_new: Libraries and programs that need a newer system than this one.
        newer_objects: Objects made for a newer system than the others.
        foreign: Instructions that this CPU lacks.
    """

    files: tuple[FileFacts, ...]
    scope: Scope = Scope()
    named: frozenset[Path] = frozenset()
    unfinished: tuple[Path, ...] = ()
    broken: tuple[Broken, ...] = ()
    clashes: tuple[Clash, ...] = ()
    twins: tuple[Twins, ...] = ()
    mixed: tuple[Odd, ...] = ()
    strangers: tuple[Odd, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    missing: tuple[Missing, ...] = ()
    absolute: tuple[Absolute, ...] = ()
    escapes: tuple[Escape, ...] = ()
    too_new: tuple[TooNew, ...] = ()
    newer_objects: tuple[TooNew, ...] = ()
    foreign: tuple[Foreign, ...] = ()

    @property
    def backends(self) -> tuple[str, ...]:
        """Names of all backends found, in the order in which they were found."""
        names = (backend.name for facts in self.files for backend in facts.backends)
        return tuple(dict.fromkeys(names))

    @property
    def lacks_backend(self) -> bool:
        """Whether no file contains the requested backend. Without the CPU code, nothing could be opened."""
        return self.scope.backend not in ("", "cpu", *self.backends)

    @property
    def without_shaders(self) -> tuple[Binary, ...]:
        """Binaries with the Metal backend whose shaders are neither inside nor next to them."""
        return tuple(each.binary for each in self.files if each.shaders is Shaders.MISSING)

    @property
    def failures(self) -> tuple[str, ...]:
        """Reasons why a bundle is certain to fail on this machine, one sentence each; nothing else stops a build."""
        return tuple(self._failures())

    def _failures(self) -> Iterator[str]:
        yield from (each.reason for each in self.broken)
        fatal: tuple[Odd | Unresolved | Missing | TooNew | Foreign, ...] = (
            *self.strangers,
            *(each for each in self.unresolved if each.is_fatal),
            *(each for each in self.missing if each.is_fatal),
            *(each for each in self.too_new if each.is_fatal),
            *(each for each in self.foreign if each.is_fatal),
        )
        yield from (f"{each.binary.label} {each.text}." for each in fatal)
        yield from (f"{each.label} has no shaders for Metal." for each in self.without_shaders)
        if self.lacks_backend:
            yield f"The backend {self.scope.backend} was asked for, but no library has it."

    def to_json(self) -> dict[str, Any]:
        """As JSON, without the findings of the rules: the doctor puts those into words."""
        return {
            "files": [facts.to_json() for facts in self.files],
            "backends": list(self.backends),
            "unfinished": [str(folder) for folder in self.unfinished],
        }
