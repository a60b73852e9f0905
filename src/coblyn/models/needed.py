"""Tensors that the pinned llama.cpp calls optional, and dies without: which of them a model lacks. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

__all__ = ["lacking"]


@dataclass(frozen=True, slots=True)
class _Rule:
    """Every layer that has one tensor needs all of one of several sets.

    Attributes:
        architectures: To which it applies.
        sign: End of the name of the tensor that such a layer has.
        ways: Ends of names; a layer has all of one of them.
    """

    architectures: Collection[str]
    sign: str
    ways: tuple[tuple[str, ...], ...]


_QKV = "attn_qkv.weight"
_RULES = (
    _Rule(
        {"falcon-h1", "granitehybrid", "nemotron_h", "nemotron_h_moe"},
        "ssm_conv1d.weight",
        (("ssm_conv1d.bias",),),
    ),
    _Rule({"qwen35", "qwen35moe"}, "ssm_out.weight", ((_QKV, "attn_gate.weight"),)),
    _Rule({"qwen3next"}, "ssm_out.weight", ((_QKV, "attn_gate.weight"), ("ssm_in.weight",))),
    _Rule(
        {"phi3"},
        "attn_output.weight",
        ((_QKV,), ("attn_q.weight", "attn_k.weight", "attn_v.weight")),
    ),
)


def lacking(architecture: str, names: Collection[str]) -> str | None:
    """The first tensor, in order of names, that a model with these tensors lacks; None for none.

    Args:
        architecture: As the file calls it.
        names: Of all its tensors, in all parts.
    """
    there = frozenset(names)
    rules = [rule for rule in _RULES if architecture in rule.architectures]
    return next((lacks for rule in rules for lacks in _lacks(rule, there)), None)


def _lacks(rule: _Rule, there: frozenset[str]) -> list[str]:
    found = []
    for layer in sorted(
        name.removesuffix(rule.sign) for name in there if name.endswith(f".{rule.sign}")
    ):
        missing = [[layer + end for end in way if layer + end not in there] for way in rule.ways]
        if all(missing):
            # The way of which most is there is the one that was meant.
            meant, _ = min(
                zip(missing, rule.ways, strict=True), key=lambda pair: len(pair[0]) - len(pair[1])
            )
            found.append(meant[0])
    return found
