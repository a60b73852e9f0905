"""What OpenAI's clients send, field by field, and the commands that it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from coblyn.api.body import token_id
from coblyn.api.parameters import read_breakers, read_order
from coblyn.chat.messages import read_messages
from coblyn.engine.params import SamplingParams
from coblyn.errors import BadRequest
from coblyn.service.command import ChatPrompt, GenerateCommand, Prompt, TextPrompt, TokenPrompt

__all__ = ["ChatInput", "CompletionInput", "StreamOptions"]

MAX_CHOICES = 128
MAX_STOPS = 256

Numbers = Mapping[str, Any]
"""Values of fields of ``SamplingParams``."""


class StreamOptions(BaseModel):
    """Options of a stream."""

    include_usage: bool | None = None


class SamplingInput(BaseModel):
    """What both kinds of completion share; null means "not given" everywhere."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    model: str | None = Field(
        None,
        description="A name that /v1/models lists. Where one model is loaded, it answers to any.",
    )
    max_tokens: int | None = Field(None, description="A negative number means: as many as fit.")
    n: int | None = Field(None, ge=1, le=MAX_CHOICES)
    stop: str | list[str] | None = None
    seed: int | None = Field(None, lt=2**64)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    logit_bias: dict[str, float] | None = None
    sampler_order: Any = Field(None, description="As in KoboldAI's API.")
    dry_sequence_breakers: Any = Field(None, description="As in KoboldAI's API.")
    response_format: Any = Field(None, description="Of type text, json_object or json_schema.")
    json_schema: Any = Field(None, description="As llama-server has it; guided_json is the same.")
    grammar: Any = Field(None, description="GBNF, a JSON schema, or llguidance's Lark.")
    guided_regex: Any = Field(None, description="A regular expression for the whole text.")
    guided_choice: Any = Field(None, description="Texts of which one is written.")
    banned_strings: Any = Field(None, description="Phrases that are not written, in any case.")
    ignore_eos: bool | None = None
    genkey: str | None = Field(None, description="A key by which /api/extra/abort finds it.")

    @property
    def num_choices(self) -> int:
        """Completions of each prompt."""
        return self.n or 1

    @property
    def wants_usage(self) -> bool:
        """Whether a stream ends with a chunk that carries the usage."""
        return bool(self.stream_options and self.stream_options.include_usage)

    def _commands(
        self, prompt: Prompt, numbers: Numbers, *, max_tokens: int | None, logprobs: int | None
    ) -> list[GenerateCommand]:
        sampling = self._sampling(numbers, logprobs)
        seed = sampling.seed
        return [
            GenerateCommand(
                prompt,
                max_tokens=max_tokens,
                sampling=sampling
                if seed is None
                else replace(sampling, seed=(seed + index) % 2**64),
                stop=self._stops(),
                ignore_eos=bool(self.ignore_eos),
                key=self.genkey or "",
                model=self.model or "",
            )
            for index in range(self.num_choices)
        ]

    def _sampling(self, numbers: Numbers, logprobs: int | None) -> SamplingParams:
        return SamplingParams(
            **numbers,
            sampler_order=read_order(self.sampler_order),
            dry_sequence_breakers=read_breakers(self.dry_sequence_breakers),
            logit_bias=self._biases(),
            seed=None if (self.seed or 0) < 0 else self.seed,
            logprobs=logprobs,
        )

    def _biases(self) -> tuple[tuple[int, float], ...]:
        biases = []
        for text, bias in (self.logit_bias or {}).items():
            token = token_id(text)
            if token is None:
                message = f"logit_bias: {text[:32]!r} is no token id."
                raise BadRequest(message, field="logit_bias")
            biases.append((token, bias))
        return tuple(biases)

    def _stops(self) -> tuple[str, ...]:
        stops = [self.stop] if isinstance(self.stop, str) else self.stop or []
        if len(stops) > MAX_STOPS:
            raise BadRequest(f"stop holds more than {MAX_STOPS} texts.", field="stop")
        return tuple(stop for stop in stops if stop)


