"""Environment variables that affect a build, and the effect of each."""

from __future__ import annotations

import os
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Setting", "missing_paths", "program", "settings"]


@dataclass(frozen=True, slots=True)
class Setting:
    """A variable that is set.

    Attributes:
        name: Its name.
        value: Its value.
        effect: What it changes, as a phrase.
    """

    name: str
    value: str
    effect: str


_EFFECTS: Mapping[str, str] = {
    "CC": "chooses the C compiler",
    "CXX": "chooses the C++ compiler",
    "OBJC": "chooses the Objective-C compiler",
    "CFLAGS": "adds options to every C compilation",
    "CXXFLAGS": "adds options to every C++ compilation",
    "CPPFLAGS": "adds options to every compilation",
    "LDFLAGS": "adds options to every link",
    "ARCHFLAGS": "chooses the processors that Python packages are built for on macOS",
    "CMAKE_ARGS": "adds options to CMake in Python packages",
    "SKBUILD_CMAKE_ARGS": "adds options to CMake in Python packages",
    "CMAKE_GENERATOR": "chooses what CMake generates for",
    "CMAKE_PREFIX_PATH": "makes CMake look for packages there first",
    "CMAKE_TOOLCHAIN_FILE": "makes CMake take its compilers from there",
    "CMAKE_BUILD_PARALLEL_LEVEL": "sets the number of jobs",
    "CMAKE_OSX_ARCHITECTURES": "chooses the processors that CMake builds for on macOS",
    "MACOSX_DEPLOYMENT_TARGET": "sets the oldest macOS that the result runs on",
    "SDKROOT": "chooses the SDK",
    "DEVELOPER_DIR": "chooses the Xcode",
    "MAKEFLAGS": "adds options to every make",
    "MAKEFILES": "makes make read more makefiles first",
    "CPATH": "adds directories of headers",
    "C_INCLUDE_PATH": "adds directories of C headers",
    "CPLUS_INCLUDE_PATH": "adds directories of C++ headers",
    "LIBRARY_PATH": "adds directories of libraries",
    "CONDA_PREFIX": "a conda environment is active: its tools come first",
    "CONDA_BUILD_SYSROOT": "chooses the SDK of conda's compilers",
    "CUDA_HOME": "chooses the CUDA toolkit",
    "CUDA_PATH": "chooses the CUDA toolkit",
    "CUDACXX": "chooses the CUDA compiler",
    "CUDAHOSTCXX": "chooses the compiler that nvcc hands C++ to",
    "NVCC_CCBIN": "chooses the compiler that nvcc hands C++ to",
    "CUDAARCHS": "chooses the GPUs that CUDA code is built for",
    "HIP_PATH": "chooses the HIP toolkit",
    "ROCM_PATH": "chooses the ROCm toolkit",
    "HIPCXX": "chooses the HIP compiler",
    "VULKAN_SDK": "chooses the Vulkan SDK",
    "GGML_METAL_PATH_RESOURCES": "says where Metal's shaders are looked for",
}
_PROGRAMS = ("CC", "CXX", "OBJC", "CUDACXX", "CUDAHOSTCXX", "NVCC_CCBIN", "HIPCXX")
_FOLDERS = (
    *("SDKROOT", "DEVELOPER_DIR", "CUDA_HOME", "CUDA_PATH", "HIP_PATH", "ROCM_PATH", "VULKAN_SDK"),
    *("CONDA_BUILD_SYSROOT", "CMAKE_TOOLCHAIN_FILE"),
)


def settings(environ: Mapping[str, str]) -> Iterator[Setting]:
    """The variables that are set, largest effect first."""
    for name, effect in _EFFECTS.items():
        if environ.get(name, "").strip():
            yield Setting(name, environ[name], effect)


def program(environ: Mapping[str, str], name: str) -> str:
    """The compiler that a variable names, without options and a preceding compiler cache; empty if not set."""
    try:
        words = shlex.split(environ.get(name, ""), posix=os.name != "nt")
    except ValueError:
        words = environ.get(name, "").split()
    rest = [word for word in words if Path(word).stem not in ("ccache", "sccache", "distcc")]
    return rest[0] if rest else ""


def missing_paths(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Variables that name a program that cannot be found, or a directory that does not exist."""
    path = environ.get("PATH")
    programs = [
        name
        for name in _PROGRAMS
        if (found := program(environ, name)) and shutil.which(found, path=path) is None
    ]
    folders = [
        name
        for name in _FOLDERS
        # SDKROOT may also be a name, such as "macosx".
        if Path(environ.get(name) or ".").is_absolute() and not Path(environ[name]).exists()
    ]
    return (*programs, *folders)
