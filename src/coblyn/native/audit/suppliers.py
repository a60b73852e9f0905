"""Determines where a needed library comes from: the system, a driver, the program that loads it, or unknown.

Uses names only, so it works for any platform on any platform.
"""

from __future__ import annotations

import posixpath
import re
from enum import StrEnum

__all__ = ["Supplier", "base_name", "supplier"]


class Supplier(StrEnum):
    """What supplies a library."""

    SYSTEM = "system"
    """Part of the operating system or of its C and C++ runtime."""
    DRIVER = "driver"
    """Comes with a GPU's driver or its toolkit."""
    HOST = "host"
    """The program that loads the library: Python, Node."""
    UNKNOWN = "unknown"


_LINUX = re.compile(
    r"(?:ld-linux|ld-musl|ld64|linux-vdso|libc|libm|libdl|librt|libpthread|libresolv|libutil|libnsl|libanl|libcrypt"
    r"|libBrokenLocale|libthread_db|libmvec|libgcc_s|libstdc\+\+|libatomic|libgomp|libquadmath|libgfortran|libc\+\+"
    r"|libc\+\+abi|libunwind|libz|libX11|libxcb|libGL|libEGL|libasound|libudev|libdrm|libnuma)"
    r"(?:[-.]\S*)?\.so(?:\.\d+)*|ld-linux\S*|libc\.musl\S*|libandroid\.so|liblog\.so"
)
_LINUX_DRIVER = re.compile(
    r"lib(?:cuda|cudart|cublas|cublasLt|cufft|curand|cusparse|cusolver|cudnn\w*|nccl|nvrtc\S*|nvToolsExt|nvidia-\S+"
    r"|nvJitLink|vulkan|OpenCL|amdhip64|hipblas|hipblaslt|rocblas|rocsolver|rocm\S*|hsa-runtime64|rccl|musa|musart"
    r"|mublas|sycl|ze_loader|mkl_\w+|tbb|iomp5|imf|svml|irng|intlc|dnnl|ascendcl|openblas\w*|blas|cblas|lapack)"
    r"\.so(?:\.\d+)*"
)
_WINDOWS = re.compile(
    r"(?:api-ms-win-|ext-ms-)\S+|(?:kernel32|kernelbase|ntdll|user32|gdi32|advapi32|shell32|shlwapi|ole32|oleaut32"
    r"|ws2_32|wsock32|winmm|bcrypt|bcryptprimitives|crypt32|secur32|iphlpapi|psapi|dbghelp|version|rpcrt4|setupapi"
    r"|comdlg32|comctl32|powrprof|pdh|netapi32|userenv|mswsock|dnsapi|imm32|cfgmgr32|dxgi|d3d1[12]|dxcore|dwmapi"
    r"|synchronization|ncrypt|normaliz|wldap32|propsys|uxtheme|winhttp|wininet|msvcrt|ucrtbase|msvcp140\w*"
    r"|vcruntime140\w*|concrt140|vcomp140|vccorlib140|msvcp\d+|msvcr\d+|wtsapi32|avrt|mfplat|gdiplus)\.(?:dll|drv)",
    re.IGNORECASE,
)
_WINDOWS_DRIVER = re.compile(
    r"(?:nvcuda|vulkan-1|opencl|amdhip64\w*|cudart\d*\w*|cublas\w*|cufft\w*|curand\w*|nvrtc\w*|cudnn\w*|nvml"
    r"|hipblas\w*|(?:lib)?rocblas\w*|sycl\d*|ze_loader|mkl_\w+|libiomp5md|dnnl|musa\w*)(?:[-.]\S*)?\.dll",
    re.IGNORECASE,
)
_HOST = re.compile(
    r"python\d*\.dll|libpython\S*|Python|Python3|node\.(?:exe|dll)|electron\.exe|libnode\S*|libjvm\S*",
    re.IGNORECASE,
)
_MAC_SYSTEM = ("/usr/lib/", "/System/")


def base_name(library: str) -> str:
    """File name of a library that is requested by path."""
    return posixpath.basename(library.replace("\\", "/"))


def supplier(library: str, platform: str) -> Supplier:
    """What supplies a library, as far as its name shows.

    Args:
        library: As a binary requests it: "libm.so.6", "/usr/lib/libSystem.B.dylib", "KERNEL32.dll".
        platform: Platform of the binary, as in `Binary.platform`.
    """
    name = base_name(library)
    if _HOST.fullmatch(name):
        return Supplier.HOST
    if platform == "windows":
        system, driver = _WINDOWS, _WINDOWS_DRIVER
    elif library.startswith(_MAC_SYSTEM):
        return Supplier.SYSTEM
    else:
        system, driver = _LINUX, _LINUX_DRIVER
    if system.fullmatch(name):
        return Supplier.SYSTEM
    return Supplier.DRIVER if driver.fullmatch(name) else Supplier.UNKNOWN
