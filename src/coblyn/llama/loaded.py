"""Finds the CPU library in use: a portable bundle has several, of which the best is loaded."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from coblyn.llama.library import Library

__all__ = ["cpu_variant"]


def cpu_variant(library: Library) -> str:
    """File name of the library that computes on the CPU, such as "libggml-cpu-haswell.so"; empty if not known."""
    registry = library.ggml_backend_reg_by_name(b"CPU")
    address = registry and library.ggml_backend_reg_get_proc_address(
        registry, b"ggml_backend_set_n_threads"
    )
    return _file_of(address) if address else ""


class _Place(ctypes.Structure):
    """``Dl_info`` of dlfcn.h."""

    _fields_ = (
        ("file", ctypes.c_char_p),
        ("base", ctypes.c_void_p),
        ("symbol", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
    )


def _file_of(address: int) -> str:
    if sys.platform == "win32":
        return _windows_file_of(address)
    place = _Place()
    ask = ctypes.CDLL(None).dladdr
    ask.argtypes = (ctypes.c_void_p, ctypes.POINTER(_Place))
    found = ask(address, place)
    return Path(os.fsdecode(place.file)).name if found and place.file else ""


def _windows_file_of(address: int) -> str:
    # Not run by us.
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 (only there on Windows)
    module = ctypes.c_void_p()
    from_address = 0x4 | 0x2  # and without counting the use
    if not kernel.GetModuleHandleExW(from_address, ctypes.c_void_p(address), ctypes.byref(module)):
        return ""
    name = ctypes.create_unicode_buffer(1024)
    kernel.GetModuleFileNameW(module, name, len(name))
    return Path(name.value).name
