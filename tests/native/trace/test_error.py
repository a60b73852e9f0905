"""The first real error is found in logs as tools write them."""

from __future__ import annotations

import pytest

from coblyn.native.trace.error import failure, first_error, without_trials

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


def test_what_a_failing_program_wrote_is_shown_and_its_command_is_not() -> None:
    text = str(first_error(PROGRAM.splitlines()))
    assert "libshaderc.so.1" in text
    assert "vulkan-shaders-gen" not in text


@pytest.mark.parametrize(
    "line",
    [
        "make: *** [Makefile:3: x.o] Error 1",
        "gmake[2]: *** [src/build.make:76: x.o] Error 1",
        "mingw32-make.exe: *** [Makefile:10: x] Error 1",
        "make: *** No rule to make target 'x'.  Stop.",
        "FAILED: bin/x",
        "ninja: build stopped: subcommand failed.",
        "ninja: error: loading 'build.ninja': No such file or directory",
        "collect2: error: ld returned 1 exit status",
        "clang: error: linker command failed with exit code 1 (use -v to see invocation)",
        "CMake Error at CMakeLists.txt:3 (project):",
        "CMake Error: Could not create named generator",
        "-- Configuring incomplete, errors occurred!",
        "a.c:1:2: error: x",
        "src/a.cpp:12:10: fatal error: x.h: No such file or directory",
        "C:\\a\\b.cpp(12,3): error C2065: 'x': undeclared identifier",
        "b.cpp(2): fatal error C1083: Cannot open include file: 'x.h'",
        "x.exe : fatal error LNK1120: 1 unresolved externals",
        "nvcc fatal   : Unsupported gpu architecture 'compute_35'",
        "  error: subprocess-exited-with-error",
        "ERROR: Failed building wheel for x",
        "  ERROR: Failed building wheel for x",
        "/usr/bin/ld: cannot find -lx",
        "ld: symbol(s) not found for architecture arm64",
        "ld.lld: error: undefined symbol: x",
        "xcrun: error: invalid active developer path (/x)",
        "Illegal instruction (core dumped)",
        "./x: error while loading shared libraries: libx.so: cannot open shared object file",
        "##[error]Process completed with exit code 2.",
        "Traceback (most recent call last):",
        "configure: error: no acceptable C compiler found in $PATH",
    ],
)
def test_a_failure_is_seen(line: str) -> None:
    assert failure(["cc -c x.c", line, "done"]) == line


@pytest.mark.parametrize(
    "line",
    [
        "checking for error_at_line... no",
        "-- Performing Test HAVE_FMA - Failed",
        "-- Could NOT find OpenMP (missing: OpenMP_C_FOUND)",
        "error.c:12:3: warning: unused variable 'error' [-Wunused-variable]",
        "gcc -Werror -c error.c -o error.o",
        "[2/9] Building C object errors.c.o",
        "0 errors, 3 warnings",
        "Build succeeded. 0 Error(s)",
        "test_fatal_error ... ok",
        "PASS: test-errors",
        "error: XDG_RUNTIME_DIR is invalid or not set in the environment.",
        "make[1]: [Makefile:30: links] Error 1 (ignored)",
        "make: *** [Makefile:30: links] Error 1 (ignored)",
        "conftest.c:12:10: fatal error: execinfo.h: No such file or directory",
        "/usr/bin/ld: warning: a.o: missing .note.GNU-stack section implies executable stack",
        "ld: warning: ignoring duplicate libraries: '-lc++'",
        "Makefile:3: warning: overriding recipe for target 'x'",
        '   12 |     puts("a.c:1:2: error: none");',
        "CMake Warning at CMakeLists.txt:3 (message):",
        "/bin/sh: 1: nvcc: not found",
        "installing error.h to /usr/include",
    ],
)
def test_what_only_looks_like_a_failure_is_none(line: str) -> None:
    assert failure(["cc -c x.c", line, "done"]) is None


TRIALS = """\
configure:3001: checking for execinfo.h
configure:3010: gcc -c conftest.c >&5
conftest.c:9:10: fatal error: execinfo.h: No such file or directory
compilation terminated.
configure: failed program was:
| #include <execinfo.h>
configure:3020: result: no
gcc -c app.c
"""


@pytest.mark.parametrize(
    ("end", "kept"),
    [
        ("make: *** [app] Error 1", [1, 6, 7, 8, 9]),
        ("configure: error: no execinfo.h", list(range(1, 10))),
    ],
    ids=["make failed", "configure failed"],
)
def test_what_configure_tries_counts_where_configure_failed(end: str, kept: list[int]) -> None:
    lines = list(enumerate([*TRIALS.splitlines(), end], 1))
    assert [number for number, _ in without_trials(lines)] == kept
