"""Chooses the C and C++ compilers, and records the reason and the compilers' identity.

Order: CC and CXX, then the system's own, then zig from the Python package index. Does not know
    backends.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from coblyn.errors import ToolchainMissing
from coblyn.native.msvc import visual_studio_environment
from coblyn.native.probe import MAC_TOOLS, Prober

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coblyn.native.facts import Facts

__all__ = ["Toolchain", "archiver_args", "choose_toolchain"]

_INSTALL = {
    "macos": "Install Apple's command line tools: xcode-select --install",
    "windows": "Install Visual Studio's C++ build tools: "
    "winget install Microsoft.VisualStudio.2022.BuildTools",
    "linux": "Install a compiler: apt install g++, dnf install gcc-c++, pacman -S gcc or "
    "apk add g++",
}


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A pair of compilers.

    Attributes:
        family: "gcc", "clang", "apple-clang", "msvc" or "zig".
        cc: C compiler: full path, then fixed arguments.
        cxx: C++ compiler: full path, then fixed arguments.
        version: First line of its version output.
        target: Its target, in its own words.
        identity: Changes whenever the compiler does; part of the bundle's hash.
        reason: Why it was chosen.
        env: Variables that it needs.
    """

    family: str
    cc: tuple[str, ...]
    cxx: tuple[str, ...]
    version: str
    target: str
    identity: str
    reason: str
    env: dict[str, str] = field(default_factory=dict)


def choose_toolchain(
    facts: Facts, prober: Prober, environ: Mapping[str, str] = os.environ
) -> Toolchain:
    """Choose the compilers.

    Raises:
        ToolchainMissing: There is none, or CC or CXX name one that does not work.
    """
    if environ.get("CC") or environ.get("CXX"):
        return _from_environment(prober, environ)
    found = _visual_studio(facts, prober, environ) if facts["os"] == "windows" else None
    if found:
        return found
    for cc, cxx, reason in _system_candidates(facts, prober):
        found = _examine((cc,), (cxx,), reason, prober)
        if found:
            return found
    zig = _zig()
    if zig:
        reason = "the system has no C++ compiler, so zig from the Python package index serves"
        found = _examine((zig, "cc"), (zig, "c++"), reason, prober)
        if found:
            return found
    install = _INSTALL.get(facts["os"], _INSTALL["linux"])
    raise ToolchainMissing(
        "There is no C++ compiler on this machine (looked for CC and CXX, the system's own, and "
        "the Python package ziglang).",
        hint=f"{install}. Or take one from the Python package index: pip install 'coblyn[zig]'",
    )


def archiver_args(toolchain: Toolchain, work: Path) -> tuple[str, ...]:
    """Arguments that name zig's archiver to CMake, as small programs made in ``work``.

    Other toolchains need none. CMake takes an archiver without arguments only, and a machine
    without a compiler seldom has one.
    """
    if toolchain.family != "zig":
        return ()
    args = []
    for tool in ("ar", "ranlib"):
        if os.name == "nt":
            path = work / f"{tool}.bat"
            path.write_text(f'@"{toolchain.cc[0]}" {tool} %*\n', "utf-8")
        else:
            path = work / tool
            path.write_text(
                f'#!/bin/sh\nexec {shlex.quote(toolchain.cc[0])} {tool} "$@"\n', "utf-8"
            )
            path.chmod(0o755)
        args.append(f"-DCMAKE_{tool.upper()}={path.as_posix()}")
    return tuple(args)


def _from_environment(prober: Prober, environ: Mapping[str, str]) -> Toolchain:
    cc_text, cxx_text = environ.get("CC", ""), environ.get("CXX", "")
    cc, cxx = _command(cc_text), _command(cxx_text)
    if not cc_text:
        cc = _partner(cxx, {"g++": "gcc", "clang++": "clang", "c++": "cc"})
    if not cxx_text:
        cxx = _partner(cc, {"gcc": "g++", "clang": "clang++", "cc": "c++"})
    named = " and ".join(f"{name}={environ[name]}" for name in ("CC", "CXX") if environ.get(name))
    found = _examine(cc, cxx, f"the environment says {named}", prober) if cc and cxx else None
    if found is None:
        raise ToolchainMissing(
            f"The environment says {named}, but that is not a compiler that can be run.",
            hint="Set CC and CXX to a C and a C++ compiler, or unset both to use the system's own.",
        )
    return found


