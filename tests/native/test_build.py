"""Builds from end to end: the real CMake, ninja and compiler on a tree that takes a second."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import psutil
import pytest

from coblyn import paths, run
from coblyn.doctor.failed_build import explained
from coblyn.errors import BuildFailed, DiskFull, NativeError, ToolchainMissing
from coblyn.native import bundle
from coblyn.native.build import build
from coblyn.native.plan import BuildOptions
from coblyn.native.receipt import read_receipt
from native.tiny_tree import LIBRARIES, make_llama, make_shim, wrap_compiler

if TYPE_CHECKING:
    from coblyn.progress import Progress

pytestmark = pytest.mark.skipif(not shutil.which("c++"), reason="needs a C++ compiler")
posix = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts and POSIX signals")

CPU = BuildOptions(backend="cpu")
CHILD = """
import sys
from pathlib import Path
from types import SimpleNamespace
from coblyn.native.build import build
from coblyn.native.plan import BuildOptions
result = build(BuildOptions(backend="cpu"), source=Path(sys.argv[1]), shim=Path(sys.argv[2]))
print(result.was_built)
"""


class Tiny:
    """A tree, a shim and a home, all of one test."""

    def __init__(self, root: Path) -> None:
        self.llama = make_llama(root / "llama")
        self.shim = make_shim(root / "shim")

    def build(self, options: BuildOptions = CPU, **more):
        return build(options, source=self.llama, shim=self.shim, **more)

    def start(self) -> subprocess.Popen[str]:
        """The same build in another process."""
        argv = [sys.executable, "-c", CHILD, str(self.llama), str(self.shim)]
        return subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tiny:
    for name in ("CC", "CXX"):
        monkeypatch.delenv(name, raising=False)
    return Tiny(tmp_path)


@pytest.fixture
def compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Stand in for the C++ compiler with one that logs, and does something before."""

    def install(before: str = "") -> Path:
        log = tmp_path / "compiler.log"
        real = shutil.which("c++")
        assert real is not None
        wrap_compiler(tmp_path / "my-c++", real, log, before=before)
        wrap_compiler(tmp_path / "my-cc", shutil.which("cc") or real, log)
        monkeypatch.setenv("CC", str(tmp_path / "my-cc"))
        monkeypatch.setenv("CXX", str(tmp_path / "my-c++"))
        return log

    return install


def leftovers() -> list[str]:
    root = paths.bundles()
    names = [path.name for path in root.iterdir()] if root.is_dir() else []
    return sorted(name for name in names if name not in {".lock", "current"})


