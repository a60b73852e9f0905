"""An engine in this process, for library use, the terminal, measurements and tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar

from coblyn.engine.core import Core
from coblyn.engine.encoded import Encoded, PromptId, Source
from coblyn.engine.encoder import LONG_TEXT, Encoder
from coblyn.engine.events import Event
from coblyn.engine.interface import EngineStatus, ModelInfo, Runner
from coblyn.engine.mailbox import Mailboxes
from coblyn.engine.media import RawMedia
from coblyn.engine.params import SamplingParams
from coblyn.engine.pieces import join_pieces
from coblyn.engine.request import Request
from coblyn.engine.stage_view import StageView
from coblyn.engine.state import StateInfo, StateOrder
from coblyn.engine.states import States
from coblyn.engine.texts import batches, require_lengths
from coblyn.errors import EngineStopped

__all__ = ["LocalEngine"]

T = TypeVar("T")


class LocalEngine:
    """An ``EngineClient`` whose engine thread runs in this process. Use it from one event loop.

    Args:
        make_runner: Called on the engine thread to make the runner.
        max_running: Maximum number of requests in the batch.
        max_waiting: Maximum number of waiting requests.
        busy_batch: Maximum number of tokens per step while any request decodes.
        speculates: Whether drafts are used where that is faster.
        state_bytes: Maximum total size of states saved in memory.
    """

    def __init__(
        self,
        make_runner: Callable[[], Runner],
        *,
        max_running: int = 8,
        max_waiting: int = 64,
        busy_batch: int = 128,
        speculates: bool = False,
        state_bytes: int = 1 << 30,
    ) -> None:
        self._max_running = max_running
        self._mailboxes = Mailboxes(max_running + max_waiting)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False
        self._encoding: set[asyncio.Task[Any]] = set()
        self._core = Core(
            make_runner,
            self._deliver,
            max_running=max_running,
            busy_batch=busy_batch,
            speculates=speculates,
        )
        self._core.start()
        self._encoder = Encoder.of(self._core.runner)
        self._states = States(self._core, state_bytes)

    @property
    def info(self) -> ModelInfo:
        """Facts about the model."""
        return self._core.runner.info

    @property
    def capacity(self) -> int:
        """Maximum number of requests that it accepts at a time."""
        return self._mailboxes.capacity

    def status(self) -> EngineStatus:
        """What it is doing now."""
        running = min(len(self._mailboxes), self._max_running)
        state = "stopped" if self._is_closed or self._core.failure else "ready"
        return EngineStatus(state, running, len(self._mailboxes) - running)

    def generate(self, request: Request[PromptId]) -> AsyncIterator[Event]:
        """Start a request and give its events; see ``EngineClient.generate``."""
        self._require_open()
        self._loop = asyncio.get_running_loop()
        return self._mailboxes.converse(request, self._submit, self._core.cancel)

    async def cancel(self, request_id: str) -> None:
        """End a request early."""
        self._core.cancel(request_id)

    async def end_thinking(self, request_id: str) -> None:
        """End a request's reasoning at once."""
        self._core.end_thinking(request_id)

    async def encode(self, source: Source) -> Encoded:
        """Tokenize, and keep the prompt; see ``EngineClient.encode``."""
        self._require_open()
        if source.num_characters > LONG_TEXT:
            return await self._apart(asyncio.to_thread(self._encoder.encode, source))
        return self._encoder.encode(source)

    async def unknown_media(self, digests: Sequence[bytes]) -> list[bytes]:
        """Digests of images and sounds that it does not have; see ``EngineClient.unknown_media``."""
        self._require_open()
        media = self._core.runner.media
        return [digest for digest in digests if media.spans(digest) is None]

    async def show(self, media: RawMedia) -> int:
        """Give it an image or a sound; see ``EngineClient.show``."""
        self._require_open()
        spans = await self._apart(asyncio.to_thread(self._core.runner.media.take, media))
        return sum(span.cells for span in spans)

    async def foresee(self, prompt_id: PromptId) -> int:
        """Number of tokens of a prompt that are in memory; see ``EngineClient.foresee``."""
        self._require_open()
        return await asyncio.wrap_future(self._core.foresee(self._encoder.find(prompt_id)))

    async def look(
        self, prompt_id: PromptId, sampling: SamplingParams, max_count: int
    ) -> list[StageView]:
        """Candidates for the token after a prompt; see ``EngineClient.look``."""
        self._require_open()
        request = Request("look", self._encoder.find(prompt_id), 1, sampling)
        return await asyncio.wrap_future(self._core.look(request, max_count))

    async def detokenize(self, tokens: Sequence[int], *, special: bool) -> bytes:
        """Bytes of tokens."""
        self._require_open()
        return join_pieces(
            self._core.runner.vocab, tokens, special=special, vocab_size=self.info.vocab_size
        )

    async def embed(self, prompts: Sequence[Encoded]) -> list[bytes]:
        """Vectors of texts; see ``EngineClient.embed``."""
        self._require_open()
        require_lengths(prompts, self.info.context_train)
        texts = [self._encoder.find(prompt.id).ids for prompt in prompts]
        vectors: list[bytes] = []
        for batch in batches([len(ids) for ids in texts]):
            vectors += await self.call(partial(_embed, texts[batch.start : batch.stop]))
        return vectors

    async def handle_state(self, order: StateOrder) -> StateInfo:
        """Inspect, save, restore or erase states; see ``EngineClient.handle_state``."""
        self._require_open()
        return await asyncio.to_thread(self._states.carry_out, order)

    async def add_adapter(self, text: str) -> None:
        """Load another adapter; see ``EngineClient.add_adapter``."""
        self._require_open()
        await self.call(lambda runner: runner.add_adapter(text))

    async def call(self, function: Callable[[Runner], T]) -> T:
        """Run a function on the engine thread; it must not change the sequences."""
        return await asyncio.wrap_future(self._core.call(function))

    async def close(self) -> None:
        """Stop the thread; running requests end as cancelled."""
        if not self._is_closed:
            self._is_closed = True
            # No other thread may be using the vocabulary when it is freed.
            await asyncio.gather(*self._encoding, return_exceptions=True)
            await asyncio.to_thread(self._core.stop)

    async def _apart(self, work: Coroutine[Any, Any, T]) -> T:
        """Await work on a thread, which continues even if the caller is cancelled."""
        task = asyncio.create_task(work)
        self._encoding.add(task)
        task.add_done_callback(self._encoding.discard)
        return await asyncio.shield(task)

    def _submit(self, request: Request[PromptId]) -> None:
        self._core.submit(self._encoder.look_up(request))

    def _require_open(self) -> None:
        if self._is_closed:
            raise EngineStopped("The engine was closed.")

    def _deliver(self, events: Sequence[Event]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._mailboxes.deliver, events)


def _embed(texts: Sequence[Sequence[int]], runner: Runner) -> list[bytes]:
    return runner.embed(texts)
