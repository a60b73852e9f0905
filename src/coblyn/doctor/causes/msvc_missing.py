"""Windows without the C++ tools of Visual Studio."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "msvc-missing",
    "The C++ build tools of Visual Studio are not installed",
    sign(
        r"'nmake' '-\?' failed with:",
        "CMake found no Visual Studio, fell back to NMake Makefiles, and there is no nmake either.",
        package="msvc",
    ),
    sign(r"could not find any instance of Visual Studio", package="msvc"),
    sign(
        r"could not find specified instance of Visual Studio",
        text="Install the C++ workload of that Visual Studio, or leave the instance to CMake in a fresh build "
        "directory.",
    ),
    sign(r"Microsoft Visual C\+\+ 1\d\.\d(?: or greater)? is required", package="msvc"),
    sign(
        r"Building windows wheels for Python [\d.]+ requires Microsoft Visual Studio",
        "The package's setup tried every generator, and none found a compiler.",
        package="msvc",
    ),
    sign(r"Unable to find vcvarsall\.bat", package="msvc"),
    sign(
        r"vswhere\.exe[^\n]{0,80}(?:not found|No such file)", package="msvc", sure=Confidence.MEDIUM
    ),
    sign(
        r"MSB8020: The build tools for (?P<name>[^\n(]{1,60})\([^\n]{0,80}cannot be found",
        "The project is set up for the tools of {name}, which are not installed.",
        package="msvc",
    ),
    sign(
        r"MSB8036: The Windows SDK version (?P<version>[\d.]+) was not found",
        "The Windows SDK {version} is not installed.",
        package="msvc",
    ),
    sign(
        r"MSB4019: The imported project \"[^\"\n]*Microsoft\.Cpp\.Default\.props\" was not found",
        package="msvc",
    ),
    sign(
        r"does not support platform specification, but platform x64 was specified",
        "A platform was given to a generator other than Visual Studio's, because CMake did not "
        "find Visual Studio.",
        package="msvc",
        sure=Confidence.MEDIUM,
    ),
    looks_like="Running 'nmake' '-?' failed with: no such file or directory; "
    "Microsoft Visual C++ 14.0 or greater is required",
    explanation="Building C and C++ on Windows takes the compiler and the Windows SDK of Visual Studio (2019 or "
    "later) or its Build Tools, with the workload “Desktop development with C++”. Visual Studio Code is another "
    "program and brings none.",
    fix="Install the Build Tools with the C++ workload, then open a new terminal.",
    links=(
        "https://github.com/abetlen/llama-cpp-python/issues/789",
        "https://github.com/abetlen/llama-cpp-python/issues/1664",
        "https://github.com/abetlen/llama-cpp-python/issues/40",
    ),
    explains=(
        "cmake-no-compiler",
        "cmake-no-build-program",
        "pip-build-failed",
    ),
)
