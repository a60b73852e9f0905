"""Real compilers for the reproductions: this machine's own, and a cross compiler for arm64 macOS."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["LINKERS", "LLD_NAMES", "Toolchain", "apple", "host", "linker", "zig_program"]

LINKERS = ("gold", "mold", "lld")
"""Linkers for ELF that a compiler takes with ``-fuse-ld``."""
LLD_NAMES = ("ld64.lld", *(f"ld64.lld-{version}" for version in range(22, 14, -1)))
"""Debian's packages lld-N bring no plain name. Those before 15 do not say in which source a symbol is."""


@dataclass(frozen=True, slots=True)
class Toolchain:
    """Compilers that a tree is built with.

    Attributes:
        name: "host", "macos-arm64", or "host-" and the name of a linker.
        cc: C compiler.
        cxx: C++ compiler.
        ar: Archiver.
        environ: Changes to the environment of a build.
        is_apple: Whether Mach-O for macOS comes out.
        flags: Added to every link.
    """

    name: str
    cc: str
    cxx: str
    ar: str
    environ: Mapping[str, str] = field(default_factory=dict)
    is_apple: bool = False
    flags: str = ""

    def make(self, *goals: str) -> tuple[str, ...]:
        """``make`` with these compilers."""
        tools = (f"CC={self.cc}", f"CXX={self.cxx}", f"AR={self.ar}", f"LINK={self.flags}")
        return ("make", *tools, *goals)

    def cmake(self, *more: str) -> tuple[str, ...]:
        """``cmake`` that configures the working directory into ``build`` with these compilers."""
        tools = (f"-DCMAKE_C_COMPILER={self.cc}", f"-DCMAKE_CXX_COMPILER={self.cxx}")
        return ("cmake", "-S", ".", "-B", "build", *tools, *self._for_apple(), *more)

    def _for_apple(self) -> tuple[str, ...]:
        if not self.is_apple:
            return ()
        return (
            "-DCMAKE_SYSTEM_NAME=Darwin",
            "-DCMAKE_SYSTEM_PROCESSOR=arm64",
            f"-DCMAKE_AR={self.ar}",
            f"-DCMAKE_RANLIB={shutil.which('true')}",
            f"-DCMAKE_INSTALL_NAME_TOOL={shutil.which('true')}",
            # Cross-compiled programs cannot run, and linking one proves nothing that we need.
            "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY",
        )

    def whole_archive(self, *archives: str) -> str:
        """Link flags that take every object of archives."""
        if self.is_apple:
            return " ".join(f"-Wl,-force_load,{each}" for each in archives)
        return f"-Wl,--whole-archive {' '.join(archives)} -Wl,--no-whole-archive"


def host() -> Toolchain | str:
    """This machine's compilers, or the reason why there are none."""
    missing = [
        name for name in ("cc", "c++", "ar", "make", "cmake", "ninja") if not shutil.which(name)
    ]
    if sys.platform == "win32" or missing:
        return f"needs a POSIX machine with {', '.join(missing) or 'make'}"
    return Toolchain("host", "cc", "c++", "ar", is_apple=sys.platform == "darwin")


def linker(name: str) -> Toolchain | str:
    """This machine's compilers with another linker ("gold", "mold", "lld"), or why not."""
    here = host()
    if isinstance(here, str):
        return here
    if not shutil.which(f"ld.{name}"):
        return f"needs ld.{name}"
    return Toolchain(f"host-{name}", "cc", "c++", "ar", flags=f"-fuse-ld={name}")


def apple(folder: Path) -> Toolchain | str:
    """A cross compiler for arm64 macOS made in ``folder`` of zig and ld64.lld, or why not."""
    zig, lld = zig_program(), next(filter(None, map(shutil.which, LLD_NAMES)), None)
    if sys.platform == "win32" or zig is None:
        return "needs a POSIX machine with the Python package ziglang"
    if lld is None:
        return "needs ld64.lld (Debian: apt-get install lld-16)"
    libraries = folder / "lib"
    libraries.mkdir(parents=True, exist_ok=True)
    stub = zig.parent / "lib" / "libc" / "darwin" / "libSystem.tbd"
    (libraries / "libSystem.tbd").write_text(older_stub(stub.read_text()))
    (libraries / "libc++.tbd").write_text(CXX_STUB)
    programs = [driver(folder / name, mode) for name, mode in DRIVERS.items()]
    environ = {"APPLE_ZIG": str(zig), "APPLE_LD": lld, "APPLE_LIBS": str(libraries)}
    cache = str(folder / "cache")
    # What zig compiles by itself on first use is kept between runs where the caller says where.
    environ |= {name: os.environ.get(name, cache) for name in ZIG_CACHES}
    return Toolchain("macos-arm64", *programs, environ, is_apple=True)


ZIG_CACHES = ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")
DRIVERS = {"clang": "cc", "clang++": "c++", "ar": "ar"}
CXX_STUB = """--- !tapi-tbd
tbd-version:     4
targets:         [ arm64-macos, x86_64-macos ]
install-name:    '/usr/lib/libc++.1.dylib'
exports:
  - targets:     [ arm64-macos, x86_64-macos ]
    symbols:     [ __ZdlPv, __ZdlPvm, __Znwm, ___gxx_personality_v0 ]
...
"""


def zig_program() -> Path | None:
    """The compiler of the Python package ziglang."""
    spec = importlib.util.find_spec("ziglang")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    found = shutil.which("zig", path=str(folder)) if folder else None
    return Path(found) if found else None


def older_stub(text: str) -> str:
    """A library stub without the architectures that older linkers do not know."""
    return re.sub(r",\s*arm64e\.\w+-\w+", "", text).replace("arm64e-", "arm64-")


def driver(path: Path, mode: str) -> str:
    script = Path(__file__).with_name("driver.py")
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "{script}" {mode} "$@"\n')
    path.chmod(0o755)
    return str(path)
