"""Converts a caller's prompt into an encoded prompt in the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from coblyn.chat.attachment import Attachment
from coblyn.chat.placeholders import write_chat
from coblyn.chat.reasoning import Reasoning, opens_reasoning, reasoning_of
from coblyn.chat.reply import ReplyForm
from coblyn.chat.template import Rendered
from coblyn.chat.turns import shortened
from coblyn.constraints.constraint import Constraint
from coblyn.engine.encoded import Encoded, Source, Text
from coblyn.engine.interface import EngineClient
from coblyn.engine.prompt import Adapter, pack_ids, unpack_ids
from coblyn.engine.thinking import Thinking
from coblyn.service.calling import read_calls, unwanted_marks
from coblyn.service.command import (
    ChatPrompt,
    GenerateCommand,
    InfillPrompt,
    TextPrompt,
    TokenPrompt,
)
from coblyn.service.conversation import conversations_of
from coblyn.service.infill import MAX_TOKEN_LENGTH, infill_ids, infill_room
from coblyn.service.media import MediaLoader, require_all, texts_of
from coblyn.service.negative import negative_of
from coblyn.service.window import (
    longest_completion,
    require_fitting_text,
    require_room,
    shrunk,
)

__all__ = ["Fitted", "Prompts"]

MIN_CONTEXT = 32
"""Minimum context length for a prompt and a completion."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prompt that fits.

    Attributes:
        encoded: The prompt, in the engine.
        max_tokens: Maximum number of tokens to generate; together with the prompt they fit the context.
        form: The form of a conversation's reply; None for other prompts.
        thinking: The model's marks of reasoning, and the limit; None if it has no marks.
        calls: The constraint on the reply's tool calls.
        turn_end: A mark that ends a reply; empty if end-of-generation tokens cover all marks.
        bans: Tokens that would begin a call of a tool where none is wanted.
        negative: The encoded negative prompt; None without guidance.
    """

    encoded: Encoded
    max_tokens: int
    form: ReplyForm | None = None
    thinking: Thinking | None = None
    calls: Constraint | None = None
    turn_end: str = ""
    bans: tuple[int, ...] = ()
    negative: Encoded | None = None

    @property
    def negative_id(self) -> str | None:
        """The engine's id of the negative prompt."""
        return self.negative.id if self.negative else None

    @property
    def kept(self) -> tuple[str, ...]:
        """Special tokens whose text has to be sent."""
        marks = self.form.kept if self.form else ()
        return (*marks, self.turn_end) if self.turn_end else marks


