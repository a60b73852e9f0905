"""Facts from CMake's caches, used by several causes."""

from __future__ import annotations

import difflib
import os
import posixpath
import re
import shlex
from pathlib import PurePath
from typing import TYPE_CHECKING

from coblyn.doctor.causes._tree import listed, shown
from coblyn.doctor.finding import (
    Confidence,
    Evidence,
    Finding,
    Fix,
    Severity,
    Step,
    StepKind,
)
from coblyn.doctor.tree.files import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coblyn.doctor.cause import Case, Cause
    from coblyn.doctor.tree.cmake import Cache, Script
    from coblyn.doctor.tree.tree import Tree

__all__ = [
    "accelerator_missing",
    "asks_for",
    "cache_gone",
    "cache_moved",
    "entry",
    "folder",
    "fresh",
    "option_unknown",
    "unfinished",
]

_ACCELERATOR = re.compile(
    r"^(?:[A-Z0-9]+_)*(?:CUDA|CUBLAS|METAL|VULKAN|HIP|HIPBLAS|SYCL|OPENCL|CLBLAST|BLAS|OPENBLAS|KOMPUTE|MUSA)$"
)
_OWN_NAMES = re.compile(
    r"^(?:CMAKE_|_?CPACK|FETCHCONTENT_|BUILD_|SKBUILD|PY_|PYTHON|Python)|(?:_ROOT|_DIR|_DIRS|_LIBRARY|_LIBRARIES|_PATH"
    r"|_EXECUTABLE)$"
)
_NAMES = {
    "CMAKE_MAKE_PROGRAM": "the build program",
    "CMAKE_OSX_SYSROOT": "the SDK",
    "CMAKE_TOOLCHAIN_FILE": "the toolchain file",
    "CMAKE_COMMAND": "the CMake that configured it",
    "CMAKE_HOME_DIRECTORY": "the source",
}
# What each accelerator needs from CMake's find modules, according to the CMakeLists.txt of each ggml backend.
_NEEDS = {
    "CUDA": ("CMAKE_CUDA_COMPILER",),
    "CUBLAS": ("CMAKE_CUDA_COMPILER",),
    "VULKAN": ("Vulkan_GLSLC_EXECUTABLE", "Vulkan_LIBRARY", "Vulkan_INCLUDE_DIR"),
    "HIP": ("hip_DIR", "hipblas_DIR", "rocblas_DIR"),
    "HIPBLAS": ("hip_DIR", "hipblas_DIR", "rocblas_DIR"),
    "METAL": ("METAL_FRAMEWORK", "METALKIT_FRAMEWORK", "FOUNDATION_LIBRARY"),
    "OPENCL": ("OpenCL_LIBRARY", "OpenCL_INCLUDE_DIR"),
    "CLBLAST": ("CLBlast_DIR",),
}


def asks_for(case: Case, *words: str) -> bool:
    """Whether a tree's cache or the environment requests an accelerator, such as "CUDA"."""
    given = " ".join(
        case.environ.get(name, "") for name in ("CMAKE_ARGS", "SKBUILD_CMAKE_ARGS")
    ).upper()
    for word in words:
        if re.search(rf"-D\w*_{word}(?::BOOL)?=(?:ON|1|TRUE|YES)\b", given):
            return True
        if any(
            name.endswith(f"_{word}") and value in ("1", "ON")
            for name, value in case.environ.items()
        ):
            return True
        for cache in case.tree.caches if case.tree else ():
            if any(
                _ACCELERATOR.match(name) and name.endswith(word) and cache.is_on(name)
                for name in cache.entries
            ):
                return True
    return False


def cache_moved(cause: Cause, case: Case) -> Finding | None:
    """A cache that was created in another directory, or for a source directory that does not exist."""
    tree = case.tree
    for cache in tree.caches if tree else ():
        assert tree is not None, "it has caches"
        made, home = cache["CMAKE_CACHEFILE_DIR"], cache["CMAKE_HOME_DIRECTORY"]
        if not cache.is_in_place:
            said = f"{folder(cache)} was configured as {shown(made)}, and is {shown(cache.folder)} now."
            name = "CMAKE_CACHEFILE_DIR"
        elif "CMAKE_HOME_DIRECTORY" in cache.gone:
            said = f"{folder(cache)} was configured for {shown(home)}, which no longer exists."
            name = "CMAKE_HOME_DIRECTORY"
        else:
            continue
        return cause.finding(
            entry(cache, name),
            entry(cache, "CMAKE_HOME_DIRECTORY"),
            story=(f"The build fails: {said}", cause.explanation),
            fix=fresh(tree, cache),
        )
    return None


