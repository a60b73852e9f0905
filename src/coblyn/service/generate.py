"""Generating text: checks first, then the engine's events as they happen."""

from __future__ import annotations

import asyncio
import math
import secrets
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import Any, Self, cast

from coblyn.chat.reply import ReplyForm
from coblyn.engine.events import Event, Finish, Stats
from coblyn.engine.request import Request
from coblyn.errors import BadRequest, CoblynError, PromptForgotten
from coblyn.service.calling import constraint_of
from coblyn.service.command import GenerateCommand
from coblyn.service.hub import Hub, Record
from coblyn.service.models import LoadedModel, Models
from coblyn.service.prompt import Fitted
from coblyn.service.quota import Quotas

__all__ = ["Generation", "Generator"]


_Fitted = dict[tuple[Any, ...], Fitted]
"""What became of the prompts of commands that start together, by model, prompt and limits."""

Again = Callable[[], Awaitable[AsyncGenerator[Event, None]]]


class Generation:
    """A request that was submitted: an iterator over its events. It must be closed.

    Args:
        record: What is known of it.
        events: What the engine says.
        ending: What is done when it is closed.
        again: Sends its prompt again, if the engine has forgotten it or was started again since.
        form: In which form the reply of a conversation comes; None for other prompts.

    Attributes:
        record: What is known of it so far.
        form: The same.
        begun: Done when the engine has begun, or has refused the request.
    """

    def __init__(
        self,
        record: Record,
        events: AsyncGenerator[Event, None],
        ending: AsyncExitStack,
        again: Again | None = None,
        form: ReplyForm | None = None,
    ) -> None:
        self.record = record
        self.form = form
        self._events = events
        self._ending = ending
        self._again = again
        # A task, so that the request is submitted now and not when someone reads.
        self.begun: asyncio.Task[Event] = asyncio.create_task(self._begin())
        self._has_read = False

    async def _begin(self) -> Event:
        try:
            return await self._next()
        except PromptForgotten:
            if self._again is None:
                raise
            self.record.failure = ""
            self._events = await self._again()
            return await self._next()

    async def _next(self) -> Event:
        try:
            return await anext(self._events)
        except CoblynError as error:
            self.record.note(error)
            raise

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if self._has_read:
            event = await self._next()
        else:
            self._has_read = True
            event = await self.begun
        self.record.note(event)
        return event

    async def aclose(self) -> None:
        """Let go of it; if it still runs, it is cancelled."""
        try:
            self.begun.cancel()
            await asyncio.gather(self.begun, return_exceptions=True)
            await self._events.aclose()
        finally:
            await self._ending.aclose()


