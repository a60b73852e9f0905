"""Tiny models of the architectures of large families: random weights, and a template with the signs of their calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from gguf_file import F32, GgufWriter, Signed

__all__ = [
    "EXPERT_KEYS",
    "FAMILIES",
    "HEAD_KEYS",
    "Shapes",
    "Tiny",
    "attention",
    "dense",
    "experts",
    "family_model",
]

WIDTH, INNER, HEADS, LENGTH, ROPE = 64, 96, 2, 32, 16
EXPERTS, USED, EXPERT = 4, 2, 32
SIGMOID = 2

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Tiny:
    """A family.

    Attributes:
        architecture: llama.cpp's name.
        layers: Of the model.
        sign: What its template shows of calls.
        format: Name of the format that has this sign.
        describe: Metadata of the architecture, besides what all have.
        shapes: Tensors of a layer, the fastest dimension first.
        marks: Tokens of the vocabulary that are marks.
        opening: What its template writes last, behind the beginning of the reply.
        beside: Further tensors outside of the layers.
        norm: Name of the norm before the output.
        is_tied: Whether the output is the table of embeddings.
    """

    architecture: str
    layers: int
    sign: str
    format: str
    describe: Mapping[str, object]
    shapes: Callable[[int], Shapes]
    marks: tuple[str, ...] = ()
    opening: str = ""
    beside: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    norm: str = "output_norm.weight"
    is_tied: bool = False


def family_model(tiny: Tiny, seed: int = 1) -> GgufWriter:
    """The model's file."""
    words = [
        "<unk>",
        "<s>",
        "</s>",
        *(f"<0x{byte:02X}>" for byte in range(256)),
        "\u2581",
        *tiny.marks,
    ]
    kinds = [2, 3, 3, *([6] * 256), 1, *([3] * len(tiny.marks))]
    template = (
        "{% for message in messages %}[{{ message.role }}] {{ message.content }}\n{% endfor %}"
        f"{{% if tools %}}{tiny.sign}{{{{ tools | tojson }}}}{{% endif %}}"
        f"{{% if add_generation_prompt %}}[assistant]{tiny.opening}{{% endif %}}"
    )
    keys: dict[str, object] = {
        "general.architecture": tiny.architecture,
        "general.name": f"Tiny {tiny.architecture}",
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": words,
        "tokenizer.ggml.scores": [0.0] * len(words),
        "tokenizer.ggml.token_type": [Signed(kind) for kind in kinds],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.chat_template": template,
    }
    common = {
        "context_length": 2048,
        "embedding_length": WIDTH,
        "block_count": tiny.layers,
        "attention.layer_norm_rms_epsilon": 1e-5,
    }
    for name, value in {**common, **tiny.describe}.items():
        keys[f"{tiny.architecture}.{name}"] = value
    shapes: Shapes = {
        "token_embd.weight": (WIDTH, len(words)),
        tiny.norm: (WIDTH,),
        **tiny.beside,
    }
    if not tiny.is_tied:
        shapes["output.weight"] = (WIDTH, len(words))
    for layer in range(tiny.layers):
        shapes |= {f"blk.{layer}.{name}": shape for name, shape in tiny.shapes(layer).items()}
    return GgufWriter(keys, list(_tensors(shapes, seed)))


def _tensors(shapes: Shapes, seed: int) -> list[tuple[str, tuple[int, ...], int, bytes]]:
    random = np.random.default_rng(seed)
    tensors = []
    for name, shape in shapes.items():
        if name.endswith("ssm_a"):
            drawn = random.uniform(-2, -0.1, shape)
        elif "time_mix" in name:
            drawn = random.normal(0, 0.05, shape)
        elif "norm" in name:
            drawn = random.uniform(0.8, 1.6, shape)
        else:
            drawn = random.normal(0, 0.15, shape)
        tensors.append((name, shape, F32, drawn.astype("<f4").tobytes()))
    return tensors


def attention(key_heads: int = 1) -> Shapes:
    return {
        "attn_norm.weight": (WIDTH,),
        "attn_q.weight": (WIDTH, HEADS * LENGTH),
        "attn_k.weight": (WIDTH, key_heads * LENGTH),
        "attn_v.weight": (WIDTH, key_heads * LENGTH),
        "attn_output.weight": (HEADS * LENGTH, WIDTH),
    }


def dense() -> Shapes:
    return {
        "ffn_gate.weight": (WIDTH, INNER),
        "ffn_up.weight": (WIDTH, INNER),
        "ffn_down.weight": (INNER, WIDTH),
    }


