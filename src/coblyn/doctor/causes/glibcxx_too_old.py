"""A program meets an older C++ library than the one that it was built with."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

_VERSION = r"version [`']?(?P<version>(?:GLIBCXX|CXXABI)_[\d.]+)'? not found"

CAUSE = log_cause(
    "glibcxx-too-old",
    "An older libstdc++ is found than the one that it was built with",
    sign(
        r"(?P<path>/[^\s:]{0,200}(?:conda|mamba|/envs/|miniforge)[^\s:]{0,200}libstdc\+\+\.so\.6): "
        + _VERSION,
        "{version} is asked for, and conda's {path} is too old for it.",
        command="conda install -c conda-forge libstdcxx-ng",
    ),
    sign(
        r"(?P<path>/[^\s:]{0,300}libstdc\+\+\.so\.6): " + _VERSION,
        "{version} is asked for, and {path} is too old for it.",
        text="Build on this system itself (pip install --no-binary NAME --no-cache-dir NAME), or bring a newer "
        "libstdc++: conda install -c conda-forge libstdcxx-ng in the environment, or a newer distribution.",
    ),
    sign(
        r"(?:ImportError|OSError|RuntimeError|error while loading)[^\n]{0,300}" + _VERSION,
        "{version} is asked for.",
    ),
    sign(_VERSION + r" \(required by (?P<who>[^)\n]{1,300})\)", "{who} asks for {version}."),
    looks_like="libstdc++.so.6: version `GLIBCXX_3.4.30' not found (required by …/libllama.so)",
    explanation="The library was compiled with a newer gcc than the one whose libstdc++ is found first at run time. "
    "conda environments carry their own, which hides the system's.",
    fix="Update libstdc++ in the environment, or let the system's come first: "
    "export LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libstdc++.so.6.",
    links=(
        "https://github.com/LostRuins/koboldcpp/issues/453",
        "https://github.com/oobabooga/textgen/issues/4405",
        "https://github.com/ztxz16/fastllm/issues/301",
        "https://github.com/abetlen/llama-cpp-python/issues/70",
    ),
    explains=(
        "shared-library-missing",
        "llama-library-missing",
        "pip-build-failed",
    ),
)
