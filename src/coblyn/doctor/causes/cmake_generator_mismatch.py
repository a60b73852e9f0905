"""A build directory that another generator, platform or toolset configured."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

_AGAIN = "cmake --fresh -B build"

CAUSE = log_cause(
    "cmake-generator-mismatch",
    "The build directory was configured for another generator",
    sign(
        r"Error: generator : (?P<new>[^\n]{1,60}?) Does not match the generator used previously: "
        r"(?P<old>[^\n]{1,60})",
        "The build directory was configured for {old}, and now {new} is asked for.",
        command=_AGAIN,
    ),
    sign(
        r"Error: generator (?P<what>platform|toolset|instance): (?P<new>[^\n]{0,80}?) Does not "
        r"match the (?:platform|"
        r"toolset|instance) used previously: ?(?P<old>[^\n]{0,80})",
        "The build directory was configured for the {what} “{old}”, and now “{new}” is asked for.",
        command=_AGAIN,
    ),
    sign(
        r"Does not match the (?:generator|platform|toolset|instance) used previously",
        command=_AGAIN,
    ),
    looks_like="Error: generator : Ninja  Does not match the generator used previously: Unix "
    "Makefiles",
    explanation="A build directory belongs to one generator. CMake's choice can change by itself when ninja or "
    "Visual Studio is installed or removed, or when CMAKE_GENERATOR is set.",
    fix="Remove the build directory, or name the old generator with -G; cmake --fresh clears the cache from CMake "
    "3.24 on.",
    links=(
        "https://github.com/stevenlovegrove/Pangolin/issues/775",
        "https://github.com/Mesh-LLM/mesh-llm/pull/1846",
        "https://github.com/chronoxor/CppLogging/issues/6",
    ),
)
