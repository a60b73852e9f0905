"""A log is read whatever shape it comes in, and never at the price of memory or time."""
# ruff: noqa: RUF001 (letters that look like others are what some of this is about)

from __future__ import annotations

import gzip
import io
import os
import re
import threading
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coblyn.doctor.log.keep import Keeper
from coblyn.doctor.log.log import Log
from coblyn.doctor.log.reader import read_log
from coblyn.errors import BadRequest, CoblynError, NotFound
from coblyn.progress import Progress

FAILING = "cc -c a.c\na.c:1:2: error: no 'x' here\nmake: *** [a.o] Error 1\n"


def read(data: bytes | str) -> Log:
    return read_log(io.BytesIO(data.encode() if isinstance(data, str) else data))


def lines(data: bytes | str) -> list[str]:
    return read(data).text.split("\n")


@pytest.mark.parametrize(
    "data",
    [
        FAILING.encode(),
        b"\xef\xbb\xbf" + FAILING.encode(),
        FAILING.encode("utf-16"),
        b"\xfe\xff" + FAILING.encode("utf-16-be"),
        FAILING.encode("utf-16-le"),
        FAILING.encode("utf-16-be"),
        FAILING.replace("\n", "\r\n").encode(),
        gzip.compress(FAILING.encode()),
        FAILING.removesuffix("\n").encode(),
    ],
    ids=["utf-8", "bom", "utf-16", "utf-16-be", "le-bare", "be-bare", "crlf", "gzip", "no-newline"],
)
def test_encodings(data: bytes) -> None:
    log = read(data)
    assert log.text == FAILING.removesuffix("\n")
    assert list(log.numbers) == [1, 2, 3]
    assert log.total == 3
    assert log.failed
    assert log.first_error == ("a.c:1:2: error: no 'x' here",)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (b"a.c:1: error: \xe2\x80\x98x\xe2\x80\x99", "a.c:1: error: 'x'"),
        (b"D\xe9j\xe0 vu", "Déjà vu"),
        ("a.c: â€˜xâ€™".encode(), "a.c: 'x'"),
        (b"\x1b[01m\x1b[Ka.c:1:2:\x1b[m\x1b[K \x1b[31merror:\x1b[0m x", "a.c:1:2: error: x"),
        (b"[01m[Ka.c:[m[K [01;31merror: x", "a.c: error: x"),
        (b"\x1b]8;;file:///a\x07a.c\x1b]8;;\x07: x", "a.c: x"),
        (b"x = a[3] [1/2] [-Wall]", "x = a[3] [1/2] [-Wall]"),
        (b"2024-05-01T12:00:00.1234567Z make: *** [x] Error 1", "make: *** [x] Error 1"),
        (
            b"build\tmake\t2024-05-01T12:00:00.1234567Z a.c:1:2: error: x",
            "a.c:1:2: error: x",
        ),
        (b"2024-05-01T12:00:00.12Z ##[error]Process completed with exit code 2.",
         "Process completed with exit code 2."),
        (b"#12 34.56 ld: symbol(s) not found", "ld: symbol(s) not found"),
        (b"#12 ERROR: process did not complete", "ERROR: process did not complete"),
        (b"[  123s] gcc -c a.c", "gcc -c a.c"),
        (b"> > ld: x", "ld: x"),
        (b">>> defined in a.o", ">>> defined in a.o"),
        (b"> >>> defined in a.o", ">>> defined in a.o"),
        (b"```console", ""),
        ("  │ exit code: 1".encode(), "exit code: 1"),
        ("  × Building wheel".encode(), "Building wheel"),
        (b"<b>ggml.c:1:</b> <font color=\"#C00\"><b>error: </b></font>x", "ggml.c:1: error: x"),
        (b"std::vector<b> x; if (a</b) y", "std::vector<b> x; if (a</b) y"),
        (b"a\0b", "ab"),
        (b"a.c:3:10: schwerwiegender Fehler: a.h: Datei oder Verzeichnis nicht gefunden",
         "a.c:3:10: fatal error: a.h: No such file or directory"),
        ("/usr/bin/ld : a.o:(.bss+0x4) : définitions multiples de « x »; b.o:(.bss+0x8) : "
         "défini pour la première fois ici".encode(),
         "/usr/bin/ld : a.o:(.bss+0x4) : multiple definition of `x'; b.o:(.bss+0x8): first defined here"),
        ("a.s:7: 错误：unsupported instruction `x'".encode(), "a.s:7: error: unsupported instruction `x'"),
    ],
)  # fmt: skip
def test_what_is_put_around_a_line_is_taken_away(raw: bytes, clean: str) -> None:
    # Enough text that a single zero byte makes no binary file of it.
    assert lines(b"make\n" * 50 + raw + b"\n")[-1] == clean


def test_the_indentation_of_pip_is_taken_away_and_no_other() -> None:
    log = lines(
        "  error: subprocess-exited-with-error\n"
        "  ╰─> [3 lines of output]\n"
        "      CMake Error at CMakeLists.txt:2 (message):\n"
        "        no compiler\n"
        "      [end of output]\n"
        "      stays\n"
    )
    assert "CMake Error at CMakeLists.txt:2 (message):" in log
    assert "  no compiler" in log
    assert log[-1] == "      stays"


def test_a_bar_of_progress_becomes_its_end() -> None:
    log = read(
        "Fetching\n" + "".join(f"\r{n}%" for n in range(5000)) + "\ra.c:1:2: error: x\nend\n"
    )
    assert log.text.split("\n")[-2:] == ["a.c:1:2: error: x", "end"]
    assert list(log.numbers)[-2:] == [2, 3]
    assert len(log.numbers) < 20
    assert log.failed


