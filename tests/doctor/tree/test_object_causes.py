"""Objects that were made with other options or another compiler than the rest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from coblyn.doctor.cause import Case
from coblyn.doctor.examine import examine
from coblyn.doctor.finding import Confidence, Severity
from coblyn.native.facts import Facts
from doctor.tree.trees import found, needs_make, read, write

linux = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("gcc"), reason="ELF objects and gcc"
)
needs_clang = pytest.mark.skipif(not shutil.which("clang"), reason="needs clang")
needs_cmake = pytest.mark.skipif(
    not shutil.which("cmake") or not shutil.which("ninja"), reason="needs cmake and ninja"
)
SOURCES = {
    "a.c": "int f(void);\nint main(void) { return f(); }\n",
    "b.c": "int f(void) { return 0; }\n",
}
MAKEFILE = """\
CC = gcc
CFLAGS = -g {flags} $(EXTRA)
app: a.o b.o
	$(CC) $^ -o $@
%.o: %.c
	$(CC) $(CFLAGS) -c $< -o $@
"""


def run(root: Path, *argv: str) -> None:
    subprocess.run(argv, cwd=root, check=True, capture_output=True)


def later(path: Path, seconds: float = 5.0) -> None:
    """As if somebody had saved the file just now, some time after all else."""
    when = time.time() + seconds
    os.utime(path, (when, when))


@linux
@needs_make
class TestMake:
    """A makefile, which knows nothing of options."""

    def test_an_option_that_came_later(self, tmp_path: Path) -> None:
        write(tmp_path, {**SOURCES, "Makefile": MAKEFILE.format(flags="-O2")})
        run(tmp_path, "make")
        assert examine(Case(tree=read(tmp_path))).findings == ()
        (tmp_path / "b.o").unlink()
        run(tmp_path, "make", "EXTRA=-mavx2 -fopenmp")
        finding = examine(Case(tree=read(tmp_path))).findings[0]
        assert (finding.cause, finding.severity) == ("objects-other-flags", Severity.RISK)
        assert finding.confidence is Confidence.MEDIUM
        assert "-fopenmp and -mavx2" in finding.story[0]
        assert {each.text for each in finding.evidence} == {
            "was compiled without these options",
            "was compiled with -fopenmp and -mavx2",
        }
        assert {step.path.name for step in finding.fix.steps} == {"a.o", "b.o"}
        run(tmp_path, "rm", "a.o", "b.o")
        run(tmp_path, "make")
        assert examine(Case(tree=read(tmp_path))).findings == ()

    @needs_clang
    def test_a_macro_that_was_recorded(self, tmp_path: Path) -> None:
        text = MAKEFILE.format(flags="-frecord-command-line").replace("gcc", "clang")
        write(tmp_path, {**SOURCES, "Makefile": text})
        run(tmp_path, "make", "EXTRA=-DGGML_USE_METAL")
        assert found("objects-other-flags", read(tmp_path)) is None
        (tmp_path / "b.o").unlink()
        run(tmp_path, "make")
        finding = found("objects-other-flags", read(tmp_path))
        assert finding
        assert "-DGGML_USE_METAL" in finding.story[0]

    def test_options_that_rules_give_are_meant(self, tmp_path: Path) -> None:
        text = MAKEFILE.format(flags="-O2") + "b.o: b.c\n\t$(CC) $(CFLAGS) -mavx2 -c $< -o $@\n"
        write(tmp_path, {**SOURCES, "Makefile": text})
        run(tmp_path, "make")
        tree = read(tmp_path)
        assert {record.options != () for record in tree.records.values()} == {True}
        assert found("objects-other-flags", tree) is None

    def test_options_of_a_target_are_meant(self, tmp_path: Path) -> None:
        text = "b.o: CFLAGS += -mavx2\n" + MAKEFILE.format(flags="-O2")
        text += "b.o: CFLAGS += -O3\n"
        write(tmp_path, {**SOURCES, "Makefile": text})
        run(tmp_path, "make")
        assert "-mavx2" in read(tmp_path).records["b.o"].options
        assert found("objects-other-flags", read(tmp_path)) is None

    def test_what_is_compiled_again_does_no_harm(self, tmp_path: Path) -> None:
        write(tmp_path, {**SOURCES, "Makefile": MAKEFILE.format(flags="-O2")})
        run(tmp_path, "make")
        (tmp_path / "b.o").unlink()
        run(tmp_path, "make", "EXTRA=-O3")
        later(tmp_path / "a.c")
        assert found("objects-other-flags", read(tmp_path)) is None

    def test_nothing_was_recorded(self, tmp_path: Path) -> None:
        text = MAKEFILE.format(flags="-O2").replace("-g", "")
        write(tmp_path, {**SOURCES, "Makefile": text})
        run(tmp_path, "make")
        (tmp_path / "b.o").unlink()
        run(tmp_path, "make", "EXTRA=-O3")
        assert found("objects-other-flags", read(tmp_path)) is None

    @needs_clang
    def test_two_compilers(self, tmp_path: Path) -> None:
        write(tmp_path, {**SOURCES, "Makefile": MAKEFILE.format(flags="-O2")})
        run(tmp_path, "make")
        (tmp_path / "b.o").unlink()
        run(tmp_path, "make", "CC=clang")
        finding = examine(Case(tree=read(tmp_path))).findings[0]
        assert (finding.cause, finding.severity) == ("objects-other-compiler", Severity.RISK)
        assert {each.source for each in finding.evidence} == {"a.o", "b.o"}
        assert len(finding.fix.steps) == 1

    def test_the_compiler_was_updated(self, tmp_path: Path) -> None:
        write(tmp_path, {**SOURCES, "Makefile": MAKEFILE.format(flags="-O2")})
        run(tmp_path, "make")
        tree = read(tmp_path)
        version = tree.records["a.o"].compiler
        now = Facts.of(cc="/usr/bin/gcc", cc__real="/usr/bin/gcc-99", cc__version="gcc 99.1.0")
        finding = found("objects-other-compiler", tree, machine=now)
        assert finding
        assert finding.severity is Severity.NOTE
        assert version in finding.evidence[0].text
        same = Facts.of(cc="/usr/bin/gcc", cc__version=version)
        assert found("objects-other-compiler", tree, machine=same) is None
        assert found("objects-other-compiler", tree) is None


PROJECT = """\
cmake_minimum_required(VERSION 3.14)
project(p C)
add_executable(app a.c b.c)
"""


@linux
@needs_cmake
class TestBuildDirectories:
    """Which know what they compiled with, and compile again by themselves."""

    @pytest.mark.parametrize("generator", ["Ninja", "Unix Makefiles"])
    def test_configured_again(self, generator: str, tmp_path: Path) -> None:
        if generator == "Unix Makefiles" and not shutil.which("make"):
            pytest.skip("needs make")
        write(tmp_path, {**SOURCES, "CMakeLists.txt": PROJECT})
        run(tmp_path, "cmake", "-B", "build", "-G", generator)
        assert examine(Case(tree=read(tmp_path))).findings == ()
        run(tmp_path, "cmake", "--build", "build")
        assert examine(Case(tree=read(tmp_path))).findings == ()
        run(tmp_path, "cmake", "-B", "build")
        assert examine(Case(tree=read(tmp_path))).findings == (), "nothing has changed"
        run(tmp_path, "cmake", "-B", "build", "-DCMAKE_C_FLAGS=-O3")
        tree = read(tmp_path)
        diagnosis = examine(Case(tree=tree))
        assert diagnosis.is_clean
        (finding,) = diagnosis.findings
        assert (finding.cause, finding.severity) == ("objects-other-flags", Severity.NOTE)
        assert finding.fix.command == "cmake --build build"
        assert {name.rpartition("/")[2] for each in tree.outdated for name in each.objects} == {
            "a.c.o",
            "b.c.o",
        }
        run(tmp_path, "cmake", "--build", "build")
        assert examine(Case(tree=read(tmp_path))).findings == ()

    def test_options_of_targets_and_files(self, tmp_path: Path) -> None:
        more = 'set_source_files_properties(b.c PROPERTIES COMPILE_OPTIONS "-mavx2")\n'
        write(tmp_path, {**SOURCES, "CMakeLists.txt": PROJECT + more})
        for generator in ("Ninja", "Unix Makefiles"):
            build = generator[:2]
            options = ("-DCMAKE_C_COMPILER=gcc", "-DCMAKE_BUILD_TYPE=RelWithDebInfo")
            run(tmp_path, "cmake", "-B", build, "-G", generator, *options)
            run(tmp_path, "cmake", "--build", build)
            tree = read(tmp_path)
            assert any("-mavx2" in record.options for record in tree.records.values())
            assert found("objects-other-flags", tree) is None
            shutil.rmtree(tmp_path / build)
