"""A build directory whose compiler was updated or replaced after it was configured."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._toolchain import compiler_changed

CAUSE: Cause = Cause(
    id="cmake-compiler-changed",
    title="The compiler is another one than CMake looked at",
    looks_like="No rule to make target '/usr/include/c++/7.1.1/cctype'; 'stdlib.h' file not found (include_next) "
    "after an update of Xcode or of the compiler.",
    needs="CMake's word on a compiler (CMakeCXXCompiler.cmake), and another version of that compiler on this "
    "machine.",
    explanation="CMake asks a compiler once for its version, its own directories of headers and libraries, and what "
    "it can do. After an update these are of the old one: directories that are gone, headers in a wrong order, "
    "checks that do not hold any more, and objects of two compilers.",
    fix="Configure again from nothing: cmake --fresh, or remove the build directory.",
    links=(
        "https://github.com/OrcaSlicer/OrcaSlicer/pull/13996",
        "https://github.com/ufz/ogs/issues/1947",
        "https://github.com/sakra/cotire/issues/97",
    ),
    diagnose=lambda case: compiler_changed(CAUSE, case),
)
