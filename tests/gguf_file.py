"""Writes small GGUF files, sound ones and such as no program should write."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

STRING, ARRAY = 8, 9
F32 = 0


class Signed(int):
    """An int32."""


class GgufWriter:
    """Bytes of a GGUF file.

    Args:
        metadata: Values by key: int is uint32, float float32, and lists are arrays of the same.
        tensors: Name, shape, type number and bytes; offsets are put in one after the other.
        order: ``<`` or ``>``.
    """

    def __init__(
        self,
        metadata: Mapping[str, object],
        tensors: Sequence[tuple[str, tuple[int, ...], int, bytes]] = (),
        *,
        version: int = 3,
        order: str = "<",
        alignment: int = 32,
    ) -> None:
        self.order = order
        self.metadata, self.tensors = dict(metadata), list(tensors)
        head = [b"GGUF", self.pack("I", version), self.pack("QQ", len(tensors), len(metadata))]
        head += [self.text(key) + self.value(value) for key, value in metadata.items()]
        offset, body = 0, b""
        for name, shape, kind, data in tensors:
            head += [
                self.text(name),
                self.pack("I", len(shape)),
                self.pack("Q" * len(shape), *shape),
            ]
            head += [self.pack("IQ", kind, offset)]
            padded = data + b"\0" * (-len(data) % alignment)
            body += padded
            offset += len(padded)
        start = b"".join(head)
        self.header_size = len(start)
        self.data_start = len(start) + -len(start) % alignment
        self.data = start + b"\0" * (-len(start) % alignment) + body

    def write(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.data)
        return path

    def pack(self, codes: str, *values: object) -> bytes:
        return struct.pack(self.order + codes, *values)

    def text(self, value: str) -> bytes:
        raw = value.encode()
        return self.pack("Q", len(raw)) + raw

    def value(self, value: object) -> bytes:
        kind, body = self.typed(value)
        return self.pack("I", kind) + body

    def typed(self, value: object) -> tuple[int, bytes]:
        if isinstance(value, bool):
            return 7, self.pack("?", value)
        if isinstance(value, Signed):
            return 5, self.pack("i", value)
        if isinstance(value, int):
            return 4, self.pack("I", value)
        if isinstance(value, float):
            return 6, self.pack("f", value)
        if isinstance(value, str):
            return STRING, self.text(value)
        assert isinstance(value, list), "bool, int, float, str or a list of them"
        kinds = [self.typed(item) for item in value]
        count = self.pack("IQ", kinds[0][0] if kinds else 4, len(value))
        return ARRAY, count + b"".join(body for _, body in kinds)


def tiny_gguf(**metadata: object) -> GgufWriter:
    """A sound file of one tensor; keys may be added, with ``__`` for the dot."""
    keys: dict[str, object] = {
        "general.architecture": "llama",
        "general.name": "Tiny",
        "llama.context_length": 128,
        "llama.block_count": 1,
        "general.file_type": 1,
        "tokenizer.ggml.tokens": [f"token{number}" for number in range(300)],
        "tokenizer.ggml.scores": [0.5] * 300,
    }
    keys |= {key.replace("__", "."): value for key, value in metadata.items()}
    return GgufWriter(keys, [("weight", (4, 2), F32, b"\1" * 32), ("bias", (3,), F32, b"\2" * 12)])


_TYPE_SIZES = {F32: 4, 26: 4, 28: 8}


def whole_model(
    *,
    weights: int = F32,
    experts: int = 0,
    leave_out: str = "",
    alignment: int = 32,
    tensors: Sequence[tuple[str, tuple[int, ...], int, bytes]] = (),
    **metadata: object,
) -> GgufWriter:
    """A model of the llama architecture that the library loads and that writes nonsense.

    Args:
        weights: Number of the type of the matrices.
        experts: Experts; 0 for a dense model.
        leave_out: Name of a tensor that is not there.
        alignment: Of the tensors.
        tensors: These in place of its own.
        metadata: Further keys or other values, with ``__`` for the dot.
    """
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "\u2581", "a"]
    keys: dict[str, object] = {
        "general.architecture": "llama",
        "general.name": "Whole",
        "llama.context_length": 256,
        "llama.embedding_length": 32,
        "llama.block_count": 1,
        "llama.feed_forward_length": 64,
        "llama.attention.head_count": 2,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": 16,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": [0.0] * len(tokens),
        "tokenizer.ggml.token_type": [Signed(kind) for kind in (2, 3, 3, *([6] * 256), 1, 1)],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
    }
    if experts:
        keys |= {"llama.expert_count": experts, "llama.expert_used_count": 1}
    if alignment != 32:
        keys["general.alignment"] = alignment
    keys |= {key.replace("__", "."): value for key, value in metadata.items()}
    matrices = {"token_embd": (32, len(tokens))}
    matrices |= {f"blk.0.attn_{name}": (32, 32) for name in ("q", "k", "v", "output")}
    matrices |= {"blk.0.ffn_gate": (32, 64), "blk.0.ffn_up": (32, 64), "blk.0.ffn_down": (64, 32)}
    own = [
        (f"{name}.weight", shape, weights, _filled(weights, shape))
        for name, shape in matrices.items()
    ]
    own += [
        (f"{name}.weight", (32,), F32, _filled(F32, (32,)))
        for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm")
    ]
    kept = [tensor for tensor in tensors or own if tensor[0] != leave_out]
    return GgufWriter(keys, kept, alignment=alignment)


def windowed_model(
    window: int, *, vocabulary: int = 600, seed: int = 1, **metadata: object
) -> GgufWriter:
    """A model of the gemma3 architecture with random weights in F32, every other layer of which looks a window back.

    Its numbers hardly depend on the shape of batches, as those of quantized models do.

    Args:
        window: Tokens that such a layer looks at.
        vocabulary: Tokens, more than 259.
        seed: The same seed gives the same weights.
        metadata: Further keys or other values, with ``__`` for the dot.
    """
    width, heads, length, inner, layers = 64, 2, 32, 128, 4
    words = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    words += [f"\u2581w{number}" for number in range(vocabulary - len(words))]
    kinds = [2, 3, 3, *([6] * 256), *([1] * (vocabulary - 259))]
    name = "gemma3"
    keys: dict[str, object] = {
        "general.architecture": name,
        "general.name": "Windowed",
        f"{name}.context_length": 2048,
        f"{name}.embedding_length": width,
        f"{name}.block_count": layers,
        f"{name}.feed_forward_length": inner,
        f"{name}.attention.head_count": heads,
        f"{name}.attention.head_count_kv": 1,
        f"{name}.attention.key_length": length,
        f"{name}.attention.value_length": length,
        f"{name}.attention.layer_norm_rms_epsilon": 1e-5,
        f"{name}.attention.sliding_window": window,
        f"{name}.attention.sliding_window_pattern": 2,
        f"{name}.rope.freq_base": 10000.0,
        f"{name}.rope.freq_base_swa": 10000.0,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": words,
        "tokenizer.ggml.scores": [0.0] * vocabulary,
        "tokenizer.ggml.token_type": [Signed(kind) for kind in kinds],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
    }
    keys |= {key.replace("__", "."): value for key, value in metadata.items()}
    shapes = {"token_embd": (width, vocabulary), "output_norm": (width,)}
    for layer in range(layers):
        shapes |= {
            f"blk.{layer}.{part}": shape
            for part, shape in {
                "attn_norm": (width,),
                "attn_q": (width, heads * length),
                "attn_k": (width, length),
                "attn_v": (width, length),
                "attn_output": (heads * length, width),
                "attn_q_norm": (length,),
                "attn_k_norm": (length,),
                "post_attention_norm": (width,),
                "ffn_norm": (width,),
                "ffn_gate": (width, inner),
                "ffn_up": (width, inner),
                "ffn_down": (inner, width),
                "post_ffw_norm": (width,),
            }.items()
        }
    random = np.random.default_rng(seed)
    tensors = []
    for key, shape in shapes.items():
        is_norm = len(shape) == 1
        drawn = random.uniform(0.8, 1.6, shape) if is_norm else random.normal(0, 0.15, shape)
        tensors.append((f"{key}.weight", shape, F32, drawn.astype("<f4").tobytes()))
    return GgufWriter(keys, tensors)


def random_model(
    *, layers: int = 3, heads: int = 2, vocabulary: int = 600, seed: int = 1
) -> GgufWriter:
    """A model of the llama architecture with random weights in F32."""
    width, inner, length = 32 * heads, 96, 32
    words = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    words += [f"\u2581w{number}" for number in range(vocabulary - len(words))]
    kinds = [2, 3, 3, *([6] * 256), *([1] * (vocabulary - 259))]
    keys: dict[str, object] = {
        "general.architecture": "llama",
        "general.name": "Random",
        "llama.context_length": 512,
        "llama.embedding_length": width,
        "llama.block_count": layers,
        "llama.feed_forward_length": inner,
        "llama.attention.head_count": heads,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": length,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": words,
        "tokenizer.ggml.scores": [0.0] * vocabulary,
        "tokenizer.ggml.token_type": [Signed(kind) for kind in kinds],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
    }
    shapes = {"token_embd": (width, vocabulary), "output_norm": (width,)}
    for layer in range(layers):
        shapes |= {
            f"blk.{layer}.{part}": shape
            for part, shape in {
                "attn_norm": (width,),
                **{f"attn_{each}": (width, width) for each in ("q", "k", "v", "output")},
                "ffn_norm": (width,),
                "ffn_gate": (width, inner),
                "ffn_up": (width, inner),
                "ffn_down": (inner, width),
            }.items()
        }
    random = np.random.default_rng(seed)
    tensors = []
    for key, shape in shapes.items():
        is_norm = len(shape) == 1
        drawn = random.uniform(0.8, 1.6, shape) if is_norm else random.normal(0, 0.2, shape)
        tensors.append((f"{key}.weight", shape, F32, drawn.astype("<f4").tobytes()))
    return GgufWriter(keys, tensors)


def lora_of(model: GgufWriter, *, rank: int = 4, alpha: float = 8.0, seed: int = 2) -> GgufWriter:
    """A LoRA adapter with random weights for every matrix of a model's layers."""
    random = np.random.default_rng(seed)
    keys: dict[str, object] = {
        "general.type": "adapter",
        "general.architecture": model.metadata["general.architecture"],
        "adapter.type": "lora",
        "adapter.lora.alpha": alpha,
    }
    tensors = []
    for name, shape, _, _ in model.tensors:
        if not name.startswith("blk.") or len(shape) == 1:
            continue
        for part, of in (("a", (shape[0], rank)), ("b", (rank, shape[1]))):
            data = random.normal(0, 0.15, of[::-1]).astype("<f4").tobytes()
            tensors.append((f"{name}.lora_{part}", of, F32, data))
    return GgufWriter(keys, tensors)


