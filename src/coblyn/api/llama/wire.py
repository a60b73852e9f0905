"""The request bodies of llama-server's API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field

from coblyn.api.ids import TokenIds
from coblyn.api.later import LaterFields, later
from coblyn.api.llama.sampling import BREAKERS
from coblyn.api.openai.wire import Numbers, SamplingInput, max_tokens_of
from coblyn.service.command import AnyPrompt, GenerateCommand

__all__ = [
    "GenerationInput",
    "InfillFile",
    "InfillInput",
    "LlamaCompletionInput",
    "LlamaDetokenizeInput",
    "LlamaTokenizeInput",
    "NotObeyed",
]


class GenerationInput(SamplingInput):
    """Fields shared by completion and infill. Sampling parameters have llama-server's defaults."""

    n_predict: int | None = Field(
        None, description="Maximum number of tokens; -1 for as many as fit."
    )
    n_cmpl: int | None = Field(None, ge=1, description="Number of completions per prompt.")
    n_probs: int | None = Field(None, ge=0, description="Alternatives a token.")
    cache_prompt: bool | None = Field(None, description="Always so.")
    id_slot: int | None = Field(None, description="Ignored: the cache is found automatically.")
    return_tokens: bool | None = Field(
        None, description="Whether complete answers include token ids."
    )
    response_fields: list[str] | None = Field(
        None, description="The fields to include in the answer; a/b selects b of a."
    )

    return_progress: bool | None = Field(
        None, description="Whether to send chunks with the prompt's progress."
    )
    dry_sequence_breakers: Any = Field(list(BREAKERS), description="Texts that end a repetition.")

    @property
    def num_choices(self) -> int:
        """Number of completions per prompt."""
        return self.n_cmpl or self.n or 1

    @property
    def bans_eos(self) -> bool:
        """Whether end-of-generation tokens are banned, which is the meaning of ``ignore_eos`` here."""
        return bool(self.ignore_eos) or super().bans_eos

    @property
    def ignores_eos(self) -> bool:
        """Whether it continues after an end-of-generation token."""
        return bool(self.bypass_eos)

    @property
    def only_reads(self) -> bool:
        """Whether the prompt is only computed, to be in memory for the next request."""
        return self.n_predict == 0

    def to_commands(self, prompts: Sequence[AnyPrompt], numbers: Numbers) -> list[GenerateCommand]:
        """The commands for all choices of all prompts, one prompt after the other.

        Raises:
            BadRequest: A value is invalid or not supported.
        """
        length = 1 if self.only_reads else self.n_predict
        max_tokens = max_tokens_of(self.foreign_length, length, self.max_tokens)
        return [
            command
            for prompt in prompts
            for command in self.commands(
                prompt, numbers, max_tokens=max_tokens, logprobs=self.num_probs
            )
        ]


class LlamaCompletionInput(GenerationInput):
    """Body of ``/completion``."""

    prompt: Any = Field(
        description="A text, a list of token ids and texts, an object with prompt_string, or a list of these."
    )


class InfillFile(BaseModel):
    """Another file."""

    filename: str = "file"
    text: str = ""


class InfillInput(GenerationInput):
    """Body of ``/infill``."""

    input_prefix: str = Field(description="The text before the gap.")
    input_suffix: str = Field(description="The text after the gap.")
    input_extra: list[InfillFile] | None = Field(None, description="Other files.")
    prompt: str | None = Field(None, description="The beginning of the text in the gap.")


class LlamaTokenizeInput(BaseModel):
    """Body of ``/tokenize``."""

    content: str | list[Any] = Field("", description="A text, or a list of texts and token ids.")
    add_special: bool | None = Field(None, description="Add the BOS token; off by default.")
    parse_special: bool | None = Field(None, description="Parse special tokens; on by default.")
    with_pieces: bool | None = Field(None, description="Include each token's text.")


class LlamaDetokenizeInput(BaseModel):
    """Body of ``/detokenize``."""

    tokens: TokenIds = []


class NotObeyed(LaterFields):
    """Fields that are not supported yet, each with its neutral value."""

    n_keep: int = later(0)
    n_discard: int = later(0)
    n_indent: int = later(0)
    min_keep: int = later(0)
    t_max_predict_ms: int = later(-1)
    t_max_prompt_ms: int = later(-1)
    json_schema_lazy: bool = later(False)
