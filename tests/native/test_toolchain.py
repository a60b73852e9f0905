"""Compilers and machines as they are found: fake programs in a PATH of our own."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from coblyn.errors import ToolchainMissing
from coblyn.native import toolchain
from coblyn.native.facts import Facts
from coblyn.native.msvc import parse_environment
from coblyn.native.probe import Prober, probe
from coblyn.native.toolchain import choose_toolchain

if TYPE_CHECKING:
    from pathlib import Path

posix = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")
LINUX = Facts.of(os="linux", arch="x86-64")


@pytest.fixture
def bin_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(toolchain, "_zig", lambda: "")
    return folder


@pytest.fixture
def prober(tmp_path: Path) -> Prober:
    return Prober(tmp_path / "probes.json")


def program(path: Path, says: str, *, code: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    path.chmod(0o755)
    return path


def compilers(folder: Path, cc: str, cxx: str, says: str) -> None:
    program(folder / cc, says)
    program(folder / cxx, says)


@posix
class TestChoice:
    """CC and CXX, then the system's, then zig, then a clear word."""

    def test_gcc_comes_first(self, bin_dir: Path, prober: Prober) -> None:
        compilers(bin_dir, "clang", "clang++", "clang version 17.0.1")
        compilers(bin_dir, "gcc", "g++", "g++ (Debian) 12.2.0")
        found = choose_toolchain(LINUX, prober, {})
        assert found.family == "gcc"
        assert found.cxx == (str(bin_dir / "g++"),)
        assert found.version == "g++ (Debian) 12.2.0"
        assert "PATH" in found.reason

    def test_clang_when_there_is_no_gcc(self, bin_dir: Path, prober: Prober) -> None:
        compilers(bin_dir, "clang", "clang++", "clang version 17.0.1")
        assert choose_toolchain(LINUX, prober, {}).family == "clang"

    def test_a_broken_one_is_passed_over(self, bin_dir: Path, prober: Prober) -> None:
        program(bin_dir / "gcc", "gcc 12")
        program(bin_dir / "g++", "cannot run", code=1)
        compilers(bin_dir, "clang", "clang++", "clang version 17.0.1")
        assert choose_toolchain(LINUX, prober, {}).family == "clang"

    def test_c_without_cxx_is_not_enough(self, bin_dir: Path, prober: Prober) -> None:
        program(bin_dir / "gcc", "gcc 12")
        with pytest.raises(ToolchainMissing):
            choose_toolchain(LINUX, prober, {})

    def test_the_environment_wins(self, bin_dir: Path, prober: Prober) -> None:
        compilers(bin_dir, "gcc", "g++", "g++ 12")
        compilers(bin_dir, "gcc-13", "g++-13", "g++ 13")
        found = choose_toolchain(LINUX, prober, {"CXX": "g++-13"})
        assert found.cc == (str(bin_dir / "gcc-13"),)
        assert found.version == "g++ 13"
        assert "CXX=g++-13" in found.reason

    def test_arguments_in_the_environment_are_kept(self, bin_dir: Path, prober: Prober) -> None:
        compilers(bin_dir, "gcc", "g++", "g++ 12")
        found = choose_toolchain(LINUX, prober, {"CC": "gcc -m64", "CXX": "g++ -m64"})
        assert found.cxx == (str(bin_dir / "g++"), "-m64")

    def test_a_path_with_spaces(self, bin_dir: Path, prober: Prober, tmp_path: Path) -> None:
        compilers(tmp_path / "my tools", "cc", "c++", "g++ 12")
        found = choose_toolchain(LINUX, prober, {"CC": str(tmp_path / "my tools" / "cc")})
        assert found.cxx == (str(tmp_path / "my tools" / "c++"),)

    def test_the_partner_may_lie_elsewhere(self, bin_dir, prober, tmp_path: Path) -> None:
        compilers(bin_dir, "gcc", "g++", "g++ 12")
        own = program(tmp_path / "mine" / "g++", "g++ 14")
        found = choose_toolchain(LINUX, prober, {"CXX": str(own)})
        assert found.cc == (str(bin_dir / "gcc"),)
        assert found.cxx == (str(own),)

    def test_zig_serves_when_the_system_has_none(self, bin_dir, prober, tmp_path, monkeypatch):
        says = "clang version 22.1.8\nTarget: x86_64-unknown-linux6.18.44-gnu2.36.0"
        zig = program(tmp_path / "ziglang" / "zig", says)
        monkeypatch.setattr(toolchain, "_zig", lambda: str(zig))
        found = choose_toolchain(LINUX, prober, {})
        assert found.family == "zig"
        assert found.cxx == (str(zig), "c++")
        assert "zig from the Python package index" in found.reason
        assert "6.18.44" not in found.identity, "a newer kernel is no other compiler"

    @pytest.mark.parametrize(
        ("system", "word"),
        [("linux", "apt install"), ("macos", "xcode-select"), ("windows", "winget")],
    )
    def test_none_at_all_says_what_to_install(
        self, bin_dir, prober, system: str, word: str
    ) -> None:
        with pytest.raises(ToolchainMissing, match=r"no C\+\+ compiler") as caught:
            choose_toolchain(Facts.of(os=system), prober, {})
        assert word in caught.value.hint
        assert "pip install 'coblyn[zig]'" in caught.value.hint


