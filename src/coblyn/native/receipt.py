"""The receipt of a bundle: its inputs, its compiler and its outputs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from coblyn.errors import NativeError
from coblyn.native.mend import Repair
from coblyn.native.plan import BuildOptions

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FILE_NAME", "LibraryFile", "Receipt", "read_receipt", "write_receipt"]

FILE_NAME = "receipt.json"
"""The file that distinguishes a bundle from other directories."""

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class LibraryFile:
    """A file in the bundle's library directory; ``size`` in bytes."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """All facts about a bundle.

    Attributes:
        id: Name of the bundle.
        backend: Name of its backend.
        portable: Whether it runs on any CPU of its architecture.
        asked: The user's request: "backend" (may be "auto"), "cmake_args" and "without".
        accelerates: What accelerates inference, as one phrase.
        created: When it was finished, ISO 8601 in UTC.
        seconds: How long fetching, configuring and compiling took.
        llama_version: Release of llama.cpp.
        llama_commit: Its commit.
        source: Where the source came from, in words.
        compiler: Version of the compiler.
        tools: Versions of CMake, ninja and the other tools used.
        platform: Operating system, architecture, CPU and its features.
        cmake_args: Arguments it was configured with.
        inputs: All inputs of the id.
        reasons: Why each choice was made.
        notes: Notes for the user.
        libraries: The files.
        repairs: What was left out because a build with it did not pass its proof, in order.
        format: Version of this format.
    """

    id: str
    backend: str
    portable: bool
    asked: dict[str, Any]
    accelerates: str
    created: str
    seconds: float
    llama_version: str
    llama_commit: str
    source: str
    compiler: str
    tools: dict[str, str]
    platform: dict[str, str]
    cmake_args: tuple[str, ...]
    inputs: dict[str, str]
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    libraries: tuple[LibraryFile, ...] = field(default_factory=tuple)
    repairs: tuple[Repair, ...] = ()
    format: int = _FORMAT

    def options(self) -> BuildOptions:
        """The user's request, to repeat it."""
        return BuildOptions(
            backend=self.asked["backend"],
            portable=self.portable,
            cmake_args=tuple(self.asked["cmake_args"]),
            without=frozenset(self.asked.get("without", ())),
        )

    def to_json(self) -> dict[str, Any]:
        """As JSON, as written to disk."""
        return asdict(self)


def write_receipt(directory: Path, receipt: Receipt) -> None:
    """Write it into a bundle that is being built."""
    text = json.dumps(receipt.to_json(), indent=2, ensure_ascii=False)
    (directory / FILE_NAME).write_text(text + "\n", "utf-8")


def read_receipt(directory: Path) -> Receipt:
    """Read the receipt of a bundle.

    Raises:
        NativeError: There is none, or it cannot be read.
    """
    path = directory / FILE_NAME
    try:
        raw = json.loads(path.read_text("utf-8"))
        known = {name.name for name in fields(Receipt)}
        values = {name: value for name, value in raw.items() if name in known}
        values["libraries"] = tuple(LibraryFile(**each) for each in raw["libraries"])
        values["repairs"] = tuple(_read_repair(each) for each in raw.get("repairs", ()))
        for name in ("cmake_args", "reasons", "notes"):
            values[name] = tuple(raw[name])
        return Receipt(**values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise NativeError(
            f"{path} cannot be read ({error}): the bundle is not complete.",
            hint=f"coblyn build --remove {directory.name}, then coblyn build",
        ) from error


def _read_repair(raw: dict[str, Any]) -> Repair:
    return Repair(**raw | {"left_out": tuple(raw["left_out"])})
