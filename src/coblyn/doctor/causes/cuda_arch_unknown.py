"""The build asks which GPU is there, and gets no answer."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_NAME = "cmake --fresh -B build -DCMAKE_CUDA_ARCHITECTURES=86"
_WHICH = (
    "Name the generation of the GPU that will run it, such as 75 (RTX 20), 86 (RTX 30), 89 (RTX 40) or "
    "120 (RTX 50)."
)

CAUSE = log_cause(
    "cuda-arch-unknown",
    "The build can not tell for which GPU to compile",
    sign(
        r"Unsupported gpu architecture '(?:compute_|sm_)(?P<said>native|)'",
        "nvcc was asked for the generation “{said}”, which is none: it stands for the GPU of this machine, and the "
        "probe for that gave nothing.",
        command=_NAME,
        text=_WHICH,
    ),
    sign(
        r"Unsupported gpu architecture '(?:compute_|sm_)(?P<said>(?!\d+[af]?')[^'\n]{1,120})'",
        "A probe for the GPU failed, and what it wrote, “{said}”, became the generation that nvcc was asked for.",
        command=_NAME,
        text=_WHICH,
    ),
    sign(
        r"nvcc fatal ?: Value '(?P<said>native|any|all|all-major)' is not defined for option "
        r"'(?:gpu-architecture|arch)'",
        "This nvcc does not know -arch={said}: “native” needs CUDA 11.6 or later, and “any” is "
        "no word of nvcc's.",
        command="make clean && make LLAMA_CUBLAS=1 CUDA_DOCKER_ARCH=compute_75",
        text="Name the generation in the words of this build, such as CUDA_DOCKER_ARCH=compute_75 with make or "
        "-DCMAKE_CUDA_ARCHITECTURES=75 with CMake; or install a newer CUDA.",
    ),
    sign(
        r"CMAKE_CUDA_ARCHITECTURES must be (?:non-empty if set|valid if set)",
        command=_NAME,
        text=_WHICH,
        unless=r"CUDA compiler identification is unknown",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r'CUDA_ARCHITECTURES is empty for target "(?P<target>[^"\n]{1,80})"',
        "No GPU generation is set for {target}.",
        command=_NAME,
        text=_WHICH,
        also=r"CMake Error|errors occurred|Generate step failed",
        # A CUDA that CMake can not even ask for its version has another fault, which shows here first.
        unless=r"CUDA compiler identification is unknown",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r'CUDA_ARCHITECTURES is set to "native", but no (?:NVIDIA )?GPU was detected',
        command=_NAME,
        text=_WHICH,
    ),
    sign(
        r"Failed to detect a default CUDA architecture",
        sure=Confidence.MEDIUM,
        command=_NAME,
        text=_WHICH,
    ),
    sign(
        r"'NVCC: I can't determine the CUDA architecture|I ERROR: For CUDA versions < 11\.7 a target CUDA "
        r"architecture must be explicitly provided via environment variable CUDA_DOCKER_ARCH",
        command="make LLAMA_CUBLAS=1 CUDA_DOCKER_ARCH=compute_75",
        text="Name the generation of the GPU with CUDA_DOCKER_ARCH.",
    ),
    sign(
        r"arch_list\[-1\] \+= '\+PTX'",
        "PyTorch was to compile for the GPU of this machine, and finds none (a container build has none).",
        command="export TORCH_CUDA_ARCH_LIST=8.6",
        text=_WHICH.replace(
            "75 (RTX 20), 86 (RTX 30), 89 (RTX 40) or 120 (RTX 50)",
            "7.5 (RTX 20), 8.6 (RTX 30), 8.9 (RTX 40) or 12.0 (RTX 50)",
        ),
    ),
    looks_like="CMAKE_CUDA_ARCHITECTURES must be non-empty if set.; CUDA_ARCHITECTURES is set to "
    '"native", but no GPU was detected.',
    explanation="“native” means the GPU of the machine that builds. In a container build there is none to be seen, "
    "and a CUDA before 11.6 does not know the word.",
    fix="Set CMAKE_CUDA_ARCHITECTURES to the GPU's generation.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/18430",
        "https://github.com/colmap/colmap/issues/1779",
        "https://github.com/abetlen/llama-cpp-python/issues/1227",
        "https://github.com/ggml-org/whisper.cpp/issues/876",
    ),
    explains=(
        "cuda-driver-too-old",
        "cuda-no-device",
        "cmake-compiler-broken",
        "pip-build-failed",
    ),
)