def cache_gone(cause: Cause, case: Case) -> Finding | None:
    """A cache that names a compiler, build program, SDK or toolchain file that does not exist."""
    tree = case.tree
    for cache in tree.caches if tree else ():
        assert tree is not None, "it has caches"
        gone = [name for name in cache.gone if name != "CMAKE_HOME_DIRECTORY"]
        if not gone or not cache.is_in_place:
            continue
        said = [f"{_what(name)} {shown(cache[name])}" for name in gone]
        only_cmake = gone == ["CMAKE_COMMAND"]
        fails = "The next build may fail" if only_cmake else "The build fails"
        are = "that is" if len(said) == 1 else "these are"
        return cause.finding(
            *(entry(cache, name) for name in gone),
            story=(
                f"{fails}: {folder(cache)} was configured with {listed(said)}, and {are} no longer there.",
                cause.explanation,
            ),
            fix=fresh(tree, cache),
            # Ninja and make rerun CMake only if a CMake file changes.
            confidence=Confidence.MEDIUM if only_cmake else Confidence.HIGH,
            severity=Severity.RISK if only_cmake else Severity.FAILURE,
        )
    return None


def option_unknown(cause: Cause, case: Case) -> Finding | None:
    """An option that was passed to CMake but that no file of the project mentions."""
    tree = case.tree
    for cache in tree.caches if tree else ():
        assert tree is not None, "it has caches"
        unknown = list(_unknown(cache, tree.script))
        if not unknown:
            continue
        unknown.sort(key=lambda name: not _ACCELERATOR.match(name))
        name = unknown[0]
        matters = bool(_ACCELERATOR.match(name))
        near = _near(name, cache, tree.script)
        meant = f"; it has {listed(near)}" if near else ""
        return cause.finding(
            *(entry(cache, each) for each in unknown[:4]),
            story=(
                (
                    f"{folder(cache)} was configured with -D{name}={shown(cache[name])}, and no file of the project "
                    f"knows {name}{meant}."
                ),
                cause.explanation,
            ),
            fix=Fix(
                command=f"cmake -B {shlex.quote(folder(cache))} {_instead(cache, name, near[0])}"
                if near
                else "",
                text=f"Use {listed(near)} instead of {name}." if near else cause.fix,
            ),
            confidence=Confidence.HIGH if matters else Confidence.MEDIUM,
            severity=Severity.RISK if matters else Severity.NOTE,
        )
    return None


def _instead(cache: Cache, name: str, near: str) -> str:
    return shlex.join((f"-U{name}", f"-D{near}={shown(cache[name])}"))


def _unknown(cache: Cache, script: Script) -> Iterator[str]:
    if not script.options or not script.is_whole or not cache.is_whole:
        return
    for name, found in cache.entries.items():
        if (
            found.kind == "UNINITIALIZED"
            and name not in script.words
            and not _OWN_NAMES.search(name)
        ):
            yield name


def _near(name: str, cache: Cache, script: Script) -> list[str]:
    declared = set(script.options) | {
        each for each, found in cache.entries.items() if found.kind in ("BOOL", "STRING")
    }
    tail = name.rpartition("_")[2]
    same = sorted(each for each in declared if each.rpartition("_")[2] == tail)
    by_sound = difflib.get_close_matches(name, sorted(declared), n=3, cutoff=0.85)
    return list(dict.fromkeys([*sorted(same, key=len), *by_sound]))[:3]


def accelerator_missing(cause: Cause, case: Case) -> Finding | None:
    """An accelerator that is enabled in a cache, but needs something that CMake did not find."""
    for cache in case.tree.caches if case.tree else ():
        for option in cache.entries:
            if not _ACCELERATOR.match(option) or not cache.is_on(option):
                continue
            needs = _NEEDS.get(option.rpartition("_")[2], ())
            lost = [name for name in needs if cache[name].upper().endswith("NOTFOUND")]
            if lost:
                return _accelerator(cause, cache, option, lost)
    return None


