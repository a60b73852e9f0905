"""Determines the systems on which libraries can be installed, as the last part of a wheel's name. Pure.

Formats: PEP 600 for manylinux, the packaging user guide's "Platform compatibility tags" for the others.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.errors import NativeError
from coblyn.native.audit.suppliers import Supplier, base_name, supplier

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from coblyn.native.binary.binary import Binary

__all__ = ["platform_tag"]

# The maximum symbol versions of each manylinux policy: glibc, then GLIBCXX, CXXABI and GCC. Of policies that differ in
# glibc only, the first is listed. Source: auditwheel's manylinux-policy.json, the lesser of x86-64 and arm64.
_POLICIES = (
    ((2, 17), {"GLIBCXX": (3, 4, 19), "CXXABI": (1, 3, 7), "GCC": (4, 7, 0)}),
    ((2, 24), {"GLIBCXX": (3, 4, 22), "CXXABI": (1, 3, 10), "GCC": (4, 7, 0)}),
    ((2, 27), {"GLIBCXX": (3, 4, 24), "CXXABI": (1, 3, 11), "GCC": (7, 0, 0)}),
    ((2, 31), {"GLIBCXX": (3, 4, 28), "CXXABI": (1, 3, 12), "GCC": (7, 0, 0)}),
    ((2, 34), {"GLIBCXX": (3, 4, 29), "CXXABI": (1, 3, 13), "GCC": (7, 0, 0)}),
    ((2, 35), {"GLIBCXX": (3, 4, 30), "CXXABI": (1, 3, 13), "GCC": (11, 0)}),
    ((2, 39), {"GLIBCXX": (3, 4, 33), "CXXABI": (1, 3, 15), "GCC": (14, 0, 0)}),
)
_MANYLINUX_LIBRARIES = re.compile(
    r"(?:libc|libm|libdl|librt|libpthread|libutil|libresolv|libmvec|libgcc_s|libstdc\+\+|libatomic)"
    r"\.so\.\d+|ld-linux\S*"
)
"""Libraries that every system of a manylinux policy has, as far as an engine needs them."""
_DRIVERS = {
    # CUDA's runtime and cuBLAS come from NVIDIA's packages, which the wheel depends on.
    "linux": re.compile(r"lib(?:cuda|cudart|cublas|cublasLt|vulkan)\.so\.\d+"),
    "macos": re.compile(r"(?!)"),
    "windows": re.compile(r"(?:nvcuda|vulkan-1)\.dll", re.IGNORECASE),
}

_VERSION = re.compile(r"(GLIBC|GLIBCXX|CXXABI|GCC)_(\d+(?:\.\d+)*)")
_MACHINES = {
    "linux": {"x86-64": "x86_64", "arm64": "aarch64"},
    "macos": {"x86-64": "x86_64", "arm64": "arm64"},
    "windows": {"x86-64": "win_amd64", "arm64": "win_arm64"},
}


def platform_tag(libraries: Sequence[Binary]) -> str:
    """The tag of a wheel that holds these libraries, such as "manylinux_2_35_x86_64" or "win_amd64".

    Args:
        libraries: All of them; they may need each other.

    Raises:
        NativeError: They are for several systems or for one without a tag, or need what such a system may lack.
    """
    kinds = {(each.platform, each.arch) for each in libraries}
    platform, arch = next(iter(kinds)) if len(kinds) == 1 else ("", "")
    machine = _MACHINES.get(platform, {}).get(arch)
    if machine is None:
        what = ", ".join(sorted(f"{system} {arch}" for system, arch in kinds)) or "nothing"
        raise NativeError(
            f"These libraries do not make an engine for one platform: they are for {what}."
        )
    _check_needed(libraries, platform)
    if platform == "linux":
        return f"manylinux_{_joined(_glibc(libraries))}_{machine}"
    if platform == "macos":
        return f"macosx_{_macos(libraries)}_0_{machine}"
    return machine


def _check_needed(libraries: Sequence[Binary], platform: str) -> None:
    ours = {each.path.name for each in libraries} | {each.name for each in libraries}
    for each in libraries:
        for library in each.needed:
            name = base_name(library)
            if name in ours or library in ours or _is_everywhere(library, platform):
                continue
            raise NativeError(
                f"{each.path.name} needs {name}, which not every machine has.",
                hint="Build without it, or put it beside the engine's libraries.",
            )


def _is_everywhere(library: str, platform: str) -> bool:
    name = base_name(library)
    if _DRIVERS[platform].fullmatch(name):
        return True
    if platform == "linux":
        return bool(_MANYLINUX_LIBRARIES.fullmatch(name))
    return supplier(library, platform) is Supplier.SYSTEM


def _glibc(libraries: Iterable[Binary]) -> tuple[int, ...]:
    """The lowest glibc version whose systems provide everything that the libraries require."""
    wanted: dict[str, tuple[int, ...]] = {}
    for name in (version for each in libraries for version in each.versions):
        if found := _VERSION.fullmatch(name):
            numbers = tuple(map(int, found[2].split(".")))
            wanted[found[1]] = max(wanted.get(found[1], ()), numbers)
    glibc = wanted.pop("GLIBC", ())
    for least, allowed in _POLICIES:
        if all(numbers <= allowed[name] for name, numbers in wanted.items()):
            return max(glibc[:2], least)
    newest = ", ".join(f"{name}_{_joined(numbers, '.')}" for name, numbers in wanted.items())
    raise NativeError(
        f"The libraries need a newer C++ runtime than any manylinux policy allows: {newest}.",
        hint="Build on an older system, such as the container manylinux_2_28.",
    )


def _macos(libraries: Iterable[Binary]) -> int:
    """The lowest major version: from 11 on, tags have no minor version, so 13.3 is covered by 14 only."""
    versions = [[int(part) for part in each.min_os.split(".")[:2]] for each in libraries]
    return max(major + bool(minor) for major, minor in (*versions, [11, 0]))


def _joined(numbers: tuple[int, ...], sign: str = "_") -> str:
    return sign.join(map(str, numbers))
