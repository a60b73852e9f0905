"""What CMake's caches, the environment and the machine tell."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from coblyn.doctor.cause import Case
from coblyn.doctor.examine import examine
from coblyn.doctor.finding import Confidence, Severity
from coblyn.native.facts import Facts
from doctor.tree.trees import found, read, write

needs_cmake = pytest.mark.skipif(
    not shutil.which("cmake")
    or not shutil.which("ninja")
    or not shutil.which("cc")
    or sys.platform == "win32",
    reason="needs cmake, ninja and a compiler",
)
PROJECT = {
    "CMakeLists.txt": """\
cmake_minimum_required(VERSION 3.14)
project(p C)
option(GGML_CUDA "x" OFF)
option(GGML_METAL "x" OFF)
add_executable(app main.c)
""",
    "main.c": "int main(void) { return 0; }\n",
}
HEAD = """\
CMAKE_HOME_DIRECTORY:INTERNAL={root}
CMAKE_CACHEFILE_DIR:INTERNAL={root}/build
CMAKE_GENERATOR:INTERNAL=Ninja
"""
INTEL = Facts.of(os="macos", arch="x86-64", rosetta="yes", cpu="Apple M2", sdk="/sdk")
MAC = Facts.of(os="macos", arch="arm64", cpu="Apple M2", sdk="/sdk", metal__compiler="")
LINUX = Facts.of(
    os="linux",
    arch="x86-64",
    cpu="old",
    cpu__features="sse4_2 avx",
    threads="64",
    memory=str(2**30),
)


def cmake(root: Path, *options: str) -> None:
    subprocess.run(
        ["cmake", "-S", ".", "-B", "build", "-G", "Ninja", *options],
        cwd=root,
        check=True,
        capture_output=True,
    )


def cached(root: Path, lines: str, *, generated: bool = True) -> Path:
    write(root, {**PROJECT, "build/CMakeCache.txt": HEAD.format(root=root.as_posix()) + lines})
    return write(root, {"build/build.ninja": ""}) if generated else root


@needs_cmake
class TestRealBuildDirectories:
    """Configured by CMake itself."""

    def test_healthy(self, tmp_path: Path) -> None:
        write(tmp_path, PROJECT)
        cmake(tmp_path, "-DGGML_CUDA=OFF", "-DCMAKE_BUILD_TYPE=Release")
        tree = read(tmp_path)
        assert [link.target for link in tree.links] == ["build/app"]
        assert tree.links[0].objects[0].source == "main.c"
        assert examine(Case(tree=tree)).findings == ()

    def test_moved(self, tmp_path: Path) -> None:
        write(tmp_path / "before", PROJECT)
        cmake(tmp_path / "before")
        (tmp_path / "before").rename(tmp_path / "after")
        finding = examine(Case(tree=read(tmp_path / "after"))).findings[0]
        assert (finding.cause, finding.confidence) == ("cmake-cache-moved", Confidence.HIGH)
        assert finding.fix.command == "cmake --fresh -S . -B build -G Ninja"
        assert {step.path.name for step in finding.fix.steps} == {"CMakeCache.txt", "CMakeFiles"}

    def test_the_build_directory_itself(self, tmp_path: Path) -> None:
        write(tmp_path, PROJECT)
        cmake(tmp_path)
        (cache,) = read(tmp_path / "build").caches
        assert cache.is_in_place

    def test_compiler_that_is_gone(self, tmp_path: Path) -> None:
        compiler = tmp_path / "mycc"
        compiler.symlink_to(shutil.which("cc") or "")
        write(tmp_path / "p", PROJECT)
        cmake(tmp_path / "p", f"-DCMAKE_C_COMPILER={compiler}")
        assert examine(Case(tree=read(tmp_path / "p"))).findings == ()
        compiler.unlink()
        finding = examine(Case(tree=read(tmp_path / "p"))).findings[0]
        assert (finding.cause, finding.severity) == ("cmake-cache-stale", Severity.FAILURE)
        assert "the C compiler" in finding.story[0]

    def test_unknown_option(self, tmp_path: Path) -> None:
        write(tmp_path, PROJECT)
        cmake(tmp_path, "-DLLAMA_METAL=ON", "-DFETCHCONTENT_X=1")
        finding = examine(Case(tree=read(tmp_path))).findings[0]
        assert (finding.cause, finding.severity) == ("cmake-option-unused", Severity.RISK)
        assert finding.fix.command == "cmake -B build -ULLAMA_METAL -DGGML_METAL=ON"

    def test_unfinished(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            {**PROJECT, "CMakeLists.txt": PROJECT["CMakeLists.txt"] + "message(FATAL_ERROR no)\n"},
        )
        with pytest.raises(subprocess.CalledProcessError):
            cmake(tmp_path)
        finding = examine(Case(tree=read(tmp_path))).findings[0]
        assert finding.cause == "cmake-unfinished"

    def test_in_source(self, tmp_path: Path) -> None:
        write(tmp_path, PROJECT)
        subprocess.run(["cmake", "-G", "Ninja", "."], cwd=tmp_path, check=True, capture_output=True)
        finding = found("cmake-in-source", read(tmp_path))
        assert finding
        assert finding.severity is Severity.NOTE
        write(
            tmp_path, {"build/CMakeCache.txt": HEAD.format(root=tmp_path), "build/build.ninja": ""}
        )
        finding = found("cmake-in-source", read(tmp_path))
        assert finding
        assert finding.severity is Severity.RISK

    @pytest.mark.parametrize("generator", ["Ninja", "Unix Makefiles"])
    def test_one_source_in_two_object_libraries(self, generator: str, tmp_path: Path) -> None:
        lists = PROJECT["CMakeLists.txt"].replace(
            "add_executable(app main.c)",
            "add_library(a OBJECT x.c)\nadd_library(b OBJECT x.c)\n"
            "add_executable(app main.c $<TARGET_OBJECTS:a> $<TARGET_OBJECTS:b>)",
        )
        write(tmp_path, {**PROJECT, "CMakeLists.txt": lists, "x.c": "int f(void) { return 1; }\n"})
        subprocess.run(
            ["cmake", "-B", "build", "-G", generator], cwd=tmp_path, check=True, capture_output=True
        )
        finding = examine(Case(tree=read(tmp_path))).findings[0]
        assert (finding.cause, finding.confidence) == ("source-compiled-twice", Confidence.HIGH)
        assert "x.c" in finding.story[1]


def test_accelerator_missing(tmp_path: Path) -> None:
    lines = (
        "GGML_VULKAN:BOOL=ON\nVulkan_GLSLC_EXECUTABLE:FILEPATH=Vulkan_GLSLC_EXECUTABLE-NOTFOUND\n"
    )
    finding = found("cmake-accelerator-missing", read(cached(tmp_path, lines, generated=False)))
    assert finding
    assert (finding.severity, finding.confidence) == (Severity.FAILURE, Confidence.HIGH)
    off = lines.replace("=ON", "=OFF")
    assert found("cmake-accelerator-missing", read(cached(tmp_path, off))) is None


class TestEnvironment:
    """Variables that are set."""

    def test_settings(self, tmp_path: Path) -> None:
        environ = {"CFLAGS": "-I/home/me/x", "HOME": "/home/me", "LDFLAGS": "-s"}
        finding = found("environment-settings", read(tmp_path), environ=environ)
        assert finding
        assert finding.severity is Severity.NOTE
        assert [each.text for each in finding.evidence] == ["CFLAGS=-I~/x", "LDFLAGS=-s"]
        assert found("environment-settings", read(tmp_path), environ={"HOME": "/x"}) is None

    def test_mixed_compilers(self, tmp_path: Path) -> None:
        assert found("mixed-compilers", read(tmp_path), environ={"CC": "clang-17", "CXX": "g++"})
        for c, cxx in (
            ("gcc", "g++-13"),
            ("/opt/clang", "clang++"),
            ("cc", "g++"),
            ("clang", ""),
            ("nvcc", "g++"),
        ):
            assert found("mixed-compilers", read(tmp_path), environ={"CC": c, "CXX": cxx}) is None

    def test_archflags(self, tmp_path: Path) -> None:
        environ = {"ARCHFLAGS": "-arch x86_64"}
        assert found("archflags-x86-64", None, environ=environ, machine=MAC)
        assert found("archflags-x86-64", None, environ=environ, machine=LINUX) is None
        both = {
            "CMAKE_ARGS": "-DCMAKE_OSX_ARCHITECTURES=x86_64;arm64",
            "CFLAGS": "-arch x86_64 -arch arm64",
        }
        assert found("archflags-x86-64", None, environ=both, machine=MAC) is None

    def test_path_gone(self, tmp_path: Path) -> None:
        tree = read(tmp_path, {"CC": "no-such-compiler", "PATH": ""})
        finding = found("environment-path-gone", tree, environ={"CC": "no-such-compiler"})
        assert finding
        assert finding.evidence[0].text == "CC=no-such-compiler"
        assert found("environment-path-gone", read(tmp_path)) is None

    def test_conda(self, tmp_path: Path) -> None:
        environ = {"CC": "x86_64-apple-darwin13.4.0-clang"}
        finding = found("conda-toolchain", None, environ=environ, machine=MAC)
        assert finding
        assert finding.severity is Severity.RISK
        assert found("conda-toolchain", None, environ={"CC": "clang"}, machine=MAC) is None


class TestMachine:
    """Facts that make a build fail or slow."""

    @pytest.mark.parametrize(
        ("name", "machine", "fine"),
        [
            ("rosetta-python", INTEL, MAC),
            ("xcode-tools-missing", Facts.of(os="macos", arch="arm64", sdk=""), MAC),
            ("no-avx2", LINUX, Facts.of(os="linux", arch="x86-64", cpu__features="avx2")),
            ("memory-for-jobs", LINUX, Facts.of(os="linux", threads="4", memory=str(2**34))),
            (
                "cuda-host-too-new",
                Facts.of(os="linux", cuda__version="12.2", cxx__version="gcc 13.2.0"),
                Facts.of(os="linux", cuda__version="12.4", cxx__version="gcc 13.2.0"),
            ),
            (
                "cuda-driver-too-old",
                Facts.of(os="linux", cuda__version="12.4", cuda__driver="470.82.01"),
                Facts.of(os="linux", cuda__version="12.4", cuda__driver="550.54.14"),
            ),
        ],
    )
    def test_machines(self, name: str, machine: Facts, fine: Facts, tmp_path: Path) -> None:
        tree = read(tmp_path)
        finding = found(name, tree, machine=machine)
        assert finding
        assert finding.severity is not Severity.FAILURE
        assert finding.evidence
        assert found(name, tree, machine=fine) is None
        assert found(name, tree) is None

    def test_what_the_tree_asks_for_weighs_more(self, tmp_path: Path) -> None:
        machine = Facts.of(
            os="linux", cuda__version="12.2", cxx__version="gcc 13.2.0", vulkan__glslc=""
        )
        plain = read(tmp_path)
        asking = read(cached(tmp_path / "p", "GGML_CUDA:BOOL=ON\nGGML_VULKAN:BOOL=ON\n"))
        severities = [
            finding.severity
            if (finding := found("cuda-host-too-new", tree, machine=machine))
            else None
            for tree in (plain, asking)
        ]
        assert severities == [Severity.NOTE, Severity.RISK]
        assert found("vulkan-no-glslc", plain, machine=machine) is None
        assert found("vulkan-no-glslc", asking, machine=machine)

    def test_jobs_that_were_asked_for(self, tmp_path: Path) -> None:
        finding = found(
            "memory-for-jobs", read(tmp_path), machine=LINUX, environ={"MAKEFLAGS": "-k -j16"}
        )
        assert finding
        assert finding.severity is Severity.RISK
        assert finding.evidence[1].text == "16 jobs at once"

    def test_deployment_target(self, tmp_path: Path) -> None:
        environ = {"MACOSX_DEPLOYMENT_TARGET": "10.9"}
        assert found("deployment-target-low", read(tmp_path), machine=MAC, environ=environ)
        environ = {"MACOSX_DEPLOYMENT_TARGET": "13.3"}
        assert found("deployment-target-low", read(tmp_path), machine=MAC, environ=environ) is None

    def test_metal_compiler(self, tmp_path: Path) -> None:
        lines = "GGML_METAL:BOOL=ON\nGGML_METAL_EMBED_LIBRARY:BOOL=OFF\n"
        assert found("metal-compiler-missing", read(cached(tmp_path, lines)), machine=MAC)
        lines = lines.replace("OFF", "ON")
        assert found("metal-compiler-missing", read(cached(tmp_path, lines)), machine=MAC) is None
