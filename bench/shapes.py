"""Models of many shapes whose weights are zeros: they take in memory what real ones take."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coblyn.models.gguf_writer import NewTensor, text, uint32, write_gguf
from coblyn.models.quantization import TENSOR_TYPES

__all__ = ["SHAPES", "Shape"]

_BLOCKS = {block.name: block for block in TENSOR_TYPES.values()}
_HEAD = 64


@dataclass(frozen=True)
class Shape:
    """A model and how it is loaded.

    Attributes:
        name: What it is.
        family: Makes its tensors.
        width, layers, vocabulary: Its size.
        type: Of its matrices.
        settings: Of the engine.
    """

    name: str
    family: Callable[[Sheet], None]
    width: int = 512
    layers: int = 8
    vocabulary: int = 32000
    type: str = "Q8_0"
    settings: dict[str, Any] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write its file."""
        sheet = Sheet(self)
        self.family(sheet)
        with path.open("wb") as file:
            contents = ([bytes(tensor.size)] for tensor in sheet.tensors)
            write_gguf(file, sheet.entries, sheet.tensors, contents)


class Sheet:
    """Collects what is in a file."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.architecture = ""
        self.entries: dict[str, bytes] = {}
        self.tensors: list[NewTensor] = []

    def begin(self, architecture: str, **numbers: float) -> None:
        """Metadata that all have, and that of a family; ``__`` in a name stands for a dot."""
        shape = self.shape
        self.architecture = architecture
        self.entries["general.architecture"] = text(architecture)
        self.entries["tokenizer.ggml.model"] = text("none")
        common = {
            "vocab_size": shape.vocabulary,
            "context_length": 32768,
            "embedding_length": shape.width,
            "block_count": shape.layers,
            "feed_forward_length": 2 * shape.width,
            "attention__layer_norm_rms_epsilon": 1e-5,
        }
        for name, value in (common | numbers).items():
            key = f"{architecture}.{name.replace('__', '.')}"
            self.entries[key] = _number(value)
        self.matrix("token_embd.weight", shape.width, shape.vocabulary)
        self.numbers("output_norm.weight", shape.width)

    def matrix(self, name: str, *shape: int) -> None:
        """Weights of the model's type."""
        self._add(name, shape, self.shape.type)

    def numbers(self, name: str, *shape: int) -> None:
        """Single-precision numbers."""
        self._add(name, shape, "F32")

    def parts(self) -> Iterator[str]:
        """The beginning of the names of each layer's tensors."""
        return (f"blk.{layer}." for layer in range(self.shape.layers))

    def _add(self, name: str, shape: tuple[int, ...], kind: str) -> None:
        block = _BLOCKS[kind]
        size = math.prod(shape) // block.elements * block.size
        self.tensors.append(NewTensor(name, shape, kind, size))


def _number(value: float) -> bytes:
    return uint32(value) if isinstance(value, int) else struct.pack("<If", 6, value)


def _attention(
    sheet: Sheet, part: str, *, heads: int, key_heads: int, norm: str = "ffn_norm.weight"
) -> None:
    width = sheet.shape.width
    sheet.numbers(f"{part}attn_norm.weight", width)
    sheet.matrix(f"{part}attn_q.weight", width, heads * _HEAD)
    sheet.matrix(f"{part}attn_k.weight", width, key_heads * _HEAD)
    sheet.matrix(f"{part}attn_v.weight", width, key_heads * _HEAD)
    sheet.matrix(f"{part}attn_output.weight", heads * _HEAD, width)
    sheet.numbers(f"{part}{norm}", width)


def _feed_forward(sheet: Sheet, part: str) -> None:
    width = sheet.shape.width
    sheet.matrix(f"{part}ffn_gate.weight", width, 2 * width)
    sheet.matrix(f"{part}ffn_up.weight", width, 2 * width)
    sheet.matrix(f"{part}ffn_down.weight", 2 * width, width)


