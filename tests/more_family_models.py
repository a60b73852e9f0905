"""Tiny models of further architectures: dense ones, mixtures, hybrids and recurrent ones."""

from __future__ import annotations

from family_models import (
    EXPERT,
    EXPERT_KEYS,
    EXPERTS,
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
)

__all__ = ["MORE_FAMILIES"]

_WHOLE_ROPE = {**HEAD_KEYS, "rope.dimension_count": LENGTH}
_WINDOW = {"attention.sliding_window": 64}
_CALL = ("<tool_call>", "</tool_call>")


def _normed(_: int) -> Shapes:
    """Queries and keys have norms of their own."""
    return {
        **attention(),
        "attn_q_norm.weight": (LENGTH,),
        "attn_k_norm.weight": (LENGTH,),
        "ffn_norm.weight": (WIDTH,),
    }


def _qwen3(layer: int) -> Shapes:
    return {**_normed(layer), **dense()}


def _qwen3moe(layer: int) -> Shapes:
    return {**_normed(layer), **experts(shared=False, bias=False)}


def _phi3(_: int) -> Shapes:
    """Queries, keys and values are one matrix, and so are both halves of the gate."""
    return {
        "attn_norm.weight": (WIDTH,),
        "attn_qkv.weight": (WIDTH, (HEADS + 2) * LENGTH),
        "attn_output.weight": (HEADS * LENGTH, WIDTH),
        "ffn_norm.weight": (WIDTH,),
        "ffn_up.weight": (WIDTH, 2 * INNER),
        "ffn_down.weight": (INNER, WIDTH),
    }


def _gpt_oss(_: int) -> Shapes:
    """Attention with sinks; experts with biases."""
    return {
        **attention(),
        "attn_output.bias": (WIDTH,),
        "attn_sinks.weight": (HEADS,),
        "post_attention_norm.weight": (WIDTH,),
        **experts(shared=False, bias=False),
        "ffn_gate_inp.bias": (EXPERTS,),
        "ffn_gate_exps.bias": (EXPERT, EXPERTS),
        "ffn_up_exps.bias": (EXPERT, EXPERTS),
        "ffn_down_exps.bias": (WIDTH, EXPERTS),
    }


def _granite(_: int) -> Shapes:
    return {**attention(), "ffn_norm.weight": (WIDTH,), **dense()}


def _lfm2(layer: int) -> Shapes:
    """A short convolution, then attention."""
    if layer % 2:
        return _qwen3(layer)
    return {
        "attn_norm.weight": (WIDTH,),
        "shortconv.conv.weight": (_CONVOLUTION, WIDTH),
        "shortconv.in_proj.weight": (WIDTH, 3 * WIDTH),
        "shortconv.out_proj.weight": (WIDTH, WIDTH),
        "ffn_norm.weight": (WIDTH,),
        **dense(),
    }


def _cohere2(_: int) -> Shapes:
    """One norm for attention and what follows it, side by side."""
    return {**attention(), **dense()}


def _deepseek2_ocr(layer: int) -> Shapes:
    """Plain attention; the first layer is dense."""
    return {
        **attention(HEADS),
        "ffn_norm.weight": (WIDTH,),
        **(experts(shared=True, bias=False) if layer else dense()),
    }


def _olmo2(_: int) -> Shapes:
    """Norms behind what they norm; those of queries and keys span all heads."""
    plain = {**attention(), **dense()}
    del plain["attn_norm.weight"]
    return {
        **plain,
        "attn_q_norm.weight": (HEADS * LENGTH,),
        "attn_k_norm.weight": (LENGTH,),
        "post_attention_norm.weight": (WIDTH,),
        "post_ffw_norm.weight": (WIDTH,),
    }


def _muse(layer: int) -> Shapes:
    """Norms on both sides, and a gate of the attention's output."""
    return {
        **_normed(layer),
        **dense(),
        "attn_gate.weight": (WIDTH, HEADS * LENGTH),
        "post_attention_norm.weight": (WIDTH,),
        "post_ffw_norm.weight": (WIDTH,),
    }


def _rwkv7(_: int) -> Shapes:
    """Mixing over time and over channels."""
    whole: Shapes = {
        f"time_mix_{name}.weight": (WIDTH, WIDTH)
        for name in ("key", "value", "receptance", "output")
    }
    for name in ("w", "a", "v"):
        whole |= {
            f"time_mix_{name}0.weight": (WIDTH,),
            f"time_mix_{name}1.weight": (WIDTH, _RANK),
            f"time_mix_{name}2.weight": (_RANK, WIDTH),
        }
    for name in ("attn_norm", "attn_norm_2", "time_mix_ln"):
        whole |= {f"{name}.weight": (WIDTH,), f"{name}.bias": (WIDTH,)}
    return whole | {
        "time_mix_g1.weight": (WIDTH, _RANK),
        "time_mix_g2.weight": (_RANK, WIDTH),
        "time_mix_lerp_fused.weight": (WIDTH, 1, 1, 6),
        "time_mix_k_k.weight": (WIDTH,),
        "time_mix_k_a.weight": (WIDTH,),
        "time_mix_r_k.weight": (WIDTH,),
        "channel_mix_lerp_k.weight": (WIDTH, 1, 1),
        "channel_mix_key.weight": (WIDTH, INNER),
        "channel_mix_value.weight": (INNER, WIDTH),
    }


