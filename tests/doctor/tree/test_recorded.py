"""What objects record, with the compilers that are here."""

from __future__ import annotations

import importlib.util
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from coblyn.doctor.tree.options import differences, macros, telling
from coblyn.doctor.tree.recorded import Record, read_record
from doctor.tree.trees import posix, write

linux = pytest.mark.skipif(sys.platform != "linux", reason="ELF objects")
needs_gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")
needs_clang = pytest.mark.skipif(not shutil.which("clang"), reason="needs clang")
needs_zig = pytest.mark.skipif(not importlib.util.find_spec("ziglang"), reason="needs ziglang")


def compiled(root: Path, *argv: str, name: str = "a.c") -> Path:
    write(root, {name: "int f(void) { return 1; }\n"})
    subprocess.run([*argv, "-c", name, "-o", "a.o"], cwd=root, check=True, capture_output=True)
    return root / "a.o"


def record(root: Path, *argv: str, name: str = "a.c") -> Record:
    found = read_record(compiled(root, *argv, name=name))
    assert found
    return found


@linux
class TestElf:
    """Objects for Linux."""

    @needs_gcc
    def test_gcc(self, tmp_path: Path) -> None:
        version = subprocess.run(
            ["gcc", "-dumpfullversion"], check=True, capture_output=True, text=True
        ).stdout.strip()
        plain = record(tmp_path, "gcc", "-O2")
        assert plain == Record(compiler=f"gcc {version}")
        assert record(tmp_path, "gcc", "-O2", "-fno-ident") == Record()

    @needs_gcc
    @pytest.mark.parametrize("debug", ["-g", "-gdwarf-4", "-frecord-gcc-switches"])
    @pytest.mark.parametrize(("program", "name"), [("gcc", "a.c"), ("g++", "a.cpp")])
    def test_options_of_gcc(self, debug: str, program: str, name: str, tmp_path: Path) -> None:
        if not shutil.which(program):
            pytest.skip(f"needs {program}")
        found = record(tmp_path, program, debug, "-O3", "-fopenmp", "-DX=1", name=name)
        assert {"-O3", "-fopenmp"} <= set(found.options)
        assert not found.has_macros

    @needs_gcc
    def test_what_is_compressed_is_unknown(self, tmp_path: Path) -> None:
        assert record(tmp_path, "gcc", "-g", "-gz").options == ()

    @needs_gcc
    def test_intermediate_code(self, tmp_path: Path) -> None:
        assert record(tmp_path, "gcc", "-O2", "-flto").has_lto
        assert not record(tmp_path, "gcc", "-O2").has_lto

    @needs_gcc
    def test_many_sections(self, tmp_path: Path) -> None:
        text = "".join(f"int f{n}(void) {{ return {n}; }}\n" for n in range(3000))
        write(tmp_path, {"b.c": text})
        argv = ["gcc", "-g", "-O1", "-ffunction-sections", "-c", "b.c", "-o", "b.o"]
        subprocess.run(argv, cwd=tmp_path, check=True)
        found = read_record(tmp_path / "b.o")
        assert found
        assert "-O1" in found.options

    @needs_clang
    def test_clang(self, tmp_path: Path) -> None:
        found = record(tmp_path, "clang", "-g", "-O2", "-frecord-command-line", "-DX=1", "-DY=a b")
        assert found.compiler.startswith("clang ")
        assert found.has_macros
        assert "-O2" in found.options
        assert macros(found.options) == {"X=1", "Y=a b"}
        assert record(tmp_path, "clang", "-g", "-O2").options == ()


@needs_zig
def test_macho(tmp_path: Path) -> None:
    argv = (sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-macos.13.3")
    assert record(tmp_path, *argv).min_os == "13.3"


def version_object(command: int, *numbers: int) -> bytes:
    body = struct.pack(f"<{len(numbers) + 2}I", command, 8 + 4 * len(numbers), *numbers)
    return struct.pack("<8I", 0xFEEDFACF, 0x0100000C, 0, 1, 1, len(body), 0, 0) + body


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (
            version_object(0x32, 1, 0x000D0300, 0x000E0200, 0),
            Record(min_os="13.3", sdk="14.2"),
        ),
        (version_object(0x24, 0x000A0F07, 0x000B0000), Record(min_os="10.15.7", sdk="11.0")),
        (version_object(0x32, 2, 0x000D0300, 0x000E0200, 0), None),
        (version_object(0x32, 1), None),
        (version_object(0x1, 1, 2), Record()),
        (b"\xcf\xfa\xed\xfe" + b"\xff" * 100, None),
        (b"\x7fELF" + b"\xff" * 100, None),
        (b"\x7fELF\x02\x01" + bytes(10) + b"\x01\x00" + b"\xff" * 60, None),
        (b"", None),
        (b"BC\xc0\xde" + bytes(100), None),
    ],
    ids=range(10),
)
def test_written_objects(data: bytes, wanted: Record | None, tmp_path: Path) -> None:
    (tmp_path / "a.o").write_bytes(data)
    assert read_record(tmp_path / "a.o") == wanted


@linux
@needs_gcc
def test_damaged_objects(tmp_path: Path) -> None:
    whole = compiled(tmp_path, "gcc", "-g", "-O2").read_bytes()
    for size in range(0, len(whole), 37):
        (tmp_path / "b.o").write_bytes(whole[:size])
        read_record(tmp_path / "b.o")
    for at in range(0, len(whole), 11):
        (tmp_path / "b.o").write_bytes(whole[:at] + b"\xff" * 8 + whole[at + 8 :])
        read_record(tmp_path / "b.o")


@posix
def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.o")
    (tmp_path / "b.o").symlink_to("/dev/zero")
    for name in ("a.o", "b.o", "c.o", "."):
        assert read_record(tmp_path / name) is None


class TestOptions:
    """What is a difference, and what is a default."""

    @pytest.mark.parametrize(
        ("one", "other", "wanted"),
        [
            ("-O2 -g", "-O2", ()),
            ("-O2", "-O3", ("-O2", "-O3")),
            ("-O0", "", ()),
            ("-O", "-O1", ()),
            ("-O2 -O0 -O3", "-O3", ()),
            ("-mtune=generic -march=x86-64 -fasynchronous-unwind-tables", "", ()),
            ("-mavx2 -mno-avx2", "", ()),
            ("-mavx2", "", ("-mavx2",)),
            ("-fopenmp", "-Wall", ("-fopenmp",)),
            ("-fno-exceptions", "", ()),
            ("-march=native", "-march=znver3 -mavx2 -mfma", ()),
            ("-march=native -O2", "-march=znver3 -O3", ("-O2", "-O3")),
            ("-std=c11", "-std=c17", ("-std=c11", "-std=c17")),
            ("-fsanitize=address", "", ("-fsanitize=address",)),
        ],
    )
    def test_differences(self, one: str, other: str, wanted: tuple[str, ...]) -> None:
        assert differences(one.split(), other.split(), with_macros=False) == wanted
        assert differences(other.split(), one.split(), with_macros=False) == wanted

    def test_macros(self) -> None:
        one, other = ("-DX", "-D", "Y=1"), ("-DY=1",)
        assert differences(one, other, with_macros=True) == ("-DX",)
        assert differences(one, other, with_macros=False) == ()

    def test_the_last_one_counts(self) -> None:
        assert dict(telling(["-O1", "-Ofast", "-fpic", "-fno-pic"])) == {"-O": "-Ofast"}
