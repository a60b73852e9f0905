"""Links, as the generators of CMake and recipes write them."""

from __future__ import annotations

import json

import pytest

from coblyn.native.trace.link import (
    Compiled,
    Link,
    compilation,
    linking,
    read_compile_commands,
    read_ninja,
    twins,
    whole_archives,
)

NINJA = """\
ninja_required_version = 1.5
build CMakeFiles/app.dir/main.c.o: C_COMPILER__app /home/me/src/main.c || cmake_object_order_depends
  DEFINES = -DNDEBUG
  FLAGS = -O2 -mavx2
  DEP_FILE = CMakeFiles/app.dir/main.c.o.d

build libone.a: C_STATIC_LIBRARY_LINKER__one CMakeFiles/one.dir/with$ space.c.o
  TARGET_FILE = libone.a

build app: C_EXECUTABLE_LINKER__app CMakeFiles/app.dir/main.c.o | libone.a || other
  LINK_LIBRARIES = -Wl,--whole-archive  libone.a  -Wl,--no-whole-archive
build all: phony app
"""


def test_ninja() -> None:
    archive, app = read_ninja(NINJA)
    assert archive.is_archive
    assert archive.objects[0].object == "CMakeFiles/one.dir/with space.c.o"
    assert app.target == "app"
    (main,) = app.objects
    assert (main.source, main.options) == ("/home/me/src/main.c", ("DNDEBUG", "mavx2"))
    assert list(whole_archives(app.words)) == ["libone.a"]


@pytest.mark.parametrize(
    "text", ["", "build", "build :", "build a", "build : x\n  A = b", "build a: x |", "\0" * 99]
)
def test_broken_ninja_files(text: str) -> None:
    assert list(read_ninja(text)) == []


def test_compile_commands() -> None:
    entries = [
        {"directory": "/b", "file": "/s/a.c", "command": "cc -DX -c /s/a.c -o a.o"},
        {"directory": "/b", "file": "b.c", "arguments": ["cc", "-D", "Y", "b.c"], "output": "b.o"},
        {"directory": 1},
        "text",
    ]
    found = list(read_compile_commands(json.dumps(entries).encode()))
    assert found == [
        ("/b", Compiled("a.o", "/s/a.c", ("DX",), given=("-DX",))),
        ("/b", Compiled("b.o", "b.c", ("DY",), given=("-DY",))),
    ]
    for data in (b"", b"{}", b"[" * 100_000, b"\xff\xfe", b"null"):
        assert list(read_compile_commands(data)) == []


def test_compilation_in_a_recipe() -> None:
    command = "@ccache cc -I. -Iinc -DX -O2 -g -c a.c -o a.o && touch x"
    assert compilation(command) == Compiled(
        "a.o", "a.c", ("DX",), include=(".", "inc"), given=("-DX", "-O2")
    )
    assert compilation("cc a.o -o app") is None
    assert compilation("") is None


def test_linking_in_a_recipe() -> None:
    assert [(out, kind) for out, _, kind in linking("cc a.o b.o -o app; rm -f a.o; echo a.o")] == [
        ("app", False)
    ]
    assert [(out, kind) for out, _, kind in linking("@ar rcs libx.a a.o b.o")] == [("libx.a", True)]
    assert [out for out, _, _ in linking("link /nologo /OUT:x.dll a.obj b.obj")] == ["x.dll"]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("-Wl,--whole-archive a.a b.a -Wl,--no-whole-archive c.a", ["a.a", "b.a"]),
        ("-Wl,--push-state,--whole-archive a.a -Wl,--pop-state b.a", ["a.a"]),
        ("-Wl,-force_load,a.a -force_load b.a c.a", ["a.a", "b.a"]),
        ("/WHOLEARCHIVE:a.lib b.lib", ["a.lib"]),
        ("a.a a.a", []),
    ],
)
def test_whole_archives(words: str, wanted: list[str]) -> None:
    assert list(whole_archives(words.split())) == wanted


def test_twins() -> None:
    one = Compiled("1.o", "a.c", ("DX",))
    same, other = Compiled("2.o", "a.c", ("DX", "Da_EXPORTS")), Compiled("3.o", "a.c", ("DY",))
    found = list(twins(Link("app", (one, one, same, other, Compiled("4.o")))))
    assert [(each.second.object, each.is_same) for each in found] == [("2.o", True), ("3.o", False)]
