"""A Metal backend without its shader library: neither embedded nor beside it."""

from __future__ import annotations

from doctor.reproductions.reproduction import Workshop

__all__ = ["embedded_metal_library", "metal_library"]

BACKEND = """
void *ggml_backend_metal_init(void) { return 0; }
void *ggml_backend_metal_reg(void) { return 0; }
int ggml_backend_is_metal(void *backend) { return backend != 0; }
"""
# The names and the section are those of ggml's own build with GGML_METAL_EMBED_LIBRARY.
EMBEDDED = """
.section __DATA, __ggml_metallib
.globl _ggml_metallib_start
_ggml_metallib_start:
.ascii "kernel void kernel_add() {}"
.globl _ggml_metallib_end
_ggml_metallib_end:
"""


def metal_library(shop: Workshop) -> str:
    """Build libggml-metal.dylib with no shaders; returns its name."""
    shop.write({"ggml-metal.c": BACKEND})
    return _link(shop, "ggml-metal.c")


def embedded_metal_library(shop: Workshop) -> str:
    """Build libggml-metal.dylib with its shaders inside; returns its name."""
    shop.write({"ggml-metal.c": BACKEND, "embed.s": EMBEDDED})
    return _link(shop, "ggml-metal.c", "embed.s")


def _link(shop: Workshop, *sources: str) -> str:
    name = "libggml-metal.dylib"
    shop.run(
        shop.tools.cc, "-O1", "-dynamiclib", *sources, "-install_name", f"@rpath/{name}", "-o", name
    )
    return name
