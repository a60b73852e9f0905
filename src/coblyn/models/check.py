"""Whether a file is a model that can be loaded, before the engine touches it."""

from __future__ import annotations

import sys
from pathlib import Path

from coblyn.errors import ModelBroken, ModelNotFound, ModelUnsupported
from coblyn.models.gguf import GgufHeader, read_header
from coblyn.models.splits import part_names

__all__ = ["check_model"]

_KINDS = {
    "adapter": "a LoRA adapter, which changes a model but is none",
    "mmproj": "a projector for pictures or sound, which goes with a model but is none",
    "imatrix": "an importance matrix, which helps to quantize a model but is none",
}


def check_model(path: Path) -> GgufHeader:
    """Check all files of a model; takes milliseconds, since only headers are read.

    Args:
        path: The file, or any part of a split model.

    Returns:
        Header of the file, or of the first part.

    Raises:
        ModelNotFound: The file or a part of it is missing.
        ModelBroken: It is no GGUF file, is cut short or contradicts itself.
        ModelUnsupported: It is a sound GGUF file but no model for this machine.
    """
    names = part_names(path.name)
    if len(names) > 1:
        _check_parts_are_there(path, names)
    headers = [read_header(path.with_name(name)) for name in names]
    first = headers[0]
    if first.num_splits != len(names):
        raise ModelBroken(
            f"{first.path} is one of {first.num_splits} files of a split model, "
            "but its name does not say so.",
            hint=f"Its first file has to be named NAME-00001-of-{first.num_splits:05}.gguf.",
        )
    _check_kind(first)
    return first


def _check_parts_are_there(path: Path, names: tuple[str, ...]) -> None:
    missing = [name for name in names if not path.with_name(name).is_file()]
    if missing:
        raise ModelNotFound(
            f"The model {path.name} is split into {len(names)} files, and {len(missing)} of them "
            f"are missing in {path.parent}: {', '.join(missing[:5])}{' …' * (len(missing) > 5)}",
            hint="Download the missing files into the same directory.",
        )


def _check_kind(header: GgufHeader) -> None:
    path = header.path
    if header.is_big_endian != (sys.byteorder == "big"):
        order = "big" if header.is_big_endian else "little"
        raise ModelUnsupported(
            f"{path} has {order}-endian byte order, and this machine has the other one.",
            hint="Download it for this kind of machine, or convert it with gguf-convert-endian.",
        )
    kind = "mmproj" if header.architecture == "clip" else header.kind
    if kind in _KINDS:
        raise ModelUnsupported(f"{path} is {_KINDS[kind]}.", hint="Name the model's own file.")
    if not header.architecture:
        raise ModelBroken(
            f"{path} does not name an architecture: 'general.architecture' is missing."
        )
    if not header.tensors:
        raise ModelUnsupported(f"{path} holds a vocabulary and no weights.")