def _heads(sheet: Sheet) -> tuple[int, int]:
    heads = sheet.shape.width // _HEAD
    return heads, max(1, heads // 4)


def _attention_numbers(sheet: Sheet) -> dict[str, float]:
    heads, key_heads = _heads(sheet)
    return {
        "attention__head_count": heads,
        "attention__head_count_kv": key_heads,
        "attention__key_length": _HEAD,
        "attention__value_length": _HEAD,
        "rope__dimension_count": _HEAD,
        "rope__freq_base": 10000.0,
    }


def dense(sheet: Sheet) -> None:
    """Attention and a feed-forward network in each layer."""
    heads, key_heads = _heads(sheet)
    sheet.begin("llama", **_attention_numbers(sheet))
    sheet.matrix("output.weight", sheet.shape.width, sheet.shape.vocabulary)
    for part in sheet.parts():
        _attention(sheet, part, heads=heads, key_heads=key_heads)
        _feed_forward(sheet, part)


def with_experts(sheet: Sheet) -> None:
    """Eight feed-forward networks, of which each token uses two."""
    heads, key_heads = _heads(sheet)
    width, experts = sheet.shape.width, 8
    sheet.begin("llama", **_attention_numbers(sheet), expert_count=experts, expert_used_count=2)
    for part in sheet.parts():
        _attention(sheet, part, heads=heads, key_heads=key_heads)
        sheet.numbers(f"{part}ffn_gate_inp.weight", width, experts)
        sheet.matrix(f"{part}ffn_gate_exps.weight", width, 2 * width, experts)
        sheet.matrix(f"{part}ffn_up_exps.weight", width, 2 * width, experts)
        sheet.matrix(f"{part}ffn_down_exps.weight", 2 * width, width, experts)


def windowed(sheet: Sheet) -> None:
    """All layers but each sixth look only a window back."""
    heads, key_heads = _heads(sheet)
    window = {
        "attention__sliding_window": 512,
        "attention__sliding_window_pattern": 6,
        "rope__freq_base_swa": 10000.0,
    }
    sheet.begin("gemma3", **_attention_numbers(sheet), **window)
    for part in sheet.parts():
        _attention(sheet, part, heads=heads, key_heads=key_heads)
        sheet.numbers(f"{part}attn_q_norm.weight", _HEAD)
        sheet.numbers(f"{part}attn_k_norm.weight", _HEAD)
        sheet.numbers(f"{part}post_attention_norm.weight", sheet.shape.width)
        sheet.numbers(f"{part}post_ffw_norm.weight", sheet.shape.width)
        _feed_forward(sheet, part)


def recurrent(sheet: Sheet) -> None:
    """A state in place of attention (Mamba)."""
    width = sheet.shape.width
    inner, state, rank, taps = 2 * width, 16, width // 16, 4
    sheet.begin(
        "mamba",
        ssm__conv_kernel=taps,
        ssm__inner_size=inner,
        ssm__state_size=state,
        ssm__time_step_rank=rank,
    )
    for part in sheet.parts():
        sheet.numbers(f"{part}attn_norm.weight", width)
        sheet.matrix(f"{part}ssm_in.weight", width, 2 * inner)
        sheet.numbers(f"{part}ssm_conv1d.weight", taps, inner)
        sheet.numbers(f"{part}ssm_conv1d.bias", inner)
        sheet.matrix(f"{part}ssm_x.weight", inner, rank + 2 * state)
        sheet.numbers(f"{part}ssm_dt.weight", rank, inner)
        sheet.numbers(f"{part}ssm_dt.bias", inner)
        sheet.numbers(f"{part}ssm_a", state, inner)
        sheet.numbers(f"{part}ssm_d", inner)
        sheet.matrix(f"{part}ssm_out.weight", inner, width)


def hybrid(sheet: Sheet) -> None:
    """Attention and a state beside each other in each layer (Falcon H1)."""
    width = sheet.shape.width
    heads, key_heads = _heads(sheet)
    inner, state, groups, taps, ranks = 2 * width, 64, 1, 4, width // 32
    sheet.begin(
        "falcon-h1",
        **_attention_numbers(sheet),
        ssm__conv_kernel=taps,
        ssm__inner_size=inner,
        ssm__state_size=state,
        ssm__time_step_rank=ranks,
        ssm__group_count=groups,
    )
    convolved = inner + 2 * groups * state
    for part in sheet.parts():
        _attention(sheet, part, heads=heads, key_heads=key_heads, norm="ffn_norm")
        sheet.matrix(f"{part}ssm_in.weight", width, inner + convolved + ranks)
        sheet.numbers(f"{part}ssm_conv1d.weight", taps, convolved)
        sheet.numbers(f"{part}ssm_conv1d.bias", convolved)
        sheet.numbers(f"{part}ssm_dt.bias", ranks)
        sheet.numbers(f"{part}ssm_a", 1, ranks)
        sheet.numbers(f"{part}ssm_d", 1, ranks)
        sheet.matrix(f"{part}ssm_out.weight", inner, width)
        _feed_forward(sheet, part)


def latent(sheet: Sheet) -> None:
    """Keys and values as one short vector (DeepSeek's latent attention)."""
    width = sheet.shape.width
    heads, rank, query_rank, rope, plain = width // _HEAD, 128, 128, 32, _HEAD
    sheet.begin(
        "deepseek2",
        attention__head_count=heads,
        attention__head_count_kv=1,
        attention__q_lora_rank=query_rank,
        attention__kv_lora_rank=rank,
        attention__key_length=rank + rope,
        attention__value_length=rank,
        attention__key_length_mla=plain + rope,
        attention__value_length_mla=plain,
        rope__dimension_count=rope,
        rope__freq_base=10000.0,
        leading_dense_block_count=sheet.shape.layers,
        expert_feed_forward_length=width,
        expert_shared_count=1,
        expert_count=8,
        expert_used_count=2,
    )
    for part in sheet.parts():
        sheet.numbers(f"{part}attn_norm.weight", width)
        sheet.numbers(f"{part}attn_q_a_norm.weight", query_rank)
        sheet.numbers(f"{part}attn_kv_a_norm.weight", rank)
        sheet.matrix(f"{part}attn_q_a.weight", width, query_rank)
        sheet.matrix(f"{part}attn_q_b.weight", query_rank, heads * (plain + rope))
        sheet.matrix(f"{part}attn_kv_a_mqa.weight", width, rank + rope)
        sheet.matrix(f"{part}attn_k_b.weight", plain, rank, heads)
        sheet.matrix(f"{part}attn_v_b.weight", rank, plain, heads)
        sheet.matrix(f"{part}attn_output.weight", heads * plain, width)
        sheet.numbers(f"{part}ffn_norm.weight", width)
        _feed_forward(sheet, part)


_OWN, _SHARED = {"shared_cells": False}, {"shared_cells": True}
_Q8 = {"cache_type": "q8_0"}

SHAPES = (
    Shape("dense, tiny", dense, 256, 4, 8000, settings=_OWN),
    Shape("dense, repacked", dense, 512, 8, 32000, "Q4_0", _OWN),
    Shape("dense, shared cells", dense, 1024, 12, 32000, "Q4_0", _SHARED),
    Shape("dense, large vocabulary", dense, 512, 8, 151936, settings=_SHARED | {"batch": 256}),
    Shape("dense, f16", dense, 768, 12, 32000, "F16", _OWN | {"max_running": 4}),
    Shape("dense, long", dense, 512, 8, 32000, settings=_SHARED | _Q8 | {"context": 32768}),
    Shape("dense, not mapped", dense, 768, 8, settings=_OWN | {"memory_map": False}),
    Shape("experts, small", with_experts, 512, 4, settings=_OWN),
    Shape("experts, repacked", with_experts, 768, 8, 32000, "Q4_0", _SHARED),
    Shape("experts, q8_0 cache", with_experts, 512, 8, settings=_OWN | _Q8),
    Shape("window, small", windowed, 512, 6, 64000, settings=_OWN),
    Shape("window, shared cells", windowed, 640, 12, 64000, settings=_SHARED),
    Shape("window, large vocabulary", windowed, 512, 12, 262144, settings=_SHARED),
    Shape("latent, small", latent, 512, 8, settings=_OWN),
    Shape("latent, long", latent, 1024, 12, settings=_SHARED | {"context": 32768}),
    Shape("recurrent, small", recurrent, 512, 8, settings=_OWN),
    Shape("recurrent, many", recurrent, 1024, 16, settings=_SHARED | {"max_running": 32}),
    Shape("hybrid, small", hybrid, 512, 8, settings=_OWN),
    Shape("hybrid, many", hybrid, 768, 12, settings=_SHARED | {"max_running": 32}),
    Shape("hybrid, q8_0 cache", hybrid, 1024, 12, settings=_OWN | _Q8),
)
