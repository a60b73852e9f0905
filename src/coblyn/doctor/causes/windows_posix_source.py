"""Source for Unix given to Microsoft's compiler."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "windows-posix-source",
    "Source for Unix is being built with Microsoft's compiler",
    sign(
        r"fatal +error C1083: [^\n:]{1,60}: ['\"](?P<name>unistd\.h|sys/(?:mman|time|socket|"
        r"ioctl|wait|resource|select|un)\.h|pthread\.h|"
        r"dirent\.h|getopt\.h|strings\.h|dlfcn\.h|arpa/inet\.h|netinet/in\.h|termios\.h|poll\.h|"
        r"execinfo\.h)['\"]",
        "{name} is a header of Unix, which Visual Studio does not have.",
    ),
    sign(
        r"error C(?:2065|3861): '(?P<name>M_PI|M_PI_2|M_SQRT2|M_E)': (?:undeclared identifier|identifier not found)",
        "{name} is not part of C, and Visual Studio shows it only on request.",
        text="Define _USE_MATH_DEFINES: -DCMAKE_CXX_FLAGS=/D_USE_MATH_DEFINES "
        "-DCMAKE_C_FLAGS=/D_USE_MATH_DEFINES.",
        command="cmake --fresh -B build -DCMAKE_CXX_FLAGS=/D_USE_MATH_DEFINES "
        "-DCMAKE_C_FLAGS=/D_USE_MATH_DEFINES",
    ),
    sign(
        r"error C(?:2065|3861|2061): '(?P<name>ssize_t|__attribute__|strcasecmp|strtok_r|usleep|"
        r"__builtin_\w+|getline|gettimeofday)'",
        "{name} is of Unix or gcc, not of Visual Studio.",
        sure=Confidence.MEDIUM,
    ),
    looks_like="fatal error C1083: Cannot open include file: 'unistd.h': No such file or directory",
    explanation="This part of the source was written for Unix and was never made for Visual "
    "Studio's compiler.",
    fix="Build with mingw-w64 or in WSL, leave that part out, or use a release that supports "
    "Windows.",
    links=(
        "https://github.com/nomic-ai/gpt4all/issues/570",
        "https://github.com/ggml-org/ggml/issues/135",
        "https://github.com/karpathy/llama2.c/issues/91",
    ),
    explains=(
        "pip-build-failed",
        "header-missing",
        "system-headers-missing",
    ),
)
