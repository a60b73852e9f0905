"""The request body of ``/v1/responses``."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from coblyn.api.openai.responses.toolbox import Toolbox
from coblyn.api.openai.wire import Numbers, SamplingInput, max_tokens_of
from coblyn.api.thinking import EFFORTS
from coblyn.chat.messages import Message
from coblyn.errors import BadRequest
from coblyn.service.command import ChatPrompt, GenerateCommand

__all__ = ["LOGPROBS", "SEALED", "ResponseInput"]

SEALED = "reasoning.encrypted_content"
LOGPROBS = "message.output_text.logprobs"
"""Values of ``include``."""


class ResponseInput(SamplingInput):
    """Body of ``/v1/responses``."""

    input: Any = Field(description="A text, or a list of messages, calls, results and reasoning.")
    instructions: str | None = Field(None, description="A system message at the beginning.")
    previous_response_id: str | None = Field(None, description="A response to continue.")
    conversation: Any = Field(None, description="Not supported: use previous_response_id.")
    store: bool | None = Field(None, description="Whether to keep the response; on by default.")
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    top_logprobs: int | None = Field(None, ge=0, le=20)
    tools: list[Any] | None = Field(None, description="Functions, custom tools and namespaces.")
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    reasoning: dict[str, Any] | None = None
    text: dict[str, Any] | None = Field(None, description="format: text, json_object, json_schema.")
    include: list[str] | None = None
    metadata: dict[str, Any] | None = None
    truncation: str | None = None
    background: bool | None = Field(
        None, description="Ignored: the answer comes when it is complete."
    )
    user: str | None = None
    chat_template_kwargs: dict[str, Any] | None = None

    @property
    def is_stored(self) -> bool:
        """Whether the response is kept for later requests."""
        return self.store is not False

    @property
    def is_trimmed(self) -> bool:
        """Whether the oldest turns of a conversation that is too long are left out."""
        return self.truncation == "auto"

    @property
    def included(self) -> frozenset[str]:
        """Additional data to include in the answer."""
        return frozenset(self.include or ())

    @property
    def wants_summary(self) -> bool:
        """Whether reasoning is sent as its summary, which here is the full text."""
        reasoning = self.reasoning or {}
        return bool(reasoning.get("summary") or reasoning.get("generate_summary"))

    @property
    def clamped_reasoning(self) -> dict[str, Any]:
        """Validate the effort; unknown levels count as high."""
        reasoning = {name: value for name, value in (self.reasoning or {}).items() if value}
        effort = reasoning.get("effort")
        is_new = isinstance(effort, str) and effort not in EFFORTS
        return reasoning | {"effort": "high"} if is_new else reasoning

    @property
    def format(self) -> Any:
        """The text format; None for any."""
        return (self.text or {}).get("format")

    def to_command(
        self, messages: tuple[Message, ...], toolbox: Toolbox, numbers: Numbers, name: str
    ) -> GenerateCommand:
        """The command for this body.

        Args:
            messages: The whole conversation.
            toolbox: The tools.
            numbers: The sampling parameters of the body that are numbers.
            name: Its id, used to cancel it.

        Raises:
            BadRequest: A value is invalid or not supported.
        """
        choice = toolbox.choice(self.tool_choice)
        prompt = ChatPrompt(
            messages,
            variables=self._variables,
            tools=tuple(toolbox.tools),
            tool_choice=choice,
            parallel_tool_calls=self.parallel_tool_calls is not False,
        )
        lengths = (self.foreign_length, self.max_output_tokens, self.max_tokens, self.n_predict)
        most = self.top_logprobs or self.num_probs or 0
        logprobs = most if most or LOGPROBS in self.included else None
        self.genkey = name
        (command,) = self.commands(
            prompt, numbers, max_tokens=max_tokens_of(*lengths), logprobs=logprobs, count=1
        )
        return command

    def check(self) -> None:
        """Refuse fields that must not be ignored silently.

        Raises:
            BadRequest: ``field`` names it.
        """
        if self.conversation:
            raise BadRequest(
                "Conversations are not kept here.",
                field="conversation",
                hint="Use previous_response_id, or send the whole conversation.",
            )

    @property
    def _variables(self) -> tuple[tuple[str, Any], ...]:
        """Variables for the chat template."""
        return tuple((self.chat_template_kwargs or {}).items())
