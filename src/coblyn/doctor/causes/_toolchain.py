"""Compares what CMake recorded about machine and tools with the current machine. Values in, findings out."""

from __future__ import annotations

import re
import shlex
from pathlib import PurePath
from typing import TYPE_CHECKING

from coblyn.doctor.causes._cmake import entry, folder, fresh
from coblyn.doctor.causes._environment import family, setting
from coblyn.doctor.causes._machine import is_apple_silicon
from coblyn.doctor.causes._objects import recorded
from coblyn.doctor.causes._tree import shown
from coblyn.doctor.finding import Confidence, Evidence, Finding, Fix, Severity
from coblyn.doctor.tree.environment import program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coblyn.doctor.cause import Case, Cause
    from coblyn.doctor.tree.cmake import Cache
    from coblyn.doctor.tree.configured import Tool, Toolchain
    from coblyn.doctor.tree.tree import Tree
    from coblyn.native.facts import Facts

__all__ = [
    "compiler_changed",
    "environment_ignored",
    "other_machine",
    "processor",
    "same_version",
    "sdk_mismatch",
]

_SYSTEMS = {"linux": "Linux", "macos": "Darwin", "windows": "Windows"}
_PROCESSORS = {
    **dict.fromkeys(("x86_64", "amd64", "x64", "x86-64"), "x86-64"),
    **dict.fromkeys(("aarch64", "arm64", "armv8"), "arm64"),
    **dict.fromkeys(("i386", "i486", "i586", "i686", "x86"), "x86"),
}
_FACTS = {"C": "cc", "CXX": "cxx"}
_VARIABLES = {"C": "CC", "CXX": "CXX"}
_FAMILIES = {"GNU": "gcc", "Clang": "clang", "AppleClang": "clang"}
_SDK_PATH = re.compile(r"/MacOSX(\d+(?:\.\d+)*)\.sdk/?$")


def processor(name: str) -> str:
    """A processor in the naming of `coblyn.native.facts`; empty for one that does not have several names."""
    return _PROCESSORS.get(name.strip().lower(), "")


def same_version(one: str, other: str) -> bool:
    """Whether two versions agree in the parts that both have: "15.0.0.15000309" and "15.0.0" do."""
    first, second = one.split("."), other.split(".")
    size = min(len(first), len(second))
    return first[:size] == second[:size]


def _configured(case: Case) -> Iterator[tuple[Tree, Cache, Toolchain]]:
    tree = case.tree
    for cache in tree.caches if tree else ():
        assert tree is not None, "it has caches"
        # Separate causes cover one that was moved, or whose tools are gone.
        if cache.is_in_place and not cache.gone and cache.is_generated:
            yield tree, cache, tree.toolchains[cache.name]


def other_machine(cause: Cause, case: Case) -> Finding | None:
    """A build directory that was configured on, or for, a machine other than this one."""
    machine = case.machine
    for tree, cache, toolchain in _configured(case) if machine else ():
        assert machine is not None, "looked at above"
        here = "arm64" if is_apple_silicon(machine) else machine["arch"]
        host, system = processor(toolchain.host_processor), toolchain.host_system
        is_other_system = bool(system) and system != _SYSTEMS.get(machine["os"], system)
        if is_other_system or (host and here and host != here):
            was = f"{system} on {toolchain.host_processor}".strip()
            return cause.finding(
                Evidence(shown(toolchain.place), 0, f"was configured under {shown(was)}"),
                Evidence("this machine", 0, f"{machine['os']} on {here}"),
                story=(
                    f"{folder(cache)} was configured under {shown(was)}, and this machine is {here}.",
                    _rosetta(machine, host) or cause.explanation,
                ),
                fix=fresh(tree, cache),
                severity=Severity.RISK,
            )
        wanted = [processor(each) for each in cache["CMAKE_OSX_ARCHITECTURES"].split(";") if each]
        if machine["os"] == "macos" and wanted and here not in wanted and not toolchain.is_cross:
            name = "CMAKE_OSX_ARCHITECTURES"
            return cause.finding(
                entry(cache, name),
                Evidence("this machine", 0, f"is {here}"),
                story=(
                    f"{folder(cache)} builds for {shown(cache[name])}, and this machine is {here}.",
                    (
                        "What it makes runs only under translation here; it cannot be linked with, or loaded by, "
                        "what is built for this machine."
                    ),
                ),
                fix=Fix(
                    command=f"cmake -B {shlex.quote(folder(cache))} -U{name}",
                    text="Unless it is meant: leave CMAKE_OSX_ARCHITECTURES out.",
                ),
                confidence=Confidence.MEDIUM,
                severity=Severity.RISK,
            )
    return None


