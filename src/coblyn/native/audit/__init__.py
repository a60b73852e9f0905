"""The audit: inspects the actual content of object files, libraries and bundles, and finds faults.

    libraries.py      whether all libraries of a build exist and can be opened
    gather.py         from files and directories to binaries
    host.py           the machine that the binaries are to run on
    examine.py        applies all rules; the entry points
    report.py         the findings, and which of them stop a bundle
    inside.py shaders.py                          which backends a library contains, and Metal's shaders
    duplicates.py sources.py                      duplicates within one link
    undefined.py needed.py runpaths.py            what is missing, and where the loader would look
    search.py suppliers.py                        which library provides a name, and what supplies a library
    architecture.py systems.py instruction_sets.py     what this machine cannot run

A rule is a pure function over binaries that returns its findings as frozen values, which know whether they are fatal to
a bundle. The doctor's causes put them into words. Does not know compilers, logs or makefiles.
"""

from coblyn.native.audit.examine import (
    audit_binaries,
    audit_bundle,
    audit_files,
    require_sound,
)
from coblyn.native.audit.libraries import (
    check_libraries,
    check_loads,
    collect,
    is_library,
)
from coblyn.native.audit.report import AuditReport, FileFacts

__all__ = [
    "AuditReport",
    "FileFacts",
    "audit_binaries",
    "audit_bundle",
    "audit_files",
    "check_libraries",
    "check_loads",
    "collect",
    "is_library",
    "require_sound",
]
