"""A bundle as a wheel: installed with pip, it is an engine for machines without a compiler.

The wheel holds one package, ``coblyn_engine_BACKEND``, which is the bundle's directory: the receipt and ``lib``. It
imports nothing and serves every version of Python. Format: the binary distribution format of packaging.python.org.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from coblyn import __version__
from coblyn.errors import NativeError
from coblyn.files import disk_errors
from coblyn.native.binary.read import read
from coblyn.native.platform_tag import platform_tag
from coblyn.native.receipt import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from coblyn.native.bundle import Bundle
    from coblyn.native.plan import BuildOptions
    from coblyn.native.receipt import Receipt

__all__ = ["engine_name", "for_wheel", "write_wheel"]

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same bundle gives the same wheel, whenever it is made
# NVIDIA's libraries come as wheels of NVIDIA's, into the same site-packages.
_CUDA_PACKAGES = ("nvidia-cuda-runtime-cu{0}", "nvidia-cublas-cu{0}")
_CUDA_PLACES = "$ORIGIN;$ORIGIN/../../nvidia/cuda_runtime/lib;$ORIGIN/../../nvidia/cublas/lib"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file of the wheel."""

    name: str
    content: bytes
    mode: int = 0o644


def for_wheel(options: BuildOptions) -> BuildOptions:
    """What to build for a wheel: portable, and needing no library that systems need not have."""
    args = ["-DGGML_OPENMP=OFF"]  # libgomp is in no manylinux policy
    if options.backend == "cuda":
        args.append(f"-DCMAKE_INSTALL_RPATH={_CUDA_PLACES}")
    return replace(options, portable=True, cmake_args=(*args, *options.cmake_args))


def engine_name(receipt: Receipt) -> str:
    """Name of the distribution: "coblyn-engine-cpu", "-metal", "-vulkan", "-cuda12"."""
    return f"coblyn-engine-{receipt.backend}{_cuda_major(receipt)}"


def write_wheel(bundle: Bundle, directory: Path, *, licenses: Sequence[Path]) -> Path:
    """Write a bundle as a wheel into a directory, which is made.

    Args:
        bundle: A portable one.
        directory: Where to.
        licenses: Files whose text has to come with what was built.

    Raises:
        NativeError: The bundle is not portable, or needs libraries that not every machine has.
        DiskFull: No room.
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
    entries = [*_package(bundle, name, libraries), *_info(receipt, name, tag, licenses)]
    with disk_errors(directory, what="Writing the wheel", error=NativeError):
        directory.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        _write(part, entries, f"{name}-{__version__}.dist-info/RECORD")
        part.replace(path)
    return path


def _package(bundle: Bundle, name: str, libraries: Sequence[Path]) -> Iterator[_Entry]:
    text = f'"""The native engine {bundle.id} of Coblyn {__version__}, which finds it here."""\n'
    yield _Entry(f"{name}/__init__.py", text.encode())
    yield _Entry(f"{name}/{FILE_NAME}", (bundle.path / FILE_NAME).read_bytes())
    for path in libraries:
        yield _Entry(f"{name}/lib/{path.name}", path.read_bytes(), 0o755)


def _info(receipt: Receipt, name: str, tag: str, licenses: Sequence[Path]) -> Iterator[_Entry]:
    folder = f"{name}-{__version__}.dist-info"
    yield _Entry(f"{folder}/METADATA", _metadata(receipt, licenses).encode())
    wheel = f"Wheel-Version: 1.0\nGenerator: coblyn {__version__}\nRoot-Is-Purelib: false\n"
    yield _Entry(f"{folder}/WHEEL", f"{wheel}Tag: py3-none-{tag}\n".encode())
    for path in licenses:
        yield _Entry(f"{folder}/licenses/{path.name}", path.read_bytes())


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


def _write(path: Path, entries: Sequence[_Entry], record: str) -> None:
    rows = io.StringIO()
    lines = csv.writer(rows, lineterminator="\n")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in entries:
            _add(archive, each)
            lines.writerow((each.name, f"sha256={_digest(each.content)}", len(each.content)))
        lines.writerow((record, "", ""))
        _add(archive, _Entry(record, rows.getvalue().encode()))


def _add(archive: zipfile.ZipFile, entry: _Entry) -> None:
    info = zipfile.ZipInfo(entry.name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3  # Unix: only there do modes count
    info.external_attr = (0o100000 | entry.mode) << 16
    archive.writestr(info, entry.content)


def _digest(content: bytes) -> str:
    """As RECORD wants it: SHA-256 in the URL-safe alphabet, without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
