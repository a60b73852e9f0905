"""An option for the host's compiler that nvcc took for its own."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "nvcc-host-option",
    "An option of the host's compiler was given to nvcc",
    sign(
        r"nvcc fatal ?: Value '(?P<value>-[^'\n]{1,80})' is not defined for option '(?P<option>W?[Ww]error"
        r"|compiler-options"
        r"|Xcompiler|Xlinker|isystem|std|x)'",
        "nvcc's own -{option} takes the next word as its value, and that was {value}, a flag for the host's compiler.",
        text="Give flags of the host's compiler behind -Xcompiler (-Xcompiler=-Werror), in CMake with "
        "$<$<COMPILE_LANGUAGE:CXX>:-Werror>; or take -{option} out of the flags (CXXFLAGS, CUDAFLAGS, "
        "CMAKE_CUDA_FLAGS).",
    ),
    sign(
        r"nvcc fatal ?: Unknown option '(?P<option>-{0,2}(?:W\w[\w=+-]*|f[a-z][\w=-]*|m[a-z][\w=.-]*|pthread"
        r"|pedantic|ggdb|s"
        r"|Ofast|march=\S+))'",
        "{option} is a flag of the host's compiler, which nvcc does not know.",
        text="Give it to nvcc behind -Xcompiler (-Xcompiler={option}), or take it out of the flags of CUDA.",
    ),
    looks_like="nvcc fatal : Value '-Wall' is not defined for option 'Werror'; nvcc fatal : Unknown option '-Wall'",
    explanation="nvcc has options of its own and hands to the host's compiler only what stands behind -Xcompiler. "
    "Flags for all languages (add_compile_options, CXXFLAGS taken over for CUDA) reach it as they are.",
    fix="Put -Xcompiler before each flag that is for the host's compiler.",
    links=(
        "https://github.com/alpaka-group/alpaka/pull/2135",
        "https://github.com/ggml-org/llama.cpp/issues/5542",
    ),
    explains=("warnings-as-errors", "cmake-compiler-broken"),
)
