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
from coblyn.engine.encoded import PromptId
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
"""The encoded prompts of commands that start together, by model, prompt and limits."""

Again = Callable[[], Awaitable[AsyncGenerator[Event, None]]]


class Generation:
    """A request that was submitted: an iterator over its events. It must be closed.

    Args:
        record: Its record in the hub.
        events: The engine's events.
        ending: Cleanup to run when it is closed.
        again: Encodes its prompt again, if the engine has dropped it or was restarted.
        form: The form of a conversation's reply; None for other prompts.

    Attributes:
        record: Its record in the hub.
        form: The same.
        begun: Completes when the engine has begun or refused the request.
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
        # A task, so that the request is submitted now and not at the first read.
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
        """Close it; if it still runs, it is cancelled."""
        try:
            self.begun.cancel()
            await asyncio.gather(self.begun, return_exceptions=True)
            await self._events.aclose()
        finally:
            await self._ending.aclose()


class Generator:
    """Starts and aborts generations.

    Args:
        models: The loaded models.
        hub: Records all generations.
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
            BadRequest: The command is invalid.
            UnknownModel: There is no model of that name.
            PromptTooLong: The prompt does not fit.
            Busy: The engine's queue is full.
            LimitReached: The caller's key has reached a limit.
            CoblynError: Any other error of the engine.
        """
        return (await self.start_all([command]))[0]

    async def start_all(
        self, commands: Sequence[GenerateCommand], *, patience: float | None = None
    ) -> list[Generation]:
        """Start several commands together; if one cannot start, none does.

        A shared prompt is encoded once and prefilled once.

        Args:
            commands: The commands.
            patience: Seconds to wait until the engine has begun; None for no limit. Later errors are raised when the
                generations are read.

        Raises:
            BadRequest: There are more than the engine accepts at a time.
        """
        for model in {command.model for command in commands}:
            self.require_places(len(commands), model)
        started: list[Generation] = []
        fitted: _Fitted = {}
        try:
            for command in commands:
                started.append(await self._submit(command, fitted))  # noqa: PERF401 - closed on failure
            begun = [generation.begun for generation in started]
            # The engine refuses requests at once, so refusals are among the first tasks done.
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
        """Refuse more completions at once than the engine accepts.

        Args:
            count: Number of completions.
            model: Name of the model.

        Raises:
            BadRequest: There are too many; the message gives the limit.
        """
        limit = self._models.find(model).engine.capacity
        if count > limit:
            raise BadRequest(
                f"These are {count} completions at once; this server takes at most {limit}.",
                field="n",
                hint="Ask for fewer, or start the server with a larger --max-waiting.",
            )

    def require_known_tokens(self, command: GenerateCommand) -> None:
        """Refuse biases for tokens that the model does not have.

        Bans of such tokens are accepted, since they have no effect.

        Raises:
            BadRequest: An id is too large; the message gives it and the limit.
        """
        size = self._models.find(command.model).engine.info.vocab_size
        for token, bias in command.sampling.logit_bias:
            if token >= size and bias != -math.inf:
                raise BadRequest(
                    f"logit_bias: {token} is not a token of this model, whose ids range from 0 to {size - 1}.",
                    field="logit_bias",
                )

    async def abort(self, key: str) -> bool:
        """Abort the running and waiting generations with this key.

        Without a key, abort the only active one. They finish as cancelled, with the text so far.

        Returns:
            Whether there was any.
        """
        records = self._hub.active(key)
        for record in records:
            record.is_aborted = True
            if record.cancel is not None:
                await record.cancel(record.id)
        return bool(records)

    async def end_thinking(self, key: str) -> bool:
        """End the reasoning of the active generations with this key, or of the request of this id.

        Returns:
            Whether there was any.
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
            ending.push(partial(_note_refusal, record))
            model = await ending.enter_async_context(self._models.acquire(command.model))
            record.model = model.name
            prompt = await _fitted(command, model, fitted)
            request = _request(command, record, prompt)
            record.cancel = model.engine.cancel
            record.end_thinking = model.engine.end_thinking
            # It may have been aborted before it was submitted to the engine.
            if record.is_aborted:
                return Generation(record, _cancelled(record), ending.pop_all(), form=prompt.form)
            events = _events(model, request)
            again = partial(_again, model, command, request)
            return Generation(record, events, ending.pop_all(), again, prompt.form)
        raise AssertionError("nothing above swallows an error")


def _note_refusal(record: Record, _kind: object, error: BaseException | None, _: object) -> None:
    """Record an error for which a generation does not begin: its caller has not left."""
    if isinstance(error, CoblynError):
        record.note(error)


async def _fitted(command: GenerateCommand, model: LoadedModel, fitted: _Fitted) -> Fitted:
    wanted = (
        id(model),
        command.model,
        command.adapters,
        id(command.prompt),
        command.max_tokens,
        command.max_context,
        command.max_thinking,
        command.constraint,
        command.sampling.is_guided and command.negative_prompt,
    )
    if wanted not in fitted:
        fitted[wanted] = await model.fit(command)
    return fitted[wanted]


def _request(command: GenerateCommand, record: Record, prompt: Fitted) -> Request[PromptId]:
    seed = command.sampling.seed
    record.seed = secrets.randbits(32) if seed is None else seed
    record.num_prompt, record.num_cut = prompt.encoded.num_tokens, prompt.encoded.num_cut
    return Request(
        id=record.id,
        prompt=prompt.encoded.id,
        max_tokens=prompt.max_tokens,
        sampling=replace(command.sampling, seed=record.seed, logit_bias=_biases(command, prompt)),
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
        # Steps with drafts round differently, and the number of drafts depends on timing, so answers would not be
        # reproducible.
        speculates=seed is None,
    )


def _biases(command: GenerateCommand, prompt: Fitted) -> tuple[tuple[int, float], ...]:
    return command.sampling.logit_bias + tuple((token, -math.inf) for token in prompt.bans)


def _events(model: LoadedModel, request: Request[PromptId]) -> AsyncGenerator[Event, None]:
    # The engine's iterator is an async generator, which can be closed.
    return cast("AsyncGenerator[Event, None]", model.engine.generate(request))


async def _again(
    model: LoadedModel, command: GenerateCommand, request: Request[PromptId]
) -> AsyncGenerator[Event, None]:
    prompt = await model.fit(command)
    request = replace(request, prompt=prompt.encoded.id, negative=prompt.negative_id)
    return _events(model, request)


async def _cancelled(record: Record) -> AsyncGenerator[Event, None]:
    yield Finish(record.id, "cancelled", Stats(num_prompt=record.num_prompt))
