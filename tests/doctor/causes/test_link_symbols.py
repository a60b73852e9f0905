"""Symbols that a linker finds twice, or not at all, are read in the words of every linker."""

from __future__ import annotations

import io

import pytest

from coblyn.doctor.causes._duplicates import compiled_from, duplicates, member, pairs, stem
from coblyn.doctor.causes._libraries import library_of
from coblyn.doctor.causes._undefined import at_run_time, undefined
from coblyn.doctor.log.log import Log
from coblyn.doctor.log.reader import read_log


def read(text: str) -> Log:
    return read_log(io.BytesIO(text.encode()))


TWICE = {
    "apple": "duplicate symbol '_f' in:\n    lib/a.o\n    lib/b.o\nld: 1 duplicate symbols\n",
    "apple-old": "duplicate symbol _f in:\n    lib/a.o\n    lib/b.o\n",
    "apple-pip": "      duplicate symbol '_f' in:\n          lib/a.o\n          lib/b.o\n",
    "ld64.lld": "ld64.lld: error: duplicate symbol: _f\n>>> defined in lib/a.o\n>>> defined in lib/b.o\n",
    "lld": "ld.lld: error: duplicate symbol: f\n>>> defined at a.c:3 (/w/a.c:3)\n>>>            lib/a.o:(f)\n"
    ">>> defined at b.c:3\n>>>            lib/b.o:(.text+0x0)\n",
    "lld-quoted": "> ld.lld: error: duplicate symbol: f\n> >>> defined at a.c\n> >>>            lib/a.o:(f)\n"
    "> >>> defined at b.c\n> >>>            lib/b.o:(f)\n",
    "lld-link": "lld-link: error: duplicate symbol: f\n>>> defined at lib/a.o\n>>> defined at lib/b.o\n",
    "zig": "error: duplicate symbol definition: f\n    note: defined by lib/a.o\n    note: defined by lib/b.o\n",
    "gnu": "/usr/bin/ld: lib/b.o: in function `f':\n"
    "b.c:(.text+0x0): multiple definition of `f'; lib/a.o:a.c:(.text+0x0): first defined here\n",
    "gnu-old": "lib/b.o: In function `f':\nb.c:(.text+0x0): multiple definition of `f'\n"
    "lib/a.o:a.c:(.text+0x0): first defined here\n",
    "gnu-data": "/usr/bin/ld: lib/b.o:(.bss+0x0): multiple definition of `f'; lib/a.o:(.bss+0x0): first defined here\n",
    "gnu-zh": "/usr/bin/ld: lib/b.o:(.bss+0x0): `f'被多次定义; lib/a.o:(.bss+0x0): 第一次在此定义\n",
    "gold": "/usr/bin/ld.gold: error: lib/b.o: multiple definition of 'f'\n"
    "/usr/bin/ld.gold: lib/a.o: previous definition here\n",
    "mold": "mold: error: duplicate symbol: lib/a.o: lib/b.o: f\n",
    "msvc": "lib/b.o : error LNK2005: f already defined in lib/a.o [C:\\w\\a.vcxproj]\n",
}
MISSING = {
    "apple": 'Undefined symbols for architecture arm64:\n  "_f", referenced from:\n      _main in main.o\n',
    "lld": "ld.lld: error: undefined symbol: f\n>>> referenced by main.c\n>>>               main.o:(main)\n",
    "lld-library": "ld.lld: error: undefined reference: f\n"
    ">>> referenced by liba.so (disallowed by --no-allow-shlib-undefined)\n",
    "mold": "mold: error: undefined symbol: f\n>>> referenced by main.o\n",
    "gnu": "/usr/bin/ld: main.o: in function `main':\nmain.c:(.text+0x5): undefined reference to `f'\n",
    "gold": "main.o:main.c:function main: error: undefined reference to 'f'\n",
    "gnu-library": "/usr/bin/ld: lib/liba.so: undefined reference to `f'\n",
    "gnu-de": "/usr/bin/ld: main.o: in Funktion »main«:\nmain.c:(.text+0x5): Nicht definierter Verweis auf »f«\n",
    "msvc": "main.obj : error LNK2019: unresolved external symbol f referenced in function main [C:\\w\\a.vcxproj]\n",
    "msvc-import": "main.obj : error LNK2001: unresolved external symbol __imp_f\n",
}


