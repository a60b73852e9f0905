"""A SYCL build or program outside of oneAPI's environment."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_SOURCE = "source /opt/intel/oneapi/setvars.sh"

CAUSE = log_cause(
    "sycl-environment",
    "Intel's oneAPI is not installed, or its environment not set",
    sign(
        r"\b(?:icpx|icx): (?:command )?not found",
        "The shell finds no icpx.",
        command=_SOURCE,
    ),
    sign(
        r"CMAKE_(?:C|CXX)_COMPILER: (?P<name>icp?x|dpcpp)(?:\.exe)? is not a full path and was "
        r"not found in the PATH",
        "{name}, Intel's compiler, is not on PATH.",
        command=_SOURCE,
    ),
    sign(
        r"(?P<name>[\w.+-]{1,40}): error: unrecognized command[- ]line option "
        r"'(?P<option>-fsycl[^'\n]{0,40})'",
        "{name} was given {option}, which only Intel's compiler knows.",
        command="cmake --fresh -B build -DGGML_SYCL=ON -DCMAKE_C_COMPILER=icx "
        "-DCMAKE_CXX_COMPILER=icpx",
    ),
    sign(r"Not detect ENV \{?ONEAPI_ROOT\}?, please install oneAPI", command=_SOURCE),
    sign(r"SYCL_LIBRARY[-=: ]{1,12}NOTFOUND|SYCL_INCLUDE_DIR[-=: ]{1,12}NOTFOUND", command=_SOURCE),
    sign(
        r'CMake Error[^\n]{0,300}[\s\S]{0,200}provided by "(?P<name>MKL|IntelSYCL|DNNL|oneDNN)"',
        "CMake finds no {name}.",
        command=_SOURCE,
    ),
    sign(
        r"No device of requested type available\. Please check",
        "The program's SYCL runtime finds no Intel GPU.",
        text="Install Intel's compute runtime (intel-opencl-icd, libze1, intel-level-zero-gpu), add yourself to the "
        "group render, and see that sycl-ls lists the GPU; ONEAPI_DEVICE_SELECTOR must not hide it.",
        sure=Confidence.MEDIUM,
    ),
    sign(r"SYCL feature test compile failed", sure=Confidence.MEDIUM, command=_SOURCE),
    sign(
        r"error while loading shared libraries: (?P<name>lib(?:svml|sycl|imf|intlc|irng|mkl_\w+|"
        r"iomp5|ur_loader)\.so[\d.]*)",
        "{name} belongs to oneAPI and is not found.",
        command=_SOURCE,
    ),
    sign(
        r"fatal error: '?(?P<name>sycl/sycl\.hpp|oneapi/mkl\.hpp|CL/sycl\.hpp|"
        r"dpct/\w+\.hpp)'?(?:: No such file| file not found)",
        "{name} of oneAPI is not found.",
        command=_SOURCE,
    ),
    sign(
        r"fatal error: '?(?P<name>sycl/ext/[\w/]{1,100}\.hpp)'?(?:: No such file| file not found)",
        "{name} is a part of oneAPI that the release that compiles does not have: it is too old for this source.",
        command="",
        text="Install the oneAPI release that the project's build guide names, and configure in a fresh directory.",
        sure=Confidence.MEDIUM,
    ),
    looks_like="icpx: command not found; g++: error: unrecognized command-line option '-fsycl'; "
    "libsvml.so: cannot open shared object file",
    explanation="oneAPI keeps its compilers and libraries out of the system's paths; each new "
    "shell has to be told with setvars.",
    fix="Set oneAPI's environment in this shell (on Windows: setvars.bat intel64, in the oneAPI command prompt), "
    "then configure in a fresh build directory.",
    links=(
        "https://github.com/ggml-org/llama.cpp/pull/20706",
        "https://github.com/ggml-org/llama.cpp/issues/12696",
        "https://github.com/ggml-org/llama.cpp/issues/5439",
        "https://github.com/abetlen/llama-cpp-python/issues/1277",
    ),
    explains=(
        "cmake-no-compiler",
        "cmake-compiler-broken",
        "shared-library-missing",
        "pip-build-failed",
        "header-missing",
    ),
)