class CompletionInput(SamplingInput):
    """Body of ``/v1/completions``."""

    prompt: str | list[int] | list[str] | list[list[int]] = Field(
        description="A text or a list of token ids, or a list of these."
    )
    logprobs: int | None = Field(None, description="Alternatives a token, 0 to 20.")
    echo: bool | None = None
    suffix: str | None = None
    best_of: int | None = None

    @property
    def prompts(self) -> list[Prompt]:
        """All prompts.

        Raises:
            BadRequest: There is none.
        """
        if isinstance(self.prompt, str):
            return [TextPrompt(self.prompt)]
        if not self.prompt:
            raise BadRequest("prompt is an empty list.", field="prompt")
        if isinstance(self.prompt[0], int):
            return [_prompt(self.prompt)]
        return [_prompt(prompt) for prompt in self.prompt]

    def to_commands(self, numbers: Numbers, default_max_tokens: int) -> list[GenerateCommand]:
        """One command for each choice of each prompt.

        Args:
            numbers: The sampling parameters of the body that are numbers.
            default_max_tokens: The most tokens where the body does not say.

        Raises:
            BadRequest: A value has no meaning or is not supported.
        """
        self._check()
        max_tokens = _max_tokens(default_max_tokens if self.max_tokens is None else self.max_tokens)
        return [
            command
            for prompt in self.prompts
            for command in self._commands(
                prompt, numbers, max_tokens=max_tokens, logprobs=self.logprobs
            )
        ]

    def _check(self) -> None:
        if self.suffix:
            raise BadRequest("suffix is not supported yet.", field="suffix")
        if self.echo and self.logprobs is not None:
            raise BadRequest("echo together with logprobs is not supported yet.", field="echo")
        if self.best_of is not None and self.best_of != self.num_choices:
            raise BadRequest("best_of must equal n: nothing better is picked.", field="best_of")
        if len(self.prompts) * self.num_choices > MAX_CHOICES:
            raise BadRequest(f"These are more than {MAX_CHOICES} completions at once.", field="n")


class ChatInput(SamplingInput):
    """Body of ``/v1/chat/completions``."""

    messages: list[dict[str, Any]] = Field(min_length=1)
    max_completion_tokens: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    tools: list[Any] | None = Field(None, description="Not supported yet.")
    functions: list[Any] | None = Field(None, description="Not supported yet.")
    chat_template_kwargs: dict[str, Any] | None = None
    continue_assistant_turn: bool | None = Field(
        None, description="Whether a last message of the assistant is continued; it is by default."
    )

    def to_commands(self, numbers: Numbers) -> list[GenerateCommand]:
        """One command for each choice.

        Args:
            numbers: The sampling parameters of the body that are numbers.

        Raises:
            BadRequest: A value has no meaning or is not supported.
        """
        self._check()
        messages = read_messages(self.messages)
        is_prefilled = (
            messages[-1].role == "assistant" and self.continue_assistant_turn is not False
        )
        variables = tuple((self.chat_template_kwargs or {}).items())
        prompt = ChatPrompt(messages, continues_last=is_prefilled, variables=variables)
        wanted = self.max_completion_tokens
        max_tokens = _max_tokens(self.max_tokens if wanted is None else wanted)
        logprobs = (self.top_logprobs or 0) if self.logprobs else None
        return self._commands(prompt, numbers, max_tokens=max_tokens, logprobs=logprobs)

    def _check(self) -> None:
        for name in ("tools", "functions"):
            if getattr(self, name):
                raise BadRequest(f"{name} are not supported yet.", field=name)
        if self.top_logprobs is not None and not self.logprobs:
            raise BadRequest("top_logprobs needs logprobs: true.", field="top_logprobs")


def _prompt(prompt: Any) -> Prompt:
    return TextPrompt(prompt) if isinstance(prompt, str) else TokenPrompt(tuple(prompt))


def _max_tokens(wanted: int | None) -> int | None:
    if wanted == 0:
        raise BadRequest("max_tokens must be at least 1.", field="max_tokens")
    return None if wanted is None or wanted < 0 else wanted
