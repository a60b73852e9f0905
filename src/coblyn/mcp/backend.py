"""The interface to models that the tools need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["Backend", "Order", "TokenIds", "Writer", "Written"]


@dataclass(frozen=True, slots=True)
class Order:
    """A text that is wanted.

    Attributes:
        prompt: What the user says.
        system: Instructions that stand before it, or empty.
        max_tokens: Maximum number of tokens to write.
        temperature: Of the sampling; None for the model's default.
        stop: Texts that end it.
        model: Name of the model; empty for the server's own choice.
    """

    prompt: str = field(repr=False)
    system: str = field(default="", repr=False)
    max_tokens: int = 512
    temperature: float | None = None
    stop: tuple[str, ...] = ()
    model: str = ""


@dataclass(frozen=True)  # the protocol's library takes slots for defaults
class Written:
    """A text, and what it cost.

    Attributes:
        text: What the model answers, without its reasoning.
        reasoning: What it thought before, or empty.
        reason: Why it ended: ``stop`` or ``length``.
        model: Name of the model.
        prompt_tokens, completion_tokens: Tokens read and written.
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
    """A model that can be asked.

    Attributes:
        name: Its name.
        context: Tokens that one request may use, prompt and answer together.
    """

    name: str
    context: int


class Backend(Protocol):
    """Where models run. All may raise ``CoblynError``."""

    async def models(self) -> list[Writer]:
        """The models that can be asked."""
        ...

    async def write(self, order: Order) -> Written:
        """Answer a prompt."""
        ...

    async def tokenize(self, text: str, model: str) -> TokenIds:
        """Tokens of a text, without any that a prompt begins with."""
        ...
