"""Which instruction sets code uses, in code that a compiler made for them."""

from __future__ import annotations

import importlib.util

import pytest

from coblyn.native.binary.instructions import look_at_code
from coblyn.native.binary.read import read

VECTORS = """
typedef float wide __attribute__((vector_size(64)));
#define ADD(n) void add##n(wide *a, wide *b) { *a = *a * *b + *a; }
ADD(0) ADD(1) ADD(2) ADD(3) ADD(4) ADD(5) ADD(6) ADD(7) ADD(8) ADD(9)
"""
x86 = pytest.mark.skipif(
    importlib.util.find_spec("iced_x86") is None, reason="the disassembler exists for x86-64 only"
)


def sets(cross, *flags: str, target: str = "linux", source: str = VECTORS) -> dict[str, int]:
    (binary,) = read(cross.object("it.o", source, target, *flags))
    assert binary.code is not None
    assert binary.code.is_whole
    return {each.name: each.count for each in binary.code.instruction_sets}


@x86
@pytest.mark.parametrize("target", ["linux", "mac-x86-64", "windows"])
def test_x86_code_for_newer_and_newer_cpus(cross, target) -> None:
    assert "avx" not in sets(cross, target=target)
    plain = sets(cross, "-march=haswell", target=target)
    assert plain["avx"] >= 10
    assert plain["fma"] >= 10
    assert "avx512f" not in plain
    assert (
        sets(cross, "-march=skylake_avx512", "-mprefer-vector-width=512", target=target)["avx512f"]
        >= 10
    )


@x86
def test_asking_the_cpu_is_seen(cross) -> None:
    source = (
        'void ask(int *r) { __asm__ volatile("cpuid" : "=a"(r[0]) : "a"(0) : "ebx","ecx","edx"); }'
    )
    (binary,) = read(cross.object("it.o", source))
    assert binary.code is not None
    assert binary.code.asks_cpu


ARM = {
    "asimddp": "udot v0.4s, v1.16b, v2.16b",
    "asimdhp": "fmla v0.8h, v1.8h, v2.8h",
    "i8mm": "smmla v0.4s, v1.16b, v2.16b",
    "bf16": "bfmmla v0.4s, v1.8h, v2.8h",
    "sve": "ptrue p0.s",
    "sme": "smstart sm",
}


@pytest.mark.parametrize("name", ARM)
def test_arm_code(cross, name) -> None:
    source = f'__asm__(".text\\n.arch armv9-a+dotprod+fp16+i8mm+bf16+sve+sme\\n{ARM[name]}\\n");'
    assert sets(cross, target="linux-arm64", source=source) == {name: 1}


def test_plain_arm_code_has_nothing_special(cross) -> None:
    assert sets(cross, target="linux-arm64") == {}
    assert sets(cross, "-mcpu=generic", target="mac-arm64") == {}


def test_only_the_first_part_of_much_code_is_looked_at() -> None:
    code = look_at_code("arm64", [memoryview(bytes(17 * 2**20))])
    assert code is not None
    assert not code.is_whole


def test_other_architectures_are_not_guessed_at() -> None:
    assert look_at_code("riscv", [memoryview(b"\0" * 64)]) is None


@x86
@pytest.mark.parametrize(
    ("code", "text", "sets"),
    [
        ("c4e27b49c0", "tilezero tmm0", ("amx_tile",)),
        ("c4e27849 00", "ldtilecfg [rax]", ("amx_tile",)),
        ("c4e26b5ec1", "tdpbssd tmm0,tmm1,tmm2", ("amx_int8",)),
        ("62f27d4850c1", "vpdpbusd zmm0,zmm0,zmm1", ("avx512_vnni",)),
        ("62f27d2850c1", "vpdpbusd ymm0,ymm0,ymm1", ("avx512_vnni", "avx512vl")),
        ("c4e27d50c1", "vpdpbusd ymm0,ymm0,ymm1", ("avx_vnni",)),
        ("62f17c4858c1", "vaddps zmm0,zmm0,zmm1", ("avx512f",)),
        ("c4e2f5b8c2", "vfmadd231pd ymm0,ymm1,ymm2", ("fma",)),
        ("c4e27d13c1", "vcvtph2ps ymm0,xmm1", ("f16c",)),
        ("c5fdfec1", "vpaddd ymm0,ymm0,ymm1", ("avx2",)),
        ("c5fc58c1", "vaddps ymm0,ymm0,ymm1", ("avx",)),
        ("0f58c1", "addps xmm0,xmm1", ()),
        ("0f0b", "ud2", ()),
        ("06", "", ()),
        ("", "", ()),
        ("c4e2", "", ()),
    ],
)
def test_an_x86_instruction_is_named(code: str, text: str, sets: tuple[str, ...]) -> None:
    from coblyn.native.binary.instructions import instruction_at

    found = instruction_at("x86-64", bytes.fromhex(code).ljust(16, b"\x90")[: 16 * bool(code)])
    assert (found.text, frozenset(found.sets)) == (text, frozenset(sets))
    assert found.sets[:1] == sets[:1]


@pytest.mark.parametrize(
    ("word", "sets"),
    [
        (0x6E829420, ("asimddp",)),
        (0x4E82A420, ("i8mm",)),
        (0x2598E3E0, ("sve",)),
        (0x04A00000, ("sve",)),  # ADD of vectors without a length
        (0x80800000, ("sme",)),
        (0xD65F03C0, ()),  # RET
        (0x00000000, ()),  # UDF
    ],
)
def test_an_arm_instruction_is_named(word: int, sets: tuple[str, ...]) -> None:
    from coblyn.native.binary.instructions import instruction_at

    assert instruction_at("arm64", word.to_bytes(4, "little")).sets == sets
    assert not instruction_at("arm64", b"").text
    assert not instruction_at("riscv64", bytes(16)).text
