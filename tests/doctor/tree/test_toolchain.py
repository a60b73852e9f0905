"""What CMake found out about machine and tools, against the machine of now."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from coblyn.doctor.cause import Case
from coblyn.doctor.causes._toolchain import processor, same_version
from coblyn.doctor.examine import examine
from coblyn.doctor.finding import Confidence, Severity
from coblyn.native.facts import Facts
from doctor.tree.trees import found, read, write

needs_cmake = pytest.mark.skipif(
    sys.platform == "win32" or not all(map(shutil.which, ("cmake", "ninja", "gcc", "g++"))),
    reason="needs cmake, ninja and gcc",
)
PROJECT = {
    "CMakeLists.txt": "cmake_minimum_required(VERSION 3.14)\nproject(p C CXX)\n"
    "add_executable(app main.c)\n",
    "main.c": "int main(void) { return 0; }\n",
}
CACHE = """\
CMAKE_HOME_DIRECTORY:INTERNAL={root}
CMAKE_CACHEFILE_DIR:INTERNAL={root}/build
CMAKE_GENERATOR:INTERNAL=Ninja
CMAKE_CACHE_MAJOR_VERSION:INTERNAL=3
CMAKE_CACHE_MINOR_VERSION:INTERNAL=28
CMAKE_CACHE_PATCH_VERSION:INTERNAL=1
{more}
"""
SYSTEM = """\
set(CMAKE_HOST_SYSTEM "{system}-1")
set(CMAKE_HOST_SYSTEM_NAME "{system}")
set(CMAKE_HOST_SYSTEM_PROCESSOR "{host}")
set(CMAKE_SYSTEM_PROCESSOR "{host}")
set(CMAKE_CROSSCOMPILING "FALSE")
"""
COMPILER = """\
set(CMAKE_CXX_COMPILER "{path}")
set(CMAKE_CXX_COMPILER_ID "{id}")
set(CMAKE_CXX_COMPILER_VERSION "{version}")
set(CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES "{folders}")
"""
SDKS = "/Library/Developer/CommandLineTools/SDKs"
MAC = Facts.of(os="macos", arch="arm64", cpu="Apple M2", sdk__version="14.2")
LINUX = Facts.of(os="linux", arch="x86-64")


def configured(
    root: Path,
    more: str = "",
    *,
    system: str = "Darwin",
    host: str = "arm64",
    compiler: dict[str, str] | None = None,
) -> Path:
    """A build directory as CMake 3.28 leaves it."""
    given = {"path": "/cxx", "id": "AppleClang", "version": "15.0.0.15000309", "folders": ""}
    write(
        root,
        {
            **PROJECT,
            "build/CMakeCache.txt": CACHE.format(root=root.as_posix(), more=more),
            "build/build.ninja": "",
            "build/CMakeFiles/3.28.1/CMakeSystem.cmake": SYSTEM.format(system=system, host=host),
            "build/CMakeFiles/3.28.1/CMakeCXXCompiler.cmake": COMPILER.format(
                **{**given, **(compiler or {})}
            ),
            # Another CMake was there before.
            "build/CMakeFiles/3.20.0/CMakeSystem.cmake": SYSTEM.format(system="Plan9", host="mips"),
        },
    )
    return root


@needs_cmake
class TestRealBuildDirectories:
    """Configured by CMake itself."""

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        write(tmp_path, PROJECT)
        argv = ["cmake", "-B", "build", "-G", "Ninja", "-DCMAKE_C_COMPILER=gcc"]
        subprocess.run(
            [*argv, "-DCMAKE_CXX_COMPILER=g++"], cwd=tmp_path, check=True, capture_output=True
        )
        return tmp_path

    def test_what_is_read(self, root: Path) -> None:
        tree = read(root)
        toolchain = tree.toolchains["build/CMakeCache.txt"]
        assert (toolchain.host_system, toolchain.is_cross) == (
            {"linux": "Linux", "darwin": "Darwin"}[sys.platform],
            False,
        )
        assert processor(toolchain.host_processor) in ("x86-64", "arm64")
        tool = toolchain.tool("CXX")
        assert tool
        line = (root / tool.place).read_text("utf-8").splitlines()[tool.line - 1]
        assert line == f'set(CMAKE_CXX_COMPILER_VERSION "{tool.version}")'
        assert toolchain.tool("CUDA") is None

    def test_same_machine_and_compiler(self, root: Path) -> None:
        from coblyn.doctor.consult import machine_facts

        case = Case(tree=read(root), machine=machine_facts(), environ={"CC": "gcc", "CXX": "g++"})
        names = {each.cause for each in examine(case).findings}
        assert names & {"cmake-other-machine", "cmake-compiler-changed", "sdk-mismatch"} == set()
        assert "cmake-environment-ignored" not in names

    def test_environment_that_comes_too_late(self, root: Path) -> None:
        environ = {"CC": "clang-17", "CMAKE_GENERATOR": "Unix Makefiles", "CXX": "g++"}
        finding = found("cmake-environment-ignored", read(root), environ=environ)
        assert finding
        assert finding.severity is Severity.NOTE
        assert [each.text for each in finding.evidence][:2] == [
            "CC=clang-17",
            "CMAKE_GENERATOR=Unix Makefiles",
        ]
        assert finding.fix.command == "cmake --fresh -S . -B build"
        cache = (root / "build/CMakeCache.txt").read_text("utf-8")
        later = {"CC": "clang", "CMAKE_GENERATOR": "Unix Makefiles"}
        if shutil.which("clang") and shutil.which("make"):
            # That CMake keeps to its cache is what the finding rests on.
            subprocess.run(
                ["cmake", "-B", "build"],
                cwd=root,
                check=True,
                capture_output=True,
                env={**os.environ, **later},
            )
            kept = (root / "build/CMakeCache.txt").read_text("utf-8")
            for name in ("CMAKE_GENERATOR:", "CMAKE_C_COMPILER:"):
                assert [line for line in kept.splitlines() if line.startswith(name)] == [
                    line for line in cache.splitlines() if line.startswith(name)
                ]

    def test_a_compiler_that_was_updated(self, root: Path) -> None:
        tree = read(root)
        tool = tree.toolchains["build/CMakeCache.txt"].tool("CXX")
        assert tool
        facts = {"os": "linux", "arch": "x86-64", "cxx": tool.path, "cxx__real": tool.real}
        now = Facts.of(**facts, cxx__version="gcc 99.1.0")
        finding = found("cmake-compiler-changed", tree, machine=now)
        assert finding
        assert (finding.severity, finding.confidence) == (Severity.RISK, Confidence.HIGH)
        assert finding.evidence[0].line == tool.line
        small = tool.version.rpartition(".")[0] + ".99"
        now = Facts.of(**facts, cxx__version=f"gcc {small}")
        finding = found("cmake-compiler-changed", tree, machine=now)
        assert finding
        assert finding.severity is Severity.NOTE
        for version in (f"gcc {tool.version}", ""):
            now = Facts.of(**facts, cxx__version=version)
            assert found("cmake-compiler-changed", tree, machine=now) is None
        other = Facts.of(os="linux", cxx="/other", cxx__real="/other", cxx__version="gcc 99.1.0")
        assert found("cmake-compiler-changed", tree, machine=other) is None


class TestMachine:
    """Where a build directory was configured, and for what."""

    @pytest.mark.parametrize(
        ("system", "host", "machine", "is_other"),
        [
            ("Darwin", "arm64", MAC, False),
            ("Darwin", "x86_64", MAC, True),
            ("Linux", "aarch64", LINUX, True),
            ("Linux", "x86_64", LINUX, False),
            ("Linux", "aarch64", MAC, True),
            ("Windows", "AMD64", Facts.of(os="windows", arch="x86-64"), False),
            ("Windows", "AMD64", LINUX, True),
            ("Linux", "mips", LINUX, False),
            ("", "", LINUX, False),
            ("Darwin", "x86_64", Facts.of(os="macos", arch="x86-64", cpu="Intel"), False),
            ("Darwin", "x86_64", Facts.of(os="macos", arch="x86-64", rosetta="yes"), True),
        ],
    )
    def test_host(
        self, system: str, host: str, machine: Facts, is_other: bool, tmp_path: Path
    ) -> None:
        tree = read(configured(tmp_path, system=system, host=host))
        finding = found("cmake-other-machine", tree, machine=machine)
        assert (finding is not None) is is_other
        if finding:
            assert (finding.severity, finding.confidence) == (Severity.RISK, Confidence.HIGH)
            assert finding.evidence[0].source == "build/CMakeFiles/3.28.1/CMakeSystem.cmake"
        assert found("cmake-other-machine", tree) is None

    def test_rosetta_is_named(self, tmp_path: Path) -> None:
        finding = found(
            "cmake-other-machine", read(configured(tmp_path, host="x86_64")), machine=MAC
        )
        assert finding
        assert "Rosetta" in finding.story[1]

    @pytest.mark.parametrize(
        ("wanted", "is_other"), [("x86_64", True), ("arm64;x86_64", False), ("", False)]
    )
    def test_architectures(self, wanted: str, is_other: bool, tmp_path: Path) -> None:
        tree = read(configured(tmp_path, f"CMAKE_OSX_ARCHITECTURES:STRING={wanted}"))
        finding = found("cmake-other-machine", tree, machine=MAC)
        assert (finding is not None) is is_other
        if finding:
            assert finding.confidence is Confidence.MEDIUM
            assert finding.fix.command == "cmake -B build -UCMAKE_OSX_ARCHITECTURES"
        cross = "CMAKE_OSX_ARCHITECTURES:STRING=x86_64\nCMAKE_TOOLCHAIN_FILE:FILEPATH=x.cmake"
        tree = read(configured(tmp_path, cross))
        assert found("cmake-other-machine", tree, machine=MAC) is None

    def test_words_for_processors(self) -> None:
        for name in ("x86_64", "AMD64", "x64"):
            assert processor(name) == "x86-64"
        assert processor("aarch64") == processor("arm64") == "arm64"
        assert processor("mips") == ""

    def test_versions(self) -> None:
        assert same_version("15.0.0.15000309", "15.0.0")
        assert same_version("14", "14.2")
        assert not same_version("14.1", "14.2")


class TestEnvironment:
    """CC and CXX that CMake does not look at any more."""

    @pytest.mark.parametrize(
        ("kind", "version", "wanted", "machine", "is_ignored"),
        [
            ("GNU", "12.2.0", "g++-13", LINUX, True),
            ("GNU", "12.2.0", "g++-12", LINUX, False),
            ("GNU", "12.2.0", "ccache g++", LINUX, False),
            ("GNU", "12.2.0", "clang++", LINUX, True),
            ("GNU", "12.2.0", "c++", LINUX, False),
            ("AppleClang", "15.0.0.1", "clang++", MAC, False),
            ("AppleClang", "15.0.0.1", "g++", MAC, False),
            ("AppleClang", "15.0.0.1", "g++-13", MAC, True),
            ("Clang", "17.0.6", "/usr/lib/llvm-17/bin/clang++", LINUX, False),
            ("MSVC", "19.3", "clang++", LINUX, False),
        ],
    )
    def test_compilers(
        self,
        kind: str,
        version: str,
        wanted: str,
        machine: Facts,
        is_ignored: bool,
        tmp_path: Path,
    ) -> None:
        tree = read(configured(tmp_path, compiler={"id": kind, "version": version}))
        finding = found("cmake-environment-ignored", tree, machine=machine, environ={"CXX": wanted})
        assert (finding is not None) is is_ignored


def macho(least: int, sdk: int) -> bytes:
    command = struct.pack("<6I", 0x32, 24, 1, least, sdk, 0)
    return struct.pack("<8I", 0xFEEDFACF, 0x0100000C, 0, 1, 1, 24, 0, 0) + command


class TestSdk:
    """Versions of macOS that do not agree."""

    def test_headers_of_an_older_sdk(self, tmp_path: Path) -> None:
        folders = f"{SDKS}/MacOSX13.3.sdk/usr/include;/usr/local/include"
        tree = read(configured(tmp_path, compiler={"folders": folders}))
        finding = found("sdk-mismatch", tree, machine=MAC)
        assert finding
        assert (finding.severity, finding.confidence) == (Severity.RISK, Confidence.MEDIUM)
        assert "13.3" in finding.story[0]
        assert found("sdk-mismatch", tree, machine=LINUX) is None
        same = {"folders": folders.replace("13.3", "14")}
        tree = read(configured(tmp_path, compiler=same))
        assert found("sdk-mismatch", tree, machine=MAC) is None

    def test_an_older_sdk_in_the_cache(self, tmp_path: Path) -> None:
        sdk = tmp_path / "MacOSX13.3.sdk"
        sdk.mkdir()
        tree = read(configured(tmp_path, f"CMAKE_OSX_SYSROOT:PATH={sdk.as_posix()}"))
        finding = found("sdk-mismatch", tree, machine=MAC)
        assert finding
        assert finding.evidence[0].text.startswith("CMAKE_OSX_SYSROOT:PATH=")
        sdk.rmdir()
        tree = read(tmp_path)
        assert found("sdk-mismatch", tree, machine=MAC) is None
        assert found("cmake-cache-stale", tree, machine=MAC)

    def objects(self, root: Path, *versions: int) -> None:
        names = [chr(ord("a") + number) for number in range(len(versions))]
        every = " ".join(f"{name}.o" for name in names)
        write(root, {"Makefile": f"app: {every}\n\tcc $^ -o $@\n"})
        write(root, {f"{name}.c": "" for name in names})
        for name, least in zip(names, versions, strict=True):
            (root / f"{name}.o").write_bytes(macho(least, 0x000E0200))

    def test_objects_for_two_systems(self, tmp_path: Path) -> None:
        self.objects(tmp_path, 0x000B0000, 0x000E0000)
        finding = found("sdk-mismatch", read(tmp_path))
        assert finding
        assert "b.o" in finding.story[0]
        assert "14.0" in finding.story[0]
        assert "11.0" in finding.story[0]
        self.objects(tmp_path, 0x000B0000, 0x000B0000)
        assert found("sdk-mismatch", read(tmp_path)) is None

    def test_objects_for_a_newer_system_than_the_build(self, tmp_path: Path) -> None:
        self.objects(tmp_path, 0x000E0000, 0x000E0000)
        tree = read(tmp_path)
        assert found("sdk-mismatch", tree) is None
        finding = found("sdk-mismatch", tree, environ={"MACOSX_DEPLOYMENT_TARGET": "11"})
        assert finding
        assert "the build is for macOS 11" in finding.story[0]
        for target in ("14.0", "14", "15.1", "odd"):
            environ = {"MACOSX_DEPLOYMENT_TARGET": target}
            assert found("sdk-mismatch", tree, environ=environ) is None
