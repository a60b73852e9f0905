"""EAGLE-3 heads: a layer in a file of its own that guesses another model's tokens from what goes into its layers."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coblyn.files import human_size
from coblyn.models.gguf import GgufHeader, Tensor, read_entries, read_header
from coblyn.models.heads import MAX_UNKNOWN_TOKENS

__all__ = ["ARCHITECTURE", "EagleHead", "read_eagle"]

ARCHITECTURE = "eagle3"

_MODELS = frozenset({"gpt-oss", "llama", "minimax-m2", "qwen3", "qwen3moe"})
"""Architectures whose graphs in llama.cpp 0.5.0 name what goes into their layers, and that tests try. For those that do
not name it, the library ends the process."""

_NUM_LAYERS = 3
_CELL_BYTES = 2
"""Of a number in its cache (f16)."""
_TOKENS = "tokenizer.ggml.tokens"
_ARRAY, _HEAD_BYTES = 9, 16
"""The type of an array in metadata, and the bytes before its elements: its type, theirs, and their number."""
_INTEGERS = {4: "I", 5: "i"}
"""Types of arrays in metadata that layers may be listed in."""


@dataclass(frozen=True, slots=True)
class EagleHead:
    """A file with an EAGLE-3 head.

    Attributes:
        header: Its header.
        layers: The layers of the model that it looks at: it takes what goes into them.
        num_tokens: Size of its vocabulary.
        problem: Why it can be used with no model; empty if it can.
    """

    header: GgufHeader
    layers: tuple[int, ...]
    num_tokens: int
    problem: str = ""

    @property
    def told(self) -> str:
        """What it is, its size, and for what models."""
        what = f"EAGLE-3, {human_size(self.size)}"
        if self.problem:
            return f"{what}, not used: {self.problem}"
        layers = ", ".join(map(str, self.layers))
        return f"{what}, for a model of width {self.model_width}, from its layers {layers}"

    @property
    def told_memory(self) -> str:
        """What it takes beside its model."""
        beside = f"{human_size(self.size)} beside its model"
        cell = self._cell_length * _CELL_BYTES
        return f"{beside}, and {human_size(cell)} a token of context" if cell else beside

    @property
    def _cell_length(self) -> int:
        """Numbers that it keeps of a token; 0 if its file does not say so."""
        heads = _number(self.header, "attention.head_count")
        width = _number(self.header, "embedding_length") // heads if heads else 0
        names = ("attention.key_length", "attention.value_length")
        lengths = [_number(self.header, name) or width for name in names]
        return sum(lengths) * (_number(self.header, "attention.head_count_kv") or heads)

    @property
    def size(self) -> int:
        """Bytes of its tensors."""
        return sum(tensor.size for tensor in self.header.tensors)

    @property
    def model_width(self) -> int:
        """Length of a token's embedding in the model that it belongs to."""
        return _number(self.header, "target_hidden_size")

    def problem_with(self, model: GgufHeader) -> str:
        """Why it cannot guess for a model; empty if it can, as far as the beginnings of both files tell.

        Raises:
            ModelError: A file cannot be read.
        """
        return self.problem or next(self._problems_with(model), "")

    def _problems_with(self, model: GgufHeader) -> Iterator[str]:
        width = _number(model, "embedding_length")
        num_layers = model.block_count - _number(model, "nextn_predict_layers")
        if model.architecture not in _MODELS:
            yield f"Coblyn has not been tried with EAGLE-3 heads for {model.architecture}"
        if self.model_width != width:
            yield f"it is for a model of width {self.model_width}, and this one's is {width}"
        if max(self.layers) >= num_layers:
            yield f"it looks at layer {max(self.layers)}, and the model has {num_layers}"
        own = _number(self.header, "embedding_length")
        if own != width and not _has(self.header, "token_embd.weight", "output.weight"):
            yield f"it shares the model's embeddings, and its own width is {own} instead of {width}"
        if not _is_same_vocabulary(_tokens(self.header.path), _tokens(model.path)):
            yield "it has a different vocabulary"


def read_eagle(path: Path) -> EagleHead | None:
    """The EAGLE-3 head in a file; None if it has something else. Takes a tenth of a second for a large vocabulary.

    Raises:
        ModelError: The file cannot be read.
    """
    header = read_header(path)
    if header.architecture != ARCHITECTURE:
        return None
    entries = read_entries(path)
    layers = _integers(entries.get(f"{ARCHITECTURE}.target_layers", b""))
    num_tokens = _length(entries.get(_TOKENS, b""))
    return EagleHead(header, layers, num_tokens, next(_problems(header, layers, num_tokens), ""))


def _problems(header: GgufHeader, layers: tuple[int, ...], num_tokens: int) -> Iterator[str]:
    """What the library ends the process for, or refuses without the reason."""
    if header.block_count != 1:
        yield f"it has {header.block_count} layers, and llama.cpp runs one"
    if len(layers) != _NUM_LAYERS or min(layers) < 0:
        yield "its file does not name three layers of its model"
    if not num_tokens:
        yield "its file has no vocabulary"
    if _number(header, "attention.key_length") != _number(header, "attention.value_length"):
        yield "its keys and values have unequal lengths"
    tensors = {tensor.name: tensor for tensor in header.tensors}
    embeddings, table = tensors.get("token_embd.weight"), tensors.get("d2t")
    if embeddings and embeddings.shape[-1] < num_tokens:
        yield f"it has embeddings of {embeddings.shape[-1]} tokens out of {num_tokens}"
    if table and "output.weight" not in tensors:
        yield "its file has a table of tokens and no output"
    if table and not _is_sound(table, header.path, num_tokens):
        yield "its table of tokens names tokens that do not exist"


def _is_sound(table: Tensor, path: Path, num_tokens: int) -> bool:
    if table.type != "I64":
        return False
    with path.open("rb") as file:
        file.seek(table.offset)
        tokens = array("q", file.read(table.size))
    return all(0 <= token < num_tokens for token in tokens)


def _has(header: GgufHeader, *names: str) -> bool:
    return set(names) <= {tensor.name for tensor in header.tensors}


def _number(header: GgufHeader, key: str) -> int:
    value = header.metadata.get(f"{header.architecture}.{key}", 0)
    return value if isinstance(value, int) else 0


def _tokens(path: Path) -> bytes:
    return read_entries(path).get(_TOKENS, b"")


def _is_same_vocabulary(one: bytes, other: bytes) -> bool:
    """Whether two arrays in metadata have the same texts, but for some at the end of one."""
    unknown = abs(_length(one) - _length(other))
    short, long = sorted((one[_HEAD_BYTES:], other[_HEAD_BYTES:]), key=len)
    return unknown <= MAX_UNKNOWN_TOKENS and long.startswith(short)


def _integers(entry: bytes) -> tuple[int, ...]:
    """An array of integers in metadata; empty if it is something else."""
    length = _length(entry)
    code = _INTEGERS.get(int.from_bytes(entry[4:8], "little"), "")
    is_whole = bool(code) and len(entry) >= _HEAD_BYTES + length * struct.calcsize(f"<{code}")
    return struct.unpack_from(f"<{length}{code}", entry, _HEAD_BYTES) if is_whole else ()


def _length(entry: bytes) -> int:
    """Number of elements of an array in metadata; 0 if it is something else."""
    is_array = int.from_bytes(entry[:4], "little") == _ARRAY
    return int.from_bytes(entry[8:16], "little") if is_array else 0
