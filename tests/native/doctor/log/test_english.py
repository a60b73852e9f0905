"""Tools that speak another language are understood."""
# ruff: noqa: RUF001 (letters of other alphabets are what this is about)

from __future__ import annotations

import pytest

from coblyn.native.doctor.log.english import english


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("c++: 致命的エラー: 強制終了", "Killed"),
        ("/bin/sh: 1: nvcc: コマンドが見つかりません", "/bin/sh: 1: nvcc: command not found"),
        ("a.c:1:2: Fehler: x", "a.c:1:2: error: x"),
        ("a.c:1:10: erreur fatale : x.h : Aucun fichier ou dossier de ce type", "a.c:1:10: fatal error: x.h"),
        ("b.o: Nicht definierter Verweis auf »f«", "b.o: undefined reference to `f'"),
        ("b.o：对‘f’未定义的引用", "undefined reference to `f'"),
        ("make: *** [Makefile:3: x.o] Fehler 1", "make: *** [Makefile:3: x.o] Error 1"),
        ("/usr/bin/ld: no se puede encontrar -lz", "/usr/bin/ld: cannot find -lz"),
        ("sh: x.h: File o directory non esistente", "No such file or directory"),
        ("a.o: riferimento non definito a \"f\"", "undefined reference to `f'"),
        ("b.obj : error LNK2005: f ist bereits in a.obj definiert", "f already defined in a.obj"),
    ],
)  # fmt: skip
def test_english(line: str, words: str) -> None:
    assert words in english(line)


@pytest.mark.parametrize("line", ["Keine Panik", "gcc -c erro.c", "строка без слов", ""])
def test_what_is_not_known_stays(line: str) -> None:
    assert english(line) == line
