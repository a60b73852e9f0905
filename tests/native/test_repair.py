"""What fails its proof is built again without what fails: in the same directory, remembered, and told once."""

from __future__ import annotations

import json
import platform
import shutil
import sys
from pathlib import Path

import pytest

from coblyn import paths
from coblyn.crash import Crash
from coblyn.errors import BuildFailed
from coblyn.native.build import BuildResult, build
from coblyn.native.fault import Fault, FaultKind
from coblyn.native.plan import BuildOptions
from coblyn.native.receipt import read_receipt
from coblyn.progress import Report
from native.tiny_tree import LIBRARIES, make_llama, make_shim, wrap_compiler

NUM_OTHERS = len(set(LIBRARIES) - {"ggml-base", "ggml-cpu"})
FMA = bytes.fromhex("c4e2f5b8c2") + bytes(11)
WRONG = Fault(
    FaultKind.WRONG, "product of q4_1, 33 rows", "The numbers are wrong.", log=("load: done",)
)


def _can_run() -> bool:
    if sys.platform != "linux" or platform.machine() != "x86_64" or not shutil.which("c++"):
        return False
    return {"fma", "avx2"} <= set(Path("/proc/cpuinfo").read_text("utf-8").split())


pytestmark = pytest.mark.skipif(
    not _can_run(), reason="needs Linux on an x86-64 processor with AVX2, and a compiler"
)


class Prover:
    """Looks into what was built; it fails as long as the code has one of some sets."""

    def __init__(self, *bad: str, fault: Fault = WRONG) -> None:
        self._bad = bad
        self._fault = fault
        self.flags: list[str] = []
        self.names: list[set[str]] = []

    def __call__(self, lib_dir: Path, report: Report) -> Fault | None:
        self.names.append({path.name for path in lib_dir.iterdir()})
        code = (lib_dir / "libggml-cpu.so").read_bytes()
        start = code.index(b"flags: ")
        self.flags.append(code[start + 7 : code.index(b"\0", start)].decode())
        left_out = self.flags[-1].split("_mno_")
        is_good = all(any(part.strip("_") == bad for part in left_out) for bad in self._bad)
        return None if is_good else self._fault


class Home:
    """A tree, a shim, a compiler that counts, and what was said."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._llama, self._shim = make_llama(root / "llama"), make_shim(root / "shim")
        self._log = root / "compiler.log"
        self.said: list[str] = []
        for name, tool in (("CC", "cc"), ("CXX", "c++")):
            real = shutil.which(tool)
            assert real is not None
            wrap_compiler(root / f"my-{tool}", real, self._log)
            monkeypatch.setenv(name, str(root / f"my-{tool}"))

    def build(self, prover, **more) -> BuildResult:
        self.said.clear()
        self._log.write_text("")
        options = more.pop("options", BuildOptions(backend="cpu"))
        return build(
            options,
            source=self._llama,
            shim=self._shim,
            prove=prover,
            announce=self.said.append,
            **more,
        )

    def is_compiled_once(self, *, num_cpu: int) -> bool:
        """Whether every library was compiled once, and the code for the CPU so often."""
        counts = self.compiled()
        return counts == {"base.cpp": 1, "cpu.cpp": num_cpu, "other.cpp": NUM_OTHERS}

    def compiled(self) -> dict[str, int]:
        """How often each of the tree's files was compiled since the build began."""
        lines = self._log.read_text().splitlines()
        return {
            name: sum(" -c " in line and f"/src/{name}" in line for line in lines)
            for name in ("base.cpp", "cpu.cpp", "other.cpp")
        }


