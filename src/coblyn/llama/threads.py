"""The threads that compute a context's graphs, in a build without OpenMP.

By default the library creates them again for every graph, and so for every token.
"""

from __future__ import annotations

import ctypes

from coblyn.llama.bindings import ggml_threadpool_params
from coblyn.llama.devices import cpu_features
from coblyn.llama.handle import Handle
from coblyn.llama.library import Library

__all__ = ["Threads", "own_threads"]

_NEW = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(ggml_threadpool_params))
_FREE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Threads(Handle):
    """A pool of ggml's, whose threads sleep between two graphs.

    Args:
        library: The opened bundle.
        new: Address of ``ggml_threadpool_new``, which a backend that is loaded at run time only tells when asked.
        free: Address of ``ggml_threadpool_free``.
        count: Threads that compute, the caller's included.
    """

    def __init__(self, library: Library, new: int, free: int, count: int) -> None:
        super().__init__(_FREE(free))
        params = library.ggml_threadpool_params_default(count)
        params.poll = 0
        self.pointer = _NEW(new)(ctypes.byref(params))


def own_threads(library: Library, count: int) -> Threads | None:
    """Threads for a context, to be freed after it; None where OpenMP has them, or there is one only."""
    if count < 2 or "OPENMP" in cpu_features(library):
        return None
    new, free = (
        _address(library, name) for name in (b"ggml_threadpool_new", b"ggml_threadpool_free")
    )
    return Threads(library, new, free, count) if new and free else None


def _address(library: Library, name: bytes) -> int:
    registry = library.ggml_backend_reg_by_name(b"CPU")
    return int((registry and library.ggml_backend_reg_get_proc_address(registry, name)) or 0)
