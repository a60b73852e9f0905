"""Checks that all libraries of a build exist and can be opened."""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING

from coblyn.errors import BuildFailed, ProgramFailed
from coblyn.native.receipt import LibraryFile
from coblyn.run import run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["check_libraries", "check_loads", "collect", "is_library"]

_SUFFIXES = (".so", ".dylib", ".dll")
_SHIM = "coblyn_shim"

# Runs in a separate process: a library that crashes when it is opened must not end this process. All
# symbols are resolved at once, so that a missing one shows here and not at the first call.
_LOADER = """
import ctypes, os, sys
if os.name == "nt":
    os.add_dll_directory(os.path.dirname(sys.argv[1]))
for path in sys.argv[1:]:
    ctypes.CDLL(path)
"""


def is_library(path: Path) -> bool:
    """Whether a file is a shared library by its name."""
    return path.suffix in _SUFFIXES and path.is_file()


def _library_path(lib_dir: Path, name: str) -> Path | None:
    """The file of a library by its bare name ("llama"), or None."""
    candidates = [
        lib_dir / f"{prefix}{name}{suffix}" for prefix in ("lib", "") for suffix in _SUFFIXES
    ]
    return next((path for path in candidates if path.is_file()), None)


def collect(lib_dir: Path) -> tuple[LibraryFile, ...]:
    """The libraries in a directory, with their digests."""
    return tuple(
        LibraryFile(path.name, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(lib_dir.iterdir())
        if is_library(path)
    )


def check_libraries(lib_dir: Path, names: Iterable[str], *, portable: bool) -> None:
    """Check that the build produced all libraries.

    Raises:
        BuildFailed: Some are missing; the message names them.
    """
    missing = [name for name in names if _library_path(lib_dir, name) is None]
    if portable and not any("ggml-cpu-" in path.name for path in lib_dir.iterdir()):
        missing.append("ggml-cpu-* (the CPU variants)")
    if missing:
        raise BuildFailed(f"The build ended well, but made no {', '.join(missing)}.")


def check_loads(lib_dir: Path) -> None:
    """Open the shim, which loads its dependencies, and then every other library, in a child process.

    Raises:
        BuildFailed: One of them cannot be opened; the message is the system's own.
    """
    first = _library_path(lib_dir, _SHIM)
    others = [path for path in sorted(lib_dir.iterdir()) if is_library(path) and path != first]
    try:
        libraries: list[str | Path] = [*([first] if first else []), *others]
        argv: list[str | Path] = [sys.executable, "-I", "-c", _LOADER, *libraries]
        run(argv, timeout=300, env={"GGML_BACKEND_PATH": None, "GGML_NO_BACKTRACE": "1"})
    except ProgramFailed as error:
        last = error.message.strip().splitlines()[-1]
        raise BuildFailed(f"The engine was built, but cannot be opened: {last}") from error
