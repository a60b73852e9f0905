"""Failures made on purpose with real compilers: named from the log, from the tree, and mended."""

from __future__ import annotations

import importlib
import io
import pkgutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from coblyn.doctor.cause import Case
from coblyn.doctor.examine import examine
from coblyn.doctor.finding import Confidence, Diagnosis, Finding
from coblyn.doctor.log.reader import read_log
from coblyn.doctor.repair import repair, undo
from coblyn.doctor.tree.tree import read_tree
from coblyn.native.audit import audit_files
from coblyn.run import Finished
from doctor import reproductions
from doctor.reproductions.archive_twice import ARCHIVE_TWICE
from doctor.reproductions.makefile_local import MAKEFILE_LOCAL
from doctor.reproductions.metal_library import embedded_metal_library, metal_library
from doctor.reproductions.reproduction import Reproduction, Workshop
from doctor.reproductions.stale_objects import STALE_SYMBOL
from doctor.reproductions.toolchain import LINKERS, Toolchain, apple, host, linker
from doctor.reproductions.wrong_arch import WRONG_ARCH
from native.audit.words import findings

TODAY = date(2024, 6, 18)
SPOKEN = (MAKEFILE_LOCAL, ARCHIVE_TWICE, STALE_SYMBOL, WRONG_ARCH)


def everything() -> list[Reproduction]:
    """Every reproduction of the package."""
    names = [module.name for module in pkgutil.iter_modules(reproductions.__path__)]
    modules = [importlib.import_module(f"{reproductions.__name__}.{name}") for name in names]
    values = [value for module in modules for value in vars(module).values()]
    return [*{each.name: each for each in values if isinstance(each, Reproduction)}.values()]


def cases(wanted: Callable[[Reproduction], object] = lambda _: True) -> pytest.MarkDecorator:
    """Runs a test for each reproduction that is wanted, with each of its toolchains."""
    params = [
        pytest.param(
            each,
            tools,
            id=f"{each.name}-{tools}",
            marks=[pytest.mark.slow] if tools in each.slow else [],
        )
        for each in everything()
        for tools in each.tools
        if wanted(each)
    ]
    return pytest.mark.parametrize(("reproduction", "tools"), params)


Get = Callable[[str], Toolchain]
Broken = Callable[[Reproduction, str], tuple[Workshop, Finished]]


@pytest.fixture(scope="session")
def toolchain(tmp_path_factory: pytest.TempPathFactory) -> Get:
    """Toolchains by name; a test whose tools are missing is skipped, and says what to install."""
    made = {"host": host(), "macos-arm64": apple(tmp_path_factory.mktemp("apple"))}
    made |= {f"host-{name}": linker(name) for name in LINKERS}

    def get(name: str) -> Toolchain:
        found = made[name]
        return pytest.skip(found) if isinstance(found, str) else found

    return get


@pytest.fixture(scope="session")
def broken(toolchain: Get, tmp_path_factory: pytest.TempPathFactory) -> Broken:
    """Trees that have failed to build, and what the build wrote; for looking at only."""
    made: dict[tuple[str, str], tuple[Workshop, Finished]] = {}

    def get(reproduction: Reproduction, tools: str) -> tuple[Workshop, Finished]:
        key = reproduction.name, tools
        if key not in made:
            tree = tmp_path_factory.mktemp(reproduction.name) / "tree"
            made[key] = fail(reproduction, tree, toolchain(tools))
        return made[key]

    return get


def fail(reproduction: Reproduction, tree: Path, tools: Toolchain) -> tuple[Workshop, Finished]:
    """Make a tree and build it; it must fail as it is meant to."""
    tree.mkdir()
    shop = Workshop(tree, tools)
    reproduction.make(shop)
    done = reproduction.build(shop)
    assert (done.code != 0) is reproduction.fails, done.output
    return shop, done


def from_log(done: Finished) -> Diagnosis:
    return examine(Case(log=read_log(io.BytesIO(done.output.encode()))))


def from_tree(shop: Workshop) -> Diagnosis:
    return examine(Case(tree=read_tree(shop.tree, environ={})))


def from_both(shop: Workshop, done: Finished) -> Diagnosis:
    log = read_log(io.BytesIO(done.output.encode()))
    return examine(Case(log=log, tree=read_tree(shop.tree, environ={})))


def top(diagnosis: Diagnosis) -> Finding:
    assert diagnosis.findings, (diagnosis.failed, diagnosis.first_error)
    return diagnosis.findings[0]