def _rosetta(machine: Facts, host: str) -> str:
    if machine["os"] != "macos" or host != "x86-64":
        return ""
    return (
        "CMake itself ran as an Intel program, which Rosetta translates silently: what it finds out about the "
        "processor is about Intel. Take a native CMake, Python and terminal."
    )


def compiler_changed(cause: Cause, case: Case) -> Finding | None:
    """A compiler whose version differs from the one that CMake recorded."""
    machine = case.machine
    for tree, cache, toolchain in _configured(case) if machine else ():
        assert machine is not None, "looked at above"
        for language, fact in _FACTS.items():
            tool = toolchain.tool(language)
            now = machine[f"{fact}.version"]
            name, _, version = now.partition(" ")
            if tool is None or not version or not _is_same_program(tool, machine, fact):
                continue
            was = _FAMILIES.get(tool.id)
            if was is None or (was == name and same_version(tool.version, version)):
                continue
            return cause.finding(
                Evidence(shown(tool.place), tool.line, f"{tool.path} was {was} {tool.version}"),
                Evidence("this machine", 0, f"{shown(tool.path)} is {now}"),
                story=(
                    (
                        f"{folder(cache)} was configured with {was} {tool.version} as {shown(tool.path)}, and that is "
                        f"{now} now."
                    ),
                    cause.explanation,
                ),
                fix=fresh(tree, cache),
                confidence=Confidence.HIGH,
                severity=_gravity(was == name, tool.version, version),
            )
    return None


def _gravity(is_same_maker: bool, was: str, now: str) -> Severity:
    """A minor update does not change the header directories."""
    is_small = is_same_maker and was.partition(".")[0] == now.partition(".")[0]
    return Severity.NOTE if is_small else Severity.RISK


def _is_same_program(tool: Tool, machine: Facts, fact: str) -> bool:
    found, real = machine[fact], machine[f"{fact}.real"]
    return bool(tool.path) and (tool.path == found or (bool(real) and tool.real == real))


def environment_ignored(cause: Cause, case: Case) -> Finding | None:
    """Variables that take effect only when a build directory is configured for the first time."""
    for tree, cache, toolchain in _configured(case):
        ignored = [*_ignored_compilers(case, toolchain), *_ignored_generator(case, cache)]
        if ignored:
            names = [name for name, _, _ in ignored]
            return cause.finding(
                *(setting(case, name) for name in names),
                *(seen for _, _, seen in ignored),
                story=(
                    *(f"{name} is set, and {folder(cache)} {said}." for name, said, _ in ignored),
                    cause.explanation,
                ),
                fix=fresh(tree, cache, keep_generator="CMAKE_GENERATOR" not in names),
                severity=Severity.NOTE,
            )
    return None


def _ignored_compilers(case: Case, toolchain: Toolchain) -> Iterator[tuple[str, str, Evidence]]:
    is_mac = case.machine is not None and case.machine["os"] == "macos"
    for language, variable in _VARIABLES.items():
        wanted, tool = program(case.environ, variable), toolchain.tool(language)
        if not wanted or tool is None or toolchain.is_cross:
            continue
        name = family(wanted)
        number = re.search(r"-(\d+)(?:\.exe)?$", PurePath(wanted).name)
        # On macOS, gcc without a version suffix is clang.
        if not name or tool.id not in _FAMILIES or (is_mac and name == "gcc" and not number):
            continue
        other = name != _FAMILIES[tool.id]
        if other or (number and number[1] != tool.version.partition(".")[0]):
            seen = Evidence(shown(tool.place), tool.line, f"{tool.id} {tool.version}")
            yield variable, f"keeps to {shown(tool.path)} ({tool.id} {tool.version})", seen


