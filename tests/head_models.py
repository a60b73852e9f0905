"""Tiny models with prediction heads (MTP): random ones, and one whose head is always right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from family_models import FAMILIES, WIDTH, Shapes, Tiny, family_model
from gguf_file import F32, GgufWriter

__all__ = ["headed_model", "sure_model"]

_HEAD: Shapes = {
    "nextn.eh_proj.weight": (2 * WIDTH, WIDTH),
    "nextn.enorm.weight": (WIDTH,),
    "nextn.hnorm.weight": (WIDTH,),
    "nextn.shared_head_norm.weight": (WIDTH,),
}


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
    plain = next(tiny for tiny in FAMILIES if tiny.architecture == architecture)
    layers = plain.layers + heads

    def shapes(layer: int) -> Shapes:
        return plain.shapes(layer) | (_HEAD if layer >= plain.layers else {})

    keys = {**plain.describe, "nextn_predict_layers": heads}
    return replace(plain, layers=layers, describe=keys, shapes=shapes)
