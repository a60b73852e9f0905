"""Tiny models with prediction heads, in their own file (MTP) or beside it (EAGLE-3): random, or always right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from family_models import (
    EXPERT,
    EXPERT_KEYS,
    FAMILIES,
    HEAD_KEYS,
    HEADS,
    INNER,
    LENGTH,
    WIDTH,
    Shapes,
    Tiny,
    attention,
    dense,
    experts,
    family_model,
)
from gguf_file import F32, GgufWriter, Signed
from more_family_models import MORE_FAMILIES

__all__ = [
    "eagle_head",
    "headed_model",
    "knowing_eagle",
    "plain_model",
    "sure_eagle",
    "sure_model",
]

Tensors = list[tuple[str, tuple[int, ...], int, bytes]]

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
    """A model of a family with random heads, and with experts that are all alike."""
    return _with_one_expert(family_model(_with_heads(architecture, heads), seed))


def sure_model() -> GgufWriter:
    """A model whose next token depends on the last one only, with a head that looks at the token alone and is right."""
    model, _ = _chain(headed_model())
    return _changed(
        model,
        {
            "enorm.weight": np.ones(WIDTH),
            "head_norm.weight": np.ones(WIDTH),
            "eh_proj": np.eye(WIDTH, 2 * WIDTH),
        },
    )


_EAGLE: Shapes = {
    "attn_norm.weight": (WIDTH,),
    "attn_norm_2.weight": (WIDTH,),
    "attn_q.weight": (2 * WIDTH, WIDTH),
    "attn_k.weight": (2 * WIDTH, WIDTH),
    "attn_v.weight": (2 * WIDTH, WIDTH),
    "attn_output.weight": (WIDTH, WIDTH),
    "ffn_norm.weight": (WIDTH,),
    **dense(),
}
"""The layer of an EAGLE-3 head: attention over embeddings and states side by side."""

_STEEP = 4.0
"""Makes queries so long that attention sees the last token only."""

I64 = 27


def plain_model(architecture: str, seed: int = 1) -> GgufWriter:
    """A model of a family without heads, with random weights, and with experts that are all alike."""
    return _with_one_expert(family_model(_family(architecture), seed))


def _with_one_expert(writer: GgufWriter) -> GgufWriter:
    """The same file, with the first expert's weights in all experts of a layer.

    Random routers nearly have ties, and a token that rounding sends to another expert has another state. Which rounding
    there is depends on the processor, and on what is computed at once.
    """
    tensors: Tensors = []
    for name, shape, kind, data in writer.tensors:
        if "_exps." in name:
            count = shape[-1]
            data = data[: len(data) // count] * count
        tensors.append((name, shape, kind, data))
    return GgufWriter(writer.metadata, tensors)


def eagle_head(
    model: GgufWriter, *, seed: int = 2, is_own: bool = False, **keys: object
) -> GgufWriter:
    """A random EAGLE-3 head.

    Args:
        model: For what model.
        seed: Of its weights.
        is_own: Whether it has embeddings and an output of its own, the latter for every second token.
        keys: Further metadata of the architecture, or other values, with ``__`` for the dot.
    """
    size = len(model.metadata["tokenizer.ggml.tokens"])  # type: ignore[arg-type]
    described = {
        **HEAD_KEYS,
        "block_count": 1,
        "attention.head_count_kv": HEADS,
        "rope.dimension_count": LENGTH,
        "target_layers": [Signed(0), Signed(1), Signed(1)],
        "target_hidden_size": WIDTH,
    } | {key.replace("__", "."): value for key, value in keys.items()}
    beside: Shapes = {"fc.weight": (3 * WIDTH, WIDTH)}
    tiny = Tiny("eagle3", 1, "", "generic", described, lambda _: _EAGLE, beside=beside)
    writer = family_model(tiny, seed)
    tensors = [each for each in writer.tensors if each[0] not in _SHARED_WITH_MODEL]
    if is_own:
        table = np.arange(0, size, 2)
        shared = {name: data for name, _, _, data in writer.tensors if name in _SHARED_WITH_MODEL}
        output = np.frombuffer(shared["output.weight"], "<f4").reshape(-1, WIDTH)
        rows = output[np.arange(len(table)) % len(output)]
        embeddings = np.resize(np.frombuffer(shared["token_embd.weight"], "<f4"), (size, WIDTH))
        tensors += [
            ("token_embd.weight", (WIDTH, size), F32, embeddings.tobytes()),
            ("output.weight", (WIDTH, len(table)), F32, rows.tobytes()),
            ("d2t", (len(table),), I64, table.astype("<i8").tobytes()),
        ]
    words = {key: value for key, value in model.metadata.items() if key.startswith("tokenizer.")}
    return GgufWriter(writer.metadata | words, tensors)


_SHARED_WITH_MODEL = ("token_embd.weight", "output.weight")


def sure_eagle() -> tuple[GgufWriter, GgufWriter]:
    """A model whose next token depends on the last one only, and an EAGLE-3 head that is right about it.

    The head's attention sees the last token only, and passes its embedding on.
    """
    model, _ = _chain(plain_model("llama"))
    look = np.zeros((WIDTH, 2 * WIDTH))
    look[:, 0] = _STEEP
    head = _changed(
        eagle_head(model, norm_before_residual=True),
        {
            "attn_q": look,
            "attn_k": look,
            "attn_v": np.eye(WIDTH, 2 * WIDTH),
            "attn_output": np.eye(WIDTH),
            "ffn_down": np.zeros((WIDTH, INNER)),
            "attn_norm_2": np.zeros(WIDTH),
            "attn_norm.": np.ones(WIDTH),
            "output_norm": np.ones(WIDTH),
        },
    )
    return model, head


def knowing_eagle() -> tuple[GgufWriter, GgufWriter, np.ndarray]:
    """The same model, a head that is right about the first token that it guesses, and the token after each token.

    The head looks at the model's state alone: at what goes into the second layer.
    """
    model, after = _chain(plain_model("llama"))
    head = _changed(
        eagle_head(model),
        {
            "fc": np.eye(WIDTH, 3 * WIDTH, WIDTH),
            "attn_output": np.zeros((WIDTH, WIDTH)),
            "ffn_down": np.zeros((WIDTH, INNER)),
            "output_norm": np.ones(WIDTH),
        },
    )
    embeddings = _values(model, "token_embd.weight")
    output = np.empty_like(embeddings)
    output[after[after]] = embeddings
    own = ("output.weight", embeddings.shape[::-1], F32, output.tobytes())
    return model, GgufWriter(head.metadata, [*head.tensors, own]), after


def _chain(writer: GgufWriter) -> tuple[GgufWriter, np.ndarray]:
    """The model with layers that add nothing, going through all bytes in a random order; and the token after each."""
    embeddings = _values(writer, "token_embd.weight")
    embeddings[:, 0] = 0
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    embeddings[:, 0] = (
        1  # what all tokens have in common: queries and keys are made of it, and of equal length
    )
    after = np.arange(len(embeddings))
    order = np.random.default_rng(3).permutation(np.arange(3, 259))
    after[order] = np.roll(order, -1)
    output = np.empty_like(embeddings)
    output[after] = embeddings
    silent = {
        name: np.zeros(shape[::-1])
        for name, shape, _, _ in writer.tensors
        if "attn_output" in name or "ffn_down" in name
    }
    changes = {
        "token_embd.weight": embeddings,
        "output.weight": output,
        "output_norm": np.ones(WIDTH),
    }
    return _changed(writer, silent | changes), after


def _values(writer: GgufWriter, wanted: str) -> np.ndarray:
    shape, data = next((shape, data) for name, shape, _, data in writer.tensors if name == wanted)
    return np.frombuffer(data, "<f4").reshape(shape[::-1]).copy()


def _changed(writer: GgufWriter, values: Mapping[str, np.ndarray]) -> GgufWriter:
    """The same file with other values of the tensors whose names contain these; the first of them counts."""
    tensors: Tensors = []
    for name, shape, kind, data in writer.tensors:
        new = next((value for part, value in values.items() if part in name), None)
        if new is not None:
            assert new.shape == shape[::-1], name
            data = new.astype("<f4").tobytes()
        tensors.append((name, shape, kind, data))
    return GgufWriter(writer.metadata, tensors)


def _family(architecture: str) -> Tiny:
    families = (*FAMILIES, *MORE_FAMILIES, *_FURTHER)
    return next(tiny for tiny in families if tiny.architecture == architecture)


def _with_heads(architecture: str, heads: int) -> Tiny:
    plain = _family(architecture)
    layers = plain.layers + heads

    def shapes(layer: int) -> Shapes:
        return plain.shapes(layer) | (_HEAD if layer >= plain.layers else {})

    keys = {**plain.describe, "nextn_predict_layers": heads}
    return replace(plain, layers=layers, describe=keys, shapes=shapes)
