"""Prepares a build: facts, source, compilers and plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from coblyn.errors import ToolchainMissing
from coblyn.native.plan import BuildOptions, BuildPlan, make_plan
from coblyn.native.probe import MIN_CMAKE, MIN_NINJA, Prober, probe
from coblyn.native.source import Source, pinned_source, tree_digest, user_source
from coblyn.native.toolchain import Toolchain, choose_toolchain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coblyn.native.facts import Facts

__all__ = ["Preparation", "do_without", "prepare", "shim_digest", "shim_dir"]


@dataclass(frozen=True, slots=True)
class Preparation:
    """The inputs of a build.

    Attributes:
        facts: Facts about this machine.
        options: The user's choices.
        source: The llama.cpp tree, which may still have to be fetched.
        shim: Directory of our own sources.
        toolchain: The compilers.
        plan: The build plan.
        repaired: Instruction sets that the plan leaves out, besides those that the user left out, since the build
            did not pass its proof with them.
    """

    facts: Facts
    options: BuildOptions
    source: Source
    shim: Path
    toolchain: Toolchain
    plan: BuildPlan
    repaired: frozenset[str] = frozenset()


def prepare(
    options: BuildOptions, *, source: Path | None = None, shim: Path | None = None
) -> Preparation:
    """Examine the machine and plan the build; fetches and creates nothing.

    Args:
        options: The user's choices.
        source: A llama.cpp tree to use instead of the pinned one.
        shim: A directory with our CMake project, to use instead of the one in this package.

    Raises:
        ToolchainMissing: There is no compiler or build tool, or the tools to build the backend are missing.
        BuildFailed: ``source`` is not a llama.cpp tree.
    """
    prober = Prober()
    facts = probe(prober)
    toolchain = choose_toolchain(facts, prober)
    prober.save()
    _check_tools(facts)
    tree = user_source(source) if source else pinned_source()
    ours = shim or shim_dir()
    plan = make_plan(facts, options, tree, shim_digest(ours), toolchain)
    return Preparation(facts, options, tree, ours, toolchain, plan)


def do_without(ready: Preparation, names: Iterable[str]) -> Preparation:
    """The same preparation with a plan that also leaves out these instruction sets.

    Raises:
        SettingsError: One of them is not known.
    """
    repaired = ready.repaired | frozenset(names)
    options = replace(ready.options, without=ready.options.without | repaired)
    digest = ready.plan.inputs["shim"]
    plan = make_plan(ready.facts, options, ready.source, digest, ready.toolchain)
    return replace(ready, plan=plan, repaired=repaired)


def shim_dir() -> Path:
    """Our own native sources, inside this package."""
    return Path(__file__).parent / "shim"


def shim_digest(directory: Path) -> str:
    """Digest of all our native sources."""
    return tree_digest(directory, sorted(path.name for path in directory.iterdir()))


def _check_tools(facts: Facts) -> None:
    for name, minimum in (("cmake", MIN_CMAKE), ("ninja", MIN_NINJA)):
        if not facts[name]:
            raise ToolchainMissing(
                f"{name} {minimum} or newer was found neither in PATH nor as a Python package.",
                hint=f"pip install {name}",
            )
