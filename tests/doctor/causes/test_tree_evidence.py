"""What caches, makefiles and the environment tell, where no real tool is needed to make them."""

from __future__ import annotations

from pathlib import Path

import pytest

from coblyn.doctor.finding import Confidence, Severity
from coblyn.native.facts import Facts
from doctor.tree.trees import found, needs_make, read, write

MAC = Facts.of(os="macos", arch="arm64", cpu="Apple M2", sdk="/sdk")
CUDA = Facts.of(os="linux", arch="x86-64", cuda__version="11.8", cxx__version="gcc 13.2.0")


def cached(root: Path, lines: str, *, home: Path | None = None) -> Path:
    head = (
        f"CMAKE_HOME_DIRECTORY:INTERNAL={(home or root).as_posix()}\n"
        f"CMAKE_CACHEFILE_DIR:INTERNAL={root.as_posix()}/build\n"
    )
    return write(root, {"build/CMakeCache.txt": head + lines, "build/build.ninja": ""})


def test_a_deployment_target_in_a_cache(tmp_path: Path) -> None:
    tree = read(cached(tmp_path, "CMAKE_OSX_DEPLOYMENT_TARGET:STRING=10.13\n"))
    finding = found("deployment-target-low", tree, machine=MAC)
    assert finding
    assert (finding.evidence[0].source, finding.evidence[0].line) == ("build/CMakeCache.txt", 3)
    assert "macOS 10.13" in finding.story[0]


def test_a_cache_of_a_source_that_is_gone(tmp_path: Path) -> None:
    tree = read(cached(tmp_path, "", home=tmp_path / "gone"))
    finding = found("cmake-cache-moved", tree)
    assert finding
    assert finding.confidence is Confidence.HIGH
    assert "which no longer exists" in finding.story[0]
    assert finding.evidence[0].text.startswith("CMAKE_HOME_DIRECTORY:INTERNAL=")


@pytest.mark.parametrize(
    ("environ", "severity"),
    [
        ({}, Severity.NOTE),
        ({"CMAKE_ARGS": "-DGGML_CUDA=off"}, Severity.NOTE),
        ({"CMAKE_ARGS": "-DGGML_CUDA=on"}, Severity.RISK),
        ({"SKBUILD_CMAKE_ARGS": "-DLLAMA_CUBLAS:BOOL=ON"}, Severity.RISK),
        ({"LLAMA_CUBLAS": "1"}, Severity.RISK),
    ],
)
def test_a_gcc_too_new_is_a_risk_where_cuda_is_asked_for(
    environ: dict[str, str], severity: Severity
) -> None:
    finding = found("cuda-host-too-new", None, machine=CUDA, environ=environ)
    assert finding
    assert finding.severity is severity
    assert finding.fix.command == "export NVCC_CCBIN=g++-11 CUDAHOSTCXX=g++-11"


def test_a_host_compiler_that_is_named_is_not_the_newest() -> None:
    environ = {"NVCC_CCBIN": "g++-11"}
    assert found("cuda-host-too-new", None, machine=CUDA, environ=environ) is None


@pytest.mark.parametrize(
    ("environ", "source"),
    [
        ({"CMAKE_BUILD_PARALLEL_LEVEL": "64"}, "environment"),
        ({"MAKEFLAGS": "-k -j64"}, "environment"),
        ({"MAKEFLAGS": "-k"}, ""),
    ],
)
def test_more_jobs_than_memory(environ: dict[str, str], source: str, tmp_path: Path) -> None:
    machine = Facts.of(os="linux", threads="2", memory=str(8 * 2**30))
    finding = found("memory-for-jobs", read(tmp_path), machine=machine, environ=environ)
    assert (finding.evidence[1].source if finding else "") == source


def test_compilers_of_two_makers_in_a_cache(tmp_path: Path) -> None:
    lines = "CMAKE_{}_COMPILER:FILEPATH={}\n"
    both = lines.format("C", "/usr/bin/clang") + lines.format("CXX", "/usr/bin/g++")
    finding = found("mixed-compilers", read(cached(tmp_path, both)))
    assert finding
    assert [each.line for each in finding.evidence] == [3, 4]
    same = lines.format("C", "/usr/bin/gcc") + lines.format("CXX", "/usr/bin/g++")
    assert found("mixed-compilers", read(cached(tmp_path, same))) is None


@needs_make
def test_two_copies_of_a_library_that_are_linked_whole(tmp_path: Path) -> None:
    rule = "app: a/libe.a b/libe.a\n\t$(CC) -Wl,--whole-archive {} -Wl,--no-whole-archive -o $@\n"
    write(tmp_path, {"a/libe.a": "same", "b/libe.a": "same", "c/libe.a": "other size"})
    write(tmp_path, {"Makefile": rule.format("a/libe.a b/libe.a")})
    finding = found("library-linked-twice", read(tmp_path))
    assert finding
    assert finding.confidence is Confidence.MEDIUM
    assert "as a/libe.a and as b/libe.a" in finding.story[0]
    write(tmp_path, {"Makefile": rule.format("a/libe.a c/libe.a")})
    assert found("library-linked-twice", read(tmp_path)) is None