def wait_for(condition, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


class TestGoodBuild:
    """What a build leaves."""

    def test_libraries_receipt_and_use(self, tiny: Tiny) -> None:
        seen: list[Progress] = []
        said: list[str] = []
        result = tiny.build(report=seen.append, announce=said.append)
        assert result.was_built
        assert leftovers() == [result.bundle.id]
        names = {path.name for path in result.bundle.lib_dir.iterdir()}
        assert all(
            any(library in name for name in names) for library in (*LIBRARIES, "coblyn_shim")
        )
        receipt = read_receipt(result.bundle.path)
        assert {library.name for library in receipt.libraries} == names
        assert receipt.id == result.plan.id
        assert receipt.inputs["source"]
        assert receipt.platform["os"]
        assert receipt.compiler
        assert receipt.accelerates.startswith("CPU")
        assert bundle.current().id == result.bundle.id
        assert any("--backend cpu" in sentence for sentence in said)
        compiling = [report for report in seen if report.phase == "Compiling"]
        assert compiling[-1].done == compiling[-1].total
        assert [report.done for report in compiling] == sorted(report.done for report in compiling)
        json.dumps(receipt.to_json())

    def test_the_log_is_kept(self, tiny: Tiny) -> None:
        result = tiny.build()
        text = (paths.logs() / f"build-{result.bundle.id}.log").read_text("utf-8")
        assert "-DGGML_NATIVE=ON" in text
        assert "Linking CXX" in text

    @posix
    def test_the_same_again_starts_nothing_and_is_quick(self, tiny, compiler, monkeypatch) -> None:
        log = compiler()
        first = tiny.build()
        assert log.read_text()
        log.write_text("")

        def no_program(*args, **kwargs):
            raise AssertionError(f"started {args}")

        monkeypatch.setattr(run.subprocess, "Popen", no_program)
        again = tiny.build()
        assert not again.was_built
        assert again.bundle.id == first.bundle.id
        assert log.read_text() == ""

    @posix
    def test_another_compiler_behind_the_same_name_is_noticed(self, tiny, compiler) -> None:
        compiler()
        first = tiny.build()
        compiler('[ "$1" = --version ] && echo "newer 99.1" && exit 0')
        assert tiny.build().bundle.id != first.bundle.id

    def test_a_changed_source_is_another_bundle(self, tiny: Tiny) -> None:
        first = tiny.build()
        (tiny.llama / "src" / "base.cpp").write_text("int base() { return 2; }\n")
        second = tiny.build()
        assert second.was_built
        assert leftovers() == sorted([first.bundle.id, second.bundle.id])
        assert bundle.current().id == second.bundle.id

    def test_force_builds_again(self, tiny: Tiny) -> None:
        first = tiny.build()
        assert tiny.build(force=True).was_built
        assert leftovers() == [first.bundle.id]

    def test_a_damaged_bundle_is_built_again(self, tiny: Tiny) -> None:
        first = tiny.build().bundle
        (first.lib_dir / first.receipt.libraries[0].name).write_bytes(b"")
        again = tiny.build()
        assert again.was_built
        assert again.bundle.is_complete()

    def test_flags_that_others_export_do_not_come_through(self, tiny: Tiny, monkeypatch) -> None:
        for name in ("CFLAGS", "CXXFLAGS", "LDFLAGS", "CMAKE_ARGS"):
            monkeypatch.setenv(name, "--no-such-flag")
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
        monkeypatch.setenv("CMAKE_GENERATOR", "Nonsense")
        assert tiny.build().was_built

    @posix
    def test_zig_gets_an_archiver(self, tiny: Tiny) -> None:
        from dataclasses import replace

        from coblyn.native.toolchain import archiver_args
        from native.machines import GCC, ZIG

        zig = replace(ZIG, cc=("/bin/echo", "cc"))
        args = archiver_args(zig, tiny.llama)
        assert [arg.partition("=")[0] for arg in args] == ["-DCMAKE_AR", "-DCMAKE_RANLIB"]
        program = args[0].partition("=")[2]
        assert run.run([program, "qc", "a.a"]).output == "ar qc a.a\n"
        assert archiver_args(GCC, tiny.llama) == ()


class TestFailure:
    """Each failure is told by its first error, and nothing is left."""

    def test_a_compile_error(self, tiny: Tiny) -> None:
        (tiny.llama / "src" / "other.cpp").write_text("int other() { return no_such_name; }\n")
        with pytest.raises(BuildFailed, match="Compiling the engine failed") as caught:
            tiny.build()
        assert "no_such_name" in caught.value.message
        assert leftovers() == []
        log = Path(caught.value.hint.removeprefix("The full log is "))
        assert "no_such_name" in log.read_text("utf-8")

    def test_a_cause_that_the_doctor_knows(self, tiny: Tiny) -> None:
        (tiny.llama / "src" / "other.cpp").write_text(
            "#include <cblas.h>\nint other() { return 0; }\n"
        )
        with pytest.raises(BuildFailed, match="Compiling the engine failed") as caught:
            tiny.build()
        told = explained(caught.value)
        assert told.message == caught.value.message
        assert told.hint.startswith("The cause: ")
        assert "The fix: " in told.hint
        assert "openblas" in told.hint
        assert told.hint.endswith(f"The full log is {caught.value.log}")

    def test_a_cmake_error(self, tiny: Tiny) -> None:
        with (tiny.llama / "CMakeLists.txt").open("a") as file:
            file.write('message(FATAL_ERROR "no such luck")\n')
        with pytest.raises(BuildFailed, match="Configuring the engine failed") as caught:
            tiny.build()
        assert "no such luck" in caught.value.message
        assert leftovers() == []

    def test_a_library_that_did_not_come_out(self, tiny: Tiny) -> None:
        path = tiny.llama / "CMakeLists.txt"
        renamed = "set_target_properties(ggml-rpc PROPERTIES OUTPUT_NAME something)\n"
        path.write_text(path.read_text() + renamed)
        with pytest.raises(BuildFailed, match="made no ggml-rpc"):
            tiny.build()
        assert leftovers() == []

    @pytest.mark.skipif(sys.platform != "linux", reason="other linkers refuse it themselves")
    def test_a_library_that_can_not_be_opened(self, tiny: Tiny) -> None:
        abi = tiny.shim / "abi.cpp"
        abi.write_text('int gone();\nextern "C" int coblyn_tiny() { return gone(); }\n')
        with pytest.raises(BuildFailed, match=r"cannot be opened.*gone"):
            tiny.build()
        assert leftovers() == []

    @posix
    def test_a_full_disk_while_compiling(self, tiny: Tiny, compiler) -> None:
        compiler('case "$*" in *other.cpp*) echo "a.s: No space left on device" >&2; exit 1;; esac')
        with pytest.raises(DiskFull, match="no space left"):
            tiny.build()
        assert leftovers() == []

    def test_too_little_room_is_told_before_anything_starts(self, tiny, monkeypatch) -> None:
        full = SimpleNamespace(total=10**9, used=10**9, free=10**6)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
        with pytest.raises(DiskFull, match=r"needs 250\.0 MB"):
            tiny.build()
        assert leftovers() == []

    @posix
    def test_a_compiler_that_was_killed_for_memory(self, tiny: Tiny, compiler) -> None:
        message = "c++: fatal error: Killed signal terminated program cc1plus"
        compiler(f'case "$*" in *other.cpp*) echo "{message}" >&2; exit 1;; esac')
        with pytest.raises(BuildFailed) as caught:
            tiny.build()
        assert "--jobs 1" in caught.value.hint

    def test_a_compiler_of_the_environment_that_does_not_exist(self, tiny, monkeypatch) -> None:
        monkeypatch.setenv("CXX", "no-such-compiler")
        with pytest.raises(ToolchainMissing, match="CXX=no-such-compiler"):
            tiny.build()

    def test_a_home_that_can_not_be_written(self, tiny: Tiny, tmp_path: Path, monkeypatch) -> None:
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("COBLYN_HOME", str(tmp_path / "file"))
        with pytest.raises(NativeError, match="cannot be written"):
            tiny.build()


@posix
class TestEndedEarly:
    """Ctrl-C, a request to end, a kill: nothing half-made, and the next build works."""

    @pytest.fixture
    def slow(self, compiler, tmp_path: Path) -> Path:
        """A compiler that hangs at one file until a gate opens."""
        gate = tmp_path / "gate"
        wait = f'while [ ! -e "{gate}" ]; do sleep 0.05; done'
        compiler(f'case "$*" in *-c*other.cpp*) touch "{gate}.waiting"; {wait};; esac')
        return gate

    def begin(self, tiny: Tiny, gate: Path) -> subprocess.Popen[str]:
        process = tiny.start()
        wait_for(Path(f"{gate}.waiting").exists)
        return process

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_request_to_end(self, tiny: Tiny, slow: Path, number: int) -> None:
        process = self.begin(tiny, slow)
        family = psutil.Process(process.pid).children(recursive=True)
        assert any("ninja" in child.name() for child in family)
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
        assert "KeyboardInterrupt" in errors
        assert leftovers() == []
        _, alive = psutil.wait_procs(family, timeout=5)
        assert not alive
        slow.touch()
        assert tiny.build().was_built

    def test_a_kill(self, tiny: Tiny, slow: Path) -> None:
        process = self.begin(tiny, slow)
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.communicate(timeout=20)
        assert any(name.startswith(".new-") for name in leftovers())
        slow.touch()
        result = tiny.build()
        assert result.was_built
        assert leftovers() == [result.bundle.id]
        # Nobody reads what ninja has to say any more, so it ends by itself.
        _, alive = psutil.wait_procs(family, timeout=10)
        assert not alive

    def test_two_at_once_build_once(self, tiny: Tiny, slow: Path) -> None:
        first = self.begin(tiny, slow)
        second = tiny.start()
        try:
            time.sleep(0.5)
            slow.touch()
            answers = [process.communicate(timeout=60) for process in (first, second)]
        finally:
            for process in (first, second):
                process.kill()
        assert sorted(out.strip() for out, _ in answers) == ["False", "True"], answers


def test_bundles_can_be_listed_used_and_removed(tiny: Tiny) -> None:
    first = tiny.build().bundle
    (tiny.llama / "src" / "base.cpp").write_text("int base() { return 3; }\n")
    second = tiny.build().bundle
    assert {each.id for each in bundle.installed()} == {first.id, second.id}
    assert bundle.use(first.id[:-3]).id == first.id
    assert bundle.current().id == first.id
    assert bundle.remove(first.id).id == first.id
    with pytest.raises(NativeError, match=r"not been built|is gone"):
        bundle.current()
    assert leftovers() == [second.id]


def test_the_child_is_not_asked_to_use_our_variables() -> None:
    """A path in the environment could bring a foreign library into the check."""
    assert "GGML_BACKEND_PATH" not in os.environ
