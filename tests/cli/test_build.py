"""``coblyn build`` as a user runs it, on a tree that builds in a second."""

from __future__ import annotations

import json
import shutil
import zipfile
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from coblyn.cli import build as verb
from coblyn.errors import (
    BuildFailed,
    BundleMissing,
    Cancelled,
    NativeError,
    ProofFailed,
    SettingsError,
    ToolchainMissing,
)
from coblyn.native import build as engine
from coblyn.native import bundle, fit, place, prepare
from coblyn.native.backends import BACKENDS
from coblyn.native.fault import Fault, FaultKind
from coblyn.native.probe import Prober, probe
from coblyn.native.sets import groups
from coblyn.proof import bundle as proof
from coblyn.proof import record
from native.tiny_tree import make_llama, make_shim

if TYPE_CHECKING:
    from pathlib import Path

needs_compiler = pytest.mark.skipif(not shutil.which("c++"), reason="needs a C++ compiler")


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny llama.cpp tree; our shim is replaced by a tiny one."""
    shim = make_shim(tmp_path / "shim")
    monkeypatch.setattr(prepare, "shim_dir", lambda: shim)
    monkeypatch.setattr(fit, "shim_dir", lambda: shim)
    return make_llama(tmp_path / "llama")


@pytest.fixture(autouse=True)
def proved(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What was to be proved: a tiny tree computes nothing, so it always passes."""
    asked: list[Path] = []
    monkeypatch.setattr(proof, "prove_bundle", lambda lib_dir, report: asked.append(lib_dir))
    return asked


def coblyn_build(*args: str):
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command()(verb.build)
    return CliRunner().invoke(app, [str(arg) for arg in args], catch_exceptions=True)


def test_the_choices_are_the_backends_that_there_are() -> None:
    assert {name.value for name in verb.BackendName} == {"auto", *BACKENDS}


@needs_compiler
def test_build_list_use_and_remove(tiny: Path) -> None:
    built = coblyn_build("--source", tiny, "--backend", "cpu")
    assert built.exit_code == 0, built.output
    name = bundle.current().id
    assert built.stdout.startswith(f"{name} built in ")
    assert "Backend cpu" in built.stderr
    assert "Compiling" in built.stderr

    again = coblyn_build("--source", tiny, "--backend", "cpu")
    assert again.stdout.startswith(f"{name} is there already")
    assert again.stderr == ""

    listed = coblyn_build("--list")
    assert listed.stdout.startswith(f"* {name}")
    assert coblyn_build("--use", name[:8]).stdout.startswith(f"{name} in use")
    assert coblyn_build("--remove", name).stdout.startswith(f"{name} removed")
    assert coblyn_build("--list").stdout == ""


@needs_compiler
def test_json_is_all_that_stdout_gets(tiny: Path) -> None:
    answer = json.loads(coblyn_build("--source", tiny, "--backend", "cpu", "--json").stdout)
    assert answer["was_built"] is True
    assert answer["in_use"] is True
    assert answer["backend"] == "cpu"
    (listed,) = json.loads(coblyn_build("--list", "--json").stdout)
    assert listed["id"] == answer["id"]


@needs_compiler
def test_verbose_shows_what_the_compilers_say(tiny: Path) -> None:
    args = ["--source", tiny, "--backend", "cpu", "--verbose", "--cmake-arg", "-DCOBLYN_TEST=1"]
    built = coblyn_build(*args)
    assert "Linking CXX shared library" in built.stderr
    assert "-DCOBLYN_TEST=1" in bundle.current().receipt.cmake_args


@needs_compiler
def test_a_failed_build_is_told_with_its_cause(tiny: Path) -> None:
    (tiny / "src" / "other.cpp").write_text("#include <cblas.h>\nint other() { return 0; }\n")
    error = coblyn_build("--source", tiny, "--backend", "cpu").exception
    assert isinstance(error, BuildFailed)
    assert error.hint.startswith("The cause: ")
    assert "openblas" in error.hint
    assert error.hint.endswith(f"The full log is {error.log}")


