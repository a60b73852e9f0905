"""Counting tokens, and tokens back to text."""

from __future__ import annotations

from collections.abc import Sequence

from coblyn.engine.interface import EngineClient
from coblyn.service.command import ChatPrompt, TextPrompt
from coblyn.service.prompt import Prompts

__all__ = ["Tokens"]


class Tokens:
    """The vocabulary of the model that is loaded.

    Args:
        engine: Where the vocabulary is.
        prompts: What renders conversations.
    """

    def __init__(self, engine: EngineClient, prompts: Prompts) -> None:
        self._engine = engine
        self._prompts = prompts

    async def of_text(self, text: str, *, special: bool) -> list[int]:
        """Token ids of a text; ``special`` adds the BOS token and reads special tokens in it."""
        return await self._engine.tokenize(text, add_special=special, parse_special=special)

    async def of_chat(self, prompt: ChatPrompt) -> tuple[str, list[int]]:
        """Text and token ids of a conversation in the model's own format."""
        text = await self._prompts.render(prompt)
        return text, await self._prompts.tokens(TextPrompt(text))

    async def to_text(self, tokens: Sequence[int], *, special: bool) -> str:
        """Text of tokens; bytes that are no UTF-8 become replacement characters.

        Raises:
            BadRequest: An id is outside the vocabulary.
        """
        return (await self._engine.detokenize(tokens, special=special)).decode(errors="replace")