class Prompts:
    """Renders, encodes and fits prompts for a loaded model.

    Args:
        engine: Tokenizes and keeps prompts.
        media: Sends images and sounds to the engine.
    """

    def __init__(self, engine: EngineClient, media: MediaLoader | None = None) -> None:
        self._engine = engine
        self._media = media or MediaLoader()
        self._special: dict[str, int | None] = {}

    async def fit(self, command: GenerateCommand, adapters: tuple[Adapter, ...] = ()) -> Fitted:
        """Render, encode and fit a command's prompt.

        Args:
            command: The command.
            adapters: The adapters it is computed with.

        Raises:
            BadRequest: The prompt is empty, or the chat template refuses the messages.
            ModelBroken: The chat template is invalid.
            PromptTooLong: It does not fit, and the command refuses overflow.
        """
        fitted = await self._fit(command, adapters)
        if not command.sampling.is_guided:
            return fitted
        return replace(fitted, negative=await self._negative(command, fitted, adapters))

    async def _negative(
        self, command: GenerateCommand, fitted: Fitted, adapters: tuple[Adapter, ...]
    ) -> Encoded:
        """Encode a command's negative prompt; the engine checks whether it fits."""
        prompt = negative_of(command.prompt, command.negative_prompt)
        before: tuple[int, ...] = ()
        if isinstance(prompt, ChatPrompt):
            rendered, before = await self.render(prompt), prompt.before
            prompt = TextPrompt(rendered.text, media=prompt.media)
            if command.max_thinking == 0 and rendered.form and rendered.form.is_reasoning:
                prompt, _ = _answering(prompt, rendered.form)
        context = self._context(command)
        if command.overflow == "trim":
            room = context - fitted.max_tokens
            source = await self.source(prompt.text, prompt.media, before)
            return await self._engine.encode(replace(source, room=room, adapters=adapters))
        return await self._encode(prompt, context, before, adapters)

    async def _fit(self, command: GenerateCommand, adapters: tuple[Adapter, ...]) -> Fitted:
        context = self._context(command)
        if command.overflow == "trim" and isinstance(command.prompt, TextPrompt):
            return await self._trimmed(command, command.prompt, context, adapters)
        if command.overflow == "trim" and isinstance(command.prompt, ChatPrompt):
            return await self._shortened(command, command.prompt, context, adapters)
        prompt, form, calls, turn_end = command.prompt, None, None, ""
        bans: tuple[int, ...] = ()
        before: tuple[int, ...] = ()
        if isinstance(prompt, ChatPrompt):
            chat, rendered, before = prompt, await self.render(prompt), prompt.before
            prompt, form = TextPrompt(rendered.text, media=chat.media), rendered.form
            if command.max_thinking == 0 and form and form.is_reasoning:
                prompt, form = _answering(prompt, form)
            calls = await self._constraint(chat, form, command.constraint)
            turn_end = rendered.turn_end
            bans = await self._bans(rendered.unwanted)
        elif isinstance(prompt, InfillPrompt):
            ids = await infill_ids(self._engine, prompt, infill_room(context, command.max_tokens))
            prompt = TokenPrompt(ids)
        encoded = await self._encode(prompt, context, before, adapters)
        room = require_room(encoded.num_tokens, context)
        is_bound = bool(command.constraint or (calls and not calls.is_lazy))
        thinking = self._thinking(command, prompt, form, is_bound=is_bound)
        return Fitted(
            encoded, min(command.max_tokens or room, room), form, thinking, calls, turn_end, bans
        )

    async def _constraint(
        self, prompt: ChatPrompt, form: ReplyForm | None, answer: Constraint | None
    ) -> Constraint | None:
        if form is None or not form.tools:
            return None
        special = await self._special_marks(form)
        return await read_calls(prompt, form, special, answer)

    async def _bans(self, unwanted: ReplyForm | None) -> tuple[int, ...]:
        return unwanted_marks(unwanted, await self._special_marks(unwanted)) if unwanted else ()

    async def _special_marks(self, form: ReplyForm) -> dict[str, int]:
        """Ids of a form's marks that are special tokens."""
        special = {name: await self._special_id(name) for name in dict.fromkeys(form.kept)}
        return {name: token for name, token in special.items() if token is not None}

    async def _special_id(self, name: str) -> int | None:
        """The id of the special token with this text; None if it is not a token, or a normal one."""
        if name not in self._special:
            source = Source((Text(name, add_special=False),), is_prompt=False, wants_ids=True)
            ids = unpack_ids((await self._engine.encode(source)).ids or b"").tolist()
            text = await self._engine.detokenize(ids, special=False) if len(ids) == 1 else name
            self._special[name] = None if text else ids[0]
        return self._special[name]

    async def _encode(
        self,
        prompt: TextPrompt | TokenPrompt,
        context: int,
        before: tuple[int, ...],
        adapters: tuple[Adapter, ...],
    ) -> Encoded:
        """Encode a prompt of any length after some ids; text that cannot fit in any vocabulary is not tokenized.

        Raises:
            PromptTooLong: The text cannot fit.
        """
        if isinstance(prompt, TokenPrompt):
            source = Source(ids=pack_ids(prompt.tokens), adapters=adapters)
            return await self._engine.encode(source)
        text = prompt.memory + prompt.text
        require_fitting_text(len(text), context, MAX_TOKEN_LENGTH)
        source = await self.source(text, prompt.media, before)
        return await self._engine.encode(replace(source, adapters=adapters))

    async def source(
        self, text: str, media: Sequence[Attachment], before: tuple[int, ...] = ()
    ) -> Source:
        """The source to encode for a text after some ids, which include the beginning of the prompt.

        Also sends the images and sounds in it to the engine.

        Raises:
            BadRequest: The model does not support one, or its mark is missing.
        """
        require_all(text, media)
        shown = await self._media.show(self._engine, media)
        return Source(texts_of(text, shown, add_special=not before), ids=pack_ids(before))

    async def ids(self, command: GenerateCommand) -> list[int]:
        """The token ids of a text or of ids as the model would get them.

        Raises:
            PromptTooLong: They do not fit.
        """
        prompt = command.prompt
        if isinstance(prompt, TokenPrompt):
            return list(prompt.tokens)
        assert isinstance(prompt, TextPrompt), "others have no text of their own"
        text = prompt.memory + prompt.text
        require_fitting_text(len(text), self._context(command), MAX_TOKEN_LENGTH)
        source = await self.source(text, prompt.media)
        encoded = await self._engine.encode(replace(source, wants_ids=True))
        require_room(encoded.num_tokens, self._context(command))
        return unpack_ids(encoded.ids or b"").tolist()

    async def text(self, prompt: TextPrompt | ChatPrompt) -> str:
        """The text of a prompt."""
        if isinstance(prompt, ChatPrompt):
            return (await self.render(prompt)).text
        return prompt.memory + prompt.text

    async def render(self, prompt: ChatPrompt) -> Rendered:
        """Render a conversation in the model's format, or between tags."""
        if prompt.tags:
            continues = prompt.continues_last
            return Rendered(
                write_chat(prompt.messages, prompt.tags, continues_last=continues), None
            )
        # On a thread, so that a slow template or a long conversation does not stall streams.
        return await asyncio.to_thread(conversations_of(self._engine.info).render, prompt)

    @property
    def template_warning(self) -> str:
        """Why conversations do not use the model's template; empty if they do, as far as is known."""
        return conversations_of(self._engine.info).warning

    async def _shortened(
        self,
        command: GenerateCommand,
        prompt: ChatPrompt,
        context: int,
        adapters: tuple[Adapter, ...],
    ) -> Fitted:
        """Fit a conversation by leaving out its oldest turns; refuse it if its last turn does not fit."""
        _, kept_free = _limits(command, context)
        candidates = shortened(prompt.messages)
        low, high = 0, len(candidates) - 1  # the first candidate that fits is between them
        while low < high:
            middle = (low + high) // 2
            fits = await self._fits(
                replace(prompt, messages=candidates[middle]), context - kept_free
            )
            low, high = (low, middle) if fits else (middle + 1, high)
        last = replace(command, prompt=replace(prompt, messages=candidates[low]), overflow="refuse")
        return await self._fit(last, adapters)

    async def _fits(self, prompt: ChatPrompt, room: int) -> bool:
        text = (await self.render(prompt)).text
        if len(text) > room * MAX_TOKEN_LENGTH:
            return False
        source = await self.source(text, prompt.media)
        counted = await self._engine.encode(replace(source, is_prompt=False))
        return counted.num_tokens <= room

    async def _trimmed(
        self,
        command: GenerateCommand,
        prompt: TextPrompt,
        context: int,
        adapters: tuple[Adapter, ...],
    ) -> Fitted:
        limit, kept_free = _limits(command, context)
        # No more than this could fit, however it is tokenized.
        newest = slice(-context * MAX_TOKEN_LENGTH, None)
        shown = await self._media.show(self._engine, prompt.media)
        memory = texts_of(prompt.memory[newest], shown) if prompt.memory else ()
        texts = texts_of(prompt.text[newest], shown)
        source = Source(texts, memory, room=context - kept_free, adapters=adapters)
        encoded = await self._engine.encode(source)
        thinking = self._thinking(command, prompt, None, is_bound=bool(command.constraint))
        return Fitted(encoded, min(limit, context - encoded.num_tokens), thinking=thinking)

    def _thinking(
        self,
        command: GenerateCommand,
        prompt: TextPrompt | TokenPrompt,
        form: ReplyForm | None,
        *,
        is_bound: bool,
    ) -> Thinking | None:
        """How reasoning is counted and ended; a constraint on the whole reply writes itself what follows the end."""
        marks = form.reasoning if form else reasoning_of(self._engine.info.chat_template)
        if not marks:
            return None
        is_open = form.is_reasoning if form else _opens_reasoning(marks, prompt)
        after = "" if is_bound else marks.after
        return Thinking(
            marks.opening, marks.closing, marks.closing + after, is_open, command.max_thinking
        )

    def _context(self, command: GenerateCommand) -> int:
        full = self._engine.info.context
        return min(max(command.max_context or full, MIN_CONTEXT), full)


def _limits(command: GenerateCommand, context: int) -> tuple[int, int]:
    """Maximum number of tokens to generate, and the number reserved for them."""
    longest = longest_completion(context)
    limit = min(command.max_tokens or longest, longest)
    return limit, shrunk(limit, context) if command.is_default_length else limit


def _answering(prompt: TextPrompt, form: ReplyForm) -> tuple[TextPrompt, ReplyForm]:
    """The prompt with the reasoning closed, if it ends within reasoning."""
    text = prompt.text.rstrip() + "\n\n" + form.reasoning.closing + form.reasoning.after
    return replace(prompt, text=text), replace(form, is_reasoning=False)


def _opens_reasoning(marks: Reasoning, prompt: TextPrompt | TokenPrompt) -> bool:
    return isinstance(prompt, TextPrompt) and opens_reasoning(marks, prompt.text)
