"""The first real error is found in logs as tools write them."""

from __future__ import annotations

import pytest

from coblyn.native.log import NinjaSteps, first_error, ninja_step

GCC = """\
[1/140] Building CXX object a.o
FAILED: llm/src/llama.o
/usr/bin/g++ -O3 -o llm/src/llama.o -c /src/llama.cpp
In file included from /src/llama.cpp:3:
/src/llama.h:10:5: warning: unused variable 'error: x'
/src/llama.cpp:12:10: fatal error: missing.h: No such file or directory
   12 | #include "missing.h"
      |          ^~~~~~~~~~~
compilation terminated.
[2/140] Building CXX object b.o
ninja: build stopped: subcommand failed.
"""
CMAKE = """\
-- The CXX compiler identification is GNU 12.2.0
CMake Error at ggml/CMakeLists.txt:20 (message):
  Vulkan was not found.

  Install the SDK.
Call Stack (most recent call first):
  CMakeLists.txt:3 (add_subdirectory)


-- Configuring incomplete, errors occurred!
"""
MSVC = """\
[3/140] Building CXX object a.obj
FAILED: a.obj
C:\\src\\llama.cpp(12,3): error C2065: 'x': undeclared identifier
ninja: build stopped: subcommand failed.
"""
NVCC = """\
[3/9] Building CUDA object a.cu.o
/src/mmq.cu(120): error: identifier "foo" is undefined
1 error detected in the compilation of "/src/mmq.cu".
"""
LINKER = """\
[9/9] Linking CXX shared library bin/libllama.so
FAILED: bin/libllama.so
/usr/bin/ld: warning: a.o: missing .note.GNU-stack section
/usr/bin/ld: a.o: in function `f': a.cpp:(.text+0x5): undefined reference to `g'
collect2: error: ld returned 1 exit status
"""
APPLE_LINKER = """\
duplicate symbol '_ggml_backend_free' in:
    a.o
    b.o
ld: 84 duplicate symbols for architecture arm64
"""
KILLED = """\
FAILED: unity_0.o
c++: fatal error: Killed signal terminated program cc1plus
compilation terminated.
"""
DISK = """\
/src/a.cpp:3:1: error: something that follows from it
/tmp/cc1.s: fatal error: error writing to /tmp/cc1.s: No space left on device
"""
NINJA = (
    "ninja: error: '/gone/llama.cpp', needed by 'llama.o', missing and no known rule to make it\n"
)
PROGRAM = """\
[46/463] Generate vulkan shaders for acc.comp
FAILED: ggml-vulkan/acc.comp.cpp
cd /build && vulkan-shaders-gen --glslc /usr/bin/glslc --source acc.comp
cannot compile acc_f32 (exit code 127)

glslc: error while loading shared libraries: libshaderc.so.1: cannot open shared object file
[47/463] Generate vulkan shaders for add.comp
"""
STRANGE = "\n".join(f"line {n}" for n in range(30))


@pytest.mark.parametrize(
    ("log", "kind", "first"),
    [
        (GCC, "compiler", "/src/llama.cpp:12:10: fatal error: missing.h"),
        (CMAKE, "cmake", "CMake Error at ggml/CMakeLists.txt:20"),
        (MSVC, "compiler", "C:\\src\\llama.cpp(12,3): error C2065"),
        (NVCC, "compiler", "/src/mmq.cu(120): error: identifier"),
        (LINKER, "linker", "/usr/bin/ld: a.o: in function `f'"),
        (APPLE_LINKER, "linker", "duplicate symbol '_ggml_backend_free' in:"),
        (KILLED, "memory", "c++: fatal error: Killed signal"),
        (DISK, "disk", "/tmp/cc1.s: fatal error"),
        (NINJA, "ninja", "ninja: error: '/gone/llama.cpp'"),
        (PROGRAM, "ninja", "FAILED: ggml-vulkan/acc.comp.cpp"),
        (STRANGE, "unknown", "line 22"),
    ],
    ids=lambda value: value[:12].strip() if "\n" not in value else "",
)
def test_first_error(log: str, kind: str, first: str) -> None:
    error = first_error(log.splitlines())
    assert error.kind == kind
    assert error.lines[0].startswith(first)


def test_what_belongs_to_the_error_comes_along() -> None:
    assert str(first_error(GCC.splitlines())).splitlines()[1:] == [
        '   12 | #include "missing.h"',
        "      |          ^~~~~~~~~~~",
        "compilation terminated.",
    ]
    assert "  Vulkan was not found." in first_error(CMAKE.splitlines()).lines


def test_an_empty_log_is_no_error_of_ours() -> None:
    assert first_error([]).lines == ()


def test_ninja_step() -> None:
    assert ninja_step("[12/140] Building CXX object a/b.o") == (
        12,
        140,
        "Building CXX object a/b.o",
    )
    assert ninja_step("-- [1/2]") is None


def test_what_a_failing_program_wrote_is_shown_and_its_command_is_not() -> None:
    text = str(first_error(PROGRAM.splitlines()))
    assert "libshaderc.so.1" in text
    assert "vulkan-shaders-gen" not in text


def test_a_ninja_inside_a_step_does_not_count() -> None:
    steps = NinjaSteps()
    lines = ["[0/2] Re-checking", "[1/463] a", "[1/2] inner", "[2/2] inner", "[2/460] b", "noise"]
    assert [steps.take(line) for line in lines] == [
        None, (1, 463, "a"), None, None, (2, 460, "b"), None,
    ]  # fmt: skip
