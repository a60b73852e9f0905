"""What a caller asks for, in the one form that every dialect is turned into."""

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
"""What happens to a prompt that does not fit: an error, or its oldest text is left out."""


@dataclass(frozen=True, slots=True)
class TextPrompt:
    """Text to continue.

    Attributes:
        text: The text.
        memory: Stands before it, and survives when the text is trimmed.
        media: Images and sounds whose marks are in the two.
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
        continues_last: Go on with the last message instead of beginning a new one.
        variables: Further names that the template may look at.
        tags: What stands around each message in place of the model's own template; None for the template.
        tools: The tools that the model may call.
        tool_choice: Whether it may, must not, or has to call one.
        parallel_tool_calls: It may call several at once.
        before: Token ids that stand before it, with a BOS token where the model wants one.
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
"""A prompt as a caller gives it; the engine makes an ``engine.prompt.Prompt`` of it."""


@dataclass(frozen=True, slots=True)
class GenerateCommand:
    """One generation.

    Attributes:
        prompt: What to continue.
        max_tokens: Maximum number of tokens to generate; None for as many as fit.
        is_default_length: Nobody asked for ``max_tokens``: it shrinks before a prompt is cut for it.
        max_context: Maximum number of tokens of prompt and completion; None for the engine's own limit.
        overflow: What happens to a prompt that does not fit.
        sampling: How to choose tokens.
        stop: Texts that end the generation.
        keep_stop: Send the stop text too.
        ban_eos: Never choose an end-of-generation token.
        ignore_eos: An end-of-generation token does not end the generation.
        special: Send the text of special tokens too.
        min_tokens: No token that ends the generation is chosen before there are so many; a constraint ends anyway.
        stop_tokens: Token ids that end the generation as a stop text does.
        constraint: What the whole generated text has to be.
        banned_phrases: Texts that must not be written, in whatever case.
        banned_patterns: The same as regular expressions.
        negative_prompt: What ``sampling.guidance_scale`` guides away from; empty for no prompt at all.
        keeps_tokens: Its record keeps the tokens without log-probabilities too.
        max_thinking: Maximum number of tokens of reasoning; None for no limit.
        key: The caller's own name for it, by which it can be looked at and aborted; may be empty.
        model: Name of the model that is meant; empty for the server's own choice.
        adapters: What changes the model, besides what its name says; None where nothing is chosen.
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
