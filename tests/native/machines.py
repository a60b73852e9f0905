"""Machines as facts, for tests that must not look at the one they run on."""

from __future__ import annotations

from pathlib import Path

from coblyn.native.facts import Facts
from coblyn.native.source import Source
from coblyn.native.toolchain import Toolchain

_TOOLS = {
    "cmake": "/usr/bin/cmake",
    "cmake__version": "3.31.6",
    "ninja": "/usr/bin/ninja",
    "ninja__version": "1.12.1",
    "memory": "16000000000",
    "threads": "8",
    "cores": "8",
}
_LINUX = _TOOLS | {
    "os": "linux",
    "os__version": "6.8.0",
    "arch": "x86-64",
    "cpu": "AMD Ryzen 7 5800X",
    "cpu__features": "avx avx2 f16c fma sse4_2",
}

LINUX = Facts.of(**_LINUX)
LINUX_ARM = Facts.of(**_LINUX | {"arch": "arm64", "cpu": "0xd40", "cpu__features": "asimd asimddp"})
NVIDIA = Facts.of(
    **_LINUX,
    cuda__compiler="/usr/local/cuda/bin/nvcc",
    cuda__version="12.9",
    cuda__devices="NVIDIA GeForce RTX 3090",
    cuda__capabilities="8.6",
    cuda__driver="575.57",
)
AMD = Facts.of(
    **_LINUX,
    hip__compiler="/opt/rocm/bin/hipconfig",
    hip__version="6.4.1",
    hip__clang="/opt/rocm/llvm/bin/clang++",
    hip__targets="gfx1100",
)
VULKAN = Facts.of(
    **_LINUX,
    vulkan__glslc="/usr/bin/glslc",
    vulkan__glslc__version="2023.8",
    vulkan__header="/usr/include/vulkan/vulkan_core.h",
    **{
        "vulkan__header__version": "1.4.304",
        "vulkan__layer-settings": "yes",
        "vulkan__spirv-headers": "/usr/share/cmake/SPIRV-Headers/SPIRV-HeadersConfig.cmake",
    },
    vulkan__devices="renderD128",
)
_MAC = _TOOLS | {
    "os": "macos",
    "os__version": "15.5",
    "arch": "arm64",
    "cpu": "Apple M3 Pro",
    "cpu__features": "asimd asimddp bf16 i8mm",
    "sdk": "/Library/Developer/CommandLineTools/SDKs/MacOSX.sdk",
    "sdk__version": "15.5",
}
MAC = Facts.of(**_MAC)
INTEL_MAC = Facts.of(
    **_MAC
    | {"arch": "x86-64", "cpu": "Intel(R) Core(TM) i7-9750H", "cpu__features": "avx avx2 f16c fma"}
)
OLD_MAC = Facts.of(**_MAC | {"os__version": "12.7.6", "ccache": "/opt/homebrew/bin/ccache"})
ROSETTA = Facts.of(**_MAC | {"arch": "x86-64", "rosetta": "yes"})
WINDOWS = Facts.of(
    **_TOOLS
    | {
        "os": "windows",
        "arch": "x86-64",
        "cpu": "Intel64 Family 6 Model 151 Stepping 2, GenuineIntel",
        "cmake": "C:/tools/cmake.exe",
        "ninja": "C:/tools/ninja.exe",
    }
)

GCC = Toolchain(
    "gcc",
    ("/usr/bin/gcc",),
    ("/usr/bin/g++",),
    "g++ 13.2.0",
    "x86_64-linux-gnu",
    "gcc identity",
    "the first C++ compiler in PATH",
)
APPLE = Toolchain(
    "apple-clang",
    ("/usr/bin/clang",),
    ("/usr/bin/clang++",),
    "Apple clang version 17.0.0",
    "arm64-apple-darwin24.5.0",
    "apple identity",
    "Apple's compiler of the selected Xcode",
)
MSVC = Toolchain(
    "msvc",
    ("C:/VS/cl.exe",),
    ("C:/VS/cl.exe",),
    "Microsoft (R) C/C++ Optimizing Compiler Version 19.44",
    "",
    "msvc identity",
    "the newest Visual Studio",
    {"INCLUDE": "C:/VS/include", "LIB": "C:/VS/lib", "PATH": "C:/VS/bin"},
)
ZIG = Toolchain(
    "zig",
    ("/env/ziglang/zig", "cc"),
    ("/env/ziglang/zig", "c++"),
    "clang version 20.1.2",
    "x86_64-linux",
    "zig identity",
    "the system has no C++ compiler, so zig from the Python package index serves",
)

PINNED = Source(
    Path("/cache/llama.cpp"),
    "d" * 64,
    True,
    "0.5.0",
    "0c1e57098bba",
    "llama.cpp 0.5.0 (0c1e57098bba)",
)
CUSTOM = Source(
    Path("/src"), "e" * 64, False, "custom", "custom-eeeeeeeeeeee", "/src (not the pinned tree)"
)
