"""The request bodies of OpenAI's API, and their conversion to commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, Field

from coblyn.api.adapters import LORA
from coblyn.api.biases import Biases, read_biases
from coblyn.api.hosted import described
from coblyn.api.logprobs import KOBOLD_LOGPROBS
from coblyn.api.openai.foreign import ForeignInput
from coblyn.api.openai.tool_history import expanded
from coblyn.api.parameters import OPENAI_NUMBERS, read_breakers, read_order, with_numbers
from coblyn.api.samplers import read_samplers
from coblyn.api.thinking import switch
from coblyn.chat.flag import read_flag
from coblyn.chat.messages import read_messages, read_tool_choice, read_tools
from coblyn.chat.placeholders import read_tags
from coblyn.engine.params import SamplingParams
from coblyn.errors import BadRequest
from coblyn.service.command import AnyPrompt, ChatPrompt, GenerateCommand
from coblyn.service.tool_rounds import HostedTool

__all__ = [
    "CHAT_BODY",
    "ChatInput",
    "Numbers",
    "SamplingInput",
    "StreamOptions",
    "max_tokens_of",
]

MAX_STOPS = 256

Numbers = Mapping[str, Any]
"""Values of fields of ``SamplingParams``."""


class StreamOptions(BaseModel):
    """Options of a stream."""

    include_usage: bool | None = None


class SamplingInput(ForeignInput):
    """Fields of both kinds of completion; null means "not given" everywhere."""

    model: str | None = Field(
        None,
        description="A name from /v1/models. If only one model is loaded, it answers to any name.",
    )
    max_tokens: int | None = Field(None, description="A negative number means as many as fit.")
    n: int | None = Field(None, ge=1, description="Number of completions per prompt.")
    stop: str | list[str] | None = None
    seed: int | None = Field(None, lt=2**64)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    logit_bias: Any = Field(
        None,
        description="An object of token ids and numbers, or a list of pairs; false forbids a token.",
    )
    sampler_order: Any = Field(None, description="As in KoboldAI's API.")
    dry_sequence_breakers: Any = Field(None, description="As in KoboldAI's API.")
    logprobs_after: Any = Field(
        None, description="Whether log-probabilities are those after the samplers, not before."
    )
    response_format: Any = Field(None, description="Of type text, json_object or json_schema.")
    json_schema: Any = Field(None, description="As in llama-server; guided_json is the same.")
    json_whitespace: Any = Field(
        None, description="Whitespace in JSON by a schema: bounded (the default), any or none."
    )
    grammar: Any = Field(None, description="GBNF, a JSON schema, or llguidance's Lark.")
    guided_regex: Any = Field(None, description="A regular expression for the whole text.")
    guided_choice: Any = Field(None, description="Texts, one of which is generated.")
    banned_strings: Any = Field(None, description="Banned phrases, ignoring case.")
    banned_patterns: Any = Field(None, description="Banned regular expressions, ignoring case.")
    lora: Any = Field(None, description=LORA)
    genkey: str | None = Field(None, description="A key for /api/extra/abort.")

    @property
    def num_choices(self) -> int:
        """Number of completions per prompt."""
        return self.n or 1

    @property
    def wants_usage(self) -> bool:
        """Whether a stream ends with a chunk that carries the usage."""
        return bool(self.stream_options and self.stream_options.include_usage)

    def commands(
        self,
        prompt: AnyPrompt,
        numbers: Numbers,
        *,
        max_tokens: int | None,
        logprobs: int | None,
        count: int | None = None,
    ) -> list[GenerateCommand]:
        """Commands that differ only in their seeds: one per choice, or ``count``.

        Raises:
            BadRequest: A value is invalid or not supported.
        """
        self.require_enforceable()
        sampling = self._sampling(numbers, logprobs)
        seed, is_cut = sampling.seed, bool(self.max_context_length)
        return [
            GenerateCommand(
                prompt,
                max_tokens=max_tokens,
                is_default_length=self._is_default_length,
                max_context=self.max_context_length if (self.max_context_length or 0) > 0 else None,
                overflow="trim" if is_cut or self.is_trimmed else "refuse",
                sampling=sampling
                if seed is None
                else replace(sampling, seed=(seed + index) % 2**64),
                stop=self._stops(),
                keep_stop=self.keeps_stop,
                ban_eos=self.bans_eos,
                ignore_eos=self.ignores_eos,
                special=self.shows_special,
                key=self.genkey or "",
                model=self.model or "",
            )
            for index in range(count or self.num_choices)
        ]

    @property
    def is_trimmed(self) -> bool:
        """Whether the oldest part of a prompt that is too long is left out."""
        return False

    @property
    def _is_default_length(self) -> bool:
        """Whether the body has no maximum number of tokens."""
        lengths = (self.foreign_length, self.max_tokens, self.n_predict)
        return all(length is None for length in lengths)

    def _sampling(self, numbers: Numbers, logprobs: int | None) -> SamplingParams:
        seed = self.foreign_seed or self.seed
        return SamplingParams(
            **numbers,
            sampler_order=self._order(),
            dry_sequence_breakers=read_breakers(self.dry_sequence_breakers),
            logit_bias=self._biases(),
            seed=None if (seed or 0) < 0 else seed,
            logprobs=logprobs,
        )

    def _order(self) -> tuple[int, ...]:
        if self.sampler_order in (None, []):
            return read_samplers(self.samplers)
        return read_order(self.sampler_order)

    def _biases(self) -> Biases:
        return tuple(dict([*read_biases(self.logit_bias), *self.foreign_bans]).items())

    def _stops(self) -> tuple[str, ...]:
        stops = [self.stop] if isinstance(self.stop, str) else self.stop or []
        stops = list(dict.fromkeys(stop for stop in [*stops, *self.foreign_stops] if stop))
        if len(stops) > MAX_STOPS:
            raise BadRequest(f"stop holds more than {MAX_STOPS} texts.", field="stop")
        return tuple(stops)


class ChatInput(SamplingInput):
    """Body of ``/v1/chat/completions``."""

    messages: list[dict[str, Any]] = Field(min_length=1)
    max_completion_tokens: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    tools: list[Any] | None = Field(
        None,
        description="Functions that the model may call, and tool servers of this server (type mcp).",
    )
    tool_choice: Any = Field(None, description="auto, none, required, or a function by name.")
    parallel_tool_calls: bool | None = None
    max_tool_calls: int | None = Field(
        None, ge=0, description="Maximum number of calls of tool servers' tools."
    )
    functions: list[Any] | None = Field(None, description="Not supported: use tools.")
    chat_template_kwargs: dict[str, Any] | None = None
    reasoning_effort: Any = Field(None, description="none, minimal, low, medium, high or more.")
    reasoning: dict[str, Any] | None = Field(None, description="OpenRouter's: effort, enabled.")
    enable_thinking: bool | None = Field(None, description="Whether the model reasons first.")
    thinking: dict[str, Any] | None = Field(None, description="type: enabled or disabled.")
    adapter: dict[str, Any] | None = Field(
        None, description="KoboldCPP's chat adapter: tags instead of the model's template."
    )
    continue_assistant_turn: bool | None = Field(
        None, description="Whether a last message of the assistant is continued; on by default."
    )

    @property
    def shows_logprobs(self) -> bool:
        """Whether the answer shows log-probabilities."""
        return bool(self.logprobs or self.num_probs)

    @property
    def wants_hosted(self) -> bool:
        """Whether tools or messages refer to tools on this server."""
        return any(
            isinstance(tool, dict) and tool.get("type") == "mcp" for tool in self.tools or ()
        ) or any("mcp_calls" in message or "approve" in message for message in self.messages)

    def to_commands(
        self, numbers: Numbers, count: int | None = None, hosted: Sequence[HostedTool] = ()
    ) -> list[GenerateCommand]:
        """One command for each choice.

        Args:
            numbers: The sampling parameters of the body that are numbers.
            count: Number of commands; None for one per choice.
            hosted: Requested tools on this server.

        Raises:
            BadRequest: A value is invalid or not supported.
        """
        self._check()
        messages = read_messages(expanded(self.messages) if self.wants_hosted else self.messages)
        is_prefilled = (
            messages[-1].role == "assistant"
            and not messages[-1].tool_calls
            and self.continue_assistant_turn is not False
        )
        tools, tags = read_tools(self.tools, hosted=described(hosted)), read_tags(self.adapter)
        if tags and tools:
            message = "tools need the model's own chat template: leave the tags of adapter out."
            raise BadRequest(message, field="adapter")
        prompt = ChatPrompt(
            messages,
            continues_last=is_prefilled,
            variables=tuple((self._thinking | (self.chat_template_kwargs or {})).items()),
            tags=tags,
            tools=tools,
            tool_choice=read_tool_choice(self.tool_choice, tools),
            parallel_tool_calls=self.parallel_tool_calls is not False,
        )
        wanted = (self.foreign_length, self.max_completion_tokens, self.max_tokens, self.n_predict)
        max_tokens = max_tokens_of(*wanted)
        commands = self.commands(
            prompt, numbers, max_tokens=max_tokens, logprobs=self._num_logprobs, count=count
        )
        more = tags.stops if tags else ()
        return [replace(each, stop=(*each.stop, *more)) for each in commands]

    @property
    def _num_logprobs(self) -> int | None:
        """Alternatives per token; KoboldCPP's clients, known by their key, do not count them."""
        if not self.logprobs:
            return self.num_probs
        return self.top_logprobs or (KOBOLD_LOGPROBS if self.genkey else 0)

    @property
    def _thinking(self) -> dict[str, Any]:
        """Template variables for reasoning if the body switches it; efforts and budgets are added later."""
        is_on = self.enable_thinking
        if is_on is None:
            is_on = read_flag(self.reasoning or {}, "enabled", "reasoning")
        return {} if is_on is None else switch(is_on=is_on)

    def _check(self) -> None:
        if self.functions:
            message = "functions is OpenAI's old name and is not supported."
            raise BadRequest(message, field="functions", hint="Send them as tools.")
        if self.top_logprobs is not None and not self.logprobs:
            raise BadRequest("top_logprobs needs logprobs: true.", field="top_logprobs")


CHAT_BODY = with_numbers(ChatInput, OPENAI_NUMBERS)
"""The same with all sampling parameters, for descriptions of the API."""


def max_tokens_of(*wanted: int | None) -> int | None:
    """The first given number as the maximum number of tokens; None for as many as fit.

    Raises:
        BadRequest: It is 0.
    """
    first = next((number for number in wanted if number is not None), None)
    if first == 0:
        raise BadRequest("max_tokens must be at least 1.", field="max_tokens")
    return None if first is None or first < 0 else first