def test_a_line_without_end_is_cut_in_its_middle() -> None:
    log = read(b"x" * 5_000_000 + b"a.c:1:2: error: x\nmake: *** [a] Error 1\n")
    assert log.total == 2
    assert len(log.text) < 10_000
    assert log.text.startswith("xxx")
    assert "a.c:1:2: error: x\n" in log.text


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b" \r\n\t\n", "is empty"),
        (b"\xff\xfe", "is empty"),
        (bytes(100_000), "zero bytes"),
        (b"\x7fELF\x02\x01\x01" + bytes(100), "an ELF object"),
        (b"PK\x03\x04" + b"build.log" * 9, "a zip archive"),
        (b"GGUF\x03\0\0\0", "a GGUF model"),
        (bytes(range(256)) * 40, "not text"),
        (gzip.compress(b"x" * 9999, mtime=0)[:-20], "broken gzip"),
        (gzip.compress(b" \n", mtime=0), "is empty"),
    ],
)
def test_what_is_no_log_is_said_to_be_none(data: bytes, says: str) -> None:
    with pytest.raises(BadRequest, match=says) as caught:
        read(data)
    assert caught.value.hint


def test_words_that_begin_like_a_program_are_words() -> None:
    assert read("MZ is what it begins with\n").text == "MZ is what it begins with"


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "build.log"
    path.write_text(FAILING)
    seen: list[Progress] = []
    log = read_log(path, name="build.log", report=seen.append)
    assert log.failed
    assert log.name == "build.log"
    assert (seen[-1].done, seen[-1].total, seen[-1].unit) == (len(FAILING), len(FAILING), "bytes")
    with pytest.raises(NotFound):
        read_log(tmp_path / "none")
    with pytest.raises(CoblynError):
        read_log(tmp_path)


def test_a_pipe_is_read_to_its_end() -> None:
    reading, writing = os.pipe()

    def build() -> None:
        with os.fdopen(writing, "wb", buffering=0) as out:
            for line in FAILING.splitlines(keepends=True):
                out.write(line.encode())
                time.sleep(0.01)

    thread = threading.Thread(target=build)
    thread.start()
    with os.fdopen(reading, "rb") as stream:
        log = read_log(stream)
    thread.join()
    assert log.total == 3
    assert log.failed


COMMAND = "gcc -O3 -Werror=vla -c src/error_handling.c -o error_handling.o -Wno-unused-{}\n"


def long_log(size: int) -> tuple[str, int]:
    """A healthy log of that many bytes, with one failure in its middle; and the failure's line."""
    body = [COMMAND.format(n) for n in range(size // len(COMMAND))]
    body[len(body) // 2] = "/usr/bin/ld: a.o: undefined reference to `engine_init'\n"
    return "".join(body), len(body) // 2 + 1


def test_of_a_long_log_the_lines_that_matter_are_kept() -> None:
    text, number = long_log(8_000_000)
    log = read(text)
    assert log.total == text.count("\n")
    assert len(log.text) < 2_500_000
    hit = log.find(re.compile("undefined reference to"))
    assert hit is not None
    assert hit.number == number
    assert hit.line == "/usr/bin/ld: a.o: undefined reference to `engine_init'"
    assert log.numbers[0] == 1
    assert log.numbers[-1] == log.total
    assert log.failed
    everything = text.splitlines()
    assert all(
        everything[n - 1] == line for n, line in zip(log.numbers, log.text.split("\n"), strict=True)
    )


def test_a_flood_of_one_kind_leaves_room_for_another() -> None:
    flood = "a.c:1:2: error: x\n" * 200_000
    log = read(flood + "make: *** No rule to make target 'x'.  Stop.\n" + flood)
    assert "No rule to make target" in log
    assert len(log.text) < 3_000_000


def test_a_large_log_takes_little_memory(tmp_path: Path) -> None:
    """Ten megabytes; something that is not linear would take hours."""
    path = tmp_path / "build.log"
    text, _ = long_log(1_000_000)
    with path.open("w") as file:
        for _ in range(10):
            file.write(text)
    started = time.process_time()
    assert read_log(path).failed
    assert time.process_time() - started < 30
    tracemalloc.start()
    read_log(path)
    assert tracemalloc.get_traced_memory()[1] < 60_000_000
    tracemalloc.stop()


@given(st.lists(st.binary(max_size=300), max_size=20), st.integers(1, 50))
@settings(max_examples=60, deadline=None)
def test_nothing_is_lost_of_a_short_log_however_it_is_cut(parts: list[bytes], step: int) -> None:
    data = b"\n".join(part.replace(b"\n", b" ") for part in parts) + b"\n"
    keeper = Keeper()
    whole = data.split(b"\n")[:-1]
    for start in range(0, len(whole), step):
        keeper.take(b"".join(line + b"\n" for line in whole[start : start + step]))
    assert keeper.lines() == list(enumerate(whole, 1))
    assert keeper.total == len(whole)


@given(st.binary(max_size=3000))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_a_log_or_a_clear_error(data: bytes) -> None:
    try:
        log = read(data)
    except BadRequest:
        return
    assert len(log.numbers) == log.text.count("\n") + 1
    assert list(log.numbers) == sorted(log.numbers)
    assert all(1 <= number <= log.total for number in log.numbers)
