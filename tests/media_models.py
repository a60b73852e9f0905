"""Tiny models of random weights that take images or sounds, each with its projector's file, in F32."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gguf_file import F32, GgufWriter, Signed, windowed_model

WIDTH = 64
_INNER, _HEADS, _LAYERS = 128, 2, 2
EYE = 32
"""Width of an encoder."""

KINDS = ("llava", "qwen", "gemma", "idefics", "sound")
MARKS = (
    *("<|vision_start|>", "<|vision_end|>", "<start_of_image>", "<end_of_image>"),
    *("<|audio_bos|>", "<|audio_eos|>", "<fake_token_around_image>", "<global-img>", "\n\n", "\n"),
)

Shapes = Mapping[str, tuple[int, ...]]
"""Names of tensors, and their numbers a dimension, the fastest first."""


def write_media_model(directory: Path, kind: str, *, seed: int = 1) -> tuple[Path, Path]:
    """Write a model and its projector.

    Args:
        directory: Where to.
        kind: "llava" (an MLP behind a CLIP, a plain llama), "qwen" (images of any size, M-RoPE), "gemma" (the cells of
            an image see each other, a window), "idefics" (images are cut into tiles), "sound" (a Whisper encoder).
        seed: The same seed gives the same weights.
    """
    text = (
        windowed_model(64, seed=seed, tokenizer__ggml__add_space_prefix=False)
        if kind == "gemma"
        else _text_model("qwen2vl" if kind == "qwen" else "llama", seed)
    )
    projector = _PROJECTORS[kind](seed + 1)
    return text.write(directory / f"{kind}.gguf"), projector.write(
        directory / f"mmproj-{kind}.gguf"
    )


def _text_model(name: str, seed: int) -> GgufWriter:
    words = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "\u2581", *MARKS]
    words += [f"\u2581w{number}" for number in range(600 - len(words))]
    kinds = [2, 3, 3, *([6] * 256), 1, *([3] * 8), 1, 1, *([1] * 600)][:600]
    keys: dict[str, object] = {
        "general.architecture": name,
        "general.name": "Sees",
        f"{name}.context_length": 4096,
        f"{name}.embedding_length": WIDTH,
        f"{name}.block_count": _LAYERS,
        f"{name}.feed_forward_length": _INNER,
        f"{name}.attention.head_count": _HEADS,
        f"{name}.attention.head_count_kv": _HEADS,
        f"{name}.attention.layer_norm_rms_epsilon": 1e-5,
        f"{name}.rope.dimension_count": WIDTH // _HEADS,
        f"{name}.rope.freq_base": 10000.0,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": words,
        "tokenizer.ggml.scores": [0.0] * 600,
        "tokenizer.ggml.token_type": [Signed(kind) for kind in kinds],
        "tokenizer.ggml.add_space_prefix": False,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
    }
    if name == "qwen2vl":
        keys[f"{name}.rope.dimension_sections"] = [Signed(part) for part in (4, 6, 6, 0)]
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (WIDTH, 600),
        "output_norm.weight": (WIDTH,),
    }
    for layer in range(_LAYERS):
        part = f"blk.{layer}."
        shapes |= {f"{part}attn_norm.weight": (WIDTH,), f"{part}ffn_norm.weight": (WIDTH,)}
        shapes |= {
            f"{part}attn_{each}.weight": (WIDTH, WIDTH) for each in ("q", "k", "v", "output")
        }
        shapes |= {f"{part}attn_{each}.bias": (WIDTH,) for each in ("q", "k", "v")}
        shapes |= {
            f"{part}ffn_gate.weight": (WIDTH, _INNER),
            f"{part}ffn_up.weight": (WIDTH, _INNER),
        }
        shapes |= {f"{part}ffn_down.weight": (_INNER, WIDTH)}
    if name == "llama":
        shapes = {each: shape for each, shape in shapes.items() if not each.endswith(".bias")}
    return filled(keys, shapes, seed)


def vision(kind: str, *, size: int, patch: int, **more: object) -> dict[str, object]:
    keys: dict[str, object] = {
        "general.architecture": "clip",
        "general.name": "Eye",
        "clip.has_vision_encoder": True,
        "clip.projector_type": kind,
        "clip.use_gelu": True,
        "clip.vision.image_size": size,
        "clip.vision.patch_size": patch,
        "clip.vision.embedding_length": EYE,
        "clip.vision.feed_forward_length": 2 * EYE,
        "clip.vision.block_count": 2,
        "clip.vision.projection_dim": WIDTH,
        "clip.vision.attention.head_count": 2,
        "clip.vision.attention.layer_norm_epsilon": 1e-5,
        "clip.vision.image_mean": [0.5, 0.5, 0.5],
        "clip.vision.image_std": [0.5, 0.5, 0.5],
    }
    return keys | {f"clip.vision.{name.replace('__', '.')}": value for name, value in more.items()}


def encoder(
    prefix: str, *, biases: bool = True, key_bias: bool = True
) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in range(2):
        part = f"{prefix}.blk.{layer}."
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            shapes[f"{part}{name}.weight"] = (EYE, EYE)
            if name != "attn_k" or key_bias:
                shapes[f"{part}{name}.bias"] = (EYE,)
        shapes |= {
            f"{part}ffn_up.weight": (EYE, 2 * EYE),
            f"{part}ffn_down.weight": (2 * EYE, EYE),
        }
        shapes |= {f"{part}ffn_up.bias": (2 * EYE,), f"{part}ffn_down.bias": (EYE,)}
        for name in ("ln1", "ln2"):
            shapes |= {f"{part}{name}.weight": (EYE,)}
            shapes |= {f"{part}{name}.bias": (EYE,)} if biases else {}
    return shapes


def patches(patch: int, places: int) -> dict[str, tuple[int, ...]]:
    return {
        "v.patch_embd.weight": (patch, patch, 3, EYE),
        "v.position_embd.weight": (EYE, places),
    }


def _llava(seed: int) -> GgufWriter:
    keys = vision("mlp", size=32, patch=8)
    shapes = patches(8, 17) | encoder("v")
    shapes |= {"v.class_embd": (EYE,), "v.pre_ln.weight": (EYE,), "v.pre_ln.bias": (EYE,)}
    shapes |= {"mm.0.weight": (EYE, WIDTH), "mm.0.bias": (WIDTH,)}
    shapes |= {"mm.2.weight": (WIDTH, WIDTH), "mm.2.bias": (WIDTH,)}
    return filled(keys, shapes, seed)


def _gemma(seed: int) -> GgufWriter:
    keys = vision("gemma3", size=64, patch=8, projector__scale_factor=2)
    shapes = patches(8, 64) | encoder("v")
    shapes |= {"v.patch_embd.bias": (EYE,), "v.post_ln.weight": (EYE,), "v.post_ln.bias": (EYE,)}
    shapes |= {"mm.input_projection.weight": (WIDTH, EYE), "mm.soft_emb_norm.weight": (EYE,)}
    return filled(keys, shapes, seed)


def _idefics(seed: int) -> GgufWriter:
    keys = vision("idefics3", size=32, patch=8, projector__scale_factor=2, preproc_image_size=64)
    shapes = patches(8, 16) | encoder("v")
    shapes |= {"v.patch_embd.bias": (EYE,), "v.post_ln.weight": (EYE,), "v.post_ln.bias": (EYE,)}
    shapes |= {"mm.model.fc.weight": (4 * EYE, WIDTH)}
    return filled(keys, shapes, seed)


def _qwen(seed: int) -> GgufWriter:
    keys = vision("qwen2.5vl_merger", size=56, patch=8, n_wa_pattern=2)
    keys |= {"clip.use_gelu": False, "clip.use_silu": True}
    shapes = patches(8, 1) | encoder("v", biases=False)
    del shapes["v.position_embd.weight"]
    shapes["v.patch_embd.weight.1"] = shapes["v.patch_embd.weight"]
    for layer in range(2):
        shapes[f"v.blk.{layer}.ffn_gate.weight"] = (EYE, 2 * EYE)
        shapes[f"v.blk.{layer}.ffn_gate.bias"] = (2 * EYE,)
    shapes |= {"v.post_ln.weight": (EYE,)}
    shapes |= {"mm.0.weight": (4 * EYE, 4 * EYE), "mm.0.bias": (4 * EYE,)}
    shapes |= {"mm.2.weight": (4 * EYE, WIDTH), "mm.2.bias": (WIDTH,)}
    return filled(keys, shapes, seed)


def _sound(seed: int) -> GgufWriter:
    keys: dict[str, object] = {
        "general.architecture": "clip",
        "general.name": "Ear",
        "clip.has_audio_encoder": True,
        "clip.projector_type": "qwen2a",
        "clip.audio.num_mel_bins": 128,
        "clip.audio.embedding_length": EYE,
        "clip.audio.feed_forward_length": 2 * EYE,
        "clip.audio.block_count": 2,
        "clip.audio.projection_dim": WIDTH,
        "clip.audio.attention.head_count": 2,
        "clip.audio.attention.layer_norm_epsilon": 1e-5,
    }
    shapes = encoder("a", key_bias=False)
    shapes |= {
        "a.position_embd.weight": (EYE, 1500),
        "a.post_ln.weight": (EYE,),
        "a.post_ln.bias": (EYE,),
    }
    shapes |= {"a.conv1d.1.weight": (3, 128, EYE), "a.conv1d.1.bias": (1, EYE)}
    shapes |= {"a.conv1d.2.weight": (3, EYE, EYE), "a.conv1d.2.bias": (1, EYE)}
    shapes |= {"mm.a.fc.weight": (EYE, WIDTH), "mm.a.fc.bias": (WIDTH,)}
    return filled(keys, shapes, seed)


_PROJECTORS = {
    "llava": _llava,
    "qwen": _qwen,
    "gemma": _gemma,
    "idefics": _idefics,
    "sound": _sound,
}


def filled(keys: Mapping[str, object], shapes: Shapes, seed: int) -> GgufWriter:
    random = np.random.default_rng(seed)
    tensors = []
    for name, shape in shapes.items():
        is_norm = len(shape) == 1 and name.endswith("weight")
        drawn = random.uniform(0.8, 1.6, shape) if is_norm else random.normal(0, 0.15, shape)
        tensors.append((name, shape, F32, drawn.astype("<f4").tobytes()))
    return GgufWriter(keys, tensors)
