"""From what a caller asks to the token ids that the engine gets."""

from __future__ import annotations

import asyncio
import functools

from coblyn.chat.template import ChatTemplate
from coblyn.engine.interface import EngineClient, ModelInfo
from coblyn.errors import BadRequest
from coblyn.service.command import ChatPrompt, GenerateCommand, TextPrompt, TokenPrompt
from coblyn.service.window import (
    longest_completion,
    require_fitting_text,
    require_room,
    trim_below_memory,
    trim_front,
)

__all__ = ["Prompts"]

MAX_TOKEN_LENGTH = 256
"""No vocabulary has longer tokens. Text that can not fit for this reason is not even tokenized."""

MIN_CONTEXT = 32
"""A smaller context has no room for a prompt and a completion."""


class Prompts:
    """Renders, tokenizes and fits prompts for the model that is loaded.

    Args:
        engine: Where the vocabulary is.
    """

    def __init__(self, engine: EngineClient) -> None:
        self._engine = engine
        self._starts: dict[ModelInfo, list[int]] = {}

    async def fit(self, command: GenerateCommand) -> tuple[tuple[int, ...], int]:
        """Token ids of the prompt and the most tokens to generate; both together fit the context.

        Raises:
            BadRequest: The prompt is empty, or the chat template refuses the messages.
            ModelBroken: The chat template is wrong.
            PromptTooLong: It does not fit, and the command wants that refused.
        """
        context = self._context(command)
        if command.overflow == "trim" and isinstance(command.prompt, TextPrompt):
            return await self._trimmed(command.prompt, command.max_tokens, context)
        tokens = await self._fitting(command.prompt, context)
        room = require_room(len(tokens), context)
        return tuple(tokens), min(command.max_tokens or room, room)

    async def _fitting(
        self, prompt: TextPrompt | TokenPrompt | ChatPrompt, context: int
    ) -> list[int]:
        """All token ids of a prompt; text that no vocabulary could make fit is not tokenized.

        Raises:
            PromptTooLong: It is such a text.
        """
        if isinstance(prompt, ChatPrompt):
            prompt = TextPrompt(await self.render(prompt))
        if isinstance(prompt, TextPrompt):
            length = len(prompt.memory) + len(prompt.text)
            require_fitting_text(length, context, MAX_TOKEN_LENGTH)
        return await self.tokens(prompt)

    async def tokens(self, prompt: TextPrompt | TokenPrompt | ChatPrompt) -> list[int]:
        """All token ids of a prompt, whether they fit or not."""
        if isinstance(prompt, TokenPrompt):
            return list(prompt.tokens) or await self._bare_start()
        if isinstance(prompt, ChatPrompt):
            return await self._tokenize(await self.render(prompt))
        return await self._tokenize(prompt.memory + prompt.text)

    async def render(self, prompt: ChatPrompt) -> str:
        """Text of a conversation in the model's own format."""
        info = self._engine.info
        template = _template(info.chat_template, info.bos, info.eos)
        # On a thread, so that a slow template of a long conversation holds up no stream.
        return await asyncio.to_thread(
            template.render,
            prompt.messages,
            continues_last=prompt.continues_last,
            variables=dict(prompt.variables),
        )

    async def _trimmed(
        self, prompt: TextPrompt, max_tokens: int | None, context: int
    ) -> tuple[tuple[int, ...], int]:
        longest = longest_completion(context)
        limit = min(max_tokens or longest, longest)
        start = await self._start()
        newest = prompt.text[-context * MAX_TOKEN_LENGTH :]
        tokens = await self._tokenize(newest)
        if prompt.memory:
            memory = await self._tokenize(prompt.memory[-context * MAX_TOKEN_LENGTH :])
            below = tokens[len(start) :]
            tokens = trim_below_memory(memory, below, start, context=context, max_tokens=limit)
        else:
            tokens = trim_front(tokens, start, context=context, max_tokens=limit)
        return tuple(tokens), limit

    async def _tokenize(self, text: str) -> list[int]:
        tokens = await self._engine.tokenize(text, add_special=True, parse_special=True)
        start = await self._start()
        # Templates and clients write the BOS token themselves; it must not stand there twice.
        if start and tokens[: 2 * len(start)] == [*start, *start]:
            del tokens[: len(start)]
        return tokens or await self._bare_start()

    async def _start(self) -> list[int]:
        """What prompts of this model start with by themselves: the BOS token, or nothing."""
        info = self._engine.info
        if info not in self._starts:
            start = await self._engine.tokenize("", add_special=True, parse_special=True)
            self._starts = {info: start}
        return self._starts[info]

    async def _bare_start(self) -> list[int]:
        """What stands for an empty prompt: the BOS token, even where prompts do without."""
        tokens = [*await self._start()] or await self._engine.tokenize(
            self._engine.info.bos, add_special=False, parse_special=True
        )
        if not tokens:
            raise BadRequest("The prompt is empty.", field="prompt", hint="Send some text.")
        return tokens

    def _context(self, command: GenerateCommand) -> int:
        full = self._engine.info.context
        return min(max(command.max_context or full, MIN_CONTEXT), full)


@functools.lru_cache(maxsize=4)
def _template(source: str, bos: str, eos: str) -> ChatTemplate:
    return ChatTemplate(source, bos=bos, eos=eos)
