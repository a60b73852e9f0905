"""What a model's file says that people choose by: what it is, what it can do, and how it is spoken to."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from coblyn.chat.families import family_template
from coblyn.chat.formats import GENERIC, format_of
from coblyn.chat.reasoning import reasoning_of
from coblyn.checkup.card import Card, read_card
from coblyn.errors import ModelError
from coblyn.models.check import is_reranker, writes
from coblyn.models.eagle import read_eagle
from coblyn.models.gguf import GgufHeader, read_header
from coblyn.models.heads import heads_of
from coblyn.models.splits import part_names

__all__ = ["Portrait", "TemplateFacts", "portray"]

_FIM_KEYS = ("fim_pre_token_id", "prefix_token_id")
_FIM_TEXTS = ("<|fim_prefix|>", "<fim_prefix>", "<|fim_begin|>", "<PRE>", "▁<PRE>", "<fim-prefix>")
"""Tokens by which models are known to fill gaps, where their files name none."""

_MEDIA = {"clip.has_vision_encoder": "vision", "clip.has_audio_encoder": "audio"}


@dataclass(frozen=True, slots=True)
class TemplateFacts:
    """What is known of a chat template.

    Attributes:
        origin: Whether the file brings it, it is set right beside the file, or one of the model's family is used.
        format: Of calls of tools, such as ``hermes``; ``generic`` where the model was taught none that is known.
        has_tools: Whether it shows tools to the model.
        reasoning: What opens the model's reasoning; empty where it has none that is known.
    """

    origin: Literal["file", "beside", "family"]
    format: str
    has_tools: bool
    reasoning: str


@dataclass(frozen=True, slots=True)
class Portrait:
    """What a model is.

    Attributes:
        path: Its file; of a split one, the first.
        num_files: Its files.
        size: Bytes of all of them.
        architecture: Such as ``llama``.
        title: What its makers call it; may be empty.
        license: Likewise.
        num_parameters: Weights.
        quantization: Such as ``Q4_K_M``.
        context: Tokens of context that it was trained with; 0 if the file does not say.
        num_layers: Its layers.
        width: Numbers in a token's embedding.
        num_tokens: Tokens of its vocabulary.
        template: What is known of its chat template; None for a model that writes nothing.
        capabilities: What it can do, in Ollama's words; nothing for a head of another model.
        overrides: What counts in place of what the file says.
        heads: Its prediction heads, and whether they are used; empty if it has none.
    """

    path: Path
    num_files: int
    size: int
    architecture: str
    title: str
    license: str
    num_parameters: int
    quantization: str
    context: int
    num_layers: int
    width: int
    num_tokens: int
    template: TemplateFacts | None
    capabilities: tuple[str, ...]
    overrides: tuple[str, ...]
    heads: str = ""

    def to_json(self) -> dict[str, Any]:
        """As programs get it."""
        return asdict(self) | {
            "path": str(self.path),
            "capabilities": list(self.capabilities),
            "overrides": list(self.overrides),
        }


def portray(path: Path, projector: Path | None = None) -> Portrait:
    """Read what a model's files say; takes a second for a large vocabulary.

    Args:
        path: Its file; of a split one, the first.
        projector: What lets it take images or sounds, if there is one.

    Raises:
        ModelError: A file cannot be read.
        SettingsError: What is set right beside it cannot be.
    """
    card = read_card(path)
    headers = [card.header, *(read_header(path.with_name(each)) for each in _others(card.header))]
    metadata = card.metadata
    eagle = read_eagle(path)
    template = _template(card) if writes(card.header) and not eagle else None
    heads = eagle or heads_of(headers)
    return Portrait(
        path=path,
        num_files=len(headers),
        size=sum(header.size for header in headers),
        architecture=card.architecture,
        title=card.header.name,
        license=str(metadata.get("general.license", "")),
        num_parameters=sum(header.num_parameters for header in headers),
        quantization=card.header.quantization,
        context=_count(card, "context_length"),
        num_layers=_count(card, "block_count"),
        width=_count(card, "embedding_length"),
        num_tokens=len(card.tokens),
        template=template,
        capabilities=() if eagle else _capabilities(card, template, projector),
        overrides=card.overrides.names,
        heads=heads.told if heads else "",
    )


def _count(card: Card, key: str) -> int:
    """A number of the architecture; 0 where there is none, or none that can be."""
    value = card.number(key)
    return int(value) if math.isfinite(value) else 0


def _others(header: GgufHeader) -> tuple[str, ...]:
    return part_names(header.path.name)[1:] if header.num_splits > 1 else ()


def _template(card: Card) -> TemplateFacts:
    source = card.chat_template
    origin: Literal["file", "beside", "family"] = (
        "beside" if card.overrides.chat_template else "file"
    )
    if not source.strip():
        source, origin = family_template(card.description, card.token("eos")), "family"
    has_tools = "tools" in source
    found = format_of(source) if has_tools else GENERIC
    marks = reasoning_of(source) or found.reasoning
    return TemplateFacts(origin, found.name, has_tools, marks.opening.strip())


def _capabilities(
    card: Card, template: TemplateFacts | None, projector: Path | None
) -> tuple[str, ...]:
    if template is None:
        return ("reranking",) if is_reranker(card.header) else ("embedding",)
    found = ["completion"]
    if _fills_gaps(card):
        found.append("insert")
    if template.has_tools:
        found.append("tools")
    if template.reasoning:
        found.append("thinking")
    return (*found, *_media(projector))


def _fills_gaps(card: Card) -> bool:
    named = any(f"tokenizer.ggml.{key}" in card.metadata for key in _FIM_KEYS)
    return named or any(card.find(text) is not None for text in _FIM_TEXTS)


def _media(projector: Path | None) -> list[str]:
    if projector is None:
        return []
    try:
        metadata = read_header(projector).metadata
    except ModelError:
        return []
    return [word for key, word in _MEDIA.items() if metadata.get(key)]