def merged(model: GgufWriter, lora: GgufWriter, scale: float = 1.0) -> GgufWriter:
    """A model with an adapter's changes in its own weights, which are in F32."""
    parts = {
        name: np.frombuffer(data, "<f4").reshape(shape[::-1])
        for name, shape, _, data in lora.tensors
    }
    tensors = []
    for name, shape, kind, data in model.tensors:
        if f"{name}.lora_a" in parts:
            a, b = parts[f"{name}.lora_a"], parts[f"{name}.lora_b"]
            strength = scale * float(lora.metadata["adapter.lora.alpha"]) / len(a)  # type: ignore[arg-type]
            weights = np.frombuffer(data, "<f4").reshape(shape[::-1])
            data = (weights + strength * (b @ a)).astype("<f4").tobytes()
        tensors.append((name, shape, kind, data))
    return GgufWriter(model.metadata, tensors)


def control_of(model: GgufWriter, layers: Sequence[int], *, seed: int = 3) -> GgufWriter:
    """A control vector with random directions for some layers of a model."""
    random = np.random.default_rng(seed)
    architecture = str(model.metadata["general.architecture"])
    width = int(model.metadata[f"{architecture}.embedding_length"])  # type: ignore[call-overload]
    keys: dict[str, object] = {
        "general.architecture": "controlvector",
        "controlvector.model_hint": architecture,
        "controlvector.layer_count": len(layers),
    }
    tensors = [
        (f"direction.{layer}", (width,), F32, random.normal(0, 0.5, width).astype("<f4").tobytes())
        for layer in layers
    ]
    return GgufWriter(keys, tensors)


