"""Small trees, and what is found in them."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from coblyn.doctor.cause import Case
from coblyn.doctor.causes import cause
from coblyn.doctor.finding import Finding
from coblyn.doctor.log.log import Log
from coblyn.doctor.tree.files import list_files
from coblyn.doctor.tree.make.database import MakeDatabase
from coblyn.doctor.tree.make.reader import read_makefile
from coblyn.doctor.tree.tree import Tree, read_tree
from coblyn.native.facts import Facts

DAY = 86_400

needs_make = pytest.mark.skipif(
    sys.platform == "win32" or not shutil.which("make"), reason="needs GNU make"
)
needs_git = pytest.mark.skipif(not shutil.which("git"), reason="needs git")
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")
no_root = pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything"
)


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def age(path: Path, days: float) -> None:
    then = path.stat().st_mtime - days * DAY
    os.utime(path, (then, then))


def read(root: Path, environ: dict[str, str] | None = None, **more: bool) -> Tree:
    return read_tree(root, environ=environ or {}, **more)


def make(root: Path, text: str, environ: dict[str, str] | None = None) -> MakeDatabase:
    """A tree with one more file, its makefile, read without running anything."""
    write(root, {"Makefile": text})
    return read_makefile(list_files(root), "Makefile", environ=environ or {})


def value(root: Path, text: str, environ: dict[str, str] | None = None) -> str:
    """What ``$(x)`` is at the end of a makefile."""
    return make(root, f"{text}\nresult := $(x)\n", environ).variables["result"].value


def found(
    name: str,
    tree: Tree | None,
    *,
    machine: Facts | None = None,
    environ: dict[str, str] | None = None,
    log: Log | None = None,
) -> Finding | None:
    """What one cause says of a tree."""
    return cause(name).diagnose(Case(log, tree, machine, environ or {}))


def git(root: Path, *argv: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", *who, *argv], cwd=root, check=True, capture_output=True)


def elf(machine: int) -> bytes:
    """The head of an ELF object for a processor."""
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 1, machine) + bytes(44)


def macho(machine: int, kind: int = 1) -> bytes:
    """The head of a Mach-O object for a processor."""
    return struct.pack("<IIII", 0xFEEDFACF, machine, 0, kind) + bytes(48)
