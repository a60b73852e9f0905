"""Conclusions from facts about the machine, used by several causes. They are risks: no build has failed yet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.causes._cmake import asks_for
from coblyn.doctor.finding import Confidence, Evidence, Finding, Fix, Severity
from coblyn.native.facts import is_at_least

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case, Cause
    from coblyn.native.facts import Facts

__all__ = [
    "cuda_driver",
    "cuda_host",
    "deployment_target",
    "is_apple_silicon",
    "no_command_line_tools",
    "no_glslc",
    "no_metal_compiler",
    "translated_python",
]

# Newest gcc that each CUDA version supports: crt/host_config.h of each release ("gcc versions later than N are not
# supported"), the same as the table "Host Compiler Support Policy" of the CUDA Installation Guide for Linux.
_NEWEST_GCC = (
    ("13.0", 15),
    ("12.8", 14),
    ("12.4", 13),
    ("12.0", 12),
    ("11.5", 11),
    ("11.1", 10),
    ("11.0", 9),
    ("10.1", 8),
    ("9.2", 7),
)
# Oldest driver for each major CUDA on Linux: CUDA Compatibility guide, "Minor Version Compatibility".
_OLDEST_DRIVER = (("13.0", "580"), ("12.0", "525"), ("11.0", "450"))
_MIN_MACOS = "10.15"


def is_apple_silicon(facts: Facts) -> bool:
    """Whether the machine is a Mac with Apple silicon, regardless of what Python reports."""
    if facts["os"] != "macos":
        return False
    return facts["arch"] == "arm64" or bool(facts["rosetta"]) or facts["cpu"].startswith("Apple")


def translated_python(cause: Cause, case: Case) -> Finding | None:
    """This Python is an Intel program that runs on Apple silicon."""
    facts = case.machine
    if facts is None or not is_apple_silicon(facts) or facts["arch"] == "arm64":
        return None
    return cause.finding(
        Evidence("this machine", 0, f"{facts['cpu']}, and this Python is {facts['arch']}"),
        story=(
            "This Python is an Intel program that Rosetta translates; what it builds is for Intel too.",
            cause.explanation,
        ),
        severity=Severity.RISK,
    )


def no_command_line_tools(cause: Cause, case: Case) -> Finding | None:
    """A Mac without an SDK."""
    facts = case.machine
    looked = any(fact.name == "sdk" for fact in facts) if facts else False
    if facts is None or facts["os"] != "macos" or not looked or facts["sdk"]:
        return None
    return cause.finding(
        Evidence("this machine", 0, "xcrun finds no SDK of macOS"),
        story=("No compiler can work here: xcrun finds no SDK of macOS.", cause.explanation),
        fix=Fix(command="xcode-select --install", text=cause.fix),
        severity=Severity.RISK,
    )


def no_metal_compiler(cause: Cause, case: Case) -> Finding | None:
    """A tree whose cache requests precompiled shaders, on a Mac that cannot compile them."""
    facts = case.machine
    looked = any(fact.name == "metal.compiler" for fact in facts) if facts else False
    if facts is None or case.tree is None or not looked or facts["metal.compiler"]:
        return None
    for cache in case.tree.caches:
        if cache.is_on("GGML_METAL") and cache["GGML_METAL_EMBED_LIBRARY"].upper() == "OFF":
            return cause.finding(
                Evidence(
                    cache.name,
                    cache.line("GGML_METAL_EMBED_LIBRARY"),
                    "GGML_METAL_EMBED_LIBRARY is off",
                ),
                Evidence("this machine", 0, "xcrun finds no metal"),
                severity=Severity.RISK,
            )
    return None


def deployment_target(cause: Cause, case: Case) -> Finding | None:
    """A deployment target older than the first macOS with C++17's file system library."""
    facts = case.machine
    if facts is None or facts["os"] != "macos":
        return None
    found = [("environment", 0, case.environ.get("MACOSX_DEPLOYMENT_TARGET", ""))]
    for cache in case.tree.caches if case.tree else ():
        name = "CMAKE_OSX_DEPLOYMENT_TARGET"
        found.append((cache.name, cache.line(name), cache[name]))
    for source, line, version in found:
        if re.fullmatch(r"\d+(?:\.\d+)*", version) and not is_at_least(version, _MIN_MACOS):
            return cause.finding(
                Evidence(source, line, f"the deployment target is macOS {version}"),
                story=(
                    (
                        f"The build is for macOS {version} and later; std::filesystem, which llama.cpp uses, is there "
                        f"since {_MIN_MACOS}."
                    ),
                    cause.explanation,
                ),
                severity=Severity.RISK,
            )
    return None


def cuda_host(cause: Cause, case: Case) -> Finding | None:
    """A gcc newer than the installed CUDA supports."""
    facts = case.machine
    if facts is None or not facts["cuda.version"] or not facts["cxx.version"].startswith("gcc "):
        return None
    if any(case.environ.get(name) for name in ("NVCC_CCBIN", "CUDAHOSTCXX")):
        return None
    gcc = int(facts["cxx.version"][4:].partition(".")[0])
    most = next((most for cuda, most in _NEWEST_GCC if is_at_least(facts["cuda.version"], cuda)), 0)
    if not most or gcc <= most:
        return None
    return cause.finding(
        Evidence("this machine", 0, f"CUDA {facts['cuda.version']} and {facts['cxx.version']}"),
        story=(
            f"CUDA {facts['cuda.version']} takes gcc up to {most}, and c++ is gcc {gcc}.",
            cause.explanation,
        ),
        fix=Fix(command=f"export NVCC_CCBIN=g++-{most} CUDAHOSTCXX=g++-{most}", text=cause.fix),
        severity=Severity.RISK if asks_for(case, "CUDA", "CUBLAS") else Severity.NOTE,
    )


def cuda_driver(cause: Cause, case: Case) -> Finding | None:
    """A driver older than the installed CUDA requires."""
    facts = case.machine
    if (
        facts is None
        or facts["os"] != "linux"
        or not facts["cuda.version"]
        or not facts["cuda.driver"]
    ):
        return None
    least = next(
        (least for cuda, least in _OLDEST_DRIVER if is_at_least(facts["cuda.version"], cuda)), ""
    )
    if not least or is_at_least(facts["cuda.driver"], least):
        return None
    return cause.finding(
        Evidence(
            "this machine", 0, f"CUDA {facts['cuda.version']} and driver {facts['cuda.driver']}"
        ),
        story=(
            (
                f"CUDA {facts['cuda.version']} needs driver {least} or later, and this is {facts['cuda.driver']}: the "
                "build passes, and no GPU is found when it runs."
            ),
            cause.explanation,
        ),
        severity=Severity.RISK if asks_for(case, "CUDA", "CUBLAS") else Severity.NOTE,
    )


def no_glslc(cause: Cause, case: Case) -> Finding | None:
    """Vulkan is requested, but there is no shader compiler."""
    facts = case.machine
    looked = any(fact.name == "vulkan.glslc" for fact in facts) if facts else False
    if facts is None or not looked or facts["vulkan.glslc"] or not asks_for(case, "VULKAN"):
        return None
    return cause.finding(
        Evidence("this machine", 0, "no glslc in VULKAN_SDK or PATH"),
        story=("The build asks for Vulkan, and glslc is not there.", cause.explanation),
        confidence=Confidence.MEDIUM,
        severity=Severity.RISK,
    )
