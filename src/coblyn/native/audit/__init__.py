"""The audit: inspects the actual content of object files, libraries and bundles, and finds faults.

    libraries.py      what a build made: all there, and can be opened
    gather.py         from files and directories to binaries
    machine.py        what they are to run on
    examine.py        asks every rule; the entry points
    report.py         what it says, and what stops a bundle
    inside.py shaders.py                          which backends are in a library, and Metal's shaders
    duplicates.py sources.py                      what one link cannot have twice
    undefined.py needed.py runpaths.py            what is missing, and where the loader would look
    search.py suppliers.py                        which library gives a name, and what brings a library along
    architecture.py systems.py instruction_sets.py     what this machine cannot run

A rule is a pure function over binaries that returns what it saw, as frozen values that know whether they are fatal to a
bundle. The doctor's causes put them into words. Refuses to know compilers, logs and makefiles.
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