def steered(model: GgufWriter, control: GgufWriter, scale: float = 1.0) -> GgufWriter:
    """A model of the llama architecture that adds a control vector's directions by weights of its own."""
    more = [
        (
            f"blk.{name.removeprefix('direction.')}.ffn_down.bias",
            shape,
            F32,
            (np.float32(scale) * np.frombuffer(data, "<f4")).astype("<f4").tobytes(),
        )
        for name, shape, _, data in control.tensors
    ]
    return GgufWriter(model.metadata, [*model.tensors, *more])


def _filled(kind: int, shape: tuple[int, ...]) -> bytes:
    count = math.prod(shape)
    if kind == F32:
        return struct.pack(f"<{count}f", *(((7 * n) % 13 - 6) / 64 for n in range(count)))
    return bytes(count * _TYPE_SIZES[kind])


def bert_model(*, ranks: bool = False, seed: int = 1) -> tuple[GgufWriter, dict[str, Any]]:
    """An embedding model of the bert architecture with random weights, or a reranker, and its weights.

    It knows the words "w0" to "w39"; its context is 64 tokens.
    """
    width, inner, layers, words = 32, 64, 2, 40
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens += [f"\u2581w{number}" for number in range(words)]
    shapes = {
        "token_embd.weight": (len(tokens), width),
        "token_types.weight": (2, width),
        "position_embd.weight": (64, width),
        "token_embd_norm.weight": (width,),
        "token_embd_norm.bias": (width,),
    }
    for layer in range(layers):
        for part, out, inputs in (
            ("attn_q", width, width),
            ("attn_k", width, width),
            ("attn_v", width, width),
            ("attn_output", width, width),
            ("ffn_up", inner, width),
            ("ffn_down", width, inner),
        ):
            shapes[f"blk.{layer}.{part}.weight"] = (out, inputs)
            shapes[f"blk.{layer}.{part}.bias"] = (out,)
        for part in ("attn_output_norm", "layer_output_norm"):
            shapes[f"blk.{layer}.{part}.weight"] = (width,)
            shapes[f"blk.{layer}.{part}.bias"] = (width,)
    if ranks:
        shapes |= {"cls.weight": (width, width), "cls.bias": (width,)}
        shapes |= {"cls.output.weight": (1, width), "cls.output.bias": (1,)}
    random = np.random.default_rng(seed)
    weights = {name: random.normal(0, 0.3, shape).astype("<f4") for name, shape in shapes.items()}
    keys: dict[str, object] = {
        "general.architecture": "bert",
        "general.name": "Bert",
        "bert.context_length": 64,
        "bert.embedding_length": width,
        "bert.block_count": layers,
        "bert.feed_forward_length": inner,
        "bert.attention.head_count": 2,
        "bert.attention.layer_norm_epsilon": 1e-12,
        "bert.attention.causal": False,
        "bert.pooling_type": 4 if ranks else 1,
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [Signed(3)] * 5 + [Signed(1)] * words,
        "tokenizer.ggml.token_type_count": 2,
        "tokenizer.ggml.unknown_token_id": 1,
        "tokenizer.ggml.bos_token_id": 2,
        "tokenizer.ggml.cls_token_id": 2,
        "tokenizer.ggml.eos_token_id": 3,
        "tokenizer.ggml.seperator_token_id": 3,
        "tokenizer.ggml.padding_token_id": 0,
        "tokenizer.ggml.mask_token_id": 4,
    }
    tensors = [(name, each.shape[::-1], F32, each.tobytes()) for name, each in weights.items()]
    return GgufWriter(keys, tensors), weights
