"""A header of a library that is not installed, or not in the compiler's search path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._package import install
from coblyn.doctor.causes._system import is_by_ndk, system_of
from coblyn.doctor.causes._table import described
from coblyn.doctor.finding import Confidence, Finding, Fix

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.log.log import Hit

__all__ = ["CAUSE"]

_MISSING = re.compile(
    r"fatal error: '(?P<clang>[^'\n]{1,200})' file not found"
    r"|fatal error: (?P<gcc>[^\s:]{1,200}): No such file or directory"
    r"|fatal error C1083: [^\n]{0,60}?['\"](?P<msvc>[^'\"\n]{1,200})['\"]"
    r"|cannot open source file \"(?P<nvcc>[^\"\n]{1,200})\""
)
# Header, name in `_package.PACKAGES` (or empty), what it belongs to. Headers of the project are not listed.
_OF: tuple[tuple[str, str, str], ...] = (
    (r"cblas(?:_64)?\.h|openblas/.*|f77blas\.h|openblas_config\.h|blis(?:/.*|\.h)", "blas", "BLAS"),
    (r"lapacke\.h|clapack\.h", "blas", "LAPACK"),
    (r"mkl.*\.h", "", "Intel's MKL"),
    (r"omp\.h", "openmp", "OpenMP"),
    (r"curl/.*", "curl", "libcurl"),
    (r"openssl/.*", "openssl", "OpenSSL"),
    (r"vulkan/.*|vk_video/.*", "vulkan", "Vulkan"),
    (r"spirv/.*|spirv-headers/.*|spirv\.hpp", "spirv-headers", "the SPIR-V headers"),
    (r"shaderc/.*", "glslc", "shaderc"),
    (r"CL/.*|OpenCL/.*", "opencl", "OpenCL"),
    (r"clblast(?:_c)?\.h", "clblast", "CLBlast"),
    ((r"cu(?:da\w*|blas\w*|_?fp16|rand\w*|sparse\w*|fft\w*|pti\w*)\.h|cooperative_groups.*|mma\.h|cub/.*"
        r"|thrust/.*|nv(?:rtc|tx\w*|ml)\.h"),
     "cuda", "the CUDA toolkit"),
    (r"cudnn.*\.h", "", "cuDNN"),
    (r"nccl\.h", "", "NCCL"),
    (r"hip/.*|hipblas.*|rocblas.*|rocwmma/.*|hip(?:cub|rand|sparse)/.*", "hip", "ROCm"),
    (r"sycl/.*|oneapi/.*|dnnl\.hpp", "", "oneAPI"),
    (r"numa(?:if)?\.h", "numa", "libnuma"),
    (r"zlib\.h", "zlib", "zlib"),
    (r"zstd.*\.h", "zstd", "zstd"),
    (r"lz4.*\.h", "lz4", "LZ4"),
    (r"bzlib\.h", "bzip2", "bzip2"),
    (r"lzma\.h", "xz", "liblzma"),
    (r"sqlite3\.h", "sqlite", "SQLite"),
    (r"readline/.*|editline/.*", "readline", "readline"),
    (r"n?curses(?:w/.*)?\.h|term\.h", "ncurses", "ncurses"),
    (r"SDL2?/.*|SDL\.h", "sdl2", "SDL"),
    (r"ffi\.h", "ffi", "libffi"),
    (r"uuid/.*", "uuid", "libuuid"),
    (r"X11/.*", "x11", "X11"),
    (r"boost/.*", "boost", "Boost"),
    (r"[Ee]igen3?/.*", "eigen", "Eigen"),
    (r"pybind11/.*", "pybind11", "pybind11"),
    (r"numpy/.*", "", "numpy"),
    (r"torch/.*|ATen/.*|c10/.*", "", "PyTorch"),
    (r"libavcodec/.*|libavformat/.*|libavutil/.*|libswscale/.*", "ffmpeg", "FFmpeg"),
    (r"opencv2?/.*", "opencv", "OpenCV"),
    (r"google/protobuf/.*", "protobuf", "Protocol Buffers"),
    (r"infiniband/.*", "", "libibverbs"),
    (r"linux/.*", "", "the kernel's headers"),
    (r"Accelerate/.*|Metal/.*|MetalKit/.*|Foundation/.*", "", "macOS's SDK"),
    (r"execinfo\.h", "", "glibc (musl and Android have no execinfo.h)"),
    (r"alsa/.*", "alsa", "ALSA"),
    (r"portaudio\.h|pulse/.*", "", "the sound library"),
    (r"jni\.h", "", "the Java development kit"),
    (r"grpc(?:pp)?/.*|absl/.*", "", "gRPC"),
)  # fmt: skip
_TABLE = tuple((re.compile(pattern), package, name) for pattern, package, name in _OF)
# Headers that have more specific causes.
_OTHERS = re.compile(r"Python\.h$|^spawn\.h$|^ggml-common\.h$|^windows\.h$")


def _diagnose(case: Case) -> Finding | None:
    log = case.log
    if not log:
        return None
    for hit in log.hits(_MISSING, limit=50):
        header = _header(hit)
        for pattern, package, name in _TABLE:
            if pattern.fullmatch(header) and not _OTHERS.search(header):
                command, text = _way(case, package, name)
                return CAUSE.finding(
                    hit.evidence(log.name),
                    *(each.evidence(log.name) for each in _more(case, header)),
                    story=(
                        f"{header} is a header of {name}, and the compiler does not find it.",
                        CAUSE.explanation,
                    ),
                    fix=Fix(command=command, text=" ".join(text.split())),
                    confidence=Confidence.HIGH,
                )
    return _unknown(case)


def _way(case: Case, package: str, name: str) -> tuple[str, str]:
    """How to get a library's headers: a command, and a text."""
    system = system_of(case)
    if system != "termux" and is_by_ndk(case):
        return "", (
            f"The build is for Android, and the NDK has no headers of {name}; those of this machine do not count. "
            "Take the library's headers for Android (Vulkan: git clone the Vulkan-Headers and SPIRV-Headers "
            "repositories and give their include directories with -I or CMAKE_CXX_FLAGS), or switch the feature "
            "off."
        )
    command, ways = install(package, system)
    if system == "winget" and not command:
        ways = "With Visual Studio vcpkg has most of them (vcpkg install ...), with MSYS2 pacman (mingw-w64-...)."
    return command, f"Install the development files of {name}. {ways} {CAUSE.fix}"


