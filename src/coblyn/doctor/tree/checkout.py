"""Defects of a checkout: submodules that were not fetched, scripts with Windows line endings."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from coblyn.doctor.tree.files import read_bytes, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coblyn.doctor.tree.files import Files

__all__ = ["empty_submodules", "windows_scripts"]

_MAX_BYTES = 200_000
_MAX_SCRIPTS = 1_000
_HEAD = 256
_SUBMODULE = re.compile(r"^[ \t]*path[ \t]*=[ \t]*([^\n]{1,300}?)[ \t]*$", re.MULTILINE)
_SCRIPT = re.compile(
    r"(?:^|/)(?:[\w.-]+\.(?:sh|bash|pl)|configure|config\.(?:guess|sub)|install-sh|autogen)$"
)
_INTERPRETER = re.compile(rb"#! ?\S[^\n]{0,200}\r\n")


def empty_submodules(files: Files) -> Iterator[str]:
    """Directories of submodules listed in ``.gitmodules`` that are empty."""
    if ".gitmodules" not in files.entries:
        return
    for written in _SUBMODULE.findall(read_text(files.path(".gitmodules"), _MAX_BYTES)):
        path = posixpath.normpath(written.strip('"'))
        inside = not path.startswith(("/", ".."))
        if inside and not files.folders.get(path, ()) and path not in files.entries:
            yield path


def windows_scripts(files: Files) -> Iterator[str]:
    """Scripts whose first line ends in a carriage return, which the system treats as part of the interpreter."""
    names = [name for name in files.entries if _SCRIPT.search(name)]
    for name in names[:_MAX_SCRIPTS]:
        if _INTERPRETER.match(read_bytes(files.path(name), _HEAD)):
            yield name