@posix
class TestProber:
    """Answers are kept until a file changes."""

    def counter(self, path: Path) -> Path:
        path.write_text(f'#!/bin/sh\necho started >> "{path}.log"\necho answer\n')
        path.chmod(0o755)
        return path

    def starts(self, path: Path) -> int:
        log = path.with_name(path.name + ".log")
        return len(log.read_text().splitlines()) if log.exists() else 0

    def test_a_second_process_starts_nothing(self, tmp_path: Path) -> None:
        tool, memory = self.counter(tmp_path / "tool"), tmp_path / "probes.json"
        for _ in range(3):
            prober = Prober(memory)
            assert prober.ask([tool, "--version"]) == "answer\n"
            prober.save()
        assert self.starts(tool) == 1

    def test_a_changed_program_is_asked_again(self, tmp_path: Path, prober: Prober) -> None:
        tool = self.counter(tmp_path / "tool")
        prober.ask([tool])
        os.utime(tool, ns=(1, 1))
        prober.ask([tool])
        assert self.starts(tool) == 2

    def test_a_changed_dependency_counts_too(self, tmp_path: Path, prober: Prober) -> None:
        tool, sdk = self.counter(tmp_path / "tool"), tmp_path / "sdk"
        prober.ask([tool], watch=[sdk])
        sdk.write_text("new")
        prober.ask([tool], watch=[sdk])
        assert self.starts(tool) == 2

    def test_a_failure_is_an_empty_answer(self, tmp_path: Path, prober: Prober) -> None:
        assert prober.ask([program(tmp_path / "bad", "no", code=1)]) == ""
        assert prober.ask([tmp_path / "nothing"]) == ""
        assert prober.ask([""]) == ""

    def test_a_damaged_memory_is_forgotten(self, tmp_path: Path) -> None:
        memory = tmp_path / "probes.json"
        memory.write_text("{not json")
        tool = self.counter(tmp_path / "tool")
        assert Prober(memory).ask([tool]) == "answer\n"


@posix
class TestProbe:
    """Facts about programs that we put there."""

    def test_an_old_cmake_gives_way_to_the_packaged_one(self, bin_dir, prober) -> None:
        program(bin_dir / "cmake", "cmake version 3.10.2")
        facts = probe(prober, {})
        assert facts["cmake"] != str(bin_dir / "cmake")
        reason = next(fact.reason for fact in facts if fact.name == "cmake")
        assert "3.10.2" in reason

    def test_a_new_cmake_of_the_system_is_taken(self, bin_dir, prober) -> None:
        program(bin_dir / "cmake", "cmake version 3.30.1")
        facts = probe(prober, {})
        assert facts["cmake"] == str(bin_dir / "cmake")
        assert facts["cmake.version"] == "3.30.1"

    def test_cuda(self, bin_dir, prober, tmp_path) -> None:
        release = "Cuda compilation tools, release 12.9, V12.9.41"
        nvcc = program(tmp_path / "cuda" / "bin" / "nvcc", release)
        program(bin_dir / "nvidia-smi", "NVIDIA A100, 8.0, 575.57\nNVIDIA A100, 8.0, 575.57")
        facts = probe(prober, {"CUDA_PATH": str(tmp_path / "cuda")})
        assert facts["cuda.compiler"] == str(nvcc)
        assert facts["cuda.version"] == "12.9"
        assert facts["cuda.capabilities"] == "8.0"
        assert facts["cuda.driver"] == "575.57"

    def test_vulkan(self, bin_dir, prober, tmp_path) -> None:
        sdk = tmp_path / "sdk"
        (sdk / "include" / "vulkan").mkdir(parents=True)
        (sdk / "include" / "vulkan" / "vulkan_core.h").write_text("#define VK_EXT_layer_settings 1")
        program(sdk / "bin" / "glslc", "shaderc v2023.8 v2024.1")
        facts = probe(prober, {"VULKAN_SDK": str(sdk)})
        assert facts["vulkan.glslc"] == str(sdk / "bin" / "glslc")
        assert facts["vulkan.header"].endswith("vulkan_core.h")
        assert facts["vulkan.layer-settings"] == "yes"

    def test_a_tool_that_does_not_run_is_missing(self, bin_dir, prober) -> None:
        program(bin_dir / "glslc", "error while loading shared libraries", code=127)
        facts = probe(prober, {})
        assert facts["vulkan.glslc"] == ""
        reason = next(fact.reason for fact in facts if fact.name == "vulkan.glslc")
        assert "does not run" in reason

    def test_paths_that_a_compiler_needs_are_facts(self, bin_dir, prober) -> None:
        facts = probe(prober, {"CPATH": "/opt/include", "CFLAGS": "-O0"})
        assert facts["env.CPATH"] == "/opt/include"
        assert facts["env.CFLAGS"] == ""


def test_this_machine_has_facts(tmp_path: Path) -> None:
    facts = probe(Prober(tmp_path / "probes.json"))
    assert facts["os"] in {"linux", "macos", "windows"}
    assert facts["arch"]
    assert facts["cpu"]
    assert facts.number("threads") >= 1
    assert facts.number("memory") > 0
    assert all(fact.name and isinstance(fact.value, str) for fact in facts)


def test_only_what_matters_of_visual_studios_environment() -> None:
    text = "INCLUDE=C:\\inc\r\nPath=C:\\VS;C:\\Windows\r\nPATHEXT=.EXE\r\nSECRET=x\r\nnoise\r\n"
    assert parse_environment(text) == {"INCLUDE": "C:\\inc", "PATH": "C:\\VS;C:\\Windows"}
