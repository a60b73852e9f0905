"""Tiny models with random weights, one for each kind that computes differently from the others. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from coblyn.proof.gguf import Stored, Value
from coblyn.proof.weights import FORMS, Matrix, make_weights

__all__ = [
    "HEADS",
    "HEAD_LENGTH",
    "KEY_HEADS",
    "LAYERS",
    "NUM_EXPERTS",
    "NUM_EXPERTS_USED",
    "STATE",
    "TIME_RANK",
    "VOCABULARY",
    "WIDTH",
    "WINDOW",
    "TinyModel",
    "tiny_models",
]

WIDTH, LAYERS, VOCABULARY = 256, 2, 256
HEADS, KEY_HEADS, HEAD_LENGTH = 4, 2, 64
FEED_FORWARD = 512
NUM_EXPERTS, NUM_EXPERTS_USED = 4, 2
WINDOW = 16
"""Number of cells that a layer with a sliding window attends to."""
STATE, TIME_RANK, CONVOLUTION = 16, 16, 4
EPSILON = 1e-5


@dataclass(slots=True)
class TinyModel:
    """A model, in the form of a file and of numpy.

    Attributes:
        name: Description of it.
        architecture: llama.cpp's name for its kind.
        metadata: Metadata of the file.
        stored: Tensors of the file.
        values: Their values in full precision.
    """

    name: str
    architecture: str
    metadata: dict[str, Value] = field(default_factory=dict)
    stored: dict[str, Stored] = field(default_factory=dict)
    values: dict[str, Matrix] = field(default_factory=dict)

    def describe(self, **values: Value) -> None:
        """Add metadata of this architecture; ``__`` in a name means a dot."""
        for name, value in values.items():
            self.metadata[f"{self.architecture}.{name.replace('__', '.')}"] = value

    def put(self, name: str, kind: str, *shape: int) -> None:
        """Add random weights of a type; the last dimension of the shape is the inputs."""
        rows = int(np.prod(shape[:-1]))
        weights = make_weights(kind, rows, shape[-1], seed=len(self.stored) + 1)
        assert weights.values is not None, "tiny models have no codebooks"
        self.stored[name] = Stored(FORMS[kind].number, shape, weights.data)
        self.values[name] = weights.values.reshape(shape)

    def put_numbers(self, name: str, low: float, high: float, *shape: int) -> None:
        """Add single-precision numbers between two bounds."""
        drawn = np.random.default_rng(len(self.stored) + 1).uniform(low, high, shape)
        numbers = drawn.astype("<f4")
        self.stored[name] = Stored(FORMS["f32"].number, shape, numbers.tobytes())
        self.values[name] = numbers.astype(np.float64)


def tiny_models() -> tuple[TinyModel, ...]:
    """A dense model, one with a sliding window, one with experts, and a recurrent one."""
    return _dense(), _windowed(), _with_experts(), _recurrent()


def _model(name: str, architecture: str, embeddings: str) -> TinyModel:
    model = TinyModel(name, architecture)
    model.metadata = {"general.architecture": architecture, "tokenizer.ggml.model": "none"}
    model.describe(
        vocab_size=VOCABULARY,
        context_length=512,
        embedding_length=WIDTH,
        block_count=LAYERS,
        feed_forward_length=FEED_FORWARD,
        attention__layer_norm_rms_epsilon=EPSILON,
    )
    model.put("token_embd.weight", embeddings, VOCABULARY, WIDTH)
    model.put_numbers("output_norm.weight", 3, 5, WIDTH)
    return model


def _attend(model: TinyModel, kinds: Mapping[str, str], norm: float = 2) -> None:
    """The parts of attention; norms are large enough that some tokens weigh more than others."""
    model.describe(
        attention__head_count=HEADS,
        attention__head_count_kv=KEY_HEADS,
        attention__key_length=HEAD_LENGTH,
        attention__value_length=HEAD_LENGTH,
        rope__dimension_count=HEAD_LENGTH,
        rope__freq_base=10000.0,
    )
    for layer in range(LAYERS):
        part = f"blk.{layer}."
        model.put_numbers(f"{part}attn_norm.weight", norm, 2 * norm, WIDTH)
        model.put(f"{part}attn_q.weight", kinds["q"], HEADS * HEAD_LENGTH, WIDTH)
        model.put(f"{part}attn_k.weight", kinds["k"], KEY_HEADS * HEAD_LENGTH, WIDTH)
        model.put(f"{part}attn_v.weight", kinds["v"], KEY_HEADS * HEAD_LENGTH, WIDTH)
        model.put(f"{part}attn_output.weight", kinds["output"], WIDTH, HEADS * HEAD_LENGTH)
        model.put_numbers(f"{part}ffn_norm.weight", 0.5, 1.5, WIDTH)


def _feed_forward(model: TinyModel, up: str, down: str) -> None:
    for layer in range(LAYERS):
        part = f"blk.{layer}."
        model.put(f"{part}ffn_gate.weight", up, FEED_FORWARD, WIDTH)
        model.put(f"{part}ffn_up.weight", up, FEED_FORWARD, WIDTH)
        model.put(f"{part}ffn_down.weight", down, WIDTH, FEED_FORWARD)


def _dense() -> TinyModel:
    model = _model("dense model", "llama", "q8_0")
    _attend(model, {"q": "q4_k", "k": "q4_k", "v": "q6_k", "output": "q4_0"}, norm=1)
    _feed_forward(model, "q4_1", "q5_k")
    model.put("output.weight", "q6_k", VOCABULARY, WIDTH)
    return model


def _windowed() -> TinyModel:
    model = _model("model with a sliding window", "gemma3", "q8_0")
    _attend(model, dict.fromkeys(("q", "k", "v", "output"), "q8_0"))
    _feed_forward(model, "q4_0", "q8_0")
    model.describe(
        attention__sliding_window=WINDOW,
        attention__sliding_window_pattern=2,
        rope__freq_base_swa=10000.0,
    )
    for layer in range(LAYERS):
        part = f"blk.{layer}."
        model.put_numbers(f"{part}attn_q_norm.weight", 1, 2, HEAD_LENGTH)
        model.put_numbers(f"{part}attn_k_norm.weight", 1, 2, HEAD_LENGTH)
        model.put_numbers(f"{part}post_attention_norm.weight", 0.5, 1.5, WIDTH)
        model.put_numbers(f"{part}post_ffw_norm.weight", 0.5, 1.5, WIDTH)
    return model


def _with_experts() -> TinyModel:
    model = _model("model with experts", "llama", "f16")
    _attend(model, dict.fromkeys(("q", "k", "v", "output"), "q8_0"))
    model.describe(expert_count=NUM_EXPERTS, expert_used_count=NUM_EXPERTS_USED)
    for layer in range(LAYERS):
        part = f"blk.{layer}."
        model.put_numbers(f"{part}ffn_gate_inp.weight", -0.2, 0.2, NUM_EXPERTS, WIDTH)
        model.put(f"{part}ffn_gate_exps.weight", "q8_0", NUM_EXPERTS, FEED_FORWARD, WIDTH)
        model.put(f"{part}ffn_up_exps.weight", "q4_0", NUM_EXPERTS, FEED_FORWARD, WIDTH)
        model.put(f"{part}ffn_down_exps.weight", "q8_0", NUM_EXPERTS, WIDTH, FEED_FORWARD)
    return model


def _recurrent() -> TinyModel:
    model = _model("recurrent model", "mamba", "f16")
    inner = 2 * WIDTH
    model.describe(
        ssm__conv_kernel=CONVOLUTION,
        ssm__inner_size=inner,
        ssm__state_size=STATE,
        ssm__time_step_rank=TIME_RANK,
    )
    for layer in range(LAYERS):
        part = f"blk.{layer}."
        model.put_numbers(f"{part}attn_norm.weight", 2, 4, WIDTH)
        model.put(f"{part}ssm_in.weight", "q8_0", 2 * inner, WIDTH)
        model.put_numbers(f"{part}ssm_conv1d.weight", -0.5, 1, inner, CONVOLUTION)
        model.put_numbers(f"{part}ssm_conv1d.bias", -0.2, 0.2, inner)
        model.put(f"{part}ssm_x.weight", "q8_0", TIME_RANK + 2 * STATE, inner)
        model.put_numbers(f"{part}ssm_dt.weight", -0.3, 0.3, inner, TIME_RANK)
        model.put_numbers(f"{part}ssm_dt.bias", -2, 0, inner)
        model.put_numbers(f"{part}ssm_a", -2, -0.05, inner, STATE)
        model.put_numbers(f"{part}ssm_d", 0.5, 1.5, inner)
        model.put(f"{part}ssm_out.weight", "q4_0", WIDTH, inner)
    return model