def _command(text: str) -> tuple[str, ...]:
    """A program's full path and its arguments; spaces separate arguments, except in the path of an existing file."""
    parts = (text,) if Path(text).is_file() else tuple(shlex.split(text, posix=os.name == "posix"))
    program = shutil.which(parts[0]) if parts else None
    return (program, *parts[1:]) if program else ()


def _partner(compiler: tuple[str, ...], names: Mapping[str, str]) -> tuple[str, ...]:
    """The C compiler that matches a C++ compiler, or vice versa: gcc-13 and g++-13."""
    path = Path(compiler[0]) if compiler else Path()
    for one, other in names.items():
        if path.name == one or path.name.startswith(f"{one}-"):
            name = other + path.name.removeprefix(one)
            places = (str(path.with_name(name)), name, other)
            found = next(filter(None, map(shutil.which, places)), "")
            return (found, *compiler[1:]) if found else ()
    return compiler


def _system_candidates(facts: Facts, prober: Prober) -> list[tuple[str, str, str]]:
    if facts["os"] == "macos":
        # Apple's own by its full path: a package manager's compiler that comes first in PATH may
        # not know the SDK, and /usr/bin/clang only forwards to whichever Xcode is selected.
        pair = [
            prober.ask(["/usr/bin/xcrun", "--find", name], watch=MAC_TOOLS).strip()
            for name in ("clang", "clang++")
        ]
        return [(pair[0], pair[1], "Apple's compiler of the selected Xcode")] if all(pair) else []
    names = [("gcc", "g++"), ("clang", "clang++"), ("cc", "c++")]
    if facts["os"] == "windows":
        names = [("clang", "clang++"), ("gcc", "g++")]
    located = [(shutil.which(cc), shutil.which(cxx)) for cc, cxx in names]
    return [(cc, cxx, "the first C++ compiler in PATH") for cc, cxx in located if cc and cxx]


def _visual_studio(facts: Facts, prober: Prober, environ: Mapping[str, str]) -> Toolchain | None:
    """Microsoft's compiler: from PATH in a developer's prompt, else from its installation directory."""
    here = shutil.which("cl")
    if here:
        return _examine((here,), (here,), "cl is in PATH", prober)
    env = visual_studio_environment(prober, facts["arch"], environ)
    cl = shutil.which("cl", path=env["PATH"]) if "PATH" in env else None
    found = _examine((cl,), (cl,), "the newest Visual Studio", prober) if cl else None
    return replace(found, env=env) if found else None


def _examine(
    cc: tuple[str, ...], cxx: tuple[str, ...], reason: str, prober: Prober
) -> Toolchain | None:
    """Determine the identity of a pair; None if one of the two does not respond."""
    texts = [prober.ask([*compiler, *_version_flag(compiler)]).strip() for compiler in (cc, cxx)]
    if not all(texts):
        return None
    target = prober.ask([*cxx, "-dumpmachine"]).strip() if not _is_msvc(cxx) else ""
    version = texts[1].splitlines()[0]
    # Zig includes the kernel's release in its target, which changes without any effect on the code.
    identity = re.sub(r"linux\d[\d.]*", "linux", "\n".join([*cc, *cxx, *texts, target]))
    return Toolchain(_family(cxx, texts[1]), cc, cxx, version, target, identity, reason)


def _version_flag(compiler: tuple[str, ...]) -> tuple[str, ...]:
    # Microsoft's compiler prints its name when started without arguments, and fails at any such flag.
    return () if _is_msvc(compiler) else ("--version",)


def _is_msvc(compiler: tuple[str, ...]) -> bool:
    return Path(compiler[0]).stem.lower() == "cl"


def _family(cxx: tuple[str, ...], text: str) -> str:
    if _is_msvc(cxx):
        return "msvc"
    if Path(cxx[0]).stem == "zig" or "ziglang" in cxx:
        return "zig"
    if "Apple" in text:
        return "apple-clang"
    return "clang" if "clang" in text else "gcc"


def _zig() -> str:
    spec = importlib.util.find_spec("ziglang")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    return (shutil.which("zig", path=str(folder)) or "") if folder else ""
