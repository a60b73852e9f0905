"""Applies every rule to binaries and makes a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.errors import BuildFailed
from coblyn.native.audit.architecture import mixed_objects, not_for
from coblyn.native.audit.duplicates import clashes
from coblyn.native.audit.gather import Gathered, gather
from coblyn.native.audit.host import Host, this_host
from coblyn.native.audit.inside import backends_inside, cpu_variant
from coblyn.native.audit.instruction_sets import foreign_instructions
from coblyn.native.audit.needed import absolute_libraries, missing_libraries
from coblyn.native.audit.report import AuditReport, FileFacts, Scope
from coblyn.native.audit.runpaths import escapes
from coblyn.native.audit.search import Neighbours
from coblyn.native.audit.shaders import metal_shaders
from coblyn.native.audit.sources import twins_of_build
from coblyn.native.audit.systems import objects_too_new, too_new_for
from coblyn.native.audit.undefined import unresolved

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from coblyn.native.binary.binary import Binary
    from coblyn.native.facts import Facts
    from coblyn.native.trace.link import Twins

__all__ = ["audit_binaries", "audit_bundle", "audit_files", "require_sound"]


def audit_files(
    paths: Iterable[Path], facts: Facts | None = None, *, one_link: bool = False
) -> AuditReport:
    """Examine object files, libraries, programs, archives, and directories of them, for any platform.

    Args:
        paths: Files and directories.
        facts: Facts about this machine if already known; probed otherwise.
        one_link: Whether the objects are known to be linked together.

    Raises:
        BinaryUnreadable: A file named explicitly is not a binary, or the only file is damaged.
    """
    return audit_binaries(gather(paths), this_host(facts), one_link=one_link)


def audit_bundle(
    lib_dir: Path, backend: str, facts: Facts | None = None, *, build_dir: Path | None = None
) -> AuditReport:
    """Examine the libraries of a bundle that was built for this machine.

    Args:
        lib_dir: Directory of the libraries.
        backend: The requested backend, such as "metal"; the libraries must contain it.
        facts: Facts about this machine if already known; probed otherwise.
        build_dir: The build directory, if it still exists; it shows whether one link has two objects of one source.

    Raises:
        BinaryUnreadable: There is nothing to examine.
    """
    twins = twins_of_build(build_dir) if build_dir else ()
    return audit_binaries(
        gather([lib_dir]), this_host(facts), root=lib_dir, backend=backend, twins=twins
    )


def require_sound(report: AuditReport) -> None:
    """Reject a bundle that is certain to fail.

    Raises:
        BuildFailed: With the first failure, and the report for the doctor.
    """
    if report.failures:
        raise BuildFailed(
            f"The engine was built, but is not sound. {report.failures[0]}", audit=report
        )


def audit_binaries(
    gathered: Gathered,
    host: Host,
    *,
    root: Path | None = None,
    backend: str = "",
    twins: Sequence[Twins] = (),
    one_link: bool = False,
) -> AuditReport:
    """Apply all rules to the given binaries.

    Args:
        gathered: The binaries.
        host: The machine that the binaries are to run on, if they are for its system.
        root: Directory of the bundle that the binaries form; None if they are separate files.
        backend: The backend that must be present; empty if any or none is acceptable.
        twins: Objects of one source in one link.
        one_link: Whether the objects are known to be linked together.
    """
    binaries = gathered.binaries
    neighbours = Neighbours(binaries, host)
    return AuditReport(
        files=tuple(map(_facts, binaries)),
        scope=Scope(is_bundle=root is not None, is_one_link=one_link, backend=backend),
        named=gathered.named,
        unfinished=gathered.unfinished,
        broken=gathered.broken,
        clashes=clashes(binaries, is_one_link=one_link),
        twins=tuple(twins),
        mixed=mixed_objects(binaries),
        strangers=not_for(host, binaries),
        unresolved=unresolved(neighbours),
        missing=missing_libraries(neighbours),
        absolute=absolute_libraries(neighbours),
        escapes=escapes(binaries, root),
        too_new=too_new_for(host, binaries),
        newer_objects=objects_too_new(binaries),
        foreign=foreign_instructions(host, binaries),
    )


def _facts(binary: Binary) -> FileFacts:
    backends = backends_inside(binary)
    return FileFacts(binary, backends, metal_shaders(binary, backends), cpu_variant(binary))
