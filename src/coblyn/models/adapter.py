"""Adapter files, which modify a model: LoRA adapters as converted by llama.cpp, and control vectors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from coblyn.errors import BadRequest, ModelBroken, ModelUnsupported
from coblyn.models.gguf import GgufHeader, read_header

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["AdapterKind", "AdapterSpec", "check_adapter", "directions", "kind_of"]

AdapterKind = Literal["lora", "control"]

_CONTROL = "controlvector"
_DIRECTION = "direction."
_PAIR = (".lora_a", ".lora_b")
_OTHER = "Get the adapter that was made for this model, or serve the model that it was made for."


@dataclass(frozen=True, slots=True)
class AdapterSpec:
    """An adapter as specified by a user.

    Attributes:
        name: The name that requests use; contains no "+".
        path: Its file.
        scale: Its default strength; 1 is the strength it was trained with.
    """

    name: str
    path: Path
    scale: float = 1.0

    @classmethod
    def of(cls, text: str) -> AdapterSpec:
        """Parse ``NAME=FILE[:SCALE]`` or ``FILE[:SCALE]``; the default name is the file's without suffix.

        Raises:
            BadRequest: It names no file, or the name cannot be part of a model's name.
        """
        name, equals, rest = text.partition("=")
        if not equals or "/" in name or "\\" in name:
            name, rest = "", text
        file, scale = _scaled(rest)
        path = Path(file)
        name = name.strip() or path.stem
        if not file or not name or set(name) & set("=+:/\\ "):
            raise BadRequest(
                f"{text!r} names no adapter.",
                field="adapter",
                hint="Write NAME=FILE or NAME=FILE:SCALE; a name has no space and none of = + : / \\.",
            )
        return cls(name, path, scale)

    def __str__(self) -> str:
        return f"{self.name}={self.path}:{self.scale!r}"


def _scaled(text: str) -> tuple[str, float]:
    """A file, and the number after its last colon if there is one."""
    file, colon, number = text.rpartition(":")
    try:
        scale = float(number) if colon and file else None
    except ValueError:
        scale = None
    if scale is None or not abs(scale) < 1e6:
        return text, 1.0
    return file, scale


def kind_of(header: GgufHeader) -> AdapterKind | None:
    """The kind of adapter in a file; None if it is not an adapter."""
    if header.architecture == _CONTROL:
        return "control"
    return "lora" if header.kind == "adapter" else None


def check_adapter(path: Path, model: GgufHeader) -> GgufHeader:
    """Read an adapter's header, and refuse one that does not fit a model.

    Args:
        path: The adapter's file.
        model: Header of the model's file.

    Raises:
        ModelError: The file is not an adapter, or is for another model; the message names both.
    """
    header = read_header(path)
    kind = kind_of(header)
    if kind is None:
        raise ModelUnsupported(
            f"{path} is a {header.kind} of the architecture {header.architecture or '(none)'!r}, and no adapter.",
            hint="An adapter is a LoRA that convert_lora_to_gguf.py wrote, or a control vector.",
        )
    if kind == "control":
        _check_directions(header, model)
    else:
        _check_lora(header, model)
    return header


def _check_lora(header: GgufHeader, model: GgufHeader) -> None:
    if header.architecture != model.architecture:
        raise ModelUnsupported(
            f"The adapter {header.path} is for models of the architecture {header.architecture!r}, and "
            f"{model.path.name} is one of {model.architecture!r}.",
            hint=_OTHER,
        )
    shapes = {tensor.name: tensor.shape for tensor in model.tensors}
    for tensor in header.tensors:
        name = tensor.name.removesuffix(_PAIR[0]).removesuffix(_PAIR[1])
        if name == tensor.name:
            continue
        if name not in shapes and model.num_splits == 1:
            raise ModelUnsupported(
                f"The adapter {header.path} changes {name}, which {model.path.name} does not have.",
                hint=_OTHER,
            )


def _check_directions(header: GgufHeader, model: GgufHeader) -> None:
    meant = header.metadata.get(f"{_CONTROL}.model_hint")
    if isinstance(meant, str) and meant and meant != model.architecture:
        raise ModelUnsupported(
            f"The control vector {header.path} is for models of the architecture {meant!r}, and {model.path.name} is "
            f"one of {model.architecture!r}.",
            hint=_OTHER,
        )
    width = model.metadata.get(f"{model.architecture}.embedding_length")
    for layer, (size, kind) in _layers(header).items():
        if size != width or kind != "F32":
            raise ModelUnsupported(
                f"The control vector {header.path} has {size} numbers ({kind}) for layer {layer}, and "
                f"{model.path.name} has {width} (F32).",
                hint=_OTHER,
            )


def _layers(header: GgufHeader) -> dict[int, tuple[int, str]]:
    """For each layer, the number of values and their type."""
    found = {}
    for tensor in header.tensors:
        layer = tensor.name.removeprefix(_DIRECTION)
        if layer == tensor.name or not layer.isdecimal() or len(tensor.shape) != 1 or layer == "0":
            raise ModelBroken(
                f"{header.path} has {tensor.name!r}, which is not a direction of a layer."
            )
        found[int(layer)] = (tensor.shape[0], tensor.type)
    if not found:
        raise ModelBroken(f"The control vector {header.path} is empty.")
    return found


def directions(header: GgufHeader) -> dict[int, NDArray[np.float32]]:
    """Read a control vector.

    For some layers, counted from 1, the vector of the model's width to add to the layer's output.

    Raises:
        ModelBroken: The file cannot be read.
    """
    import numpy as np  # a server needs it for nothing else

    order = ">" if header.is_big_endian else "<"
    found = {}
    with header.path.open("rb") as file:
        for tensor in header.tensors:
            file.seek(tensor.offset)
            data = file.read(tensor.size)
            if len(data) != tensor.size:
                raise ModelBroken(f"{header.path} is cut short.")
            layer = int(tensor.name.removeprefix(_DIRECTION))
            found[layer] = np.frombuffer(data, f"{order}f4").astype(np.float32)
    return found