def experts(*, shared: bool, bias: bool) -> Shapes:
    shapes: Shapes = {
        "ffn_gate_inp.weight": (WIDTH, EXPERTS),
        "ffn_gate_exps.weight": (WIDTH, EXPERT, EXPERTS),
        "ffn_up_exps.weight": (WIDTH, EXPERT, EXPERTS),
        "ffn_down_exps.weight": (EXPERT, WIDTH, EXPERTS),
    }
    if bias:
        shapes["exp_probs_b.bias"] = (EXPERTS,)
    if shared:
        shapes |= {
            "ffn_gate_shexp.weight": (WIDTH, EXPERT),
            "ffn_up_shexp.weight": (WIDTH, EXPERT),
            "ffn_down_shexp.weight": (EXPERT, WIDTH),
        }
    return shapes


HEAD_KEYS: Mapping[str, object] = {
    "attention.head_count": HEADS,
    "attention.head_count_kv": 1,
    "attention.key_length": LENGTH,
    "attention.value_length": LENGTH,
    "rope.dimension_count": ROPE,
    "rope.freq_base": 10000.0,
    "feed_forward_length": INNER,
}
EXPERT_KEYS: Mapping[str, object] = {
    "expert_count": EXPERTS,
    "expert_used_count": USED,
    "expert_feed_forward_length": EXPERT,
}

_NOPE, _LATENT, _QUERY_LATENT, _VALUE = 16, 32, 24, 16


def _deepseek2(layer: int) -> Shapes:
    """Attention over latent vectors (MLA); the first layer is dense."""
    return {
        "attn_norm.weight": (WIDTH,),
        "attn_q_a.weight": (WIDTH, _QUERY_LATENT),
        "attn_q_a_norm.weight": (_QUERY_LATENT,),
        "attn_q_b.weight": (_QUERY_LATENT, HEADS * (_NOPE + ROPE)),
        "attn_kv_a_mqa.weight": (WIDTH, _LATENT + ROPE),
        "attn_kv_a_norm.weight": (_LATENT,),
        "attn_k_b.weight": (_NOPE, _LATENT, HEADS),
        "attn_v_b.weight": (_LATENT, _VALUE, HEADS),
        "attn_output.weight": (HEADS * _VALUE, WIDTH),
        "ffn_norm.weight": (WIDTH,),
        **(experts(shared=True, bias=True) if layer else dense()),
    }


_STATE, _GROUPS, _RANK, _CONVOLUTION = 16, 2, 4, 4
_KEYS, _VALUES = _STATE * _GROUPS, _STATE * _RANK


def _qwen3next(layer: int) -> Shapes:
    """Three layers of a gated delta net, then one of attention, with a gate beside each query."""
    if layer % 4 == 3:
        mixer = {
            **attention(),
            "attn_q.weight": (WIDTH, 2 * HEADS * LENGTH),
            "attn_q_norm.weight": (LENGTH,),
            "attn_k_norm.weight": (LENGTH,),
        }
    else:
        mixer = {
            "attn_norm.weight": (WIDTH,),
            "attn_qkv.weight": (WIDTH, 2 * _KEYS + _VALUES),
            "attn_gate.weight": (WIDTH, _VALUES),
            "ssm_conv1d.weight": (_CONVOLUTION, 2 * _KEYS + _VALUES),
            "ssm_dt.bias": (_RANK,),
            "ssm_a": (_RANK,),
            "ssm_ba.weight": (WIDTH, 2 * _RANK),
            "ssm_norm.weight": (_STATE,),
            "ssm_out.weight": (_VALUES, WIDTH),
        }
    return {
        **mixer,
        "post_attention_norm.weight": (WIDTH,),
        **experts(shared=True, bias=False),
        "ffn_gate_inp_shexp.weight": (WIDTH,),
    }


def _glm4moe(layer: int) -> Shapes:
    return {
        **attention(),
        "post_attention_norm.weight": (WIDTH,),
        **(experts(shared=True, bias=True) if layer else dense()),
    }


def _minimax(_: int) -> Shapes:
    return {
        **attention(),
        "attn_q_norm.weight": (HEADS * LENGTH,),
        "attn_k_norm.weight": (LENGTH,),
        "ffn_norm.weight": (WIDTH,),
        **experts(shared=False, bias=True),
    }


