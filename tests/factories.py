"""Things that tests need, with sane defaults."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast

from coblyn.engine.encoded import Encoded, PromptId, Source, Text
from coblyn.engine.encoder import Encoder
from coblyn.engine.events import Delta, Event, Finish, Prefill, Stats, TokenLogprob, TokenText
from coblyn.engine.fake import FakeRunner
from coblyn.engine.interface import EngineClient, EngineStatus, ModelInfo
from coblyn.engine.media import RawMedia
from coblyn.engine.params import SamplingParams
from coblyn.engine.pieces import join_pieces
from coblyn.engine.prompt import Prompt, pack_ids, unpack_ids
from coblyn.engine.request import Request
from coblyn.engine.stage_view import StageView
from coblyn.engine.state import StateInfo, StateOrder
from coblyn.engine.texts import require_lengths
from coblyn.errors import CoblynError
from coblyn.llama.placement import NOWHERE


def make_info(**changes: Any) -> ModelInfo:
    """Facts of a model."""
    return FakeRunner(**changes).info


class SteppedEngine:
    """An ``EngineClient`` that answers one character at a time, as far as the test lets it.

    It repeats the prompt in capitals, so that answers cannot be mistaken for each other.
    """

    def __init__(self, *, name: str = "fake", **changes: Any) -> None:
        self._runner = FakeRunner(**changes)
        self._name = name
        self.encoder = Encoder.of(self._runner)
        self.requests: list[Request[Prompt]] = []
        self.sources: list[Source] = []
        self.orders: list[StateOrder] = []
        self.state_info = StateInfo()
        self.cancelled: list[str] = []
        self.ended_thinking: list[str] = []
        self.allowed = asyncio.Semaphore(0)
        self.refusal: CoblynError | None = None
        self.fail_after: tuple[int, CoblynError] | None = None
        self.state = "ready"
        self.placement = NOWHERE
        self.logprob: Callable[[Request[Prompt]], float] = lambda _: -0.5
        self._ends: dict[str, asyncio.Event] = {}

    @property
    def info(self) -> ModelInfo:
        return replace(self._runner.info, name=self._name, placement=self.placement)

    @property
    def capacity(self) -> int:
        return 160

    @property
    def num_open(self) -> int:
        return len(self._ends)

    def allow(self, count: int = 1000) -> None:
        """Let that many more characters be made."""
        for _ in range(count):
            self.allowed.release()

    def status(self) -> EngineStatus:
        return EngineStatus(self.state, len(self._ends), 0)

    async def generate(self, request: Request[PromptId]) -> AsyncIterator[Event]:
        if self.refusal:
            raise self.refusal
        found = self.encoder.look_up(request)
        self.requests.append(found)
        self._ends[request.id] = end = asyncio.Event()
        is_over = False
        try:
            num_prompt = len(found.prompt.ids)
            yield Prefill(request.id, num_prompt, 0, num_prompt)
            count = 0
            for token in self._answer(found):
                if self.fail_after and count == self.fail_after[0]:
                    raise self.fail_after[1]
                if not await self._may_go_on(end):
                    is_over = True
                    yield Finish(request.id, "cancelled", Stats(num_prompt, 0, count))
                    return
                count += 1
                yield Delta(request.id, token.piece.decode(), (token,))
            is_over = True
            reason = "length" if count == request.max_tokens else "eos"
            yield Finish(request.id, reason, Stats(num_prompt, 1, count, 0.5, 2.0, 4.0))
        finally:
            del self._ends[request.id]
            if not is_over:
                self.cancelled.append(request.id)

    async def cancel(self, request_id: str) -> None:
        if end := self._ends.get(request_id):
            end.set()

    async def end_thinking(self, request_id: str) -> None:
        self.ended_thinking.append(request_id)

    async def handle_state(self, order: StateOrder) -> StateInfo:
        self.orders.append(order)
        return self.state_info

    async def add_adapter(self, text: str) -> None:
        self._runner.add_adapter(text)

    async def encode(self, source: Source) -> Encoded:
        self.sources.append(source)
        return self.encoder.encode(source)

    async def unknown_media(self, digests: Sequence[bytes]) -> list[bytes]:
        media = self._runner.media
        return [digest for digest in digests if media.spans(digest) is None]

    async def show(self, media: RawMedia) -> int:
        return sum(span.cells for span in self._runner.media.take(media))

    async def foresee(self, prompt_id: PromptId) -> int:
        self.encoder.find(prompt_id)
        return 0

    async def look(
        self, prompt_id: PromptId, sampling: SamplingParams, max_count: int
    ) -> list[StageView]:
        prompt = self.encoder.find(prompt_id)
        if not any(request.prompt == prompt for request in self.requests):
            return []
        self._runner._kept[0] = len(prompt.ids)
        return self._runner.look(0, Request("look", prompt, 1, sampling), max_count)

    async def detokenize(self, tokens: Sequence[int], *, special: bool) -> bytes:
        return join_pieces(
            self._runner.vocab, tokens, special=special, vocab_size=self.info.vocab_size
        )

    async def embed(self, prompts: Sequence[Encoded]) -> list[bytes]:
        require_lengths(prompts, self.info.context_train)
        texts = [self.encoder.find(prompt.id).ids for prompt in prompts]
        return [vector for text in texts for vector in self._runner.embed([text])]

    async def close(self) -> None:
        self.state = "stopped"

    async def _may_go_on(self, end: asyncio.Event) -> bool:
        tasks = [asyncio.create_task(self.allowed.acquire()), asyncio.create_task(end.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return not end.is_set()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _answer(self, request: Request[Prompt]) -> list[TokenText]:
        text = (
            bytes(t for t in request.prompt.ids if t < 128).decode().upper()[: request.max_tokens]
        )
        top = (TokenLogprob(ord("x"), b"x", -1.5),)
        if request.sampling.logprobs is None:
            return [TokenText(ord(c), c.encode()) for c in text]
        num = request.sampling.logprobs
        logprob = self.logprob(request)
        return [TokenText(ord(c), c.encode(), logprob, top[:num]) for c in text]


async def events_of(engine: EngineClient, request: Request[Prompt]) -> AsyncGenerator[Event, None]:
    """The events of a request whose prompts the engine gets first."""

    async def known(prompt: Prompt) -> PromptId:
        return (await engine.encode(Source(ids=pack_ids(prompt.ids)))).id

    negative = await known(request.negative) if request.negative else None
    others = {"prompt": await known(request.prompt), "negative": negative}
    sent: Request[PromptId] = replace(cast("Any", request), **others)
    async with aclosing(cast("AsyncGenerator[Event, None]", engine.generate(sent))) as events:
        async for event in events:
            yield event


async def tokens_of(
    engine: EngineClient, text: str, *, add_special: bool = True, parse_special: bool = True
) -> list[int]:
    """Token ids of a text, as the engine has them."""
    texts = (Text(text, add_special, parse_special),)
    encoded = await engine.encode(Source(texts, is_prompt=False, wants_ids=True))
    return unpack_ids(encoded.ids or b"").tolist()


async def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Let other tasks run until something holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for is not a test's own event
            await asyncio.sleep(0.001)
