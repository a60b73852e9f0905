"""A whole tree: in time, without false alarms, whatever is in it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from coblyn.doctor.cause import Case
from coblyn.doctor.examine import examine
from coblyn.errors import NotFound
from doctor.tree.trees import elf, needs_make, posix, read, write


def big(root: Path, count: int) -> Path:
    """A project with makefiles, headers, objects and lists of headers."""
    each = range(count // 4)
    files = {
        f"src/d{n % 40}/m{n}.c": f'#include "m{n}.h"\nint m{n}(void) {{ return {n}; }}\n'
        for n in each
    }
    files |= {f"src/d{n % 40}/m{n}.h": f"int m{n}(void);\n" for n in each}
    files |= {
        f"src/d{n % 40}/m{n}.d": f"src/d{n % 40}/m{n}.o: src/d{n % 40}/m{n}.c src/d{n % 40}/m{n}.h\n"
        for n in each
    }
    files["Makefile"] = (
        "SRC := $(wildcard src/*/*.c)\nOBJ := $(SRC:.c=.o)\napp: $(OBJ)\n\t$(CC) $^ -o $@\n"
        "%.o: %.c\n\t$(CC) -Isrc -c $< -o $@\n-include $(OBJ:.o=.d)\n"
    )
    write(root, files)
    for n in each:
        (root / f"src/d{n % 40}/m{n}.o").write_bytes(elf(62))
    return root


def test_five_thousand_files(tmp_path: Path) -> None:
    big(tmp_path, 5000)
    started = time.process_time()
    tree = read(tmp_path)
    diagnosis = examine(Case(tree=tree))
    assert time.process_time() - started < 30
    assert len(tree.files.entries) > 4900
    assert len(tree.links[0].objects) == 1250
    assert diagnosis.findings == ()


def test_an_empty_tree(tmp_path: Path) -> None:
    tree = read(tmp_path)
    assert (tree.makes, tree.links, tree.caches) == ((), (), ())
    assert examine(Case(tree=tree)).is_clean


def test_a_file(tmp_path: Path) -> None:
    write(tmp_path, {"a.log": ""})
    with pytest.raises(NotFound, match="is a file"):
        read(tmp_path / "a.log")


def test_makefiles_that_recipes_call_are_read_too(tmp_path: Path) -> None:
    top = (
        "SUBDIRS = a b\nall:\n\tfor d in $(SUBDIRS); do $(MAKE) -C $$d; done\n\tcd c && $(MAKE)\n"
        "$(SUBDIRS):\n\t$(MAKE) -C ../..\n"
    )
    write(
        tmp_path,
        {"Makefile": top, **{f"{name}/Makefile": "x: y.o\n\tld $^ -o $@\n" for name in "abcd"}},
    )
    assert [each.makefile for each in read(tmp_path).makes] == [
        "Makefile",
        "a/Makefile",
        "b/Makefile",
        "c/Makefile",
    ]


def test_makefiles_of_cmake_are_not_read(tmp_path: Path) -> None:
    write(tmp_path, {"Makefile": "# CMAKE generated file: DO NOT EDIT!\nall:\n"})
    assert read(tmp_path).makes == ()


@needs_make
def test_a_makefile_that_make_refuses_is_read_without_it(tmp_path: Path) -> None:
    write(tmp_path, {"Makefile": "a: b\nnonsense\n"})
    tree = read(tmp_path, evaluate_make=True)
    assert "a" in tree.makes[0].rules
    assert any("without it" in note for note in tree.notes)


@posix
def test_hostile_files(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "Makefile": "app: a.o b.o\n\tcc $^ -o $@\n",
            "CMakeLists.txt": "(" * 100_000,
            "a.c": '#include "a.c"\n',
        },
    )
    os.mkfifo(tmp_path / "b.c")
    (tmp_path / "a.o").write_bytes(b"\x7fELF" + b"\xff" * 1000)
    (tmp_path / "b.o").symlink_to("/dev/zero")
    (tmp_path / "build").mkdir()
    (tmp_path / "build/CMakeCache.txt").write_bytes(os.urandom(100_000))
    (tmp_path / "build/build.ninja").write_bytes(os.urandom(100_000))
    (tmp_path / "build/compile_commands.json").write_bytes(b"[" * 100_000)
    (tmp_path / ".gitmodules").write_bytes(os.urandom(1000))
    tree = read(tmp_path)
    examine(Case(tree=tree))
    assert len(tree.makes) == 1
