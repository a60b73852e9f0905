"""Tags of wheels, from values and from real libraries for every system."""

from __future__ import annotations

from pathlib import Path

import pytest

from coblyn.errors import NativeError
from coblyn.native.binary.binary import Binary, Format, Kind
from coblyn.native.binary.read import read
from coblyn.native.platform_tag import platform_tag


def elf(*versions: str, needed: tuple[str, ...] = (), arch: str = "x86-64") -> Binary:
    name = Path("libggml.so")
    return Binary(name, Format.ELF, Kind.LIBRARY, arch, "linux", needed=needed, versions=versions)


@pytest.mark.parametrize(
    ("versions", "tag"),
    [
        ((), "manylinux_2_17_x86_64"),
        (("GLIBC_2.2.5", "GLIBC_2.14"), "manylinux_2_17_x86_64"),
        (("GLIBC_2.34", "GLIBC_2.4"), "manylinux_2_34_x86_64"),
        (("GLIBC_2.38",), "manylinux_2_38_x86_64"),
        (("GLIBC_2.17", "GLIBCXX_3.4.22"), "manylinux_2_24_x86_64"),
        (("GLIBC_2.34", "GLIBCXX_3.4.30"), "manylinux_2_35_x86_64"),
        (("CXXABI_1.3.13", "CXXABI_FLOAT128"), "manylinux_2_34_x86_64"),
        (("GCC_12.0.0",), "manylinux_2_39_x86_64"),
    ],
)
def test_the_newest_symbol_decides(versions: tuple[str, ...], tag: str) -> None:
    assert platform_tag([elf("GLIBC_2.2.5"), elf(*versions)]) == tag


def test_a_runtime_newer_than_all_policies_is_refused() -> None:
    with pytest.raises(NativeError, match=r"GLIBCXX_3\.4\.99"):
        platform_tag([elf("GLIBCXX_3.4.99")])


@pytest.mark.parametrize("library", ["libgomp.so.1", "libopenblas.so.0", "libssl.so.3"])
def test_what_not_every_system_has_is_refused(library: str) -> None:
    with pytest.raises(NativeError, match=f"libggml.so needs {library}"):
        platform_tag([elf(needed=("libc.so.6", library))])


def test_drivers_and_the_engine_itself_are_no_reason_to_refuse() -> None:
    needed = ("libggml.so", "libcuda.so.1", "libvulkan.so.1", "ld-linux-aarch64.so.1")
    assert platform_tag([elf(needed=needed, arch="arm64")]) == "manylinux_2_17_aarch64"


def test_libraries_of_two_systems_make_no_wheel() -> None:
    with pytest.raises(NativeError, match=r"linux arm64, linux x86-64"):
        platform_tag([elf(), elf(arch="arm64")])


CODE = "int one(void) { return 1; }\n"
EXPORTED = "__declspec(dllexport) int one(void) { return 1; }\n"


def test_real_libraries(cross) -> None:
    made = {
        "manylinux_2_17_x86_64": cross.library("liba.so", CODE, "linux"),
        "manylinux_2_17_aarch64": cross.library("libb.so", CODE, "linux-arm64"),
        "macosx_12_0_arm64": cross.library("libc.dylib", CODE, "mac-arm64"),
        "macosx_11_0_x86_64": cross.library("libd.dylib", CODE, "mac-x86-64"),
        "win_amd64": cross.library("e.dll", EXPORTED, "windows"),
    }
    assert {platform_tag(read(path, with_code=False)): path for path in made.values()} == made


def test_a_minor_version_of_macos_is_promised_by_the_next_major_one(cross) -> None:
    path = cross.library("liba.dylib", CODE, "mac-arm64", "-mmacosx-version-min=13.3")
    (library,) = read(path, with_code=False)
    expected = {"13.3": "macosx_14_0_arm64", "12.0": "macosx_12_0_arm64"}
    assert platform_tag([library]) == expected[library.min_os]


def test_a_real_library_of_this_system(cross) -> None:
    """What zig links against an old glibc asks for that one, and not for this machine's."""
    source = cross.folder / "f.c"
    source.write_text("#include <stdlib.h>\nvoid *f(void) { return reallocarray(0, 2, 3); }\n")
    made = cross.folder / "libf.so"
    cross.zig("cc", "-target", "x86_64-linux-gnu.2.28", "-shared", "-fPIC", source, "-o", made)
    (library,) = read(made, with_code=False)
    assert "GLIBC_2.26" in library.versions
    assert platform_tag([library]) == "manylinux_2_26_x86_64"
