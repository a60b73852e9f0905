"""A bundle as a wheel: installed with pip, it is an engine for machines without a compiler.

The wheel contains one package, ``coblyn_engine_BACKEND``, which is the bundle's directory: the receipt and ``lib``. It
imports nothing and works with every version of Python. Format: the binary distribution format of packaging.python.org.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from coblyn import __version__
from coblyn.errors import NativeError
from coblyn.files import disk_errors
from coblyn.native.binary.read import read
from coblyn.native.platform_tag import platform_tag
from coblyn.native.receipt import FILE_NAME
from coblyn.native.wheel_file import WheelEntry, write_wheel_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from coblyn.native.bundle import Bundle
    from coblyn.native.plan import BuildOptions
    from coblyn.native.receipt import Receipt

__all__ = ["engine_name", "for_wheel", "make_folder", "write_wheel"]

_WRITING = "Writing the wheel"
# NVIDIA's libraries come as NVIDIA's own wheels, into the same site-packages.
_CUDA_PACKAGES = ("nvidia-cuda-runtime-cu{0}", "nvidia-cublas-cu{0}")
_CUDA_PLACES = "$ORIGIN;$ORIGIN/../../nvidia/cuda_runtime/lib;$ORIGIN/../../nvidia/cublas/lib"


def for_wheel(options: BuildOptions) -> BuildOptions:
    """Options for a wheel: portable, and without libraries that target systems may lack."""
    args = ["-DGGML_OPENMP=OFF"]  # libgomp is in no manylinux policy
    if options.backend == "cuda":
        args.append(f"-DCMAKE_INSTALL_RPATH={_CUDA_PLACES}")
    return replace(options, portable=True, cmake_args=(*args, *options.cmake_args))


def engine_name(receipt: Receipt) -> str:
    """Name of the distribution: "coblyn-engine-cpu", "-metal", "-vulkan", "-cuda12"."""
    return f"coblyn-engine-{receipt.backend}{_cuda_major(receipt)}"


def make_folder(directory: Path) -> None:
    """Create the directory for a wheel, so that a failure is reported before the build.

    Raises:
        NativeError: It cannot be created.
        DiskFull: There is no room.
    """
    with disk_errors(directory, what=_WRITING, error=NativeError):
        directory.mkdir(parents=True, exist_ok=True)


def write_wheel(bundle: Bundle, directory: Path, *, licenses: Sequence[Path]) -> Path:
    """Write a bundle as a wheel into a directory, which is created.

    Args:
        bundle: A portable bundle.
        directory: Target directory.
        licenses: Files whose text must accompany the built libraries.

    Raises:
        NativeError: The bundle is not portable, or needs libraries that not every machine has.
        DiskFull: There is no room.
    """
    receipt = bundle.receipt
    if not receipt.portable:
        raise NativeError(
            f"{bundle.id} was built for one CPU, and a wheel has to run on any.",
            hint="coblyn build --wheel DIR builds one that does.",
        )
    libraries = [bundle.lib_dir / library.name for library in receipt.libraries]
    binaries = [each for path in libraries for each in read(path, with_code=False)]
    tag = platform_tag(binaries)
    name = engine_name(receipt).replace("-", "_")
    path = directory / f"{name}-{__version__}-py3-none-{tag}.whl"
    entries = [*_package(bundle, name, libraries), *_info(receipt, name, licenses)]
    make_folder(directory)
    with disk_errors(directory, what=_WRITING, error=NativeError):
        write_wheel_file(path, entries, is_pure=False)
    return path


def _package(bundle: Bundle, name: str, libraries: Sequence[Path]) -> Iterator[WheelEntry]:
    text = f'"""The native engine {bundle.id} of Coblyn {__version__}, which finds it here."""\n'
    yield WheelEntry(f"{name}/__init__.py", text.encode())
    yield WheelEntry(f"{name}/{FILE_NAME}", (bundle.path / FILE_NAME).read_bytes())
    for path in libraries:
        yield WheelEntry(f"{name}/lib/{path.name}", path.read_bytes(), 0o755)


def _info(receipt: Receipt, name: str, licenses: Sequence[Path]) -> Iterator[WheelEntry]:
    folder = f"{name}-{__version__}.dist-info"
    yield WheelEntry(f"{folder}/METADATA", _metadata(receipt, licenses).encode())
    for path in licenses:
        yield WheelEntry(f"{folder}/licenses/{path.name}", path.read_bytes())


def _metadata(receipt: Receipt, licenses: Sequence[Path]) -> str:
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {engine_name(receipt)}",
        f"Version: {__version__}",
        f"Summary: Coblyn's native engine, built: {receipt.accelerates}",
        "License: MIT",
        *(f"License-File: {path.name}" for path in licenses),
        *(f"Requires-Dist: {name}" for name in _needed_packages(receipt)),
        "Description-Content-Type: text/plain",
    ]
    text = (
        f"llama.cpp {receipt.llama_version} ({receipt.llama_commit[:12]}) and Coblyn's own native code, built with "
        f"{receipt.compiler}. Coblyn {__version__} finds it when both are installed, and needs no compiler then."
    )
    return "\n".join([*lines, "", text, ""])


def _needed_packages(receipt: Receipt) -> tuple[str, ...]:
    major = _cuda_major(receipt)
    if not major or receipt.platform.get("os") != "linux":
        return ()
    return tuple(name.format(major) for name in _CUDA_PACKAGES)


def _cuda_major(receipt: Receipt) -> str:
    version = receipt.inputs.get("cuda.version", "")
    found = re.match(r"\d+", version) if receipt.backend == "cuda" else None
    return found[0] if found else ""