def test_a_backend_that_does_not_exist_is_refused() -> None:
    result = coblyn_build("--backend", "abacus")
    assert result.exit_code == 2
    assert "abacus" in result.stderr


def test_an_id_that_does_not_exist_is_named(tiny: Path) -> None:
    result = coblyn_build("--use", "nothing")
    assert isinstance(result.exception, BundleMissing)


def test_ctrl_c_is_told(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "build", interrupted)
    result = coblyn_build("--source", tiny)
    assert isinstance(result.exception, Cancelled)
    assert result.exception.exit_code == 130


def test_metal_elsewhere_is_refused(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    result = coblyn_build("--backend", "metal", "--source", tiny)
    assert isinstance(result.exception, ToolchainMissing)


@needs_compiler
def test_the_first_use_builds_and_the_next_does_not(tiny: Path, monkeypatch) -> None:
    real = engine.build

    def build_tiny(options, **more):
        return real(options, **more | {"source": tiny})

    monkeypatch.setattr(engine, "build", build_tiny)
    first = verb.ensure_bundle()

    def no_build(*args, **more):
        raise AssertionError("built again")

    monkeypatch.setattr(engine, "build", no_build)
    assert verb.ensure_bundle().id == first.id


@needs_compiler
def test_an_engine_that_does_not_suit_any_more_is_built_anew(
    tiny: Path, monkeypatch, capsys
) -> None:
    coblyn_build("--source", tiny, "--backend", "cpu", "--cmake-arg", "-DCOBLYN_TEST=1")
    first = bundle.current()
    real, asked = engine.build, []

    def build_tiny(options, **more):
        asked.append(options)
        return real(options, **more | {"source": tiny})

    monkeypatch.setattr(engine, "build", build_tiny)
    with (prepare.shim_dir() / "abi.cpp").open("a") as file:
        file.write("// upgraded\n")
    second = verb.ensure_bundle()
    assert second.id != first.id
    assert [options.cmake_args for options in asked] == [("-DCOBLYN_TEST=1",)]
    assert "was built by another version of Coblyn" in capsys.readouterr().err
    assert verb.ensure_bundle().id == second.id


@needs_compiler
def test_a_wheel_is_built_without_taking_its_engine_into_use(tiny: Path, tmp_path: Path) -> None:
    (tiny / "LICENSE").write_text("MIT\n")
    folder = tmp_path / "wheels"
    made = coblyn_build("--source", tiny, "--backend", "cpu", "--wheel", folder)
    assert made.exit_code == 0, made.output
    (wheel,) = folder.iterdir()
    assert made.stdout.strip() == str(wheel)
    assert wheel.name.startswith("coblyn_engine_cpu-")
    assert bundle.current_id() == ""
    (portable,) = bundle.installed()
    assert portable.receipt.portable
    assert "-DGGML_OPENMP=OFF" in portable.receipt.cmake_args


@needs_compiler
def test_the_engine_of_an_installed_package_comes_before_a_build(
    tiny: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    """Without a compiler: what is asked for is found as a package, and nothing is built."""
    (tiny / "LICENSE").write_text("MIT\n")
    coblyn_build("--source", tiny, "--backend", "cpu", "--wheel", tmp_path / "wheels")
    (wheel,) = (tmp_path / "wheels").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    monkeypatch.setenv("COBLYN_HOME", str(tmp_path / "fresh"))
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setattr(fit, "misfit", lambda *args, **more: "")

    def no_build(*args, **more):
        raise AssertionError("built")

    monkeypatch.setattr(engine, "build", no_build)
    found = verb.ensure_bundle()
    assert found.path == tmp_path / "site" / "coblyn_engine_cpu"
    assert "installed package coblyn-engine-cpu" in capsys.readouterr().err
    assert verb.ensure_bundle().id == found.id
    assert capsys.readouterr().err == ""
    assert "(package coblyn-engine-cpu)" in coblyn_build("--list").stdout


def test_an_unknown_instruction_set_is_refused(tiny: Path) -> None:
    result = coblyn_build("--source", tiny, "--backend", "cpu", "--without", "avx1024")
    assert isinstance(result.exception, SettingsError)
    assert "avx1024" in result.exception.message


@needs_compiler
def test_what_is_left_out_by_hand_is_left_out_again(tiny: Path) -> None:
    name = groups(probe(Prober())["arch"])[0].name
    result = coblyn_build("--source", tiny, "--backend", "cpu", "--without", name)
    assert result.exit_code == 0, result.output
    assert bundle.current().receipt.options().without == {name}


@needs_compiler
def test_a_build_is_proved_and_not_again_at_its_first_use(
    tiny: Path, monkeypatch, capsys, proved: list[Path]
) -> None:
    coblyn_build("--source", tiny, "--backend", "cpu")
    assert len(proved) == 1
    found = verb.ensure_bundle()
    assert len(proved) == 1
    # The same bundle, and another CPU.
    here = place.place_here("cpu")
    monkeypatch.setattr(place, "place_here", lambda backend: here | {"cpu": "another"})
    assert verb.ensure_bundle().id == found.id
    assert proved[1:] == [found.lib_dir]
    assert "was not proved with this CPU and driver yet" in capsys.readouterr().err
    verb.ensure_bundle()
    assert len(proved) == 2
    assert capsys.readouterr().err == ""


@needs_compiler
def test_a_bundle_that_fails_on_another_cpu_is_built_again(tiny: Path, monkeypatch, capsys) -> None:
    coblyn_build("--source", tiny, "--backend", "cpu", "--cmake-arg", "-DCOBLYN_TEST=1")
    first = bundle.current()
    real, built = engine.build, []

    def build_tiny(options, **more):
        built.append(options.cmake_args)
        return real(options, **more | {"source": tiny})

    fault = Fault(
        FaultKind.WRONG, "product of q4_1, 8 rows, 1 thread", "The numbers are off by 9%."
    )
    monkeypatch.setattr(engine, "build", build_tiny)
    monkeypatch.setattr(place, "place_here", lambda backend: {"cpu": "another"})
    monkeypatch.setattr(proof, "prove_bundle", lambda lib_dir, report: None if built else fault)
    assert verb.ensure_bundle().id == first.id
    assert built == [("-DCOBLYN_TEST=1",)]
    said = capsys.readouterr().err
    assert "product of q4_1, 8 rows, 1 thread" in said
    assert "off by 9%" in said


@needs_compiler
def test_proving_again(tiny: Path, monkeypatch, proved: list[Path]) -> None:
    coblyn_build("--source", tiny, "--backend", "cpu")
    done = coblyn_build("--prove")
    assert done.exit_code == 0
    assert "runs and computes correctly here" in done.stdout
    assert len(proved) == 2
    fault = Fault(FaultKind.CRASH, "opening the CPU", "The process was ended by signal 4 (SIGILL).")
    monkeypatch.setattr(proof, "prove_bundle", lambda lib_dir, report: fault)
    failed = coblyn_build("--prove", "--json")
    assert isinstance(failed.exception, ProofFailed)
    assert failed.exception.exit_code == 6
    answer = json.loads(failed.stdout)
    assert answer["is_proved"] is False
    assert answer["fault"]["kind"] == "crash"
    # What failed is not believed any more.
    assert not record.is_proved(bundle.current().id, place.place_here("cpu"))


def test_a_place_for_the_wheel_that_cannot_be_is_told_before_the_build(
    tmp_path: Path, monkeypatch
) -> None:
    def build(*_: object, **__: object) -> None:
        pytest.fail("a build of minutes was begun")

    monkeypatch.setattr(verb, "_build", build)
    file = tmp_path / "file"
    file.touch()
    made = coblyn_build("--wheel", file / "wheels")
    assert isinstance(made.exception, NativeError)
    assert "Writing the wheel" in made.exception.message
