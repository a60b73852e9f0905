"""What clients of ``/v1/responses`` send, field by field."""

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
"""What a client may ask to be included."""


class ResponseInput(SamplingInput):
    """Body of ``/v1/responses``."""

    input: Any = Field(description="A text, or a list of messages, calls, results and reasoning.")
    instructions: str | None = Field(None, description="A system message before everything.")
    previous_response_id: str | None = Field(None, description="A response to go on from.")
    conversation: Any = Field(None, description="Not supported: use previous_response_id.")
    store: bool | None = Field(None, description="Keep the response for later; so by default.")
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
    background: bool | None = Field(None, description="Answered when it is complete.")
    user: str | None = None
    chat_template_kwargs: dict[str, Any] | None = None

    @property
    def is_stored(self) -> bool:
        """Whether later requests may refer to it."""
        return self.store is not False

    @property
    def is_trimmed(self) -> bool:
        """Whether the oldest turns leave a conversation that is too long."""
        return self.truncation == "auto"

    @property
    def included(self) -> frozenset[str]:
        """What the answer should carry besides."""
        return frozenset(self.include or ())

    @property
    def wants_summary(self) -> bool:
        """Whether reasoning is shown as its summary, which here is all of it."""
        reasoning = self.reasoning or {}
        return bool(reasoning.get("summary") or reasoning.get("generate_summary"))

    @property
    def clamped_reasoning(self) -> dict[str, Any]:
        """How much to think; an effort that nobody knows is a high one."""
        reasoning = {name: value for name, value in (self.reasoning or {}).items() if value}
        effort = reasoning.get("effort")
        is_new = isinstance(effort, str) and effort not in EFFORTS
        return reasoning | {"effort": "high"} if is_new else reasoning

    @property
    def format(self) -> Any:
        """The form of the text; None for any."""
        return (self.text or {}).get("format")

    def to_command(
        self, messages: tuple[Message, ...], toolbox: Toolbox, numbers: Numbers, name: str
    ) -> GenerateCommand:
        """The command that it means.

        Args:
            messages: The whole conversation.
            toolbox: The tools.
            numbers: The sampling parameters of the body that are numbers.
            name: Its id, by which it can be cancelled.

        Raises:
            BadRequest: A value has no meaning or is not supported.
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
        shows = LOGPROBS in self.included or self.top_logprobs
        logprobs = (self.top_logprobs or 0) if shows else None
        self.genkey = name
        (command,) = self.commands(
            prompt, numbers, max_tokens=max_tokens_of(*lengths), logprobs=logprobs, count=1
        )
        return command

    def check(self) -> None:
        """Refuse what would be forgotten silently.

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
        """What the chat template may look at."""
        return tuple((self.chat_template_kwargs or {}).items())
