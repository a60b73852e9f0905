"""Python without its headers."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "python-headers-missing",
    "Python's headers are not installed",
    sign(
        r"fatal error: '?Python\.h'?(?:: No such file| file not found)",
        "Python.h is not found.",
        package="python",
    ),
    sign(
        r"C1083: Cannot open include file: ['\"]Python\.h['\"]",
        "Python.h is not found.",
        text="Use Python from python.org: the embeddable one has no headers.",
    ),
    sign(
        r"CMake Error[^\n]{0,300} Could NOT find Python3? \(missing: "
        r"[^)\n]{0,200}(?P<what>Python3?_INCLUDE_DIRS?|Development\S*)",
        "CMake finds Python, but not its headers.",
        package="python",
    ),
    sign(
        r"CMake Error[^\n]{0,300} Could NOT find PythonLibs",
        "CMake finds Python, but not its headers.",
        package="python",
    ),
    sign(
        r"Could NOT find Python3? \(missing: [^)\n]{0,200}(?:Development\.Module|"
        r"INCLUDE_DIRS)[^)\n]{0,80}\)",
        "CMake finds Python, but not its headers.",
        package="python",
        also=r"CMake Error|errors occurred",
    ),
    looks_like="fatal error: Python.h: No such file or directory",
    explanation="A module of Python's is compiled against Python's headers, which distributions put into a package "
    "of their own; it must be of the very version of Python that builds (python3.12-dev for Python 3.12).",
    fix="With a Python from elsewhere, take the package of its version; then configure in a "
    "fresh build directory.",
    links=("https://github.com/abetlen/llama-cpp-python/issues/714",),
    explains=(
        "cmake-package-missing",
        "pip-build-failed",
        "header-missing",
    ),
)
