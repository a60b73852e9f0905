"""Raw text becomes facts."""

from __future__ import annotations

import pytest

from coblyn.native import facts

RYZEN = """\
processor\t: 0
model name\t: AMD Ryzen 5
physical id\t: 0
core id\t\t: 0
flags\t\t: fpu vme sse sse2 avx avx2 f16c fma sse4_2 constant_tsc ibpb

processor\t: 1
model name\t: AMD Ryzen 5
physical id\t: 0
core id\t\t: 0
flags\t\t: fpu vme sse sse2 avx

processor\t: 2
physical id\t: 0
core id\t\t: 1
"""
GRAVITON = "processor\t: 0\nFeatures\t: fp asimd evtstrm aes asimddp cpuid sve i8mm bf16\n"
APPLE = """\
hw.optional.arm.FEAT_DotProd: 1
hw.optional.arm.FEAT_I8MM: 1
hw.optional.arm.FEAT_SME: 0
hw.optional.arm.FEAT_BF16: 1
hw.optional.AdvSIMD: 1
hw.optional.floatingpoint: 1
"""


def test_x86_flags() -> None:
    assert facts.cpu_flags(RYZEN) == (
        "avx", "avx2", "f16c", "fma", "fpu", "sse", "sse2", "sse4_2",
    )  # fmt: skip


def test_flags_that_come_with_a_newer_kernel_do_not_count() -> None:
    assert "ibpb" not in facts.cpu_flags(RYZEN)


def test_arm_flags() -> None:
    assert facts.cpu_flags(GRAVITON) == ("aes", "asimd", "asimddp", "bf16", "fp", "i8mm", "sve")


def test_no_flags() -> None:
    assert facts.cpu_flags("processor: 0\n") == ()


def test_apple_features_get_the_names_of_linux() -> None:
    assert facts.arm_mac_features(APPLE) == ("asimd", "asimddp", "bf16", "i8mm")


def test_phrase_names_what_matters_oldest_first() -> None:
    names = facts.accelerated_features(["fma", "avx2", "sse4_2", "fpu", "avx512f"])
    assert names == ("SSE4.2", "FMA", "AVX2", "AVX-512")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("cmake version 3.25.1\n", "3.25.1"),
        ("1.11.1.git.kitware", "1.11.1"),
        ("Cuda compilation tools, release 13.0, V13.0.88", "13.0"),
        ("nothing", ""),
    ],
)
def test_first_version(text: str, version: str) -> None:
    assert facts.first_version(text) == version


@pytest.mark.parametrize(
    ("version", "wanted", "is_enough"),
    [
        ("3.25.1", "3.24", True),
        ("3.9", "3.24", False),
        ("4.0", "3.24", True),
        ("3.24", "3.24", True),
        ("", "3.24", False),
    ],
)
def test_versions_compare_by_number(version: str, wanted: str, is_enough: bool) -> None:
    assert facts.is_at_least(version, wanted) is is_enough


@pytest.mark.parametrize(
    ("version", "name"),
    [(90010, "gfx90a"), (110000, "gfx1100"), (100302, "gfx1032"), (90402, "gfx942"), (0, "")],
)
def test_gfx_target(version: int, name: str) -> None:
    assert facts.gfx_target(version) == name


def test_facts_by_name() -> None:
    known = facts.Facts.of(os="linux", cuda__version="13.0", threads="8")
    assert known["cuda.version"] == "13.0"
    assert known["nothing"] == ""
    assert known.number("threads") == 8
    assert known.number("os", 7) == 7
    newer = known.with_facts([facts.Fact("os", "macos")])
    assert newer["os"] == "macos"
    assert len(list(newer)) == 3


def test_vulkan_version() -> None:
    header = (
        "#define VK_HEADER_VERSION 239\n"
        "#define VK_HEADER_VERSION_COMPLETE VK_MAKE_API_VERSION(0, 1, 3, VK_HEADER_VERSION)\n"
    )
    assert facts.vulkan_version(header) == "1.3.239"
    assert facts.vulkan_version("") == ""