def _unknown(case: Case) -> Finding | None:
    """A header in no table: one of the project itself, or of a rarely used library."""
    log = case.log
    for hit in log.hits(_MISSING, limit=50) if log else ():
        header = _header(hit)
        if log and not _OTHERS.search(header) and not _LANGUAGE.fullmatch(header):
            own = _OWN.search(header) or header.startswith("../")
            return CAUSE.finding(
                hit.evidence(log.name),
                *(each.evidence(log.name) for each in _more(case, header)),
                story=(
                    f"The compiler does not find {header}.",
                    _OWN_STORY if own else CAUSE.explanation,
                ),
                fix=Fix(
                    command="git submodule update --init --recursive" if own else "",
                    text=_OWN_FIX if own else CAUSE.fix,
                ),
                confidence=Confidence.MEDIUM if own else Confidence.LOW,
            )
    return None


_OWN = re.compile(
    r"(?:^|/)(?:ggml|gguf|llama|whisper|mtmd|clip|common|build-info|sampling)[\w-]*\.(?:h|hpp)$"
)
_OWN_STORY = (
    "That is a header of llama.cpp's own tree: the checkout is incomplete, the file has moved between releases, or "
    "the include path names another tree."
)
_OWN_FIX = (
    "Complete the checkout, bring all of it to one release, and build in a fresh build directory."
)
# Other causes cover the headers of C, C++ and the processor.
_LANGUAGE = re.compile(
    r"[a-z_]+|(?:sys|bits|gnu|asm)/.*|(?:std\w+|string|math|assert|errno|limits|unistd|features)\.h"
)


def _header(hit: Hit) -> str:
    path = hit["clang"] or hit["gcc"] or hit["msvc"] or hit["nvcc"]
    return path.replace("\\", "/")


def _more(case: Case, header: str) -> list[Hit]:
    """The include line that requests it, if the compiler shows it."""
    found = (
        case.log.find(re.compile(rf"#\s*include\s*[<\"]{re.escape(header)}[>\"]"))
        if case.log
        else None
    )
    return [found] if found else []


CAUSE: Cause = described(__name__, _diagnose)