def _ignored_generator(case: Case, cache: Cache) -> Iterator[tuple[str, str, Evidence]]:
    name = "CMAKE_GENERATOR"
    wanted, have = case.environ.get(name, "").strip(), cache[name]
    if wanted and have and wanted != have:
        yield name, f"keeps to {shown(have)}", entry(cache, name)


def sdk_mismatch(cause: Cause, case: Case) -> Finding | None:
    """Headers, cache, objects and deployment target for different macOS versions."""
    machine = case.machine
    installed = machine["sdk.version"] if machine and machine["os"] == "macos" else ""
    for tree, cache, toolchain in _configured(case):
        for version, seen in _sdks(cache, toolchain):
            if installed and not same_version(version, installed):
                return cause.finding(
                    seen,
                    Evidence("this machine", 0, f"the SDK is {installed}"),
                    story=(
                        f"{folder(cache)} was configured for the SDK of macOS {version}, and xcrun gives {installed}.",
                        cause.explanation,
                    ),
                    fix=fresh(tree, cache),
                    confidence=Confidence.MEDIUM,
                    severity=Severity.RISK,
                )
    return _objects_of_other_systems(cause, case) if case.tree else None


def _sdks(cache: Cache, toolchain: Toolchain) -> Iterator[tuple[str, Evidence]]:
    for tool in toolchain.tools:
        if tool.sdk:
            text = f"the {tool.language} compiler takes headers of MacOSX{tool.sdk}.sdk by itself"
            yield tool.sdk, Evidence(shown(tool.place), 0, text)
    if found := _SDK_PATH.search(cache["CMAKE_OSX_SYSROOT"]):
        yield found[1], entry(cache, "CMAKE_OSX_SYSROOT")


def _objects_of_other_systems(cause: Cause, case: Case) -> Finding | None:
    """Objects for a newer macOS than the build targets, or for different versions in one link."""
    tree = case.tree
    assert tree is not None, "looked at before"
    targets = dict(_targets(case))
    for link in tree.links:
        made = [(each, record.min_os) for each, record, _ in recorded(tree, link) if record.min_os]
        if not made:
            continue
        target = next((each for name, each in targets.items() if _holds(name, link.target)), "")
        newer = [
            (each, least) for each, least in made if target and _numbers(target) < _numbers(least)
        ]
        others = {least for _, least in made}
        if not newer and len(others) < 2:
            continue
        newest, least = max(newer or made, key=lambda one: _numbers(one[1]))
        most = target if newer else min(others, key=_numbers)
        return cause.finding(
            Evidence(shown(newest.object), 0, f"is for macOS {least} and later"),
            story=(
                (
                    f"{shown(newest.object)}, which {shown(link.target)} is linked from, was compiled for macOS "
                    f"{least}, and {'the build is' if newer else 'other objects are'} for macOS {most}."
                ),
                (
                    "The linker says that it was built for a newer macOS than is being linked; the result may call "
                    "what an older system does not have. Objects that are newer than their sources are kept."
                ),
            ),
            fix=Fix(
                command="make clean" if tree.makes else "",
                text="Compile everything again with one deployment target (MACOSX_DEPLOYMENT_TARGET, or "
                "CMAKE_OSX_DEPLOYMENT_TARGET).",
            ),
            confidence=Confidence.MEDIUM,
            severity=Severity.RISK,
        )
    return None


def _targets(case: Case) -> Iterator[tuple[str, str]]:
    """Deployment targets by directory: from caches, or from the environment for everything else."""
    for cache in case.tree.caches if case.tree else ():
        if cache["CMAKE_OSX_DEPLOYMENT_TARGET"]:
            yield cache.name.rpartition("/")[0], cache["CMAKE_OSX_DEPLOYMENT_TARGET"]
    if re.fullmatch(r"\d+(?:\.\d+)*", case.environ.get("MACOSX_DEPLOYMENT_TARGET", "")):
        yield "", case.environ["MACOSX_DEPLOYMENT_TARGET"]


def _holds(directory: str, name: str) -> bool:
    return not directory or name.startswith(f"{directory}/")


def _numbers(version: str) -> tuple[int, ...]:
    parts = [int(part) for part in re.findall(r"\d+", version)[:3]]
    return tuple(parts + [0] * (3 - len(parts)))
