"""Counting tokens, and tokens back to text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from coblyn.chat.attachment import unmarked
from coblyn.engine.encoded import Encoded, Source, Text
from coblyn.engine.interface import EngineClient
from coblyn.engine.prompt import unpack_ids
from coblyn.service.command import ChatPrompt
from coblyn.service.prompt import Prompts

__all__ = ["Tokens"]


class Tokens:
    """The vocabulary of a loaded model.

    Args:
        engine: The model's engine.
        prompts: Renders conversations.
    """

    def __init__(self, engine: EngineClient, prompts: Prompts) -> None:
        self._engine = engine
        self._prompts = prompts

    async def of_text(self, text: str, *, special: bool) -> list[int]:
        """Token ids of a text; ``special`` adds the BOS token and parses special tokens in it."""
        return await self.ids(text, add_special=special, parse_special=special)

    async def ids(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        """Token ids of a text.

        Args:
            text: Any text.
            add_special: Whether to add the BOS token if the model wants it.
            parse_special: Whether names of special tokens in it become these tokens.
        """
        source = Source((Text(text, add_special, parse_special),), is_prompt=False, wants_ids=True)
        return _ids(await self._engine.encode(source))

    async def counts(self, texts: Iterable[str]) -> list[int]:
        """Number of tokens of each text; nothing is added, and names of special tokens are text."""
        return [await self._count(text) if text else 0 for text in texts]

    async def pieces(self, tokens: Sequence[int]) -> list[bytes]:
        """The bytes of each token, special ones included.

        Raises:
            BadRequest: An id is outside the vocabulary.
        """
        return [await self._engine.detokenize([token], special=True) for token in tokens]

    async def of_chat(self, prompt: ChatPrompt) -> tuple[str, list[int], int]:
        """Text and token ids of a conversation in the model's format, and the number of tokens including images."""
        text = (await self._prompts.render(prompt)).text
        source = await self._prompts.source(text, prompt.media, prompt.before)
        encoded = await self._engine.encode(replace(source, wants_ids=True))
        return unmarked(text), _ids(encoded), encoded.num_tokens

    async def to_text(self, tokens: Sequence[int], *, special: bool) -> str:
        """Text of tokens; invalid UTF-8 becomes replacement characters.

        Raises:
            BadRequest: An id is outside the vocabulary.
        """
        return (await self._engine.detokenize(tokens, special=special)).decode(errors="replace")

    async def _count(self, text: str) -> int:
        source = Source((Text(text, add_special=False, parse_special=False),), is_prompt=False)
        return (await self._engine.encode(source)).num_tokens


def _ids(encoded: Encoded) -> list[int]:
    assert encoded.ids is not None, "they were asked for"
    return unpack_ids(encoded.ids).tolist()
