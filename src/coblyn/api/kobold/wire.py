"""The request bodies of KoboldAI's API, and their conversion to commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import AliasChoices, Field, ValidationInfo, field_validator

from coblyn.api.adapters import LORA
from coblyn.api.ids import require_ids
from coblyn.api.later import LaterFields, Lenient, later
from coblyn.chat.attachment import attached, read_file
from coblyn.chat.placeholders import Tags, fill_placeholders, fill_stops, read_tags
from coblyn.engine.params import SamplingParams
from coblyn.errors import BadRequest
from coblyn.service.command import GenerateCommand, TextPrompt

__all__ = [
    "MAX_STOPS",
    "DetokenizeInput",
    "GenerateInput",
    "KeyInput",
    "TokenCountInput",
    "has_placeholders",
    "to_command",
    "with_budget",
]

MAX_STOPS = 256

MAX_IMAGES = 16
"""Of a longer list the last ones are used, as in KoboldCPP."""

_EFFORTS: Mapping[str, float | None] = {
    "none": 0.0,
    "minimal": 0.1,
    "low": 0.25,
    "medium": 0.5,
    "high": None,
}
"""Fractions of the length that reasoning may take; None for all of it."""


class GenerateInput(LaterFields):
    """Body of ``/api/v1/generate`` and ``/api/extra/generate/stream``."""

    prompt: str = ""
    memory: str = Field(default="", description="Comes before the prompt and is never cut off.")
    max_context_length: int = 0
    max_length: int = 0
    sampler_seed: int = -1
    stop_sequence: list[str] = Field(
        default=[], validation_alias=AliasChoices("stop_sequence", "stop")
    )
    ban_eos_token: bool = Field(
        default=False, validation_alias=AliasChoices("ban_eos_token", "use_default_badwordsids")
    )
    bypass_eos: bool = False
    trim_stop: bool = True
    render_special: bool = False
    logit_bias: dict[str, float] = Field(default={}, description="Values from -100 to 100.")
    custom_token_bans: str = Field(default="", description="Token ids, separated by commas.")
    logprobs: int | bool = False
    grammar: Any = Field(default="", description="GBNF, a JSON schema, or llguidance's Lark.")
    banned_tokens: list[str] = Field(
        default=[], description="Banned phrases, ignoring case; or as banned_strings."
    )
    lora: list[Any] | None = Field(default=None, description=LORA)
    images: list[Any] = Field(
        default=[], description="Base64 files of images or sounds; they come after the memory."
    )
    negative_prompt: str = Field(
        default="", description="The negative prompt for guidance_scale; may be empty."
    )
    genkey: str = ""
    model: str = ""
    replace_instruct_placeholders: bool = True
    adapter: dict[str, Any] = Field(default={})
    reasoning_effort: str = Field(
        default="",
        description="none, minimal, low, medium or high: reasoning's part of max_length.",
    )
    grammar_retain_state: bool = later(
        False, "Whether the grammar continues from the state after the last text."
    )
    n: int = later(1, "Number of texts; only one is supported.")
    singleline: bool = later(False, "Only the first line; use a stop sequence.")
    frmttriminc: bool = later(False, "Remove an incomplete last sentence.")
    frmtrmblln: bool = later(False, "Remove empty lines.")
    frmtrmspch: bool = later(False, "Remove special characters.")
    coblyn_events: bool = Field(
        default=False, description="Streams also carry progress and stats events."
    )

    @field_validator("prompt", mode="before")
    @classmethod
    def _require_text(cls, value: Any, info: ValidationInfo) -> Any:
        # The only field without a default, since no answer makes sense without it.
        if value is not None and not isinstance(value, str):
            raise BadRequest(f"{info.field_name} must be a string.", field=str(info.field_name))
        return value

    @field_validator("stop_sequence", mode="before")
    @classmethod
    def _take_one_stop(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class KeyInput(Lenient):
    """Body of calls about one generation."""

    genkey: str = ""


class TokenCountInput(Lenient):
    """Body of ``/api/extra/tokencount``."""

    prompt: str = ""
    special: bool = Field(default=True, description="Add the BOS token and parse special tokens.")
    messages: list[dict[str, Any]] = Field(default=[])
    model: str = ""


class DetokenizeInput(Lenient):
    """Body of ``/api/extra/detokenize``."""

    ids: list[int] = Field(default=[])
    special: bool = True
    model: str = ""

    @field_validator("ids", mode="before")
    @classmethod
    def _require_ids(cls, value: Any) -> Any:
        return require_ids(value, "ids")


def with_budget(
    body: Mapping[str, Any], effort: str, max_tokens: int | None, warnings: dict[str, str]
) -> dict[str, Any]:
    """Convert KoboldCPP's level of reasoning in a body into a number of tokens.

    Args:
        body: The parsed JSON body.
        effort: The level.
        max_tokens: The length that the levels are fractions of.
        warnings: Collects invalid levels.
    """
    if effort in ("", "default"):
        return {**body, "reasoning_effort": None}
    if effort not in _EFFORTS:
        warnings["reasoning_effort"] = f"It is not one of {', '.join(_EFFORTS)}, and was ignored."
        return {**body, "reasoning_effort": None}
    share = _EFFORTS[effort]
    told = {**body, "reasoning_effort": None}
    if share is not None and body.get("reasoning_budget") is None:
        told["reasoning_budget"] = int(share * (max_tokens or 0))
    return told


def to_command(
    body: GenerateInput, sampling: SamplingParams, tags: Tags, *, default_max_tokens: int
) -> GenerateCommand:
    """Convert a body to a command, with KoboldCPP's defaults and rules.

    Args:
        body: The body.
        sampling: Sampling parameters.
        tags: Replacements of placeholders if the body has no chat adapter.
        default_max_tokens: Default number of tokens.
    """
    tags = read_tags(body.adapter) or tags
    memory, prompt, stops = body.memory, body.prompt, tuple(filter(None, body.stop_sequence))
    if body.replace_instruct_placeholders:
        memory, prompt = fill_placeholders(memory, prompt, tags)
        stops = fill_stops(stops, tags)
    media = tuple(
        read_file(each, f"images[{index}]")
        for index, each in enumerate((body.images or [])[-MAX_IMAGES:])
    )
    memory += attached(media, "")
    return GenerateCommand(
        TextPrompt(prompt, memory, media),
        max_tokens=body.max_length if body.max_length > 0 else default_max_tokens,
        is_default_length=body.max_length <= 0,
        max_context=body.max_context_length if body.max_context_length > 0 else None,
        overflow="trim",
        sampling=sampling,
        stop=stops[:MAX_STOPS],
        keep_stop=not body.trim_stop,
        ban_eos=body.ban_eos_token and not body.bypass_eos,
        ignore_eos=body.bypass_eos,
        special=body.render_special,
        key=body.genkey,
        model=body.model,
    )


def has_placeholders(body: GenerateInput) -> bool:
    """Whether a body has placeholders but no tags for them."""
    if not body.replace_instruct_placeholders or read_tags(body.adapter):
        return False
    return any("{{[" in text for text in (body.memory, body.prompt, *body.stop_sequence))
