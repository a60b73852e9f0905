"""A header that Metal's shaders include, missing when they are compiled at the start."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "metal-common-header",
    "Metal's shaders include ggml-common.h, which is not there",
    sign(
        r"program_source:\d+:\d+: (?:fatal )?error: '(?P<name>ggml-common\.h|"
        r"ggml-metal-impl\.h)' file not found",
        "The shaders were found and compiled at the program's start, but {name} is not beside them.",
        command="CMAKE_ARGS='-DGGML_METAL=ON -DGGML_METAL_EMBED_LIBRARY=ON' pip install --force-reinstall "
        "--no-cache-dir --no-binary llama-cpp-python --no-deps llama-cpp-python",
    ),
    looks_like="program_source:3:10: fatal error: 'ggml-common.h' file not found",
    explanation="The shaders are compiled when the program starts, from text, and that text includes a header. "
    "Metal's compiler finds no header there; the embedded library has it merged in.",
    fix="Build with -DGGML_METAL_EMBED_LIBRARY=ON, which is the default of newer releases.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/6015",
        "https://github.com/ggml-org/llama.cpp/issues/5977",
        "https://github.com/abetlen/llama-cpp-python/issues/1285",
    ),
    explains=("metal-shader-broken",),
)
