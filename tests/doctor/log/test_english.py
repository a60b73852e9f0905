"""Tools that speak another language are understood."""
# ruff: noqa: RUF001 (letters of other alphabets are what this is about)

from __future__ import annotations

import io

import pytest

from coblyn.doctor.log.english import english
from coblyn.doctor.log.reader import read_log


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


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u202f"])
def test_the_spaces_of_french_typography(space: str) -> None:
    log = read_log(
        io.BytesIO(
            f"main.c:1:10: erreur fatale{space}: cblas.h{space}: Aucun fichier ou dossier de ce type\n"
            f"make: *** [Makefile:3{space}: main.o] Erreur 1\n".encode()
        )
    )
    assert log.text.splitlines() == [
        "main.c:1:10: fatal error: cblas.h: No such file or directory",
        "make: *** [Makefile:3: main.o] Error 1",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "main.c:1:10: ölümcül hata: cblas.h: Böyle bir dosya ya da dizin yok",
        "main.c:1:10: fatale fout: cblas.h: Bestand of map bestaat niet",
        "main.c:1:10: ödesdigert fel: cblas.h: Filen eller katalogen finns inte",
        "main.c:1:10: критична помилка: cblas.h: Немає такого файла або каталогу",
    ],
)
def test_more_languages_of_gcc(line: str) -> None:
    assert english(line) == "main.c:1:10: fatal error: cblas.h: No such file or directory"