_CONVOLUTION, _RANK = 3, 8

MORE_FAMILIES = (
    Tiny("qwen3", 2, "<tool_call>", "hermes", _WHOLE_ROPE, _qwen3, _CALL),
    Tiny("qwen3moe", 2, "<tool_call>", "hermes", _WHOLE_ROPE | EXPERT_KEYS, _qwen3moe, _CALL),
    Tiny(
        "phi3",
        2,
        "<|tool|><|/tool|>",
        "phi",
        _WHOLE_ROPE,
        _phi3,
        ("<|endoftext|>", "<|tool_call|>", "<|/tool_call|>"),
    ),
    Tiny(
        "gpt-oss",
        2,
        "<|channel|>analysis<|message|>",
        "harmony",
        _WHOLE_ROPE | EXPERT_KEYS | _WINDOW,
        _gpt_oss,
        (
            "<|start|>",
            "<|channel|>",
            "<|message|>",
            "<|constrain|>",
            "<|end|>",
            "<|call|>",
            "<|return|>",
        ),
    ),
    Tiny(
        "granite",
        2,
        "<|start_of_role|><|tool_call|>",
        "granite",
        _WHOLE_ROPE | {"logit_scale": 8.0, "residual_scale": 0.2, "embedding_scale": 12.0},
        _granite,
        ("<|tool_call|>",),
    ),
    Tiny(
        "lfm2",
        2,
        "<|tool_list_start|>",
        "lfm2",
        _WHOLE_ROPE | {"attention.head_count_kv": [0, 1], "shortconv.l_cache": _CONVOLUTION},
        _lfm2,
        ("<|tool_call_start|>", "<|tool_call_end|>"),
        norm="token_embd_norm.weight",
    ),
    Tiny(
        "cohere2",
        2,
        "<|START_ACTION|>",
        "command-r",
        _WHOLE_ROPE | _WINDOW | {"attention.layer_norm_epsilon": 1e-5, "logit_scale": 0.25},
        _cohere2,
        ("<|START_ACTION|>", "<|END_ACTION|>", "<|START_RESPONSE|>", "<|END_RESPONSE|>"),
        is_tied=True,
    ),
    Tiny(
        "olmo2",
        4,
        "<function_calls>",
        "olmo3",
        _WHOLE_ROPE | _WINDOW,
        _olmo2,
        ("<function_calls>", "</function_calls>"),
    ),
    Tiny(
        "muse-glimmer",
        4,
        "<atem:function_calls> to=self<|message|>",
        "muse",
        _WHOLE_ROPE | _WINDOW | {"logit_scale": 0.25},
        _muse,
        ("<|start|>", "<|message|>", "<|eom|>", "<|eot|>"),
    ),
    Tiny(
        "deepseek2-ocr",
        2,
        "Tools: ",
        "generic",
        _WHOLE_ROPE
        | EXPERT_KEYS
        | {
            "attention.head_count_kv": HEADS,
            "expert_shared_count": 1,
            "leading_dense_block_count": 1,
        },
        _deepseek2_ocr,
    ),
    Tiny(
        "paddleocr",
        2,
        "Tools: ",
        "generic",
        _WHOLE_ROPE | {"rope.dimension_sections": [4, 6, 6, 0]},
        _granite,
    ),
    Tiny(
        "hunyuan_vl",
        2,
        "Tools: ",
        "generic",
        _WHOLE_ROPE | {"rope.dimension_sections": [4, 4, 4, 4]},
        _qwen3,
    ),
    Tiny(
        "rwkv7",
        2,
        "<tool_call>",
        "hermes",
        {
            "feed_forward_length": INNER,
            "attention.head_count": 0,
            "attention.layer_norm_epsilon": 1e-5,
            "wkv.head_size": WIDTH,
            "attention.decay_lora_rank": _RANK,
            "attention.iclr_lora_rank": _RANK,
            "attention.value_residual_mix_lora_rank": _RANK,
            "attention.gate_lora_rank": _RANK,
            "token_shift_count": 2,
        },
        _rwkv7,
        _CALL,
        beside={
            "token_embd_norm.weight": (WIDTH,),
            "token_embd_norm.bias": (WIDTH,),
            "output_norm.bias": (WIDTH,),
        },
    ),
)
