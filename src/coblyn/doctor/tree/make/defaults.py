"""What make knows before it reads a line: its default variables, the environment, and the output of ``uname``."""

from __future__ import annotations

import platform
import re
import sys
from typing import TYPE_CHECKING

from coblyn.doctor.tree.make.database import Variable
from coblyn.doctor.tree.make.value import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coblyn.doctor.tree.files import Files

__all__ = ["first_variables", "known_output"]

_DEFAULTS = {
    "CC": "cc",
    "CXX": "g++",
    "CPP": "$(CC) -E",
    "AR": "ar",
    "ARFLAGS": "rv",
    "RM": "rm -f",
    "MAKE": "make",
    "SHELL": "/bin/sh",
    "MAKE_VERSION": "4.3",
    "COMPILE.c": "$(CC) $(CFLAGS) $(CPPFLAGS) $(TARGET_ARCH) -c",
    "COMPILE.cc": "$(CXX) $(CXXFLAGS) $(CPPFLAGS) $(TARGET_ARCH) -c",
    "COMPILE.cpp": "$(COMPILE.cc)",
    "LINK.o": "$(CC) $(LDFLAGS) $(TARGET_ARCH)",
    "LINK.c": "$(CC) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) $(TARGET_ARCH)",
    "LINK.cc": "$(CXX) $(CXXFLAGS) $(CPPFLAGS) $(LDFLAGS) $(TARGET_ARCH)",
    "OUTPUT_OPTION": "-o $@",
}
_UNAME = re.compile(
    r"(?:(?:ba)?sh -c )?['\"]?(?:/bin/)?uname(?: -([smp]))?(?: 2> ?/dev/null)?(?: \|\| echo \w+)?['\"]?$"
)


def first_variables(environ: Mapping[str, str], files: Files, folder: str) -> dict[str, Variable]:
    """Initial variables of a make that starts in a directory of the tree."""
    found = {name: Variable(value, origin="default") for name, value in _DEFAULTS.items()}
    for name, value in environ.items():
        if name not in ("SHELL", "MAKEFLAGS", "MAKEFILES", "MAKELEVEL"):
            found[name] = Variable(value, origin="environment")
    here = str(files.root / folder)
    found["CURDIR"] = Variable(here, is_simple=True)
    found["MAKEFILE_LIST"] = Variable("", is_simple=True)
    return found


def known_output(command: str) -> str:
    """The output of ``uname`` on this machine; any other command is unknown. Runs nothing."""
    found = _UNAME.match(command)
    if found is None or sys.platform == "win32":
        return UNKNOWN
    if found[1] in (None, "s"):
        return platform.system()
    if found[1] == "m":
        return platform.machine()
    if sys.platform == "darwin":
        return "arm" if platform.machine() == "arm64" else "i386"
    return UNKNOWN
