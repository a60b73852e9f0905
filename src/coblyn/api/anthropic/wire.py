"""The request bodies of Anthropic's API, and their conversion to commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from coblyn.api.anthropic.conversation import read_conversation
from coblyn.api.anthropic.tools import read_choice, read_tools
from coblyn.api.constraint import bind
from coblyn.api.hosted import described
from coblyn.api.parameters import read_breakers, read_order
from coblyn.engine.params import SamplingParams
from coblyn.errors import BadRequest
from coblyn.service.command import ChatPrompt, GenerateCommand
from coblyn.service.tool_rounds import HostedTool

__all__ = ["CountInput", "MessagesInput"]

DEFAULT_MAX_TOKENS = 4096
MAX_STOPS = 256

_EFFORTS = {"low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
"""Anthropic's effort levels, and those of chat templates."""


class CountInput(BaseModel):
    """Body of ``/v1/messages/count_tokens``; null means "not given" everywhere."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, defer_build=True)

    model: str | None = Field(
        None,
        description="A name from /v1/models. If only one model is loaded, it answers to any name.",
    )
    messages: list[dict[str, Any]] = Field(min_length=1)
    system: str | list[dict[str, Any]] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: dict[str, Any] | None = None
    thinking: dict[str, Any] | None = Field(
        None, description="Of type enabled, adaptive or disabled, which is the default."
    )
    output_config: dict[str, Any] | None = Field(
        None, description="effort, and format of type json_schema with a schema."
    )

    def to_prompt(self, warnings: dict[str, str], hosted: Sequence[HostedTool] = ()) -> ChatPrompt:
        """The conversation; a last message of the assistant is continued.

        Args:
            warnings: Collects fields that are ignored.
            hosted: Requested tools on this server.

        Raises:
            BadRequest: A value is invalid or not supported.
        """
        messages = read_conversation(self.system, self.messages)
        tools = read_tools(self.tools or [], warnings) + described(hosted)
        choice, is_parallel = read_choice(self.tool_choice, tools)
        return ChatPrompt(
            messages,
            continues_last=messages[-1].role == "assistant" and not messages[-1].tool_calls,
            variables=tuple(self._variables().items()),
            tools=tools,
            tool_choice=choice,
            parallel_tool_calls=is_parallel,
        )

    def _variables(self) -> dict[str, Any]:
        """Template variables for reasoning, which is off by default, as in Anthropic's API."""
        kind = (self.thinking or {}).get("type", "disabled")
        if kind not in ("enabled", "disabled", "adaptive", "between_tools"):
            raise BadRequest(
                "thinking.type must be enabled, disabled or adaptive.", field="thinking.type"
            )
        variables: dict[str, Any] = {"enable_thinking": kind != "disabled"}
        effort = (self.output_config or {}).get("effort")
        if effort is not None and not (isinstance(effort, str) and effort in _EFFORTS):
            raise BadRequest(
                f"output_config.effort must be one of {', '.join(_EFFORTS)}.",
                field="output_config.effort",
            )
        return variables | ({"reasoning_effort": _EFFORTS[effort]} if effort else {})


class MessagesInput(CountInput):
    """Body of ``/v1/messages``."""

    max_tokens: int | None = Field(
        None, ge=1, description="At most as many as fit; 4096 by default."
    )
    stop_sequences: list[str] | None = Field(None, max_length=MAX_STOPS)
    stream: bool | None = None
    seed: int | None = Field(None, ge=0, lt=2**64)

    @property
    def limit(self) -> int:
        """Maximum number of tokens to generate."""
        return self.max_tokens or DEFAULT_MAX_TOKENS

    @property
    def stops(self) -> tuple[str, ...]:
        """The texts that end the message."""
        return tuple(filter(None, self.stop_sequences or ()))

    def to_command(
        self,
        body: Mapping[str, Any],
        numbers: Mapping[str, Any],
        warnings: dict[str, str],
        hosted: Sequence[HostedTool] = (),
    ) -> GenerateCommand:
        """The command for this body.

        Args:
            body: The parsed JSON body.
            numbers: The sampling parameters of the body that are numbers.
            warnings: Collects fields that are ignored.
            hosted: Requested tools on this server.

        Raises:
            BadRequest: A value is invalid or not supported.
        """
        command = GenerateCommand(
            self.to_prompt(warnings, hosted),
            max_tokens=self.limit,
            sampling=SamplingParams(
                **numbers,
                sampler_order=read_order(body.get("sampler_order")),
                dry_sequence_breakers=read_breakers(body.get("dry_sequence_breakers")),
                seed=self.seed,
            ),
            stop=self.stops,
            model=self.model or "",
        )
        if body.get("reasoning_effort"):
            warnings["reasoning_effort"] = "It was ignored: the level is output_config.effort here."
        output, thinks = self.output_config or {}, dict(self._variables())["enable_thinking"]
        wishes = {
            "response_format": output.get("format"),
            "reasoning_effort": output.get("effort") if thinks else None,
        }
        return bind(command, {**body, **wishes})
