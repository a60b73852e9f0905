"""The interface to models that the tools need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["Backend", "Order", "TokenIds", "Writer", "Written"]


@dataclass(frozen=True, slots=True)
class Order:
    """A request for a text.

    Attributes:
        prompt: The user's message.
        system: Instructions before it, or empty.
        max_tokens: Maximum number of tokens to generate.
        temperature: Sampling temperature; None for the model's default.
        stop: Texts that end it.
        model: Name of the model; empty for the server's choice.
    """

    prompt: str = field(repr=False)
    system: str = field(default="", repr=False)
    max_tokens: int = 512
    temperature: float | None = None
    stop: tuple[str, ...] = ()
    model: str = ""


@dataclass(frozen=True)  # the protocol's library takes slots for defaults
class Written:
    """A generated text with its token counts.

    Attributes:
        text: The model's answer, without its reasoning.
        reasoning: The reasoning before it, or empty.
        reason: Why it ended: ``stop`` or ``length``.
        model: Name of the model.
        prompt_tokens, completion_tokens: Tokens read and generated.
    """

    text: str
    reasoning: str
    reason: str
    model: str
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)  # the protocol's library takes slots for defaults
class TokenIds:
    """Tokens of a text."""

    count: int
    ids: list[int]


@dataclass(frozen=True)  # the protocol's library takes slots for defaults
class Writer:
    """An available model.

    Attributes:
        name: Its name.
        context: Tokens that one request may use, prompt and answer together.
    """

    name: str
    context: int


class Backend(Protocol):
    """Where models run. All methods may raise ``CoblynError``."""

    async def models(self) -> list[Writer]:
        """The available models."""
        ...

    async def write(self, order: Order) -> Written:
        """Answer a prompt."""
        ...

    async def tokenize(self, text: str, model: str) -> TokenIds:
        """Tokens of a text, without those that start a prompt."""
        ...