def said(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    return [(each.cause, each.confidence.name) for each in diagnosis.findings]


def contents(tree: Path) -> dict[str, bytes | None]:
    """What is in a tree, the doctor's own journal apart."""
    return {
        path.relative_to(tree).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(tree.rglob("*"))
        if not path.relative_to(tree).as_posix().startswith(".coblyn-doctor")
    }


class TestNames:
    """The cause, from what there is."""

    @cases(lambda each: each.log)
    def test_from_the_log_alone(self, reproduction, tools, broken: Broken) -> None:
        diagnosis = from_log(broken(reproduction, tools)[1])
        assert diagnosis.failed
        assert top(diagnosis).cause == reproduction.log, said(diagnosis)
        assert top(diagnosis).confidence >= Confidence.MEDIUM, said(diagnosis)

    @cases(lambda each: each.tree)
    def test_from_the_tree_alone(self, reproduction, tools, broken: Broken) -> None:
        diagnosis = from_tree(broken(reproduction, tools)[0])
        assert top(diagnosis).cause == reproduction.tree, said(diagnosis)
        assert top(diagnosis).confidence >= Confidence.MEDIUM, said(diagnosis)

    @cases(lambda each: each.sure)
    def test_surely_and_nothing_beside_it(self, reproduction, tools, broken: Broken) -> None:
        shop, done = broken(reproduction, tools)
        looks = {
            "log": lambda: from_log(done),
            "tree": lambda: from_tree(shop),
            "both": lambda: from_both(shop, done),
        }
        for name in reproduction.sure:
            assert said(looks[name]()) == [(getattr(reproduction, name), "HIGH")], name

    @cases(lambda each: not each.fails)
    def test_a_log_of_a_build_that_passed_accuses_nobody(
        self, reproduction, tools, broken: Broken
    ) -> None:
        assert from_log(broken(reproduction, tools)[1]).is_clean

    @pytest.mark.parametrize("name", LINKERS)
    @pytest.mark.parametrize("reproduction", SPOKEN, ids=lambda each: each.name)
    def test_whichever_linker_speaks(
        self, reproduction: Reproduction, name: str, broken: Broken
    ) -> None:
        diagnosis = from_log(broken(reproduction, f"host-{name}")[1])
        assert top(diagnosis).cause == reproduction.log, said(diagnosis)
        assert top(diagnosis).confidence >= Confidence.MEDIUM, said(diagnosis)


class TestFixes:
    """The fix that is proposed makes the build pass."""

    @cases(lambda each: each.by_steps)
    def test_the_steps(self, reproduction, tools, toolchain: Get, tmp_path: Path) -> None:
        shop, done = fail(reproduction, tmp_path / "tree", toolchain(tools))
        before = contents(shop.tree)
        steps = top(from_both(shop, done)).fix.steps
        assert repair(shop.tree, steps, TODAY)
        after = contents(shop.tree)
        assert after != before
        undo(shop.tree)
        assert contents(shop.tree) == before
        repair(shop.tree, steps, TODAY)
        self.passes(reproduction, shop)
        assert top_causes(from_tree(shop)).isdisjoint({reproduction.tree})

    @cases(lambda each: each.by_command)
    def test_the_command(self, reproduction, tools, toolchain: Get, tmp_path: Path) -> None:
        shop, done = fail(reproduction, tmp_path / "tree", toolchain(tools))
        command = top(from_both(shop, done)).fix.command
        assert command
        shop.shell(command)
        self.passes(reproduction, shop)

    @cases(lambda each: each.by_hand)
    def test_the_advice(self, reproduction, tools, toolchain: Get, tmp_path: Path) -> None:
        shop, _ = fail(reproduction, tmp_path / "tree", toolchain(tools))
        reproduction.by_hand(shop)
        self.passes(reproduction, shop)

    def passes(self, reproduction: Reproduction, shop: Workshop) -> None:
        done = reproduction.build(shop)
        assert done.code == 0, done.output
        if reproduction.works:
            reproduction.works(shop)


def top_causes(diagnosis: Diagnosis) -> set[str]:
    """Causes that are more than a guess."""
    return {each.cause for each in diagnosis.findings if each.confidence > Confidence.LOW}


class TestObjects:
    """What the object files themselves show: `coblyn doctor OBJECTS...`."""

    @pytest.mark.parametrize("tools", ["host", "macos-arm64"])
    def test_two_objects_of_one_source(self, tools: str, broken: Broken) -> None:
        shop, _ = broken(MAKEFILE_LOCAL, tools)
        report = audit_files(sorted(shop.tree.glob("*.o")))
        finding = findings(report)[0]
        assert finding.cause == "audit-duplicate-symbols"
        told = " ".join(finding.story)
        assert "backend.o" in told
        assert "backend_default.o" in told
        assert "3 symbols" in told

    @pytest.mark.parametrize("tools", ["host", "macos-arm64"])
    def test_objects_for_two_processors(self, tools: str, broken: Broken) -> None:
        shop, _ = broken(WRONG_ARCH, tools)
        report = audit_files(sorted(shop.tree.glob("*.o")))
        assert [each.cause for each in findings(report)] == ["audit-wrong-architecture"]
        assert {each.binary.arch for each in report.files} == {"arm64", "x86-64"}

    def test_metal_without_its_shaders(self, toolchain: Get, tmp_path: Path) -> None:
        shop = Workshop(tmp_path, toolchain("macos-arm64"))
        report = audit_files([tmp_path / metal_library(shop)])
        assert [each.cause for each in findings(report)] == ["audit-missing-metal-library"]
        (file,) = report.files
        assert ([each.name for each in file.backends], file.shaders) == (["metal"], "missing")
        assert (file.binary.arch, file.binary.min_os) == ("arm64", "13.0")

    @pytest.mark.parametrize("beside", ["default.metallib", "ggml-metal.metal"])
    def test_shaders_beside_the_library_will_do(
        self, beside: str, toolchain: Get, tmp_path: Path
    ) -> None:
        shop = Workshop(tmp_path, toolchain("macos-arm64"))
        name = metal_library(shop)
        shop.write({beside: "kernel void kernel_add() {}"})
        report = audit_files([tmp_path / name])
        assert (findings(report), report.files[0].shaders) == ((), "beside")

    def test_metal_with_its_shaders_inside(self, toolchain: Get, tmp_path: Path) -> None:
        shop = Workshop(tmp_path, toolchain("macos-arm64"))
        report = audit_files([tmp_path / embedded_metal_library(shop)])
        assert (findings(report), report.files[0].shaders) == ((), "embedded")


def test_every_reproduction_is_named_by_a_log_or_a_tree() -> None:
    for each in everything():
        assert each.log or each.tree, f"{each.name} is never named"