@pytest.mark.parametrize("text", TWICE.values(), ids=TWICE)
def test_defined_twice(text: str) -> None:
    (found,) = duplicates(read(text))
    assert found.symbol in ("f", "_f")
    assert sorted((found.first, found.second)) == ["lib/a.o", "lib/b.o"]


@pytest.mark.parametrize("text", MISSING.values(), ids=MISSING)
def test_defined_nowhere(text: str) -> None:
    (found,) = undefined(read(text))
    assert found.symbol == "f"


def test_who_asks_is_known() -> None:
    by = {name: undefined(read(MISSING[name]))[0].by for name in ("gnu", "lld", "gnu-library")}
    assert by == {"gnu": "main.o", "lld": "main.o:(main)", "gnu-library": "lib/liba.so"}


def test_members_of_archives() -> None:
    text = (
        "ld.lld: error: duplicate symbol: f\n>>> defined at q.c\n>>>            q.o:(f) in archive x/liba.a\n"
        ">>> defined at q.c\n>>>            q.o:(f) in archive y/liba.a\n"
    )
    (found,) = duplicates(read(text))
    assert (found.first, found.second) == ("x/liba.a(q.o)", "y/liba.a(q.o)")
    assert member("libggml.a[2](queue.c.o)") == "queue.c.o"
    assert stem("libggml.a[2](queue.c.o)") == "queue"


def test_pairs_with_the_most_in_common_come_first() -> None:
    text = "".join(
        f"duplicate symbol '_{name}' in:\n    {one}\n    {other}\n"
        for name, one, other in [("x", "a.o", "b.o"), ("y", "c.o", "d.o"), ("z", "d.o", "c.o")]
    )
    assert [
        (pair.first, pair.second, len(pair.duplicates)) for pair in pairs(duplicates(read(text)))
    ] == [
        ("c.o", "d.o", 2),
        ("a.o", "b.o", 1),
    ]


def test_sources_of_objects() -> None:
    log = read("gcc -O2 -c src/a.c -o x/a1.o\ngcc -o a2.o -O2 -c src/a.c\ngcc a1.o a2.o -o app\n")
    assert compiled_from(log) == {"a1.o": "a.c", "a2.o": "a.c"}


def test_what_the_loader_misses_is_not_the_linker_s() -> None:
    log = read("./app: symbol lookup error: ./app: undefined symbol: f\n")
    assert undefined(log) == ()
    assert [each.symbol for each in at_run_time(log)] == ["f"]


def test_words_of_a_source_are_no_message() -> None:
    assert undefined(read('    4 | puts("undefined reference to nothing");\n')) == ()


@pytest.mark.parametrize(
    ("symbol", "flag"),
    [
        ("cblas_sgemm", "-lopenblas"),
        ("cudaGetDeviceCount", "-lcudart"),
        ("cublasCreate_v2", "-lcublas"),
        ("cuMemCreate", "-lcuda"),
        ("vkCreateInstance", "-lvulkan"),
        ("GOMP_parallel", "-fopenmp"),
        ("__kmpc_fork_call", "-fopenmp"),
        ("pthread_create", "-pthread"),
        ("dlopen", "-ldl"),
        ("expf", "-lm"),
        ("operator new(unsigned long)", "-lstdc++"),
        ("std::filesystem::__cxx11::path::_M_split_cmpts()", "-lstdc++fs"),
    ],
)
def test_libraries(symbol: str, flag: str) -> None:
    library = library_of(symbol)
    assert library is not None
    assert library.flag == flag


@pytest.mark.parametrize(
    "symbol", ["engine_run", "ggml_init", "cut", "curve", "clip_init", "explain"]
)
def test_what_is_nobody_s_belongs_to_no_library(symbol: str) -> None:
    assert library_of(symbol) is None
