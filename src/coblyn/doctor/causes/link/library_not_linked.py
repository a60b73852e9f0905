"""Symbols of a well-known library, with that library not in the link."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._libraries import (
    FILESYSTEM,
    FILESYSTEM_LLVM,
    Library,
    library_of,
)
from coblyn.doctor.causes._package import install
from coblyn.doctor.causes._system import is_by_ndk, system_of
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._undefined import Undefined, undefined
from coblyn.doctor.finding import Confidence, Finding, Fix

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case

__all__ = ["CAUSE"]

_EVIDENCE = 4
_FILESYSTEMS = (FILESYSTEM, FILESYSTEM_LLVM)
_STD = re.compile(r"(?:\w+(?: name)? for )?std::|_ZT?\w?NK?St")
_GO = re.compile(r"pkg[/\\]tool[/\\][^\n]{1,60}link|go-link-\d|_cgo_")
_MINGW = re.compile(r"collect2\.exe|\bld\.exe|w64devkit|mingw32-make|MINGW\d\d_NT")
_NO_PKG_CONFIG = re.compile(
    r"pkg-config: (?:No such file|[Cc]ommand not found|not found)|could not find package 'openblas'"
    r"|Package '?openblas'?,? (?:was )?not found"
)


def _diagnose(case: Case) -> Finding | None:
    found = undefined(case.log) if case.log else ()
    known = [(each, library) for each in found if (library := library_of(each.symbol))]
    if not known or not case.log:
        return None
    library = Counter(library for _, library in known).most_common(1)[0][0]
    if fs := next((its for _, its in known if its in _FILESYSTEMS), None):
        # Any other missing std:: symbols (vtables, templates) belong to that library too.
        library = fs
        known += [
            (each, fs) for each in found if _STD.match(each.symbol) and not library_of(each.symbol)
        ]
    of_it = [each for each, its in known if its == library]
    # If most missing symbols are others, the link lacks more than this library.
    sure = Confidence.HIGH if len(known) > 0.8 * len(found) else Confidence.LOW
    return CAUSE.finding(
        *(each.hit.evidence(case.log.name) for each in of_it[:_EVIDENCE]),
        story=(_story(of_it, library), CAUSE.explanation),
        fix=_fix(case, library),
        confidence=sure,
    )


def _story(found: list[Undefined], library: Library) -> str:
    names = ", ".join(each.symbol for each in found[:3])
    by = f" (asked for by {found[0].by})" if found[0].by else ""
    return (
        f"{names}{' and more' if len(found) > 3 else ''} of {library.name} are not in the link{by}."
    )


def _fix(case: Case, library: Library) -> Fix:
    system, text = system_of(case), case.log.text if case.log else ""
    command, ways = install(library.package, system)
    if library in _FILESYSTEMS:
        return _filesystem(library)
    if library.name == "BLAS" and (known := _blas(text, system)):
        return Fix(command=known[0] or command, text=known[1])
    if "LNK2019" in text or "LNK2001" in text:
        return Fix(text=_with_msvc(library))
    if _GO.search(text):
        say = f'Set CGO_LDFLAGS="$CGO_LDFLAGS {library.flag}" and build again: what a native library needs follows it.'
    elif system == "winget" or _MINGW.search(text):
        flags = re.sub(r"(\w+)\.lib", r"-l\1", library.flag)
        say = (
            f"Add {flags} at the end of the link command (make: LDFLAGS or LDLIBS), and unpack the library for MinGW "
            "into the compiler's own lib and include directories if it is not a part of Windows."
        )
        return Fix(text=say)
    else:
        flag = (library.mac or library.flag) if system == "brew" else library.flag
        say = f"Add {flag} at the end of the link command (make: LDLIBS or LDFLAGS; CMake: target_link_libraries)."
    if is_by_ndk(case):
        say += (
            " The NDK's directories have Android's own libraries only: name one that was built for Android "
            "(-L<directory>)."
        )
        return Fix(text=say)
    if library.package:
        say = f"{say} {ways} If it is installed already, make sure that the linker finds it (-L<directory>)."
    return Fix(command=command, text=" ".join(say.split()))


def _filesystem(library: Library) -> Fix:
    newer = "LLVM 9" if library is FILESYSTEM_LLVM else "GCC 9"
    return Fix(
        command=f"cmake --fresh -B build -DCMAKE_CXX_STANDARD_LIBRARIES={library.flag}",
        text=f"Add {library.flag} at the end of the link command (make: LDLIBS or LDFLAGS), or compile with {newer} or "
        "newer, whose C++ library has std::filesystem in it; and have no older C++ library in the link than the "
        "compiler's own.",
    )


def _blas(text: str, system: str) -> tuple[str, str] | None:
    """Command and text, if the log shows why OpenBLAS is not linked."""
    if system == "termux":
        return (
            "pkg install libopenblas",
            "Then build with CMake: -DGGML_BLAS=ON -DGGML_BLAS_VENDOR=OpenBLAS.",
        )
    if system != "winget" and not _MINGW.search(text) and _NO_PKG_CONFIG.search(text):
        return "", (
            "The makefile asks pkg-config for the flags of OpenBLAS, got no answer, and linked without: install "
            "pkg-config and OpenBLAS's development package, then make clean and build again; or pass them yourself, "
            "LDFLAGS=-lopenblas."
        )
    if system == "winget" or _MINGW.search(text):
        return "", (
            "Unpack OpenBLAS's lib and include directories into those of the compiler (w64devkit), or in MSYS2 install "
            "mingw-w64-ucrt-x86_64-openblas, and pass LDFLAGS=-lopenblas: pkg-config does not know of it there."
        )
    if "-lopenblas" in text or "-lblas" in text or system == "pacman":
        return ("sudo pacman -S cblas" if system == "pacman" else ""), (
            "A BLAS is in the link, and lacks the interface of C (cblas_...): Arch's openblas and the reference "
            "BLAS have it in a library of its own. Add -lcblas behind it, or link an OpenBLAS that has both; and "
            "name it behind the objects that need it."
        )
    return None


def _with_msvc(library: Library) -> str:
    names = re.findall(r"-l(\w[\w+]*)|(\w+\.lib)", library.flag)
    libs = " ".join(whole or f"{short}.lib" for short, whole in names) or library.flag
    ports = {"libcurl": "curl", "OpenSSL": "openssl", "zlib": "zlib", "BLAS": "openblas", "CLBlast": "clblast",
             "zstd": "zstd", "SQLite": "sqlite3", "SDL": "sdl2", "OpenCL": "opencl"}  # fmt: skip
    way = (
        f" vcpkg has it: vcpkg install {ports[library.name]}:x64-windows, and configure in a fresh build directory "
        "with -DCMAKE_TOOLCHAIN_FILE=<vcpkg>/scripts/buildsystems/vcpkg.cmake."
        if library.name in ports
        else ""
    )
    off = " Or leave it out: -DLLAMA_CURL=OFF." if library.name == "libcurl" else ""
    return (
        f"Name the library for Visual Studio in the link: {libs} (CMake: target_link_libraries), of the same "
        f"processor as the build (x64), not one of MinGW (.a).{way}{off}"
    )


CAUSE: Cause = described(__name__, _diagnose)
