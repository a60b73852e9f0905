"""Products with tiles (AMX), on machines that have none: under emulation, and what compilers make of the real code."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from coblyn.native.binary.read import read
from coblyn.native.prepare import shim_dir
from native.kernels.test_emulated import AVX2, COMMON, SIMDE
from native.kernels.test_products import num_checks, run

pytestmark = [
    pytest.mark.native,
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform != "linux" or platform.machine() != "x86_64",
        reason="the assembly of x86-64 on Linux",
    ),
]

SOURCES = Path(__file__).parent
# As in the kernels' CMakeLists.txt.
AVX512 = (*AVX2, "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx512vnni")
AMX = (*AVX512, "-mamx-tile", "-mamx-int8")

NUM_TYPES = 13
"""Of weights that are multiplied as bytes."""

FILLED = """
#define COBLYN_ISA here
#include "tiles.h"

void fill(const uint8_t * rows) {
    coblyn::kernels::here::TileShapes shapes{};
    shapes.palette = 1;
    for (int tile = 0; tile < 8; ++tile) {
        shapes.rows[tile]      = rows[tile];
        shapes.row_bytes[tile] = 64;
    }
    coblyn::kernels::here::load_shapes(shapes);
}
"""


def compile_to(target: Path, compiler: str, *arguments: str | Path) -> Path:
    command = [compiler, *COMMON, "-I", shim_dir() / "kernels", *arguments, "-c"]
    subprocess.run([*command, "-o", target], check=True)
    return target


@pytest.mark.skipif(not SIMDE.exists() or not shutil.which("g++"), reason="needs SIMDe and g++")
def test_tiles_give_the_portable_codes_numbers(tmp_path: Path) -> None:
    kernels = shim_dir() / "kernels"
    emulated = [f"-include{SOURCES / name}.h" for name in ("emulated_tiles", "emulated")]
    tiles = kernels / "amx_int8.cpp"
    objects = [
        compile_to(tmp_path / "tiles.o", "g++", "-O1", *AVX2, *emulated, tiles),
        compile_to(tmp_path / "portable.o", "g++", kernels / "portable.cpp"),
        compile_to(tmp_path / "main.o", "g++", SOURCES / "tiles.cpp"),
    ]
    subprocess.run(["g++", *objects, "-o", tmp_path / "program"], check=True)
    assert num_checks(run(tmp_path / "program")) > 1000


def needs(compiler: str) -> None:
    if not shutil.which(compiler):
        pytest.skip(f"needs {compiler}")
    probe = [compiler, *AMX, "-fsyntax-only", "-xc++", "/dev/null"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip(f"this {compiler} knows no AMX")


def instructions(path: Path) -> list[Any]:
    """Of all code of an object, in order."""
    iced = pytest.importorskip("iced_x86")
    lief = pytest.importorskip("lief")
    elf = lief.ELF.parse(str(path))
    code = b"".join(bytes(part.content) for part in elf.sections if part.name.startswith(".text"))
    return list(iced.Decoder(64, code))


def mnemonics(found: list[Any]) -> list[str]:
    return [str(each).partition(" ")[0] for each in found]


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_a_configuration_is_stored_before_it_is_loaded(tmp_path: Path, compiler: str) -> None:
    needs(compiler)
    iced = pytest.importorskip("iced_x86")
    (tmp_path / "filled.cpp").write_text(FILLED)
    made = compile_to(tmp_path / "filled.o", compiler, *AMX, tmp_path / "filled.cpp")
    found = instructions(made)
    at = mnemonics(found).index("ldtilecfg")
    operand = found[at]
    assert iced.MemorySizeExt.size(operand.memory_size) == 64
    stored: set[int] = set()
    for each in found[:at]:
        to_memory = each.op_count and each.op0_kind == iced.OpKind.MEMORY
        if to_memory and each.memory_base == operand.memory_base:
            first = (each.memory_displacement - operand.memory_displacement) & 0xFFFFFFFFFFFFFFFF
            stored |= set(range(first, first + iced.MemorySizeExt.size(each.memory_size)))
    # GCC 12's own intrinsic leaves the first eight of them.
    assert stored >= set(range(64))


def test_the_real_code_has_the_instructions_and_puts_back_what_it_found(tmp_path: Path) -> None:
    needs("g++")
    made = compile_to(
        tmp_path / "amx.o", "g++", "-O1", *AMX, shim_dir() / "kernels" / "amx_int8.cpp"
    )
    (binary,) = read(made)
    assert binary.code
    assert {"amx_tile", "amx_int8"} <= {each.name for each in binary.code.instruction_sets}
    found = mnemonics(instructions(made))
    assert found.count("sttilecfg") == NUM_TYPES
    assert found.count("ldtilecfg") == 2 * NUM_TYPES
    assert {"tilezero", "tileloadd", "tilestored", "tdpbssd", "tilerelease"} <= set(found)
