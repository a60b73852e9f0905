"""Tiny projectors of the families in docs/families.md, each with a tiny model of the architecture that reads it."""

from __future__ import annotations

from pathlib import Path

from family_models import FAMILIES, family_model
from gguf_file import GgufWriter
from media_models import EYE, WIDTH, Shapes, encoder, filled, patches, vision
from more_family_models import MORE_FAMILIES

_PATCH = 8
_PIXELS = {"image_min_pixels": 64 * _PATCH**2, "image_max_pixels": 512 * _PATCH**2}
_MERGED = 4 * EYE
"""Numbers of four neighbouring patches."""

FAMILY_KINDS = ("kimik25", "pixtral", "paddleocr", "hunyuanvl", "deepseekocr")


def write_family_media_model(directory: Path, kind: str) -> tuple[Path, Path]:
    """Write a model and its projector.

    Args:
        directory: Where to.
        kind: The projector's, as llama.cpp calls it: one of ``FAMILY_KINDS``.
    """
    architecture, projector = _PAIRS[kind]
    (tiny,) = (each for each in (*FAMILIES, *MORE_FAMILIES) if each.architecture == architecture)
    model = family_model(tiny).write(directory / f"{kind}.gguf")
    return model, projector().write(directory / f"mmproj-{kind}.gguf")


def _merging(hidden: int) -> Shapes:
    """What makes an embedding of four patches."""
    return {
        "mm.input_norm.weight": (EYE,),
        "mm.input_norm.bias": (EYE,),
        "mm.1.weight": (_MERGED, hidden),
        "mm.1.bias": (hidden,),
        "mm.2.weight": (hidden, WIDTH),
        "mm.2.bias": (WIDTH,),
    }


def _last_norm() -> Shapes:
    return {"v.post_ln.weight": (EYE,), "v.post_ln.bias": (EYE,)}


def _kimi() -> GgufWriter:
    keys = vision("kimik25", size=64, patch=_PATCH, projector__scale_factor=2, **_PIXELS)
    shapes = {**patches(_PATCH, 1), **encoder("v"), **_last_norm(), **_merging(WIDTH)}
    shapes["v.position_embd.weight"] = (EYE, 8, 8)
    return filled(keys, shapes, 2)


def _pixtral() -> GgufWriter:
    """With the patch merger of Mistral Small."""
    keys = vision("pixtral", size=64, patch=_PATCH, spatial_merge_size=2)
    shapes = {**patches(_PATCH, 1), **encoder("v", biases=False)}
    del shapes["v.position_embd.weight"]
    shapes |= {"v.pre_ln.weight": (EYE,), "v.token_embd.img_break": (WIDTH,)}
    shapes |= {"mm.input_norm.weight": (EYE,), "mm.patch_merger.weight": (_MERGED, EYE)}
    shapes |= {"mm.1.weight": (EYE, WIDTH), "mm.2.weight": (WIDTH, WIDTH)}
    return filled(keys, shapes, 2)


def _paddle() -> GgufWriter:
    keys = vision("paddleocr", size=64, patch=_PATCH, **_PIXELS)
    shapes = {**patches(_PATCH, 64), **encoder("v"), **_last_norm(), **_merging(WIDTH)}
    return filled(keys, shapes, 2)


def _hunyuan() -> GgufWriter:
    """Images are numbered by one part of their positions."""
    keys = vision("hunyuanvl", size=64, patch=_PATCH, spatial_merge_size=2, **_PIXELS)
    shapes = {**patches(_PATCH, 64), **encoder("v")}
    shapes |= {"mm.0.weight": (2, 2, EYE, WIDTH), "mm.0.bias": (WIDTH,)}
    shapes |= {"mm.2.weight": (1, 1, WIDTH, WIDTH), "mm.2.bias": (WIDTH,)}
    shapes |= {"mm.model.fc.weight": (WIDTH, WIDTH), "mm.model.fc.bias": (WIDTH,)}
    shapes |= {"mm.pre_norm.weight": (EYE,), "mm.post_norm.weight": (WIDTH,)}
    shapes |= {"mm.image_begin": (WIDTH,), "mm.image_end": (WIDTH,), "v.image_newline": (WIDTH,)}
    return filled(keys, shapes, 2)


_SAM_LAYERS, _WINDOW, _SAM_PLACES = 3, 14, 64
"""The third layer sees the whole image, the others windows of it."""


def _deepseek() -> GgufWriter:
    """An encoder of windows, and what it sees read by a CLIP. Images have 1024 pixels a side."""
    keys = vision("deepseekocr", size=1024, patch=16, window_size=_WINDOW)
    keys |= {"clip.vision.sam.head_count": 1, "clip.vision.sam.block_count": _SAM_LAYERS}
    keys |= {"clip.vision.sam.embedding_length": EYE}
    shapes: Shapes = {
        "v.sam.pos_embd.weight": (EYE, _SAM_PLACES, _SAM_PLACES),
        "v.sam.patch_embd.weight": (16, 16, 3, EYE),
        "v.sam.patch_embd.bias": (EYE,),
        "v.sam.neck.0.weight": (1, 1, EYE, EYE),
        "v.sam.neck.1.weight": (EYE,),
        "v.sam.neck.1.bias": (EYE,),
        "v.sam.neck.2.weight": (3, 3, EYE, EYE),
        "v.sam.neck.3.weight": (EYE,),
        "v.sam.neck.3.bias": (EYE,),
        "v.sam.net_2.weight": (3, 3, EYE, EYE),
        "v.sam.net_3.weight": (3, 3, EYE, EYE),
        "v.class_embd": (EYE,),
        "v.position_embd.weight": (EYE, 257),
        "v.pre_ln.weight": (EYE,),
        "v.pre_ln.bias": (EYE,),
        "v.image_newline": (WIDTH,),
        "v.view_seperator": (WIDTH,),
        "mm.model.fc.weight": (2 * EYE, WIDTH),
        "mm.model.fc.bias": (WIDTH,),
    }
    for layer in range(_SAM_LAYERS):
        shapes |= _sam_layer(f"v.sam.blk.{layer}", _SAM_PLACES if layer == 2 else _WINDOW)
    return filled(keys, {**shapes, **encoder("v")}, 2)


def _sam_layer(part: str, side: int) -> Shapes:
    return {
        f"{part}.pre_ln.weight": (EYE,),
        f"{part}.pre_ln.bias": (EYE,),
        f"{part}.attn.qkv.weight": (EYE, 3 * EYE),
        f"{part}.attn.qkv.bias": (3 * EYE,),
        f"{part}.attn.out.weight": (EYE, EYE),
        f"{part}.attn.out.bias": (EYE,),
        f"{part}.attn.pos_h.weight": (EYE, 2 * side - 1),
        f"{part}.attn.pos_w.weight": (EYE, 2 * side - 1),
        f"{part}.post_ln.weight": (EYE,),
        f"{part}.post_ln.bias": (EYE,),
        f"{part}.mlp.lin1.weight": (EYE, 2 * EYE),
        f"{part}.mlp.lin1.bias": (2 * EYE,),
        f"{part}.mlp.lin2.weight": (2 * EYE, EYE),
        f"{part}.mlp.lin2.bias": (EYE,),
    }


_PAIRS = {
    "kimik25": ("deepseek2", _kimi),
    "pixtral": ("llama", _pixtral),
    "paddleocr": ("paddleocr", _paddle),
    "hunyuanvl": ("hunyuan_vl", _hunyuan),
    "deepseekocr": ("deepseek2-ocr", _deepseek),
}
