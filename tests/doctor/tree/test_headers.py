"""Function bodies in headers: only what is plain is named."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from coblyn.doctor.tree.files import list_files
from coblyn.doctor.tree.headers import Includes, function_bodies
from doctor.tree.trees import write

GUARD = "#ifndef A_H\n#define A_H\n{}\n#endif\n"


@pytest.mark.parametrize(
    "body",
    [
        "int f(int a) { return a; }",
        'const char *f(void)\n{\n  return "}";\n}',
        "namespace n { int f() { return 0; } }",
        'extern "C" {\nint f(void) { return 1; }\n}',
        "std::string f(const std::string &a) { return a; }",
    ],
)
def test_a_body(body: str) -> None:
    assert [name for name, _ in function_bodies(GUARD.format(body))] == ["f"]


@pytest.mark.parametrize(
    "body",
    [
        "int f(int a);",
        "static int f(void) { return 1; }",
        "inline int f() { return 1; }",
        "static inline int f() { return 1; }",
        "template <class T> T f(T a) { return a; }",
        "constexpr int f() { return 1; }",
        "struct s { int f() { return 1; } };",
        "class s { public: s() { } int f() const { return 1; } };",
        "enum e { a, b };",
        "int a[] = { 1, 2 };",
        "#define F(x) int f(void) { return x; }",
        "#define F(x) \\\n  int f(void) { \\\n return x; }",
        "#ifdef IMPLEMENTATION\nint f(void) { return 1; }\n#endif",
        "// int f(void) { return 1; }",
        "/* int f(void) { return 1; } */",
        "GGML_INLINE int f(void) { return 1; }",
        "TEST(a, b) { return 1; }",
        "__attribute__((weak)) int f(void) { return 1; }",
        "namespace { int f() { return 0; } }",
        "auto g = [](int a) { return a; };",
        "}}}} int f(void) { return 1; }",
        "{" * 5000,
    ],
)
def test_no_body(body: str) -> None:
    assert list(function_bodies(GUARD.format(body))) == []


@pytest.mark.parametrize("piece", ["a " * 999 + "{}", "a" * 1990 + "{}", "#if X\n", "'", "{"])
def test_hostile_headers_cost_little(piece: str) -> None:
    """A pattern that begins anew at every letter took a quarter of a minute here."""
    started = time.process_time()
    list(function_bodies(piece * (400_000 // len(piece))))
    assert time.process_time() - started < 30


def test_the_line() -> None:
    assert list(function_bodies("\n\nint a;\nint f(void) {\n}\n")) == [("f", 4)]


def test_includes_are_followed(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "src/a.c": '#include "a.h"\n#include <b.h>\n',
            "src/a.h": '# include "inc/b.h"\n',
            "inc/b.h": '#include "../src/a.h"\n',
        },
    )
    includes = Includes(list_files(tmp_path))
    assert list(includes.of("src/a.c", (".",))) == ["src/a.h", "inc/b.h"]
