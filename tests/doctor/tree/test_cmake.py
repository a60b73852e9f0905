"""CMake's caches."""

from __future__ import annotations

import time
from pathlib import Path

from coblyn.doctor.tree.cmake import configure_error, read_caches, read_scripts
from coblyn.doctor.tree.files import list_files
from doctor.tree.trees import posix, write

CACHE = """\
# This is the CMakeCache file.
// A comment: with=signs
CMAKE_BUILD_TYPE:STRING=Release
"WITH:COLON":BOOL=ON
GGML_METAL:BOOL=on
EMPTY:STRING=
A-ADVANCED:INTERNAL=1
nonsense
CMAKE_CACHEFILE_DIR:INTERNAL={folder}
CMAKE_CXX_COMPILER:FILEPATH={compiler}
"""


def test_entries(tmp_path: Path) -> None:
    folder = tmp_path / "build"
    write(
        tmp_path,
        {
            "build/CMakeCache.txt": CACHE.format(folder=folder, compiler=tmp_path / "gone"),
            "build/build.ninja": "",
        },
    )
    (cache,) = read_caches(list_files(tmp_path))
    assert cache["CMAKE_BUILD_TYPE"] == "Release"
    assert cache.line("CMAKE_BUILD_TYPE") == 3
    assert cache.is_on("WITH:COLON")
    assert cache.is_on("GGML_METAL")
    assert cache["EMPTY"] == cache["NOTHING"] == ""
    assert cache.gone == ("CMAKE_CXX_COMPILER",)
    assert cache.is_in_place
    assert cache.is_generated


def test_a_moved_cache(tmp_path: Path) -> None:
    write(tmp_path, {"b/CMakeCache.txt": CACHE.format(folder="/elsewhere/b", compiler="c++")})
    (cache,) = read_caches(list_files(tmp_path))
    assert not cache.is_in_place
    assert not cache.is_generated
    assert cache.gone == ()


@posix
def test_a_link_to_the_tree_is_no_move(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    text = CACHE.format(folder=tmp_path / "link" / "b", compiler="c++")
    write(tmp_path, {"real/b/CMakeCache.txt": text})
    assert read_caches(list_files(tmp_path / "real"))[0].is_in_place


def test_a_cache_of_fifty_megabytes(tmp_path: Path) -> None:
    path = write(tmp_path, {"CMakeCache.txt": "A:STRING=1\n"}) / "CMakeCache.txt"
    with path.open("ab") as file:
        file.write(b"x" * 10_000_000 + b"\n")
        for number in range(20):
            file.write(
                b"".join(b"V%d_%d:STRING=%d\n" % (number, each, each) for each in range(100_000))
            )
    assert path.stat().st_size > 45_000_000
    started = time.process_time()
    (cache,) = read_caches(list_files(tmp_path))
    assert time.process_time() - started < 30
    assert cache["A"] == "1"
    assert not cache.is_whole
    assert len(cache.entries) <= 20_000


def test_scripts(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "CMakeLists.txt": 'option(GGML_CUDA "ggml: use CUDA" OFF)\nif (SOME_HINT)\nendif()\n',
            "cmake/x.cmake": 'set(LEVEL "1" CACHE STRING "x")\n',
        },
    )
    script = read_scripts(list_files(tmp_path))
    assert script.options == {"GGML_CUDA", "LEVEL"}
    assert "SOME_HINT" in script.words


def test_the_last_error_of_the_checks(tmp_path: Path) -> None:
    write(tmp_path, {"CMakeFiles/CMakeError.log": "fine\nsrc.c:1:1: error: no such thing\nrest\n"})
    assert configure_error(tmp_path) == "src.c:1:1: error: no such thing"
    assert configure_error(tmp_path / "nowhere") == ""
