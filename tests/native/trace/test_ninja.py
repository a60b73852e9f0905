"""Ninja's log and build files, against ninja itself."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from coblyn.native.trace.ninja import (
    Logged,
    changed_outputs,
    commands,
    hash_of,
    murmur,
    rapid,
    read_log,
)
from doctor.tree.trees import posix, write

BUILD = """\
flags = -O2
include rules.ninja
build a.o extra.d: cc a$ b.c | h.h || order
  defines = -DX='$$1' $
      -DY
build sub/./it's.o: cc ./c.c
build long.o: cc c.c
  defines = {long}
build rsp.o: rsp c.c d.c
build short.o: short
build none.d: cc c.c
build order: phony
build all: phony a.o sub/it's.o long.o rsp.o short.o
default all
"""
RULES = """\
# a comment
pool heavy
  depth = 1
rule cc
  command = true $defines ${flags} -o $out -c $in
  description = C $out
rule rsp
  command = true @$rspfile
  rspfile = $out.rsp
  rspfile_content = $in_newline $flags
rule short
  command = true
"""


def programs() -> list[str]:
    """The ninja of the system, and that of the Python package."""
    found = {shutil.which("ninja")}
    try:
        from ninja import BIN_DIR
    except ImportError:
        pass
    else:
        found.add(shutil.which("ninja", path=BIN_DIR))
    return sorted(each for each in found if each)


def built(root: Path, program: str, size: int) -> Logged:
    """A tree that ninja has built, and its log."""
    sources = {"a b.c": "", "c.c": "", "d.c": "", "h.h": "", "order": ""}
    long = " ".join(f"-DNAME{n}={n}" for n in range(size))
    write(root, {"build.ninja": BUILD.format(long=long), "rules.ninja": RULES, **sources})
    subprocess.run([program, "-C", root], check=True, capture_output=True)
    logged = read_log((root / ".ninja_log").read_text("utf-8"))
    assert logged
    return logged


@posix
@pytest.mark.skipif(not programs(), reason="needs ninja")
class TestRealLogs:
    """What ninja wrote."""

    @pytest.mark.parametrize("program", programs())
    @pytest.mark.parametrize("size", [0, 1, 2, 3, 5, 7, 100])
    def test_hashes_are_those_of_ninja(self, program: str, size: int, tmp_path: Path) -> None:
        logged = built(tmp_path, program, size)
        if hash_of(logged.version) is None:
            pytest.skip(f"version {logged.version} of the log is unknown")
        text = (tmp_path / "build.ninja").read_text("utf-8")
        hashed = dict(commands(text, lambda name: (tmp_path / name).read_text(), logged.hashes))
        assert set(hashed) == {"a.o", "sub/it's.o", "long.o", "rsp.o", "short.o"}
        assert hashed["a.o"] == "true -DX='$1' -DY -O2 -o a.o extra.d -c 'a b.c'"
        assert hashed["sub/it's.o"] == "true  -O2 -o 'sub/it'\\''s.o' -c c.c"
        assert changed_outputs(text, logged, lambda _: RULES) == ()

    @pytest.mark.parametrize("program", programs())
    def test_a_changed_command(self, program: str, tmp_path: Path) -> None:
        logged = built(tmp_path, program, 3)
        text = (tmp_path / "build.ninja").read_text("utf-8")
        if hash_of(logged.version):
            assert changed_outputs(text.replace("NAME2=2", "NAME2=3"), logged, lambda _: RULES) == (
                "long.o",
            )
            other = RULES.replace("$in_newline", "-x $in_newline")
            assert changed_outputs(text, logged, lambda _: other) == ("rsp.o",)


def test_hashes_of_every_length_differ() -> None:
    data = bytes(range(200))
    for function in (murmur, rapid):
        found = {function(data[:size]) for size in range(201)}
        assert len(found) == 201
        assert all(0 <= each < 2**64 for each in found)


def test_unknown_versions() -> None:
    assert hash_of(6) is None
    assert changed_outputs(BUILD, Logged(6, {"a.o": 1}), lambda _: RULES) is None
    assert read_log("") is None
    assert read_log("# ninja log v") is None
    assert read_log("# ninja log v5\n1\t2\t3\ta.o\tff\nnonsense\n1\t2\t3\ta.o\t10\n") == Logged(
        5, {"a.o": 16}
    )


@pytest.mark.parametrize(
    "text",
    [
        "include build.ninja\n",
        "rule r\n  command = $command\nbuild a.o: r\n",
        "rule r\n  command = $x\n  x = $y$y\n  y = $x$x\nbuild a.o: r\n",
        "build a.o: nothing\nbuild\nbuild :\nbuild a.o\n$\n",
        " = \n=\nx = ${\nrule\nbuild ${x}: r $",
        "x = " + "$x" * 10_000 + "\n",
        "\0" * 1000,
    ],
    ids=range(7),
)
def test_odd_build_files(text: str) -> None:
    assert len(list(commands(text, lambda _: text, {"a.o": 1}))) <= 1
