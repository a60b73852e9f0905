"""A llama.cpp tree and a shim with the shape of the real ones, which build in a second."""

from __future__ import annotations

import stat
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LIBRARIES = ("ggml-base", "ggml-cpu", "ggml-rpc", "ggml", "llama", "mtmd")

LLAMA_CMAKE = """\
cmake_minimum_required(VERSION 3.24)
project(tiny CXX)
add_library(ggml-base SHARED src/base.cpp)
foreach(name ggml-rpc ggml llama mtmd)
  add_library(${name} SHARED src/other.cpp)
  target_link_libraries(${name} PUBLIC ggml-base)
endforeach()
set(cpus ggml-cpu)
if(GGML_CPU_ALL_VARIANTS)
  set(cpus ggml-cpu-x64 ggml-cpu-haswell ggml-cpu-zen4)
endif()
foreach(name ${cpus})
  add_library(${name} SHARED src/cpu.cpp)
  target_link_libraries(${name} PUBLIC ggml-base)
endforeach()
add_dependencies(ggml ${cpus} ggml-rpc)
"""
SHIM_CMAKE = """\
cmake_minimum_required(VERSION 3.24)
project(tiny_shim CXX)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_WINDOWS_EXPORT_ALL_SYMBOLS ON)
add_subdirectory("${COBLYN_LLAMA_DIR}" llm EXCLUDE_FROM_ALL)
foreach(name coblyn_shim coblyn_kernels)
  add_library(${name} SHARED abi.cpp)
  target_link_libraries(${name} PRIVATE llama)
endforeach()
if(TARGET ggml-cpu)
  string(MAKE_C_IDENTIFIER "${COBLYN_LEFT_OUT_FLAGS}" flags)
  target_compile_definitions(ggml-cpu PRIVATE "FLAGS=\\"flags: ${flags}\\"")
endif()
"""


def make_llama(root: Path) -> Path:
    (root / "include").mkdir(parents=True)
    (root / "src").mkdir()
    (root / "include" / "llama.h").write_text("#pragma once\n")
    (root / "CMakeLists.txt").write_text(LLAMA_CMAKE)
    (root / "src" / "base.cpp").write_text("int base() { return 1; }\n")
    (root / "src" / "cpu.cpp").write_text(
        '#ifndef FLAGS\n#define FLAGS ""\n#endif\n'
        'extern "C" const char * cpu_flags() { return FLAGS; }\n'
    )
    (root / "src" / "other.cpp").write_text("int base();\nint other() { return base() + 1; }\n")
    return root


def make_shim(root: Path) -> Path:
    root.mkdir(parents=True)
    (root / "CMakeLists.txt").write_text(SHIM_CMAKE)
    (root / "abi.cpp").write_text(
        'int other();\nextern "C" int coblyn_tiny() { return other(); }\n'
    )
    return root


def wrap_compiler(path: Path, real: str, log: Path, *, before: str = "") -> Path:
    """A compiler that writes a line for every start, and then does its work (POSIX)."""
    assert sys.platform != "win32"
    path.write_text(f'#!/bin/sh\necho "$@" >> "{log}"\n{before}\nexec {real} "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path
