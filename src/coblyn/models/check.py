"""Checks that a file is a loadable model, before the engine reads it."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from coblyn.errors import ModelBroken, ModelNotFound, ModelUnsupported
from coblyn.models.gguf import GgufHeader, Value, read_header, repeated_token
from coblyn.models.needed import lacking
from coblyn.models.splits import part_names

__all__ = ["check_model", "examine_model", "is_reranker", "require_writer", "writes"]

_MAX_LAYERS = 512
"""``LLAMA_MAX_LAYERS`` of the pinned llama.cpp."""

_LEAST_ALIGNMENT = 8
"""Minimum alignment; with less, the library makes unaligned reads from mapped files and crashes."""

_WKV7 = frozenset({"rwkv7", "arwkv7"})
_WKV7_STEP = 64
"""Numbers of a head's state that the pinned llama.cpp takes at once (``ggml_compute_forward_rwkv_wkv7_f32`` with
AVX-512), also past its end; GPUs take 64 and 128 only. All published models have 64."""

_NO_WEIGHTS = frozenset({"I8", "I16", "I32", "I64", "F64"})
_MULTIPLIED = re.compile(
    r"(token_embd|output|(blk\.\d+\.)?(\w+_norm|attn_(q|k|v|qkv|output)|ffn_(gate|up|down)(_exps)?))\.weight"
)
"""Names of tensors that are always weights; other tensors may legitimately contain integers."""

_PIECE = re.compile(r"\.part(\d+)of(\d+)$", re.IGNORECASE)
"""Names of files that were split before GGUF had its own splits."""

_MAX_PADDING = 512
"""Number of bytes after the last tensor in which an appended file would begin."""

_RANKS = 4
"""``LLAMA_POOLING_TYPE_RANK``; the smaller numbers are embeddings, 0 is neither."""

_OTHER_SOURCE = "Get the model from another source, or convert it again."

_KINDS = {
    "adapter": "a LoRA adapter, which changes a model but is none",
    "controlvector": "a control vector, which changes a model but is none",
    "mmproj": "a projector for pictures or sound, which goes with a model but is none",
    "imatrix": "an importance matrix, which helps to quantize a model but is none",
}

_WITH_A_MODEL = dict.fromkeys(
    ("adapter", "controlvector"),
    "Serve the model that it changes: coblyn serve MODEL --adapter NAME=FILE",
)


def check_model(path: Path) -> GgufHeader:
    """Check all files of a model. Takes milliseconds, since only headers are read.

    Args:
        path: The file, or any part of a split model.

    Returns:
        Header of the file, or of the first part.

    Raises:
        ModelNotFound: The file or a part of it is missing.
        ModelBroken: It is not a GGUF file, is cut short or contradicts itself.
        ModelUnsupported: It is a valid GGUF file but not a model for this machine.
    """
    names = _names_of_parts(path)
    if len(names) > 1:
        _check_parts_are_there(path, names)
    headers = [read_header(path.with_name(name)) for name in names]
    first = headers[0]
    _check_joined(first)
    if first.num_splits != len(names):
        raise ModelBroken(
            f"{first.path} is one of {first.num_splits} files of a split model, "
            "but its name does not say so.",
            hint=f"Its first file has to be named NAME-00001-of-{first.num_splits:05}.gguf.",
        )
    _check_kind(first)
    _check_numbers(first)
    for header in headers:
        _check_weights(header)
    _check_needed(headers)
    return first


def _names_of_parts(path: Path) -> tuple[str, ...]:
    """The files of a model. The file's metadata takes precedence over its name, which users change."""
    if match := _PIECE.search(path.name):
        raise ModelBroken(
            f"{path} is piece {match[1]} of {match[2]} of a file that was cut up, not a model's own split.",
            hint=f"Join the pieces in their order into one file, such as {path.name[: match.start()]}.",
        )
    names = part_names(path.name)
    is_whole = len(names) > 1 and path.is_file() and read_header(path).num_splits == 1
    return (path.name,) if is_whole else names


def _check_joined(header: GgufHeader) -> None:
    """Refuse parts of a split model that were concatenated, of which the library would read only the first."""
    if header.num_splits == 1 or not header.tensors:
        return
    last = header.tensors[-1]
    with header.path.open("rb") as file:
        file.seek(last.offset + last.size)
        if b"GGUF" not in file.read(_MAX_PADDING):
            return
    raise ModelBroken(
        f"{header.path} holds several files of a split model, one appended to the other.",
        hint="Put the files side by side as they were published, under their own names, or join them with "
        "llama.cpp's gguf-split --merge.",
    )


def writes(header: GgufHeader) -> bool:
    """Whether a model generates text. Embedding models and rerankers do not."""
    is_causal = header.metadata.get(f"{header.architecture}.attention.causal", True)
    return bool(is_causal) and _pooling(header) == 0


def is_reranker(header: GgufHeader) -> bool:
    """Whether a model rates texts."""
    return _pooling(header) == _RANKS


