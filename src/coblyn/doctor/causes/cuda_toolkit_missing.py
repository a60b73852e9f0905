"""A CUDA build without the CUDA toolkit, or with a part of it."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_PATH = (
    "If it is installed already, name its compiler: export CUDACXX=/usr/local/cuda/bin/nvcc, and configure in a "
    "fresh build directory."
)

CAUSE = log_cause(
    "cuda-toolkit-missing",
    "The CUDA toolkit is not installed, or not found",
    sign(
        r"CUDA_HOME environment variable is not set\. Please set it to your CUDA install root",
        "PyTorch looks for nvcc, and there is none on PATH nor in CUDA_HOME.",
        package="cuda",
        text="If it is installed, set CUDA_HOME=/usr/local/cuda. It must be of the version that "
        "PyTorch was built with.",
    ),
    sign(
        r"No such file or directory: '(?P<path>[^'\n]{0,200}nvcc(?:\.exe)?)'",
        "There is no {path}.",
        package="cuda",
        text="If it is installed elsewhere, set CUDA_HOME to it.",
    ),
    sign(
        r"\w{1,60} was requested, but nvcc was not found",
        "The package is compiled with nvcc, and there is none on PATH nor in CUDA_HOME.",
        package="cuda",
        text="In a container take an image whose name has “devel” in it.",
        also=r"Traceback|error:",
    ),
    sign(
        r"Failed to find nvcc", "CMake finds no nvcc, CUDA's compiler.", package="cuda", text=_PATH
    ),
    sign(
        r"cuda_\w{1,20}\.hp?p?\(\d+\): error: identifier \"(?P<name>NV_I[SF]_\w{1,30})\" is undefined"
        r"|fatal error: '?(?P<other>nv/target)'?(?:: No such| file not found)",
        "CUDA's own headers ask for nv/target ({name}{other}), and the part of the toolkit that has it, "
        "CCCL, is not found.",
        text="Install the whole toolkit (apt: cuda-cccl-<version>; conda: cuda-cccl), and add its include/cccl to "
        "the include directories (CUDA 13 keeps it there).",
        sure=Confidence.MEDIUM,
    ),
    sign(r"Specify CUDA_TOOLKIT_ROOT_DIR", package="cuda", text=_PATH),
    sign(
        r"CMake Error at [^\n]{0,300}\(message\): CUDA Toolkit not found",
        package="cuda",
        text=_PATH,
    ),
    sign(
        r"CMake Error at [^\n]{0,300}\(message\): Could not find nvcc(?:, please set "
        r"CUDAToolkit_ROOT)?",
        package="cuda",
        text=_PATH,
    ),
    sign(r"No CMAKE_CUDA_COMPILER could be found", package="cuda", text=_PATH),
    sign(
        r"CMAKE_CUDA_COMPILER not set, after EnableLanguage",
        package="cuda",
        text=_PATH,
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"CMAKE_CUDA_COMPILER: (?P<path>[^\n]{1,200}?) is not a full path",
        "{path} was asked for as CUDA's compiler, and is not there.",
        package="cuda",
        text=_PATH,
    ),
    sign(
        r"Could NOT find CUDAToolkit \(missing: (?P<what>[^)\n]{1,100})\)",
        "Of the toolkit, {what} is missing: a part is installed, and the development files are not.",
        package="cuda",
        text=_PATH,
        also=r"CMake (?:Error|Warning) at",
    ),
    sign(
        r"links to: (?P<target>CUDA::\w+) but the target was not found",
        "The toolkit was found, but not its library {target}.",
        text="Install the toolkit's development libraries (cuda-libraries-dev or the full toolkit), or point "
        "CUDAToolkit_ROOT at a complete one.",
        package="cuda",
    ),
    sign(
        r"(?:make(?:\[\d+\])?|sh|bash|/bin/sh)[^\n]{0,30}: (?:/\S{1,100}/)?nvcc: (?:command not found|not found|No "
        r"such file or directory)",
        "The shell finds no nvcc.",
        # llama.cpp's makefile asks for nvcc's version in builds that do without it, too.
        also=r"\*\*\*|ninja: build stopped|[Ee]rror \d|error: ",
        package="cuda",
        text="If it is installed already, add its directory to PATH: export "
        "PATH=/usr/local/cuda/bin:$PATH.",
    ),
    sign(
        r"fatal error: '?(?P<name>cuda_runtime\.h|cublas_v2\.h|cuda_fp16\.h|cuda\.h)'?(?:: No "
        r"such file| file not found)",
        "{name}, a header of the toolkit, is not found.",
        package="cuda",
    ),
    sign(
        r"cannot find -l(?P<name>cublas|cudart|cublasLt|culibos)\b",
        "The linker finds no lib{name}.",
        text="Add the toolkit's library directory: export LIBRARY_PATH=/usr/local/cuda/lib64:$LIBRARY_PATH; if it "
        "is not there, install the toolkit's development libraries.",
    ),
    looks_like="Failed to find nvcc.; CUDA Toolkit not found; Could NOT find CUDAToolkit",
    explanation="The driver that nvidia-smi belongs to can run CUDA programs, but not build them. The toolkit is a "
    "separate, large package, and its nvcc is often not on PATH (/usr/local/cuda/bin).",
    fix="Install the CUDA toolkit of NVIDIA for this system.",
    links=(
        "https://github.com/abetlen/llama-cpp-python/issues/880",
        "https://github.com/abetlen/llama-cpp-python/issues/2106",
        "https://github.com/ggml-org/llama.cpp/issues/3459",
        "https://github.com/Dao-AILab/flash-attention/issues/447",
    ),
    explains=(
        "cmake-package-missing",
        "cmake-no-compiler",
        "backend-not-found",
        "pip-build-failed",
        "header-missing",
        "tool-missing",
    ),
)
