"""Finds which of ggml's backends a binary really contains, regardless of its file name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn.native.binary.binary import Format

if TYPE_CHECKING:
    from coblyn.native.binary.binary import Binary

__all__ = ["Backend", "backends_inside", "cpu_variant"]

_MOST_EVIDENCE = 3


@dataclass(frozen=True, slots=True)
class Backend:
    """A backend that was found.

    Attributes:
        name: "metal", "cuda", "hip", "musa", "vulkan", "sycl", "opencl", "blas", "rpc", "kompute", "cann" or "cpu".
        evidence: What shows it: symbols, names in the data, sections.
        needs: Libraries of the backend that the binary requires.
    """

    name: str
    evidence: tuple[str, ...]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Signs:
    """What identifies a backend: any of these symbols, or any of these names in constant data."""

    symbols: tuple[str, ...]
    words: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    libraries: re.Pattern[str] = re.compile(r"(?!)")


# ggml's names since 2023; its assertions contain the names of source files. A registry that loads backends at run time
# contains the names of all of them, so the names of called functions prove nothing: a symbol must be defined here, and
# a word must be one that only the backend has.
_SIGNS = {
    "metal": _Signs(
        ("ggml_backend_metal_reg", "ggml_backend_metal_init", "ggml_metal_init"),
        ("ggml_metal_init", "ggml_metal_device_init", "ggml-metal.m", "ggml-metal-device.m"),
        ("__ggml_metallib",),
        re.compile(r"/Metal(?:Kit|PerformanceShaders)?$"),
    ),
    "cuda": _Signs(
        ("ggml_backend_cuda_reg", "ggml_backend_cuda_init", "ggml_cuda_init", "ggml_init_cublas"),
        ("ggml_cuda_init", "ggml_cuda_compute_forward", "ggml-cuda.cu", "ggml_init_cublas"),
        (),
        re.compile(
            r"(?:cuda|cublas|cudart|nvcuda|amdhip|hipblas|rocblas|musa|mublas)", re.IGNORECASE
        ),
    ),
    "vulkan": _Signs(
        ("ggml_backend_vk_reg", "ggml_backend_vk_init", "ggml_vk_init"),
        ("ggml_vulkan:", "ggml-vulkan.cpp", "ggml_vk_create_pipeline"),
        (),
        re.compile(r"vulkan|MoltenVK", re.IGNORECASE),
    ),
    "sycl": _Signs(
        ("ggml_backend_sycl_reg", "ggml_backend_sycl_init"),
        ("ggml_sycl_init", "ggml-sycl.cpp"),
        (),
        re.compile(r"sycl", re.IGNORECASE),
    ),
    "opencl": _Signs(
        ("ggml_backend_opencl_reg", "ggml_backend_opencl_init", "ggml_cl_init"),
        ("ggml_opencl:", "ggml-opencl.cpp", "ggml_cl_init"),
        (),
        re.compile(r"OpenCL", re.IGNORECASE),
    ),
    "blas": _Signs(
        ("ggml_backend_blas_reg", "ggml_backend_blas_init"),
        ("ggml_backend_blas_mul_mat", "ggml-blas.cpp"),
        (),
        re.compile(r"Accelerate$|blas|mkl", re.IGNORECASE),
    ),
    "rpc": _Signs(("ggml_backend_rpc_reg", "ggml_backend_rpc_init"), ("ggml-rpc.cpp",)),
    "kompute": _Signs(
        ("ggml_backend_kompute_reg", "ggml_backend_kompute_init", "ggml_vk_available_devices"),
        ("ggml-kompute.cpp", "ggml_backend_kompute_init"),
        (),
        re.compile(r"vulkan", re.IGNORECASE),
    ),
    "cann": _Signs(("ggml_backend_cann_reg", "ggml_backend_cann_init"), ("ggml-cann.cpp",)),
    "cpu": _Signs(
        ("ggml_backend_cpu_reg", "ggml_backend_cpu_init", "ggml_graph_compute"),
        ("ggml-cpu.c", "ggml-cpu.cpp", "ggml_get_n_tasks"),
    ),
}
# CUDA's sources are also compiled for AMD's and Moore Threads' GPUs, under the same names.
_FLAVOURS = (
    ("hip", re.compile(r"amdhip|hipblas|rocblas", re.IGNORECASE), (".hip_fatbin", ".hipFatB")),
    ("musa", re.compile(r"musa|mublas", re.IGNORECASE), (".musa_fatbin",)),
)
# auditwheel and delvewheel append a hash to a library's name.
_HASH = r"-[0-9a-f]{8,}(?=\.)"
_VARIANT = re.compile(rf"ggml-cpu(?!{_HASH})-([\w.]+?)(?:{_HASH})?\.(?:so|dylib|dll)")


def backends_inside(binary: Binary) -> tuple[Backend, ...]:
    """The ggml backends that a binary contains.

    Args:
        binary: A library, program or object.
    """
    found = []
    prefix = "_" if binary.format is Format.MACHO else ""
    for name, signs in _SIGNS.items():
        evidence = [
            *(symbol for symbol in signs.symbols if prefix + symbol in binary.defined),
            *(f"section {section}" for section in signs.sections if binary.size_of(section)),
            *(f"text {word!r}" for word in signs.words if word in binary.words),
        ]
        if evidence:
            needs = tuple(each for each in binary.needed if signs.libraries.search(each))
            flavour = _flavour(binary, needs) if name == "cuda" else name
            found.append(Backend(flavour, tuple(evidence[:_MOST_EVIDENCE]), needs))
    return tuple(found)


def cpu_variant(binary: Binary) -> str:
    """Name of the CPU that a library of ggml's CPU code was made for, "haswell"; empty if generic or unknown."""
    match = _VARIANT.search(binary.path.name)
    return match[1] if match else ""


def _flavour(binary: Binary, needs: tuple[str, ...]) -> str:
    for name, pattern, sections in _FLAVOURS:
        if any(map(pattern.search, needs)) or any(map(binary.size_of, sections)):
            return name
    return "cuda"
