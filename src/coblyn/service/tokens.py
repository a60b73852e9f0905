"""Counting tokens, and tokens back to text."""

from __future__ import annotations

from collections.abc import Sequence

from coblyn.engine.encoded import Encoded, Source, Text
from coblyn.engine.interface import EngineClient
from coblyn.engine.prompt import unpack_ids
from coblyn.service.command import ChatPrompt
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
        source = Source((Text(text, special, special),), is_prompt=False, wants_ids=True)
        return _ids(await self._engine.encode(source))

    async def of_chat(self, prompt: ChatPrompt) -> tuple[str, list[int]]:
        """Text and token ids of a conversation in the model's own format."""
        text = (await self._prompts.render(prompt)).text
        return text, _ids(await self._engine.encode(Source((Text(text),), wants_ids=True)))

    async def to_text(self, tokens: Sequence[int], *, special: bool) -> str:
        """Text of tokens; bytes that are no UTF-8 become replacement characters.

        Raises:
            BadRequest: An id is outside the vocabulary.
        """
        return (await self._engine.detokenize(tokens, special=special)).decode(errors="replace")


def _ids(encoded: Encoded) -> list[int]:
    assert encoded.ids is not None, "they were asked for"
    return unpack_ids(encoded.ids).tolist()
