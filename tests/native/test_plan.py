"""Plans: the same facts give the same plan, and every platform's plan is on record.

COBLYN_REGENERATE=1 writes the golden files anew; the diff is then to be read.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from coblyn.errors import SettingsError, ToolchainMissing
from coblyn.native.backends import BACKENDS, choose
from coblyn.native.facts import Fact
from coblyn.native.known_bad import KNOWN_BAD
from coblyn.native.plan import CLEARED, BuildOptions, BuildPlan, make_plan
from coblyn.native.prepare import shim_dir
from coblyn.native.sets import KERNELS, groups
from native import machines as m

# Read now: fixtures take such variables away from tests.
REGENERATE = bool(os.environ.get("COBLYN_REGENERATE"))
GOLDEN = Path(__file__).parent / "golden"
SHIM = "5" * 64

DEFAULT = BuildOptions()

CASES = {
    "macos-arm64-metal": (m.MAC, m.APPLE, BuildOptions()),
    "macos-arm64-portable": (m.MAC, m.APPLE, BuildOptions(portable=True)),
    "macos-12-ccache": (m.OLD_MAC, m.APPLE, BuildOptions()),
    "macos-x86-64": (m.INTEL_MAC, m.APPLE, BuildOptions()),
    "linux-cpu": (m.LINUX, m.GCC, BuildOptions()),
    "linux-arm64-cpu": (m.LINUX_ARM, m.GCC, BuildOptions()),
    "linux-portable": (m.LINUX, m.GCC, BuildOptions(portable=True)),
    "linux-zig": (m.LINUX, m.ZIG, BuildOptions()),
    "linux-cuda": (m.NVIDIA, m.GCC, BuildOptions()),
    "linux-cuda-portable": (m.NVIDIA, m.GCC, BuildOptions(portable=True)),
    "linux-vulkan": (m.VULKAN, m.GCC, BuildOptions()),
    "linux-hip": (m.AMD, m.GCC, BuildOptions()),
    "windows-cpu": (m.WINDOWS, m.MSVC, BuildOptions()),
}


def plan(facts=m.LINUX, toolchain=m.GCC, options=DEFAULT, source=m.PINNED, shim=SHIM) -> BuildPlan:
    return make_plan(facts, options, source, shim, toolchain)


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str) -> None:
    facts, toolchain, options = CASES[name]
    text = json.dumps(asdict(plan(facts, toolchain, options)), indent=2) + "\n"
    path = GOLDEN / f"{name}.json"
    if REGENERATE:
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8"), "COBLYN_REGENERATE=1 writes it anew"


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(CASES)


def test_metal_shaders_are_embedded() -> None:
    assert "-DGGML_METAL_EMBED_LIBRARY=ON" in plan(m.MAC, m.APPLE).cmake_args


def test_a_mac_build_says_architecture_and_sdk_itself() -> None:
    args = plan(m.MAC, m.APPLE).cmake_args
    assert "-DCMAKE_OSX_ARCHITECTURES=arm64" in args
    assert f"-DCMAKE_OSX_SYSROOT={m.MAC['sdk']}" in args


@pytest.mark.parametrize(
    "changed",
    [
        {"options": BuildOptions(portable=True)},
        {"options": BuildOptions(cmake_args=("-DGGML_LTO=ON",))},
        {"options": BuildOptions(without=frozenset({"fma"}))},
        {"source": m.CUSTOM},
        {"shim": "6" * 64},
        {"toolchain": replace(m.GCC, identity="another")},
        {"facts": m.LINUX.with_facts([Fact("cpu.features", "avx")])},
        {"facts": m.LINUX.with_facts([Fact("env.CPATH", "/opt/include")])},
        {"facts": m.LINUX_ARM},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_whatever_can_change_the_result_changes_the_id(changed) -> None:
    assert plan(**changed).id != plan().id


@pytest.mark.parametrize(
    "changed",
    [
        {"options": BuildOptions(jobs=3)},
        {"options": BuildOptions(backend="cpu")},
        {
            "facts": m.LINUX.with_facts(
                [Fact("memory", "2000000000"), Fact("ccache", "/usr/bin/ccache")]
            )
        },
        {
            "facts": m.LINUX.with_facts(
                [Fact("cuda.compiler", "/nvcc"), Fact("cuda.version", "13.0")]
            )
        },
        {"facts": m.LINUX.with_facts([Fact("cmake", "/opt/cmake"), Fact("cmake.version", "4.0")])},
    ],
    ids=["jobs", "backend by name", "memory and ccache", "a toolkit of another backend", "cmake"],
)
def test_what_can_not_change_the_result_does_not_change_the_id(changed) -> None:
    assert plan(**changed).id == plan().id


def test_a_portable_bundle_does_not_depend_on_this_cpu() -> None:
    portable = BuildOptions(portable=True)
    other = m.LINUX.with_facts([Fact("cpu", "another"), Fact("cpu.features", "avx512f")])
    assert plan(other, options=portable).id == plan(options=portable).id


@pytest.mark.parametrize(
    ("threads", "memory", "jobs"),
    [("8", "16000000000", 8), ("8", "4600000000", 3), ("64", "1000000", 1), ("", "", 1)],
)
def test_jobs_go_by_cores_and_memory(threads: str, memory: str, jobs: int) -> None:
    facts = m.LINUX.with_facts([Fact("threads", threads), Fact("memory", memory)])
    assert plan(facts).jobs == jobs
    assert plan(facts, options=BuildOptions(jobs=5)).jobs == 5


def test_the_variable_that_turns_simd_off_is_cleared() -> None:
    env = plan().env
    assert env["SOURCE_DATE_EPOCH"] is None
    assert all(env[name] is None for name in CLEARED)


def test_arguments_of_the_user_come_after_ours() -> None:
    args = plan(options=BuildOptions(cmake_args=("-DGGML_OPENMP=OFF",))).cmake_args
    assert args.index("-DGGML_OPENMP=OFF") > args.index("-DGGML_OPENMP=ON")


def test_another_source_is_named() -> None:
    assert any("/src (not the pinned tree)" in note for note in plan(source=m.CUSTOM).notes)
    assert not plan().notes


@pytest.mark.parametrize(
    ("changed", "has_units"),
    [
        ({}, True),
        ({"facts": m.MAC, "toolchain": m.APPLE}, True),
        ({"source": m.CUSTOM}, False),  # its names may clash where files are compiled together
        ({"facts": m.WINDOWS, "toolchain": m.MSVC}, False),
    ],
    ids=["pinned", "macos", "custom", "windows"],
)
def test_only_the_known_tree_is_compiled_in_units(changed, has_units: bool) -> None:
    assert ("-DCOBLYN_UNITS=ON" in plan(**changed).cmake_args) is has_units


class TestChoice:
    """Which backend, and why."""

    @pytest.mark.parametrize(
        ("facts", "name"),
        [
            (m.MAC, "metal"),
            (m.INTEL_MAC, "cpu"),
            (m.NVIDIA, "cuda"),
            (m.AMD, "hip"),
            (m.VULKAN, "vulkan"),
            (m.LINUX, "cpu"),
            (m.WINDOWS, "cpu"),
        ],
    )
    def test_auto_takes_what_the_machine_has(self, facts, name: str) -> None:
        choice = choose("auto", facts)
        assert name == choice.backend.NAME
        assert choice.reason

    def test_auto_says_what_it_could_not_use(self) -> None:
        facts = m.NVIDIA.with_facts([Fact("cuda.compiler", "")])
        choice = choose("auto", facts)
        assert choice.backend.NAME == "cpu"
        assert "RTX 3090 cannot be used" in choice.notes[0]
        assert "coblyn build --backend cuda" in choice.notes[0]

    def test_an_intel_python_on_apple_silicon_is_told(self) -> None:
        choice = choose("auto", m.ROSETTA)
        assert choice.backend.NAME == "cpu"
        assert "Rosetta" in choice.notes[0]

    def test_the_named_backend_needs_its_tools(self) -> None:
        with pytest.raises(ToolchainMissing, match="nvcc") as caught:
            choose("cuda", m.LINUX)
        assert "CUDA toolkit" in caught.value.hint

    def test_the_named_backend_needs_no_device(self) -> None:
        facts = m.NVIDIA.with_facts([Fact("cuda.devices", ""), Fact("cuda.capabilities", "")])
        assert choose("auto", facts).backend.NAME == "cpu"
        choice = choose("cuda", facts)
        assert "shows no GPU" in choice.notes[0]
        args = choice.backend.cmake_args(facts, portable=False)
        assert any("75-virtual" in arg and "121a-real" in arg for arg in args)

    def test_an_old_rocm_is_refused(self) -> None:
        with pytest.raises(ToolchainMissing, match=r"5\.7 is too old"):
            choose("hip", m.AMD.with_facts([Fact("hip.version", "5.7")]))

    def test_headers_that_llama_cpp_can_not_be_built_with_are_refused(self) -> None:
        old = [Fact("vulkan.layer-settings", ""), Fact("vulkan.header.version", "1.3.239")]
        with pytest.raises(ToolchainMissing, match=r"too old \(1\.3\.239\)"):
            choose("vulkan", m.VULKAN.with_facts(old))

    @pytest.mark.parametrize("name", BACKENDS)
    def test_every_verdict_has_a_reason(self, name: str) -> None:
        for facts in (m.LINUX, m.MAC, m.INTEL_MAC, m.WINDOWS, m.NVIDIA, m.AMD, m.VULKAN):
            verdict = BACKENDS[name].detect(facts)
            assert verdict.reason.endswith(".")
            assert name == BACKENDS[name].NAME

    def test_blackwell_gets_its_own_instructions(self) -> None:
        facts = m.NVIDIA.with_facts([Fact("cuda.capabilities", "8.9 12.0")])
        args = choose("auto", facts).backend.cmake_args(facts, portable=False)
        assert "-DCMAKE_CUDA_ARCHITECTURES=89-real;120a-real" in args


class TestWithout:
    """Plans that do without instruction sets."""

    NEW = m.LINUX.with_facts(
        [Fact("cpu.features", "amx_int8 amx_tile avx avx2 avx512_vnni avx512f bmi2 f16c fma")]
    )
    GCC_14 = replace(m.GCC, version="g++ 14.2.0", identity="newer")

    def args(self, *names: str, facts=NEW, toolchain=GCC_14, portable: bool = False) -> list[str]:
        options = BuildOptions(portable=portable, without=frozenset(names))
        made = plan(facts, toolchain, options).cmake_args
        return [arg for arg in made if re.search("LEFT_OUT|SUPPORTS|FOUND|HAS_", arg)]

    def test_flags_take_a_set_away_from_ggml_and_from_our_kernels(self) -> None:
        flags, kernels = self.args("avx512_vnni")
        assert flags.startswith("-DCOBLYN_LEFT_OUT_FLAGS=")
        assert {"-mno-avx512vnni", "-mno-amx-int8"} <= set(flags.partition("=")[2].split(";"))
        assert "-mno-avx512f" not in flags
        assert {"AVX512_VNNI", "AVX512_BF16"} <= set(kernels.partition("=")[2].split(";"))
        assert "AVX2" not in kernels.partition("=")[2].split(";")

    def test_what_needs_a_set_goes_with_it(self) -> None:
        flags, _ = self.args("fma")
        assert {"-mno-fma", "-mno-avx512f", "-mno-amx-tile"} <= set(
            flags.partition("=")[2].split(";")
        )

    def test_names_of_sets_and_groups_are_one(self) -> None:
        ids = {
            plan(self.NEW, self.GCC_14, BuildOptions(without=frozenset({name}))).id
            for name in ("amx", "amx_int8", "amx_tile")
        }
        assert len(ids) == 1
        assert plan(self.NEW, self.GCC_14).id not in ids

    def test_an_unknown_name_is_refused(self) -> None:
        for name in ("avx1024", "sve", "", "sapphirerapids"):
            with pytest.raises(SettingsError, match="not an instruction set"):
                self.args(name)

    def test_the_phrase_says_what_is_left(self) -> None:
        made = plan(self.NEW, self.GCC_14, BuildOptions(without=frozenset({"avx512"})))
        assert "AVX2" in made.accelerates
        assert "AVX512" not in made.accelerates

    def test_arm_is_told_in_ggmls_own_words(self) -> None:
        arm = m.LINUX_ARM.with_facts([Fact("cpu.features", "asimddp asimdhp i8mm sve")])
        made = self.args("i8mm", facts=arm)
        assert "-DGGML_MACHINE_SUPPORTS_i8mm=OFF" in made
        assert "-DCOBLYN_LEFT_OUT_KERNELS=NEON_I8MM" in made
        assert not any("dotprod" in arg for arg in made)
        made = self.args("dotprod", facts=arm)
        assert {"-DGGML_MACHINE_SUPPORTS_i8mm=OFF", "-DGGML_MACHINE_SUPPORTS_dotprod=OFF"} <= set(
            made
        )

    def test_kernels_that_this_processor_can_not_run_are_left_out(self) -> None:
        assert self.args() == ["-DCOBLYN_LEFT_OUT_KERNELS=AVX_VNNI;AVX512_BF16"]
        assert "AMX_INT8" in self.args("amx")[-1]
        assert self.args(portable=True) == []
        unknown = m.LINUX.with_facts([Fact("cpu.features", "")])
        assert self.args(facts=unknown) == []

    def test_microsofts_compiler_gets_no_flags(self) -> None:
        made = self.args("avx512", facts=m.WINDOWS, toolchain=m.MSVC)
        assert {"-DAVX512_FOUND=OFF", "-DHAS_AVX512_1=OFF", "-DHAS_AVX512_2=OFF"} <= set(made)
        assert not any("-mno" in arg or "AVX2_FOUND" in arg for arg in made)

    def test_a_portable_build_drops_variants(self) -> None:
        def dropped(*names: str) -> tuple[str, ...]:
            options = BuildOptions(portable=True, without=frozenset(names))
            return plan(m.LINUX, self.GCC_14, options).dropped

        assert dropped() == ()
        assert dropped("amx") == ("ggml-cpu-sapphirerapids",)
        assert dropped("haswell") == ("ggml-cpu-haswell",)
        assert "ggml-cpu-zen4" in dropped("avx512_bf16")
        assert "ggml-cpu-haswell" not in dropped("avx512")
        assert not any("-mno" in arg for arg in self.args("amx", portable=True))

    def test_every_kernel_of_ours_says_what_it_uses(self) -> None:
        text = (shim_dir() / "kernels" / "CMakeLists.txt").read_text("utf-8")
        names = set(re.findall(r"^ *coblyn_code\(\S+ (\w+) ", text, re.MULTILINE))
        assert names == set(KERNELS)


class TestKnownBad:
    """Compilers that are known to get a set wrong."""

    NEW = TestWithout.NEW

    @pytest.mark.parametrize(
        ("version", "is_bad"),
        [
            ("g++ (Debian 12.2.0-14+deb12u1) 12.2.0", True),
            ("g++-12 (Ubuntu 12.3.0-1ubuntu1~22.04) 12.3.0", True),
            ("c++ (crosstool-NG 1.25.0.196_227d99d) 12.2.0", True),
            ("g++ (GCC) 13.2.1 20240316 (Red Hat 13.2.1-7)", True),
            ("g++ (GCC) 11.4.1 20230605", True),
            ("c++ (conda-forge gcc 12.4.0-0) 12.4.0", False),
            ("g++ (Debian 14.2.0-19) 14.2.0", False),
            ("g++ (GCC) 11.5.0", False),
            ("g++ (GCC) 10.2.1", False),
            ("c++", False),
        ],
    )
    def test_amx_and_gcc(self, version: str, is_bad: bool) -> None:
        made = plan(self.NEW, replace(m.GCC, version=version))
        assert ("amx" in made.without) is is_bad
        assert any("AMX is left out: GCC" in reason for reason in made.reasons) is is_bad
        assert any("-mno-amx-tile" in arg for arg in made.cmake_args) is is_bad

    def test_our_own_kernels_are_not_concerned(self) -> None:
        old, new = (
            plan(self.NEW, replace(m.GCC, version=version)).cmake_args
            for version in ("g++ 12.2.0", "g++ 14.2.0")
        )
        assert [arg for arg in old if "KERNELS" in arg] == [arg for arg in new if "KERNELS" in arg]

    def test_a_processor_without_the_set_is_not_concerned(self) -> None:
        assert not plan(m.LINUX, replace(m.GCC, version="g++ 12.2.0")).without

    def test_clang_is_not_concerned(self) -> None:
        clang = replace(m.GCC, family="clang", version="clang version 12.0.1")
        assert not plan(self.NEW, clang).without

    def test_every_entry_has_a_source(self) -> None:
        for fault in KNOWN_BAD:
            assert fault.source.startswith("https://")
            assert any(fault.group == group.name for group in groups("x86-64") + groups("arm64"))
