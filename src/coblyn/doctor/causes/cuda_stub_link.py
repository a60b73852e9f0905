"""Linking against CUDA where there is no driver."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

_STUB = (
    "ln -s libcuda.so /usr/local/cuda/lib64/stubs/libcuda.so.1 && export LIBRARY_PATH=/usr/local/cuda/lib64/stubs "
    "LDFLAGS=-Wl,-rpath-link,/usr/local/cuda/lib64/stubs"
)

CAUSE = log_cause(
    "cuda-stub-link",
    "The link needs libcuda, which comes with the driver",
    sign(
        r"libcuda\.so(?:\.1)?, needed by (?P<who>[^\n,]{1,200}), not found",
        "{who} needs libcuda.so.1, and the linker finds none.",
        command=_STUB,
    ),
    sign(
        r"undefined reference to [`'](?P<name>cu(?:Mem(?:Create|Map|Unmap|Release|SetAccess|"
        r"Address\w+|Get\w+)|Device"
        r"Get\w*|GetErrorString|GetErrorName|Init))'",
        "{name} is a function of the driver's libcuda, which is not in the link.",
        command=_STUB,
    ),
    sign(
        r"undefined symbol: (?P<name>cu(?:Mem(?:Create|Map|Unmap|Release|SetAccess|Address\w+|Get\w+)|DeviceGet\w*"
        r"|GetErrorString|GetErrorName|Init))\b",
        "{name} is a function of the driver's libcuda, and the library was linked without it.",
        text="Add -lcuda to the flags of that link (KoboldCPP: CUBLASLD_FLAGS in the Makefile) and build "
        "again; the driver "
        "must be installed where the program runs.",
    ),
    sign(r"cannot find -lcuda(?:\s|:|$)", "The linker finds no libcuda.", command=_STUB),
    sign(
        r"/usr/bin/ld[^\n]{0,80}: cannot find CUDA::cuda_driver|links to: CUDA::cuda_driver but "
        r"the target was not found"
    ),
    looks_like="warning: libcuda.so.1, needed by bin/libggml-cuda.so, not found; undefined "
    "reference to `cuMemCreate'",
    explanation="libcuda.so.1 belongs to the driver, and a container that builds has none: the driver is put into "
    "it only when it runs with a GPU. The toolkit has a stand-in for linking, lib64/stubs/libcuda.so, without the "
    "“.1”.",
    fix="Link the stand-in under the name that is asked for, and let the linker see it; or build with "
    "-DGGML_CUDA_NO_VMM=ON, which does without libcuda.",
    links=(
        "https://github.com/abetlen/llama-cpp-python/issues/2061",
        "https://github.com/abetlen/llama-cpp-python/issues/1617",
    ),
    explains=(
        "library-not-linked",
        "undefined-symbol",
        "library-not-found",
        "pip-build-failed",
        "needed-library-not-found",
    ),
)
