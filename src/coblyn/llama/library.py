"""Opens a bundle's libraries, once per process, and calls their functions by name.

The ABI fingerprint is compared before the first call that passes a structure.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from coblyn.errors import BundleMissing, NativeError
from coblyn.llama import abi, bindings, shim
from coblyn.llama.log import LibraryLog
from coblyn.llama.openmp import bounded_waiting

__all__ = ["Library", "open_library"]

_SUFFIX = {"darwin": ".dylib", "win32": ".dll"}.get(sys.platform, ".so")
_PREFIX = "" if sys.platform == "win32" else "lib"

# In the order of their dependencies. Coblyn's need them all.
_NAMES = ("ggml-base", "ggml", "llama", "coblyn_shim", "coblyn_kernels")

_LATE = {"mtmd_": "mtmd"}
"""Libraries that are opened on demand when a function with such a name is called."""

_lock = threading.Lock()
_late_lock = threading.Lock()
_opened: dict[Path, Library] = {}


class Library:
    """The functions of one bundle. ``library.llama_decode(...)`` is the C function of that name.

    Make it with ``open_library``.
    """

    def __init__(
        self,
        directory: Path,
        hear: Callable[[str], object] | None = None,
        *,
        tell_crashes: bool = False,
    ) -> None:
        self.directory = directory
        self._handles = [_open(directory, name) for name in _NAMES]
        self._late: set[str] = set()
        abi.check(self.coblyn_abi().decode())
        abi.check_defaults(self.llama_model_default_params(), self.llama_context_default_params())
        if tell_crashes:
            self.coblyn_crash_install()
        self.log = LibraryLog(self)
        self.coblyn_log_install()
        self.coblyn_memory_install()
        if hear:
            self.log.listen(hear)
        if not self.ggml_backend_reg_count():
            # Built with loadable backends: only ours may be found, never one in the current directory.
            self.ggml_backend_load_all_from_path(os.fsencode(directory))
        self.llama_backend_init()
        self.log.drain()

    def __getattr__(self, name: str) -> Any:
        signature = bindings.FUNCTIONS.get(name) or shim.FUNCTIONS.get(name)
        if signature is None:
            raise AttributeError(f"the bindings have no function {name!r}")
        self._open_late(name)
        for handle in self._handles:
            function = getattr(handle, name, None)
            if function is not None:
                function.restype, function.argtypes = signature
                setattr(self, name, function)
                return function
        raise NativeError(
            f"The engine in {self.directory} has no function {name}.",
            hint="Run `coblyn build --force`.",
        )

    def _open_late(self, name: str) -> None:
        wanted = next((late for prefix, late in _LATE.items() if name.startswith(prefix)), None)
        with _late_lock:
            if wanted and wanted not in self._late:
                self._handles.append(_open(self.directory, wanted))
                self._late.add(wanted)


def open_library(
    directory: Path,
    hear: Callable[[str], object] | None = None,
    *,
    tell_crashes: bool = False,
) -> Library:
    """Open a bundle's libraries; a second call gives the same object.

    Args:
        directory: Where they are.
        hear: Called at once with every line of the library's log, including those of its start; see
            ``LibraryLog.listen``.
        tell_crashes: Whether to install the crash handler before backends are loaded.

    Raises:
        BundleMissing: The directory, or a library in it, is missing.
        AbiMismatch: The bundle was built from another llama.cpp than the bindings.
        NativeError: A library cannot be loaded, or another bundle is open in this process already.
    """
    directory = directory.resolve()
    with _lock:
        if directory in _opened:
            return _opened[directory]
        if _opened:
            raise NativeError(
                "Another engine bundle is open in this process, and a process can open only one.",
                hint="Use one bundle a process.",
            )
        # A crash must not start a debugger on this process, and no foreign backend may be loaded.
        os.environ["GGML_NO_BACKTRACE"] = "1"
        os.environ.pop("GGML_BACKEND_PATH", None)
        with bounded_waiting():
            library = Library(directory, hear, tell_crashes=tell_crashes)
        _opened[directory] = library
        return library


def _open(directory: Path, name: str) -> ctypes.CDLL:
    path = directory / f"{_PREFIX}{name}{_SUFFIX}"
    if not path.is_file():
        raise BundleMissing(
            f"{path} is not there.", hint="Run `coblyn build` to make an engine bundle."
        )
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise NativeError(
            f"{path} cannot be loaded: {error}.",
            hint="Run `coblyn build --force` to build it again.",
        ) from error
