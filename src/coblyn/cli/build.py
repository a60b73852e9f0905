"""``coblyn build``: build the native engine, and choose among those built."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coblyn.cli.prove import prove_at_first_use, prove_now, remember_proof
from coblyn.cli.text import shown
from coblyn.progress import Report, both, silent

if TYPE_CHECKING:
    from coblyn.native.build import BuildResult
    from coblyn.native.bundle import Bundle
    from coblyn.native.plan import BuildOptions

__all__ = ["BackendName", "build", "ensure_bundle"]


class BackendName(StrEnum):
    """The backends to choose from."""

    auto = "auto"
    cpu = "cpu"
    metal = "metal"
    cuda = "cuda"
    vulkan = "vulkan"
    hip = "hip"


def build(
    backend: Annotated[
        BackendName, typer.Option(help="What does the computation; auto takes the best available.")
    ] = BackendName.auto,
    portable: Annotated[
        bool, typer.Option("--portable", help="Run on any CPU of this kind, not only on this one.")
    ] = False,
    source: Annotated[
        Path | None, typer.Option(help="A llama.cpp tree to build, in place of the pinned one.")
    ] = None,
    jobs: Annotated[
        int,
        typer.Option(
            min=0, help="Number of concurrent compilers; 0 to choose by cores and memory."
        ),
    ] = 0,
    cmake_arg: Annotated[
        list[str] | None, typer.Option(help="One more argument for CMake, such as -DGGML_LTO=ON.")
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SET", help="An instruction set not to use, such as avx512_vnni, amx or sve."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Build even if the same engine exists.")
    ] = False,
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Use no network; COBLYN_PACK names a pack."),
    ] = False,
    wheel: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write a portable engine as a wheel, for machines without a compiler.",
        ),
    ] = None,
    show_list: Annotated[bool, typer.Option("--list", help="List the installed engines.")] = False,
    use: Annotated[str, typer.Option(metavar="ID", help="Switch to another engine.")] = "",
    remove: Annotated[str, typer.Option(metavar="ID", help="Delete an engine.")] = "",
    prove: Annotated[
        bool, typer.Option("--prove", help="Prove again that the engine in use computes correctly.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the output of CMake and the compilers.")
    ] = False,
) -> None:
    """Build the native engine for this machine, or choose among those built."""
    from coblyn.native import bundle
    from coblyn.native.plan import BuildOptions

    if offline:
        from coblyn.fetch.offline import forbid_network

        forbid_network()
    if show_list:
        _show_list(as_json=as_json)
    elif use:
        _say(bundle.use(use), "in use", as_json=as_json)
    elif remove:
        _say(bundle.remove(remove), "removed", as_json=as_json)
    elif prove:
        prove_now(bundle.current(), as_json=as_json)
    else:
        args, sets = tuple(cmake_arg or ()), frozenset(without or ())
        options = BuildOptions(backend.value, portable, jobs, args, sets)
        if wheel:
            _make_wheel(
                options, wheel, source=source, force=force, verbose=verbose, as_json=as_json
            )
        else:
            result = _build(options, source=source, force=force, verbose=verbose)
            _show_result(result, as_json=as_json)


def ensure_bundle(report: Report = silent) -> Bundle:
    """The engine in use; if there is none or it no longer fits, that of an installed package or a new one.

    An engine that replaces another is built with that one's options.

    Args:
        report: Called with a build's progress, in addition to the terminal.

    Raises:
        CoblynError: It cannot be built.
    """
    found, options = _suitable(report)
    fault = prove_at_first_use(found)
    if fault is None:
        return found
    _tell(
        f"The engine {found.id} did not pass its proof on this machine ({fault.stage}): {fault.message} "
        "Building one without what fails."
    )
    return _build(options, force=True, also=report).bundle


def _suitable(report: Report) -> tuple[Bundle, BuildOptions]:
    """A suitable engine for this machine and version, and the options to build it again."""
    from coblyn.errors import BundleMissing
    from coblyn.native import bundle
    from coblyn.native.fit import best_package, misfit_here, package_faults
    from coblyn.native.plan import BuildOptions

    options = BuildOptions()
    try:
        found = bundle.current()
    except BundleMissing as missing:
        why = missing.message
    else:
        if not found.distribution:
            options = found.receipt.options()
        reason = misfit_here(found.receipt)
        if not reason:
            return found, options
        why = f"The engine in use, {found.id}, {reason}."
    package = best_package(options.backend)
    if package is not None:
        _tell(f"{why} The one of the installed package {package.distribution} is used.")
        return bundle.use(package.id), options
    why = " ".join((why, *package_faults()))
    _tell(f"{why} Building one for this machine; this takes a few minutes, once.")
    return _build(options, also=report).bundle, options


def _make_wheel(
    options: BuildOptions,
    directory: Path,
    *,
    source: Path | None,
    force: bool,
    verbose: bool,
    as_json: bool,
) -> None:
    """Build an engine unless it exists, and write it as a wheel; the engine in use does not change."""
    from coblyn.native.source import licenses, obtain, pinned_source
    from coblyn.native.wheel import for_wheel, make_folder, write_wheel

    make_folder(directory)
    portable = for_wheel(options)
    result = _build(portable, source=source, force=force, verbose=verbose, take=False)
    tree = source or obtain(pinned_source())
    path = write_wheel(result.bundle, directory, licenses=licenses(tree))
    print(json.dumps({"id": result.bundle.id, "wheel": str(path)}) if as_json else shown(str(path)))


def _build(
    options: BuildOptions,
    *,
    source: Path | None = None,
    force: bool = False,
    verbose: bool = False,
    take: bool = True,
    also: Report = silent,
) -> BuildResult:
    from coblyn.cli.bar import bar
    from coblyn.errors import BuildFailed, Cancelled
    from coblyn.native.build import build as build_engine
    from coblyn.proof.bundle import prove_bundle

    try:
        with bar() as bars:
            result = build_engine(
                options,
                source=source,
                force=force,
                take=take,
                prove=prove_bundle,
                report=both(bars, also),
                announce=_tell,
                on_line=_tell if verbose else _ignore,
            )
    except KeyboardInterrupt:
        raise Cancelled("Stopped; nothing half-built was left behind.") from None
    except BuildFailed as error:
        from coblyn.doctor.failed_build import explained

        raise explained(error) from error
    if result.was_built:
        remember_proof(result.bundle)
    return result


def _show_result(result: BuildResult, *, as_json: bool) -> None:
    bundle = result.bundle
    if as_json:
        print(json.dumps(_as_dict(bundle, in_use=True) | {"was_built": result.was_built}, indent=2))
        return
    from coblyn.cli.bar import duration

    how = f"built in {duration(result.seconds)}" if result.was_built else "is there already"
    print(shown(f"{bundle.id} {how}: {bundle.receipt.accelerates}"))


def _show_list(*, as_json: bool) -> None:
    from coblyn.files import human_size
    from coblyn.native import bundle

    bundles, in_use = bundle.installed(), bundle.current_id()
    if as_json:
        print(json.dumps([_as_dict(each, in_use=each.id == in_use) for each in bundles], indent=2))
        return
    if not bundles:
        _tell("No engine has been built yet. Build one: coblyn build")
    for each in bundles:
        mark = "*" if each.id == in_use else " "
        kind = " portable" if each.receipt.portable else ""
        when = each.receipt.created[:16].replace("T", " ")
        whence = f"  (package {each.distribution})" if each.distribution else ""
        print(
            shown(
                f"{mark} {each.id}  {when}  {human_size(each.size)}{kind}  "
                f"{each.receipt.accelerates}{whence}"
            )
        )


def _say(bundle: Bundle, what: str, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"id": bundle.id, "path": str(bundle.path), "state": what}))
    else:
        print(shown(f"{bundle.id} {what}: {bundle.receipt.accelerates}"))


def _as_dict(bundle: Bundle, *, in_use: bool) -> dict[str, Any]:
    place = {"path": str(bundle.path), "in_use": in_use, "package": bundle.distribution}
    return place | bundle.receipt.to_json()


def _ignore(_: str) -> None:
    """Say nothing."""


def _tell(text: str) -> None:
    print(shown(text), file=sys.stderr)