@pytest.fixture
def home(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    return Home(tmp_path, monkeypatch)


def kept() -> set[str]:
    known = {".lock", "current", "repairs.json"}
    return {path.name for path in paths.bundles().iterdir()} - known


def test_what_passes_is_built_once(home: Home) -> None:
    prover = Prover()
    result = home.build(prover)
    assert prover.flags == [""]
    assert home.is_compiled_once(num_cpu=1)
    assert read_receipt(result.bundle.path).repairs == ()
    assert not (paths.bundles() / "repairs.json").exists()


def test_the_named_set_goes_and_only_what_depends_on_it_is_compiled_again(home: Home) -> None:
    fault = Fault(
        FaultKind.CRASH,
        "product of q4_0, 8 rows",
        "It was ended by SIGILL.",
        crash=Crash("SIGILL", 1, 1, FMA, "/b/libggml-cpu.so"),
    )
    prover = Prover("fma", fault=fault)
    first = home.build(None, options=BuildOptions(backend="cpu", cmake_args=("-DX=1",)))
    phases: list[str] = []
    result = home.build(prover, report=lambda progress: phases.append(progress.phase))
    assert "Compiling without fma" in phases
    assert len(prover.flags) == 2
    assert home.is_compiled_once(num_cpu=2)
    assert prover.names[0] == prover.names[1]
    assert result.plan.without == ("fma",)
    assert result.bundle.id == result.plan.id
    assert kept() == {first.bundle.id, result.bundle.id}
    assert result.bundle.is_complete()
    receipt = read_receipt(result.bundle.path)
    (repair,) = receipt.repairs
    assert (repair.stage, repair.left_out) == ("product of q4_0, 8 rows", ("fma",))
    assert repair.instruction.startswith("vfmadd231pd")
    assert receipt.inputs["without"] == "fma"
    assert receipt.options() == BuildOptions(backend="cpu")
    told = [sentence for sentence in home.said if "does without" in sentence]
    assert len(told) == 1
    assert "does without FMA" in told[0]
    assert "vfmadd231pd" in told[0]


def test_it_is_found_again_without_a_build(home: Home) -> None:
    first = home.build(Prover("fma"))
    again = home.build(Prover("fma"))
    assert not again.was_built
    assert again.bundle.id == first.bundle.id
    assert home.compiled() == {"base.cpp": 0, "cpu.cpp": 0, "other.cpp": 0}
    assert home.said == []


def test_a_bundle_that_is_gone_is_built_at_once_as_it_was_proved(home: Home) -> None:
    first = home.build(Prover("fma"))
    shutil.rmtree(first.bundle.path)
    prover = Prover("fma")
    again = home.build(prover)
    assert again.was_built
    assert again.bundle.id == first.bundle.id
    assert len(prover.flags) == 1


def test_force_forgets(home: Home) -> None:
    home.build(Prover("fma"))
    prover = Prover()
    result = home.build(prover, force=True)
    assert result.plan.without == ()
    assert json.loads((paths.bundles() / "repairs.json").read_text()) == {}
    assert not home.build(Prover()).was_built


def test_a_damaged_memory_is_no_memory(home: Home) -> None:
    paths.bundles().mkdir(parents=True)
    for text in ("{", "[]", '{"a": 1}', "\0"):
        (paths.bundles() / "repairs.json").write_text(text)
        assert home.build(Prover(), force=True).was_built


def test_wrong_numbers_are_searched_for(home: Home) -> None:
    prover = Prover("avx2")
    result = home.build(prover)
    assert "avx2" in result.plan.without
    assert "avx" not in result.plan.without
    assert len(prover.flags) <= 6
    assert home.compiled()["other.cpp"] == NUM_OTHERS
    assert read_receipt(result.bundle.path).repairs[0].num_attempts == len(prover.flags) - 1


def test_what_nothing_helps_is_refused_with_its_cause(home: Home) -> None:
    prover = Prover("nothing")
    with pytest.raises(BuildFailed, match=r"did not pass its proof \(product of q4_1") as caught:
        home.build(prover)
    assert "avx" in prover.flags[-1]
    assert "another compiler" in caught.value.hint
    assert kept() == set()
    log = Path(caught.value.hint.rpartition("The full log is ")[2])
    assert "The numbers are wrong." in log.read_text("utf-8")
    assert "load: done" in log.read_text("utf-8")
    assert not (paths.bundles() / "current").exists()


def test_what_does_not_compile_without_a_set_is_no_way_out(home: Home) -> None:
    source = home._llama / "src" / "cpu.cpp"
    source.write_text(
        source.read_text() + "static_assert(sizeof(FLAGS) == 8 || sizeof(FLAGS) == 1);\n"
    )
    with pytest.raises(BuildFailed, match="did not pass its proof"):
        home.build(Prover("fma"))
    assert kept() == set()


def test_code_that_dies_when_it_is_opened_is_mended(home: Home) -> None:
    source = home._llama / "src" / "cpu.cpp"
    start = 'static int start = (strstr(FLAGS, "mno_fma") ? 0 : (__builtin_trap(), 1));\n'
    source.write_text("#include <cstring>\n" + source.read_text() + start)
    with pytest.raises(BuildFailed, match="cannot be opened"):
        home.build(None)
    crash = Fault(FaultKind.CRASH, "loading the libraries", "It was ended by SIGILL.")
    assert home.build(Prover("fma", fault=crash)).plan.without == ("fma",)
    with pytest.raises(BuildFailed, match="cannot be opened"):
        home.build(Prover("fma", fault=WRONG), force=True)


def test_a_portable_build_loses_the_one_variant(home: Home) -> None:
    names: list[set[str]] = []

    def prover(lib_dir: Path, report: Report) -> Fault | None:
        names.append({path.name for path in lib_dir.glob("*cpu*")})
        hang = Fault(FaultKind.HANG, "p", "It hung.", variant="libggml-cpu-zen4.so")
        return hang if "libggml-cpu-zen4.so" in names[-1] else None

    result = home.build(prover, options=BuildOptions(backend="cpu", portable=True))
    assert names[-1] == {"libggml-cpu-x64.so", "libggml-cpu-haswell.so"}
    assert {path.name for path in result.bundle.lib_dir.glob("*cpu*")} == names[-1]
    assert home.is_compiled_once(num_cpu=3)
    assert "zen4" in result.plan.without
    assert any("does without the code for zen4" in sentence for sentence in home.said)