def _accelerator(cause: Cause, cache: Cache, option: str, lost: list[str]) -> Finding:
    return cause.finding(
        *(entry(cache, name) for name in (option, *lost)),
        story=(
            f"{folder(cache)} asks for {option}, and CMake did not find {listed(lost)}.",
            "Configuring fails by it."
            if not cache.is_generated
            else "The build goes on without it, or fails later.",
            cause.explanation,
        ),
        fix=Fix(text=cause.fix),
        confidence=Confidence.HIGH if not cache.is_generated else Confidence.MEDIUM,
        severity=Severity.FAILURE if not cache.is_generated else Severity.RISK,
    )


def unfinished(cause: Cause, case: Case) -> Finding | None:
    """A cache without build files next to it: configuring ended with an error."""
    tree = case.tree
    for cache in tree.caches if tree else ():
        assert tree is not None, "it has caches"
        if (
            cache.is_generated
            or not cache.is_in_place
            or not cache["CMAKE_HOME_DIRECTORY"]
            or cache.gone
        ):
            continue
        error = tree.configure_errors.get(cache.name, "")
        return cause.finding(
            Evidence(shown(cache.name), 0, "no build files beside it"),
            *([Evidence(f"{folder(cache)}/CMakeFiles", 0, printable(error))] if error else []),
            story=(
                f"CMake did not finish with {folder(cache)}: there is a cache, but no build file.",
                cause.explanation,
            ),
            fix=Fix(
                command=f"cmake -B {shlex.quote(folder(cache))}",
                text=cause.fix,
            ),
            confidence=Confidence.MEDIUM,
        )
    return None


def fresh(tree: Tree, cache: Cache, *, keep_generator: bool = True) -> Fix:
    """Configure again from scratch."""
    build = folder(cache)
    source = _source(tree, cache)
    where = f" -S {shlex.quote(source)}" if source else ""
    # The build directory contains only CMake's own files, which CMake must not see again.
    made = [cache.folder / name for name in ("CMakeCache.txt", "CMakeFiles")]
    return Fix(
        command=f"cmake --fresh{where} -B {shlex.quote(build)}{_generator(cache) if keep_generator else ''}",
        text=f"Configure again from scratch: clear CMakeCache.txt and CMakeFiles of {build}, and run CMake with the "
        "options of before.",
        steps=tuple(
            Step(StepKind.CLEAR, path, "was made by CMake for another place or other tools")
            for path in made
            if path.name in tree.files.folders.get(posixpath.dirname(cache.name), ())
        ),
    )


def _generator(cache: Cache) -> str:
    # Without it, CMake takes its default, and what the user types next no longer fits.
    name = cache["CMAKE_GENERATOR"]
    return f" -G {shlex.quote(name)}" if name else ""


def _source(tree: Tree, cache: Cache) -> str:
    """Where the source is now: at the same relative path from the build directory as when that was created."""
    made, home = cache["CMAKE_CACHEFILE_DIR"], cache["CMAKE_HOME_DIRECTORY"]
    if not made or not home or PurePath(made).anchor != PurePath(home).anchor:
        return ""
    far = os.path.relpath(home, made)
    name = posixpath.normpath(
        posixpath.join(posixpath.dirname(cache.name), PurePath(far).as_posix())
    )
    listed_file = posixpath.normpath(posixpath.join(name, "CMakeLists.txt"))
    return name if listed_file in tree.files.entries else ""


def folder(cache: Cache) -> str:
    """The build directory of a cache, in the form shown to the user."""
    return shown(posixpath.dirname(cache.name) or ".")


def _what(name: str) -> str:
    language = name.removeprefix("CMAKE_").removesuffix("_COMPILER").replace("CXX", "C++")
    return _NAMES.get(name) or f"the {language} compiler"


def entry(cache: Cache, name: str) -> Evidence:
    """An entry of a cache as evidence."""
    found = cache.entries.get(name)
    text = f"{name}:{found.kind}={found.value}" if found else f"{name} is not set"
    return Evidence(shown(cache.name), cache.line(name), printable(text))
