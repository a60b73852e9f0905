"""The report of an audit: facts about each file, and every rule's findings. Values only."""

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
    """What is in one file, slice or member.

    Attributes:
        binary: All that was read.
        backends: The backends of ggml inside.
        shaders: Where Metal's shaders are.
        cpu_variant: The CPU that ggml's CPU code was made for, by the file's name; empty if it does not say.
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
    """What is known about the files as a whole.

    Attributes:
        is_bundle: They were built to run here, and are all that there will be.
        is_one_link: The objects are linked together.
        backend: The backend that has to be inside; empty if any or none will do.
    """

    is_bundle: bool = False
    is_one_link: bool = False
    backend: str = ""


@dataclass(frozen=True, slots=True)
class AuditReport:
    """All that an audit saw.

    Attributes:
        files: Facts about each file, slice and member.
        scope: What is known about them as a whole.
        named: Files that were named one by one, and so are meant to go together; others were found in directories.
        unfinished: Directories that hold so many binaries that only the first were looked at.
        broken: Files that cannot be read.
        clashes: Objects that define the same symbols, those with the most first.
        twins: Objects of one source in one link.
        mixed: Objects of another architecture than most.
        strangers: Libraries and programs for this system, and another processor.
        unresolved: Symbols that nothing gives.
        missing: Libraries that are nowhere.
        absolute: Libraries that are asked for by the path of one machine.
        escapes: Run paths that lead out.
        too_new: Libraries and programs that ask for a newer system than this one.
        newer_objects: Objects made for a newer system than others.
        foreign: Instructions that this CPU does not have.
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
        """Names of all backends inside, in the order in which they were found."""
        names = (backend.name for facts in self.files for backend in facts.backends)
        return tuple(dict.fromkeys(names))

    @property
    def lacks_backend(self) -> bool:
        """Whether the backend that was asked for is in no file. Without the CPU's code, nothing could be opened."""
        return self.scope.backend not in ("", "cpu", *self.backends)

    @property
    def without_shaders(self) -> tuple[Binary, ...]:
        """What has the Metal backend, and its shaders neither inside nor beside it."""
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
        """As JSON, without what the rules saw: the doctor's findings put that into words."""
        return {
            "files": [facts.to_json() for facts in self.files],
            "backends": list(self.backends),
            "unfinished": [str(folder) for folder in self.unfinished],
        }
