"""Tiny models with prediction heads (MTP): random ones, and one whose head is always right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from family_models import (
    EXPERT,
    EXPERT_KEYS,
    FAMILIES,
    HEAD_KEYS,
    LENGTH,
    WIDTH,
    Shapes,
    Tiny,
    attention,
    dense,
    experts,
    family_model,
)
from gguf_file import F32, GgufWriter

__all__ = ["headed_model", "sure_model"]

_HEAD: Shapes = {
    "nextn.eh_proj.weight": (2 * WIDTH, WIDTH),
    "nextn.enorm.weight": (WIDTH,),
    "nextn.hnorm.weight": (WIDTH,),
    "nextn.shared_head_norm.weight": (WIDTH,),
}


def _normed(_: int) -> Shapes:
    return {
        **attention(),
        "attn_q_norm.weight": (LENGTH,),
        "attn_k_norm.weight": (LENGTH,),
        "ffn_norm.weight": (WIDTH,),
        **experts(shared=True, bias=False),
    }


def _side_by_side(layer: int) -> Shapes:
    """One norm for attention and what follows it; the first layer is dense."""
    return {**attention(), **(experts(shared=True, bias=False) if layer else dense())}


_WHOLE_ROPE = {**HEAD_KEYS, "rope.dimension_count": LENGTH}
_SHARED = {"expert_shared_count": 1, "expert_shared_feed_forward_length": EXPERT}
_WINDOW = {"attention.sliding_window": 64}
_FURTHER = (
    Tiny("hy_v3", 2, "", "generic", _WHOLE_ROPE | EXPERT_KEYS | _SHARED, _normed),
    Tiny(
        "step35",
        2,
        "",
        "generic",
        HEAD_KEYS
        | EXPERT_KEYS
        | _SHARED
        | _WINDOW
        | {"attention.sliding_window_pattern": [True, False, True]},
        _normed,
    ),
    Tiny(
        "cohere2moe",
        4,
        "",
        "generic",
        HEAD_KEYS
        | EXPERT_KEYS
        | _SHARED
        | _WINDOW
        | {
            "attention.layer_norm_epsilon": 1e-5,
            "leading_dense_block_count": 1,
            "logit_scale": 0.25,
            "rope.dimension_count": LENGTH,
        },
        _side_by_side,
    ),
)


def headed_model(architecture: str = "glm4moe", *, heads: int = 1, seed: int = 1) -> GgufWriter:
    """A model of a family with random heads."""
    return family_model(_with_heads(architecture, heads), seed)


def sure_model() -> GgufWriter:
    """A model whose next token depends on the last one only, so that its head can be right about it.

    Its layers add nothing, and its head looks at the token alone.
    """
    writer = headed_model()
    tensors = []
    for name, shape, kind, data in writer.tensors:
        if "attn_output" in name or "ffn_down" in name:
            data = bytes(len(data))
        elif name.endswith(("enorm.weight", "output_norm.weight", "head_norm.weight")):
            data = np.ones(shape, "<f4").tobytes()
        elif "eh_proj" in name:
            data = np.eye(WIDTH, 2 * WIDTH, dtype="<f4").tobytes()
        assert kind == F32
        tensors.append((name, shape, kind, data))
    return GgufWriter(writer.metadata, tensors)


def _with_heads(architecture: str, heads: int) -> Tiny:
    plain = next(tiny for tiny in (*FAMILIES, *_FURTHER) if tiny.architecture == architecture)
    layers = plain.layers + heads

    def shapes(layer: int) -> Shapes:
        return plain.shapes(layer) | (_HEAD if layer >= plain.layers else {})

    keys = {**plain.describe, "nextn_predict_layers": heads}
    return replace(plain, layers=layers, describe=keys, shapes=shapes)
