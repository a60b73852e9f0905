"""Large memory is zero without being written."""

from __future__ import annotations

import ctypes

import psutil
import pytest

from coblyn.llama.handle import Handle
from coblyn.llama.library import Library, open_library
from coblyn.native.bundle import Bundle

pytestmark = pytest.mark.native

SIZE = 256 << 20


@pytest.fixture(scope="module")
def library(bundle: Bundle) -> Library:
    return open_library(bundle.lib_dir)


@pytest.fixture(scope="module")
def base(library: Library) -> ctypes.CDLL:
    """Functions of ggml that the bindings have no use for."""
    (path,) = library.directory.glob("*ggml-base.*")
    handle = ctypes.CDLL(str(path))
    handle.ggml_backend_buffer_clear.argtypes = (ctypes.c_void_p, ctypes.c_uint8)
    handle.ggml_backend_buffer_get_base.argtypes = (ctypes.c_void_p,)
    handle.ggml_backend_buffer_get_base.restype = ctypes.c_void_p
    return handle


def resident() -> int:
    return int(psutil.Process().memory_info().rss)


def test_it_takes_no_memory_until_it_is_used(library: Library, base: ctypes.CDLL) -> None:
    before = resident()
    kind = library.ggml_backend_cpu_buffer_type()
    with Handle(library.ggml_backend_buffer_free) as buffer:
        buffer.pointer = library.ggml_backend_buft_alloc_buffer(kind, SIZE)
        base.ggml_backend_buffer_clear(buffer.pointer, 0)
        assert resident() - before < SIZE // 8
        start = base.ggml_backend_buffer_get_base(buffer.pointer)
        ctypes.memset(start, 7, SIZE)
        assert resident() - before > SIZE // 2
        base.ggml_backend_buffer_clear(buffer.pointer, 0)
        assert resident() - before < SIZE // 8
        assert ctypes.string_at(start, 1 << 20) == bytes(1 << 20)
        base.ggml_backend_buffer_clear(buffer.pointer, 9)
        assert ctypes.string_at(start + SIZE - 8, 8) == bytes([9] * 8)
    assert resident() - before < SIZE // 8


def test_small_buffers_are_cleared_as_ever(library: Library, base: ctypes.CDLL) -> None:
    kind = library.ggml_backend_cpu_buffer_type()
    with Handle(library.ggml_backend_buffer_free) as buffer:
        buffer.pointer = library.ggml_backend_buft_alloc_buffer(kind, 4096)
        start = base.ggml_backend_buffer_get_base(buffer.pointer)
        for value in (5, 0):
            base.ggml_backend_buffer_clear(buffer.pointer, value)
            assert ctypes.string_at(start, 4096) == bytes([value] * 4096)
