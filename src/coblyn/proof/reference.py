"""Tiny models computed in plain numpy, in double precision, for the expected logits. Pure.

The graphs are those of llama.cpp 0.5.0: ``src/models/llama.cpp``, ``gemma3.cpp`` and ``mamba.cpp``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from coblyn.proof import tiny
from coblyn.proof.attention import attend
from coblyn.proof.tiny import TinyModel
from coblyn.proof.weights import Matrix

__all__ = ["logits"]

Get = Callable[[str], Matrix]
"""Returns a tensor of a layer by its name in the layer."""


def logits(model: TinyModel, tokens: Sequence[int]) -> Matrix:
    """Logits after each token: tokens x vocabulary."""
    values = model.values
    state = values["token_embd.weight"][np.array(tokens)]
    if model.architecture == "gemma3":
        state = state * np.sqrt(tiny.WIDTH)
    for layer in range(tiny.LAYERS):

        def get(name: str, layer: int = layer) -> Matrix:
            return values[f"blk.{layer}.{name}"]

        state = _LAYERS[model.architecture](state, get, layer)
    output = values.get("output.weight", values["token_embd.weight"])
    found: Matrix = _norm(state, values["output_norm.weight"]) @ output.T
    return found


def _norm(state: Matrix, weight: Matrix) -> Matrix:
    size = np.sqrt(np.mean(np.square(state), axis=-1, keepdims=True) + tiny.EPSILON)
    normed: Matrix = state / size * weight
    return normed


def _sigmoid(x: Matrix) -> Matrix:
    return 1 / (1 + np.exp(-x))


def _silu(x: Matrix) -> Matrix:
    return x * _sigmoid(x)


def _gelu(x: Matrix) -> Matrix:
    bend: Matrix = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
    return 0.5 * x * (1 + bend)


def _llama(state: Matrix, get: Get, _: int) -> Matrix:
    state = state + _attention(_norm(state, get("attn_norm.weight")), get, _adjacent)
    normed = _norm(state, get("ffn_norm.weight"))
    return state + (_experts if _has_experts(get) else _feed_forward)(normed, get, _silu)


def _gemma3(state: Matrix, get: Get, layer: int) -> Matrix:
    window = tiny.WINDOW if layer % 2 == 0 else None
    attended = _attention(_norm(state, get("attn_norm.weight")), get, _opposite, window)
    state = state + _norm(attended, get("post_attention_norm.weight"))
    fed = _feed_forward(_norm(state, get("ffn_norm.weight")), get, _gelu)
    return state + _norm(fed, get("post_ffw_norm.weight"))


def _attention(
    normed: Matrix, get: Get, rotate: Callable[[Matrix], Matrix], window: int | None = None
) -> Matrix:
    def heads(name: str) -> Matrix:
        rows = normed @ get(f"attn_{name}.weight").T
        return rows.reshape(len(normed), -1, tiny.HEAD_LENGTH).swapaxes(0, 1)

    queries, keys, values = heads("q"), heads("k"), heads("v")
    if rotate is _opposite:  # only this kind of model
        queries = _norm(queries, get("attn_q_norm.weight"))
        keys = _norm(keys, get("attn_k_norm.weight"))
    places = np.arange(len(normed))
    back = places[:, None] - places
    is_seen = (back >= 0) & (back < (window or len(places)))
    scaled = rotate(queries) / np.sqrt(tiny.HEAD_LENGTH)
    found = attend(scaled, rotate(keys), values, np.where(is_seen, 0.0, -np.inf))
    return found.reshape(len(normed), -1) @ get("attn_output.weight").T


def _turn(first: Matrix, second: Matrix) -> tuple[Matrix, Matrix]:
    """Rotate pairs of numbers by their position; both are heads x tokens x half a head."""
    half = first.shape[-1]
    speed = 10000.0 ** (-np.arange(half) / half)
    angle = np.arange(first.shape[-2])[:, None] * speed
    cos, sin = np.cos(angle), np.sin(angle)
    return first * cos - second * sin, first * sin + second * cos


def _adjacent(x: Matrix) -> Matrix:
    return np.stack(_turn(x[..., 0::2], x[..., 1::2]), axis=-1).reshape(x.shape)


def _opposite(x: Matrix) -> Matrix:
    half = x.shape[-1] // 2
    return np.concatenate(_turn(x[..., :half], x[..., half:]), axis=-1)


def _feed_forward(x: Matrix, get: Get, activate: Callable[[Matrix], Matrix]) -> Matrix:
    gate, up = x @ get("ffn_gate.weight").T, x @ get("ffn_up.weight").T
    return (activate(gate) * up) @ get("ffn_down.weight").T


def _has_experts(get: Get) -> bool:
    try:
        get("ffn_gate_inp.weight")
    except KeyError:
        return False
    return True


def _experts(x: Matrix, get: Get, activate: Callable[[Matrix], Matrix]) -> Matrix:
    scores = x @ get("ffn_gate_inp.weight").T
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    least = np.sort(weights, axis=-1)[:, -tiny.NUM_EXPERTS_USED, None]
    weights = np.where(weights >= least, weights, 0)
    weights /= weights.sum(axis=-1, keepdims=True)
    found = np.zeros_like(x)
    for expert in range(tiny.NUM_EXPERTS):
        gate = activate(x @ get("ffn_gate_exps.weight")[expert].T)
        up = x @ get("ffn_up_exps.weight")[expert].T
        found += weights[:, expert, None] * ((gate * up) @ get("ffn_down_exps.weight")[expert].T)
    return found


def _mamba(state: Matrix, get: Get, _: int) -> Matrix:
    both = _norm(state, get("attn_norm.weight")) @ get("ssm_in.weight").T
    x, z = np.split(both, 2, axis=-1)
    kernel = get("ssm_conv1d.weight")
    reach = kernel.shape[-1]
    padded = np.concatenate((np.zeros((reach - 1, x.shape[-1])), x))
    taps = [padded[place : place + len(x)] * kernel[:, place] for place in range(reach)]
    x = _silu(np.sum(taps, axis=0) + get("ssm_conv1d.bias"))
    parts = x @ get("ssm_x.weight").T
    step, into, out = np.split(parts, (tiny.TIME_RANK, tiny.TIME_RANK + tiny.STATE), axis=-1)
    step = np.logaddexp(0, step @ get("ssm_dt.weight").T + get("ssm_dt.bias"))
    y = _scan(x, step, into, out, get("ssm_a")) + x * get("ssm_d")
    return state + (_silu(z) * y) @ get("ssm_out.weight").T


def _scan(x: Matrix, step: Matrix, into: Matrix, out: Matrix, decay: Matrix) -> Matrix:
    """The selective scan: a state of inner x 16 numbers that each token changes."""
    memory = np.zeros_like(decay)
    found = np.empty_like(x)
    for token in range(len(x)):
        kept = memory * np.exp(step[token][:, None] * decay)
        memory = kept + (step[token] * x[token])[:, None] * into[token]
        found[token] = memory @ out[token]
    return found


_LAYERS: dict[str, Callable[[Matrix, Get, int], Matrix]] = {
    "llama": _llama,
    "gemma3": _gemma3,
    "mamba": _mamba,
}
