"""Checks of the vocabulary. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from coblyn.checkup.card import NORMAL, Card
from coblyn.checkup.finding import Finding, finding

__all__ = ["check_tokens", "check_turn_end"]

_ENDS = (
    "<|im_end|>",
    "<|eot_id|>",
    "<end_of_turn>",
    "<|end|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "</s>",
    "<eos>",
    "<|return|>",
    "[EOS]",
)
"""Texts of tokens that end a turn or a text in many models, most likely first."""

_ENDING = ("eos", "eot", "eom")

_PRE_TOKENIZERS = {
    "qwen2": "qwen2",
    "qwen2moe": "qwen2",
    "qwen3": "qwen2",
    "qwen3moe": "qwen2",
    "deepseek2": "deepseek-v3",
    "command-r": "command-r",
    "starcoder2": "starcoder",
    "stablelm": "stablelm2",
    "olmo": "olmo",
    "smollm3": "smollm3",
}
"""The usual tokenizer of an architecture; names from llama.cpp's src/llama-vocab.cpp."""

_LLAMA3_SIZE = 128256


def check_tokens(card: Card) -> Iterator[Finding]:
    """Faults of the vocabulary and of its special token ids."""
    if not card.tokens:
        return
    yield from _ends(card)
    yield from _outside(card)
    yield from _repeated(card)
    yield from _rows(card)
    yield from _pre_tokenizer(card)


def check_turn_end(card: Card, turn_end: str) -> Iterator[Finding]:
    """Check that the chat template's end of turn ends the generation.

    Args:
        card: The model.
        turn_end: Text after the assistant's text; empty if the template has none.
    """
    number = card.find(turn_end) if turn_end else None
    if number is None:
        return
    fix = {"tokenizer.ggml.eot_token_id": number}
    is_end = number in {card.token_id(kind) for kind in _ENDING}
    if not is_end and turn_end not in _ENDS:
        yield finding("turn-end-no-end", fix, token=turn_end, id=number)
    elif not is_end and number < len(card.types) and card.types[number] == NORMAL:
        yield finding("turn-end-is-text", fix, token=turn_end, id=number)


def _ends(card: Card) -> Iterator[Finding]:
    number, key = card.token_id("eos"), "tokenizer.ggml.eos_token_id"
    text = next((each for each in _ENDS if card.find(each) is not None), "")
    new = card.find(text) if text else None
    fix = {key: new} if new is not None else None
    if number is None:
        yield finding("no-end-token", fix, token=text, id=new)
    elif not 0 <= number < len(card.tokens):
        size = len(card.tokens)
        yield finding("end-token-outside", fix, key=key, id=number, size=size, token=text, new=new)


def _outside(card: Card) -> Iterator[Finding]:
    for key, value in card.metadata.items():
        is_id = key.startswith("tokenizer.ggml.") and key.endswith("_token_id")
        is_other = is_id and key != "tokenizer.ggml.eos_token_id"
        if is_other and isinstance(value, int) and not -1 <= value < len(card.tokens):
            yield finding("token-outside", key=key, id=value, size=len(card.tokens))


def _repeated(card: Card) -> Iterator[Finding]:
    seen: set[str] = set()
    for token in card.tokens:
        if token and token in seen:
            yield finding("repeated-token", token=token)
            return
        seen.add(token)


def _rows(card: Card) -> Iterator[Finding]:
    shape = next((t.shape for t in card.header.tensors if t.name == "token_embd.weight"), ())
    if len(shape) == 2 and shape[1] != len(card.tokens):
        yield finding("vocabulary-size", size=len(card.tokens), rows=shape[1])


def _pre_tokenizer(card: Card) -> Iterator[Finding]:
    if card.metadata.get("tokenizer.ggml.model") != "gpt2" or card.metadata.get(
        "tokenizer.ggml.pre"
    ) not in (None, "", "default"):
        return
    name = _PRE_TOKENIZERS.get(card.architecture, "")
    if card.architecture == "llama" and len(card.tokens) == _LLAMA3_SIZE:
        name = "llama-bpe"
    yield finding("no-pre-tokenizer", {"tokenizer.ggml.pre": name} if name else None, name=name)