def _gemma3(_: int) -> Shapes:
    return {
        **attention(),
        "attn_q_norm.weight": (LENGTH,),
        "attn_k_norm.weight": (LENGTH,),
        "post_attention_norm.weight": (WIDTH,),
        "ffn_norm.weight": (WIDTH,),
        **dense(),
        "post_ffw_norm.weight": (WIDTH,),
    }


def _llama(_: int) -> Shapes:
    return {**attention(), "ffn_norm.weight": (WIDTH,), **dense()}


def _mamba(_: int) -> Shapes:
    inner, rank = 2 * WIDTH, 4
    return {
        "attn_norm.weight": (WIDTH,),
        "ssm_in.weight": (WIDTH, 2 * inner),
        "ssm_conv1d.weight": (4, inner),
        "ssm_conv1d.bias": (inner,),
        "ssm_x.weight": (inner, rank + 2 * _STATE),
        "ssm_dt.weight": (rank, inner),
        "ssm_dt.bias": (inner,),
        "ssm_a": (_STATE, inner),
        "ssm_d": (inner,),
        "ssm_out.weight": (inner, WIDTH),
    }


FAMILIES = (
    Tiny(
        "deepseek2",
        2,
        "<|tool_calls_section_begin|><|tool_call_begin|>",
        "kimi-k2",
        {
            **HEAD_KEYS,
            "attention.key_length": _LATENT + ROPE,
            "attention.value_length": _LATENT,
            "attention.key_length_mla": _NOPE + ROPE,
            "attention.value_length_mla": _VALUE,
            "attention.q_lora_rank": _QUERY_LATENT,
            "attention.kv_lora_rank": _LATENT,
            "leading_dense_block_count": 1,
            **EXPERT_KEYS,
            "expert_shared_count": 1,
            "expert_weights_scale": 1.5,
            "expert_weights_norm": True,
            "expert_gating_func": SIGMOID,
        },
        _deepseek2,
        (
            "<|tool_calls_section_begin|>",
            "<|tool_calls_section_end|>",
            "<|tool_call_begin|>",
            "<|tool_call_argument_begin|>",
            "<|tool_call_end|>",
        ),
    ),
    Tiny(
        "qwen3next",
        4,
        "<tool_call><function=NAME>",
        "qwen-xml",
        {
            **HEAD_KEYS,
            **EXPERT_KEYS,
            "expert_shared_feed_forward_length": EXPERT,
            "ssm.conv_kernel": _CONVOLUTION,
            "ssm.inner_size": _VALUES,
            "ssm.state_size": _STATE,
            "ssm.time_step_rank": _RANK,
            "ssm.group_count": _GROUPS,
        },
        _qwen3next,
        ("<tool_call>", "</tool_call>"),
    ),
    Tiny(
        "glm4moe",
        2,
        "<tool_call>NAME<arg_key>",
        "glm",
        {
            **HEAD_KEYS,
            **EXPERT_KEYS,
            "expert_shared_count": 1,
            "leading_dense_block_count": 1,
            "expert_weights_norm": True,
            "expert_gating_func": SIGMOID,
        },
        _glm4moe,
        (
            "<tool_call>",
            "</tool_call>",
            "<arg_key>",
            "</arg_key>",
            "<arg_value>",
            "</arg_value>",
        ),
    ),
    Tiny(
        "minimax-m2",
        2,
        "<minimax:tool_call><invoke>",
        "minimax-m2",
        {
            **HEAD_KEYS,
            **EXPERT_KEYS,
            "feed_forward_length": EXPERT,
            "expert_gating_func": SIGMOID,
        },
        _minimax,
        ("<minimax:tool_call>", "</minimax:tool_call>"),
    ),
    Tiny(
        "gemma3",
        2,
        "Tools: ",
        "generic",
        {
            **HEAD_KEYS,
            "rope.dimension_count": LENGTH,
            "attention.sliding_window": 64,
            "attention.sliding_window_pattern": 2,
            "rope.freq_base_swa": 10000.0,
        },
        _gemma3,
    ),
    Tiny(
        "llama",
        2,
        '<|start_header_id|>{"name": NAME, "parameters": {}}',
        "llama3",
        {**HEAD_KEYS, "rope.dimension_count": LENGTH},
        _llama,
    ),
    Tiny(
        "mamba",
        2,
        "<tool_call>",
        "hermes",
        {
            "feed_forward_length": 0,
            "attention.head_count": 0,
            "ssm.conv_kernel": 4,
            "ssm.inner_size": 2 * WIDTH,
            "ssm.state_size": _STATE,
            "ssm.time_step_rank": 4,
        },
        _mamba,
        ("<tool_call>", "</tool_call>"),
    ),
)