class Generator:
    """Starts and aborts generations.

    Args:
        models: What generates.
        hub: Where generations are noted.
        quotas: How much each caller may use.
        max_completion: Maximum number of tokens of any completion; 0 for no limit.
    """

    def __init__(
        self, models: Models, hub: Hub, quotas: Quotas | None = None, *, max_completion: int = 0
    ) -> None:
        self._models = models
        self._hub = hub
        self._quotas = quotas or Quotas()
        self._max_completion = max_completion

    async def start(self, command: GenerateCommand) -> Generation:
        """Check and tokenize a command, submit it, and wait until the engine has begun.

        Raises:
            BadRequest: Something in the command is wrong.
            UnknownModel: It names a model that is not here.
            PromptTooLong: The prompt does not fit.
            Busy: The engine's queue is full.
            LimitReached: The caller has used up what its key may use.
            CoblynError: What else the engine says.
        """
        return (await self.start_all([command]))[0]

    async def start_all(
        self, commands: Sequence[GenerateCommand], *, patience: float | None = None
    ) -> list[Generation]:
        """Start several commands together; if one cannot start, none does.

        A prompt that they share is encoded once, and the engine reads it once.

        Args:
            commands: What to generate.
            patience: Seconds to wait until the engine has begun; None for as long as it takes. What fails later, fails
                when the generations are read.

        Raises:
            BadRequest: They are more than the engine ever takes at a time.
        """
        for model in {command.model for command in commands}:
            self.require_places(len(commands), model)
        started: list[Generation] = []
        fitted: _Fitted = {}
        try:
            for command in commands:
                started.append(await self._submit(command, fitted))  # noqa: PERF401 - closed on failure
            begun = [generation.begun for generation in started]
            # What the engine refuses it refuses at once, so it is among the first that are done.
            done, _ = await asyncio.wait(
                begun, timeout=patience, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                task.result()
        except BaseException:
            for generation in started:
                await generation.aclose()
            raise
        return started

    def require_places(self, count: int, model: str = "") -> None:
        """Refuse more completions at once than the engine ever takes.

        Args:
            count: How many.
            model: Name of the model that is meant.

        Raises:
            BadRequest: They are too many; it says how many are not.
        """
        limit = self._models.find(model).engine.capacity
        if count > limit:
            raise BadRequest(
                f"These are {count} completions at once; this server takes at most {limit}.",
                field="n",
                hint="Ask for fewer, or start the server with a larger --max-waiting.",
            )

    def require_known_tokens(self, command: GenerateCommand) -> None:
        """Refuse biases for tokens that the model does not have; what is only forbidden never comes anyway.

        Raises:
            BadRequest: An id is too large; it says which, and how large they may be.
        """
        size = self._models.find(command.model).engine.info.vocab_size
        for token, bias in command.sampling.logit_bias:
            if token >= size and bias != -math.inf:
                raise BadRequest(
                    f"logit_bias: {token} is not a token of this model, whose ids go from 0 to {size - 1}.",
                    field="logit_bias",
                )

    async def abort(self, key: str) -> bool:
        """End the generations under way with this key, also those that wait for their turn.

        Without a key: the only one under way. They finish as cancelled, with the text so far.

        Returns:
            Whether there was one.
        """
        records = self._hub.active(key)
        for record in records:
            record.is_aborted = True
            if record.cancel is not None:
                await record.cancel(record.id)
        return bool(records)

    async def end_thinking(self, key: str) -> bool:
        """Let the generations under way with this key answer: reasoning ends where it is.

        Returns:
            Whether there was one.
        """
        records = self._hub.active(key)
        for record in records:
            if record.end_thinking is not None:
                await record.end_thinking(record.id)
        return bool(records)

    def _admit(self, record: Record, ending: AsyncExitStack) -> None:
        caller = record.caller
        self._quotas.admit(caller)
        ending.callback(
            lambda: self._quotas.release(caller, record.num_prompt + record.num_written)
        )

    def _limited(self, command: GenerateCommand) -> GenerateCommand:
        most = self._max_completion
        return (
            replace(command, max_tokens=min(command.max_tokens or most, most)) if most else command
        )

    async def _submit(self, command: GenerateCommand, fitted: _Fitted) -> Generation:
        command = self._limited(command)
        record = Record(
            uuid.uuid4().hex,
            command.key,
            prompt=command.prompt,
            keeps_tokens=command.keeps_tokens,
        )
        async with AsyncExitStack() as ending:
            self._admit(record, ending)
            self._hub.open(record)
            ending.callback(self._hub.close, record)
            model = await ending.enter_async_context(self._models.acquire(command.model))
            prompt = await _fitted(command, model, fitted)
            request = _request(command, record, prompt)
            record.model, record.cancel = model.name, model.engine.cancel
            record.end_thinking = model.engine.end_thinking
            # An abort may have come while the engine knew nothing of it yet.
            if record.is_aborted:
                return Generation(record, _cancelled(record), ending.pop_all(), form=prompt.form)
            events = _events(model, request)
            again = partial(_again, model, command, request)
            return Generation(record, events, ending.pop_all(), again, prompt.form)
        raise AssertionError("nothing above swallows an error")


async def _fitted(command: GenerateCommand, model: LoadedModel, fitted: _Fitted) -> Fitted:
    wanted = (
        id(model),
        command.model,
        command.adapters,
        id(command.prompt),
        command.max_tokens,
        command.max_context,
        command.max_thinking,
        command.sampling.is_guided and command.negative_prompt,
    )
    if wanted not in fitted:
        fitted[wanted] = await model.fit(command)
    return fitted[wanted]


def _request(command: GenerateCommand, record: Record, prompt: Fitted) -> Request:
    seed = command.sampling.seed
    record.seed = secrets.randbits(32) if seed is None else seed
    record.num_prompt, record.num_cut = prompt.encoded.num_tokens, prompt.encoded.num_cut
    return Request(
        id=record.id,
        prompt=prompt.encoded.id,
        max_tokens=prompt.max_tokens,
        sampling=replace(command.sampling, seed=record.seed),
        stop=(*command.stop, prompt.turn_end) if prompt.turn_end else command.stop,
        keep_stop=command.keep_stop,
        ban_eos=command.ban_eos,
        ignore_eos=command.ignore_eos,
        special=command.special,
        min_tokens=command.min_tokens,
        stop_tokens=command.stop_tokens,
        kept=prompt.kept,
        constraint=constraint_of(command.constraint, prompt.calls, prompt.form),
        banned_phrases=command.banned_phrases,
        banned_patterns=command.banned_patterns,
        thinking=prompt.thinking,
        negative=prompt.negative_id,
        # A step with drafts rounds otherwise, and how many there are depends on the time: no two answers need be equal.
        speculates=seed is None,
    )


def _events(model: LoadedModel, request: Request) -> AsyncGenerator[Event, None]:
    # By contract the engine's iterator can be closed.
    return cast("AsyncGenerator[Event, None]", model.engine.generate(request))


async def _again(
    model: LoadedModel, command: GenerateCommand, request: Request
) -> AsyncGenerator[Event, None]:
    prompt = await model.fit(command)
    request = replace(request, prompt=prompt.encoded.id, negative=prompt.negative_id)
    return _events(model, request)


async def _cancelled(record: Record) -> AsyncGenerator[Event, None]:
    yield Finish(record.id, "cancelled", Stats(prompt_tokens=record.num_prompt))
