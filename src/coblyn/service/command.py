"""The command that every dialect's requests are converted to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from coblyn.chat.attachment import Attachment
from coblyn.chat.messages import Message, NamedTool, Tool, ToolChoice
from coblyn.chat.placeholders import Tags
from coblyn.constraints.constraint import Constraint
from coblyn.engine.params import SamplingParams
from coblyn.service.adapters import AdapterChoice

__all__ = [
    "AnyPrompt",
    "ChatPrompt",
    "GenerateCommand",
    "InfillPrompt",
    "NamedTool",
    "Overflow",
    "TextPrompt",
    "TokenPrompt",
    "ToolChoice",
]

Overflow = Literal["refuse", "trim"]
"""What to do with a prompt that does not fit: raise an error, or leave out its oldest text."""


@dataclass(frozen=True, slots=True)
class TextPrompt:
    """Text to continue.

    Attributes:
        text: The text.
        memory: Comes before it, and is kept when the text is trimmed.
        media: Images and sounds whose marks are in the text or the memory.
    """

    text: str = field(repr=False)
    memory: str = field(default="", repr=False)
    media: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenPrompt:
    """Token ids to continue, taken as they are."""

    tokens: tuple[int, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChatPrompt:
    """A conversation, to be rendered by the model's chat template.

    Attributes:
        messages: The messages, oldest first.
        continues_last: Whether to continue the last message instead of beginning a new one.
        variables: Additional variables for the template.
        tags: Tags around each message instead of the model's template; None for the template.
        tools: The tools that the model may call.
        tool_choice: Whether it may, must not or must call one.
        parallel_tool_calls: Whether it may make several calls in one reply.
        before: Token ids that precede it, including a BOS token if the model wants one.
    """

    messages: tuple[Message, ...] = field(repr=False)
    continues_last: bool = False
    variables: tuple[tuple[str, Any], ...] = ()
    tags: Tags | None = field(default=None, repr=False)
    tools: tuple[Tool, ...] = field(default=(), repr=False)
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool = True
    before: tuple[int, ...] = field(default=(), repr=False)

    @property
    def media(self) -> tuple[Attachment, ...]:
        """Images and sounds whose marks are in the messages."""
        return tuple(each for message in self.messages for each in message.media)


@dataclass(frozen=True, slots=True)
class InfillPrompt:
    """A gap in a text, to be filled.

    Attributes:
        before, after: The text around it.
        files: Names and texts of other files that the model should know.
        name: Name of the file with the gap.
    """

    before: str = field(repr=False)
    after: str = field(repr=False)
    files: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    name: str = "file"


AnyPrompt = TextPrompt | TokenPrompt | ChatPrompt | InfillPrompt
"""A prompt as a caller gives it; the engine converts it to an ``engine.prompt.Prompt``."""


@dataclass(frozen=True, slots=True)
class GenerateCommand:
    """One generation.

    Attributes:
        prompt: What to continue.
        max_tokens: Maximum number of tokens to generate; None for as many as fit.
        is_default_length: Whether ``max_tokens`` is a default, which is reduced before the prompt is cut for it.
        max_context: Maximum number of tokens of prompt and completion; None for the engine's own limit.
        overflow: What to do with a prompt that does not fit.
        sampling: Sampling parameters.
        stop: Texts that end the generation.
        keep_stop: Whether to send the stop text too.
        ban_eos: Whether end-of-generation tokens are never chosen.
        ignore_eos: Whether the generation continues after an end-of-generation token.
        special: Whether to send the text of special tokens.
        min_tokens: Minimum number of tokens before an end-of-generation token may be chosen; a constraint may end
            earlier.
        stop_tokens: Token ids that end the generation as a stop text does.
        constraint: Constraint on the whole generated text.
        banned_phrases: Texts that must not be generated, ignoring case.
        banned_patterns: The same, as regular expressions.
        negative_prompt: The negative prompt for ``sampling.guidance_scale``; may be empty.
        keeps_tokens: Whether its record keeps the tokens even without log-probabilities.
        max_thinking: Maximum number of tokens of reasoning; None for no limit.
        key: The caller's name for it, used to look it up and abort it; may be empty.
        model: Name of the model; empty for the server's default.
        adapters: Adapters to use, besides those in the model's name; None if none are chosen.
    """

    prompt: AnyPrompt
    max_tokens: int | None = None
    is_default_length: bool = False
    max_context: int | None = None
    overflow: Overflow = "refuse"
    sampling: SamplingParams = field(default_factory=SamplingParams)
    stop: tuple[str, ...] = ()
    keep_stop: bool = False
    ban_eos: bool = False
    ignore_eos: bool = False
    special: bool = False
    min_tokens: int = 0
    stop_tokens: tuple[int, ...] = ()
    constraint: Constraint | None = None
    banned_phrases: tuple[str, ...] = ()
    banned_patterns: tuple[str, ...] = ()
    negative_prompt: str = field(default="", repr=False)
    keeps_tokens: bool = False
    max_thinking: int | None = None
    key: str = ""
    model: str = ""
    adapters: tuple[AdapterChoice, ...] | None = None