def require_writer(header: GgufHeader) -> None:
    """Refuse a model that does not generate text.

    Raises:
        ModelUnsupported: It is an embedding model or a reranker.
    """
    if writes(header):
        return
    what = (
        "a reranker, which rates texts"
        if is_reranker(header)
        else "an embedding model, which turns text into numbers"
    )
    raise ModelUnsupported(
        f"{header.path} is {what} and generates no text.",
        hint="Choose a model that generates text, or use this one over HTTP: coblyn serve FILE.",
    )


def _pooling(header: GgufHeader) -> int:
    value = header.metadata.get(f"{header.architecture}.pooling_type")
    return value if isinstance(value, int) else 0


def examine_model(path: Path) -> None:
    """Check for faults that crash the library and that ``check_model`` has no time for; used after a crash.

    Raises:
        ModelError: The file has such a fault.
    """
    check_model(path)
    token = repeated_token(path)
    if token is not None:
        raise ModelBroken(
            f"{path} has the token {token!r} twice in its vocabulary, which this engine cannot load.",
            hint=_OTHER_SOURCE,
        )


def _check_numbers(header: GgufHeader) -> None:
    """Refuse numbers that crash the library, which does not check them."""
    architecture, metadata = header.architecture, header.metadata
    if metadata.get("tokenizer.ggml.model") in ("none", "no_vocab"):
        raise ModelUnsupported(
            f"{header.path} has no vocabulary, and cannot read or write text.",
            hint="Choose a model that generates text.",
        )
    if _number(metadata.get(f"{architecture}.block_count", 1)) < 1:
        raise _contradiction(header, f"{architecture}.block_count", "a model has layers")
    if header.block_count > _MAX_LAYERS:
        raise ModelUnsupported(
            f"{header.path} has {header.block_count} layers, and this engine knows {_MAX_LAYERS} at most."
        )
    used, there = f"{architecture}.expert_used_count", f"{architecture}.expert_count"
    if _number(metadata.get(used)) > _number(metadata.get(there)):
        raise _contradiction(header, used, f"there are {metadata.get(there, 0)} experts")
    _check_heads(header)
    for key, value in metadata.items():
        if key.endswith("_epsilon") and not 0 <= _number(value) < math.inf:
            raise _contradiction(header, key, "it must be a small positive number")
    if _number(metadata.get("general.alignment", 32)) < _LEAST_ALIGNMENT:
        raise _contradiction(header, "general.alignment", f"the least is {_LEAST_ALIGNMENT}")


def _check_heads(header: GgufHeader) -> None:
    """Refuse heads of RWKV-7 that give NaN or overwrite memory, since the library takes more than their states."""
    key = f"{header.architecture}.wkv.head_size"
    if header.architecture not in _WKV7 or key not in header.metadata:
        return
    size = _number(header.metadata[key])
    if size <= 0:
        raise _contradiction(header, key, "a head has numbers")
    if size % _WKV7_STEP:
        raise ModelUnsupported(
            f"{header.path} has heads of {size:g} numbers ({key}), and this engine computes "
            f"{header.architecture} only with multiples of {_WKV7_STEP}.",
            hint=_OTHER_SOURCE,
        )


def _number(value: Value | None) -> float:
    return value if isinstance(value, int | float) else 0


def _contradiction(header: GgufHeader, key: str, but: str) -> ModelBroken:
    return ModelBroken(
        f"{header.path} is damaged: {key} is {header.metadata.get(key, 0)!r}, but {but}.",
        hint=_OTHER_SOURCE,
    )


def _check_weights(header: GgufHeader) -> None:
    for tensor in header.tensors:
        if tensor.type in _NO_WEIGHTS and _MULTIPLIED.fullmatch(tensor.name):
            raise ModelUnsupported(
                f"{header.path} has {tensor.name} in {tensor.type}, which no engine computes with.",
                hint=_OTHER_SOURCE,
            )


def _check_needed(headers: Sequence[GgufHeader]) -> None:
    names = [tensor.name for header in headers for tensor in header.tensors]
    if lacks := lacking(headers[0].architecture, names):
        raise ModelUnsupported(
            f"{headers[0].path} has no tensor {lacks!r}, without which this engine cannot compute.",
            hint=_OTHER_SOURCE,
        )


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
    if header.architecture != "clip" and any(
        each.name.startswith(("v.blk.", "mm.")) for each in header.tensors
    ):
        raise ModelUnsupported(
            f"{path} holds its part for images, too: it was made for Ollama's own engine, not for llama.cpp.",
            hint="Get the model from Hugging Face, where the projector is a file of its own.",
        )
    kind = {"clip": "mmproj"}.get(header.architecture, header.kind)
    kind = header.architecture if header.architecture in _KINDS else kind
    if kind in _KINDS:
        raise ModelUnsupported(
            f"{path} is {_KINDS[kind]}.", hint=_WITH_A_MODEL.get(kind, "Name the model's own file.")
        )
    if not header.architecture:
        raise ModelBroken(
            f"{path} does not name an architecture: 'general.architecture' is missing."
        )
    if not header.tensors:
        raise ModelUnsupported(f"{path} holds a vocabulary and no weights.")
