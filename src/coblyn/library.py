"""The Python API: load a model, generate, stream; sync and async.

    from coblyn import Engine

    with Engine.load("smollm2") as engine:
        print(engine.generate("The mine was", max_tokens=40, temperature=0.7).text)
        for delta in engine.stream([{"role": "user", "content": "Who knocks?"}]):
            print(delta.text, end="")

A prompt is a string, which is continued, or a list of messages, which the model's chat template renders. Calls may come
from many threads and tasks at once; they share one batch.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from coblyn.chat.messages import read_messages
from coblyn.engine.config import EngineConfig
from coblyn.engine.encoded import Source, Text
from coblyn.engine.events import Delta, Event, FinishReason, Stats, TokenText
from coblyn.engine.interface import EngineClient, ModelInfo
from coblyn.engine.params import SamplingParams
from coblyn.engine.prompt import unpack_ids
from coblyn.errors import BadRequest, Cancelled, EngineStopped, ModelNotFound, ProofFailed
from coblyn.progress import silent
from coblyn.service.command import AnyPrompt, ChatPrompt, GenerateCommand, TextPrompt
from coblyn.service.hub import Record
from coblyn.service.options import CommandOptions
from coblyn.service.services import make_services

if TYPE_CHECKING:
    from coblyn.native.bundle import Bundle

__all__ = ["AsyncStream", "Completion", "Delta", "Engine", "Options", "Stream"]

log = logging.getLogger(__name__)

T = TypeVar("T")

Messages = Sequence[Mapping[str, Any]]
_Item = Event | BaseException | None

_SAMPLING = frozenset(field.name for field in fields(SamplingParams))
_TUPLES = frozenset(
    field.name
    for field in (*fields(GenerateCommand), *fields(SamplingParams))
    if isinstance(field.default, tuple) or field.name == "adapters"
)


class Options(CommandOptions, total=False):
    """The options of ``generate`` and ``stream``: every option and parameter by name.

    A ``seed`` makes the answer repeatable; ``memory`` stands before a text prompt and survives when the text is cut.
    ``sampling`` has parameters together; one that is given by its own name counts instead.
    """

    memory: str
    sampling: SamplingParams


@dataclass(frozen=True, slots=True)
class Completion:
    """A finished generation.

    Attributes:
        text: What was generated.
        reason: "eos" (the model ended it), "stop" (a stop string), "length" or "cancelled".
        stats: Tokens and seconds.
        tokens: Every token, with log-probabilities if they were asked for.
    """

    text: str
    reason: FinishReason
    stats: Stats
    tokens: tuple[TokenText, ...] = ()


class _Kept:
    """What a stream has given so far."""

    def __init__(self) -> None:
        self._record = Record("", "", keeps_tokens=True)

    @property
    def completion(self) -> Completion:
        """The whole, once the stream has been read to its end."""
        record = self._record
        if record.finish is None:
            raise BadRequest(
                "The stream has not been read to its end.", hint="Iterate over it first."
            )
        finish = record.finish
        return Completion(record.text, finish.reason, finish.stats, tuple(record.tokens))

    def _keep(self, item: Event | BaseException) -> Event:
        """Note an event, or raise what went wrong."""
        if isinstance(item, BaseException):
            raise item
        self._record.note(item)
        return item


class Stream(_Kept):
    """Deltas of one generation as they are made. Leaving it early, or ``close``, stops the generation."""

    def __init__(self, items: queue.SimpleQueue[_Item], cancel: Callable[[], object]) -> None:
        super().__init__()
        self._items = items
        self._cancel = cancel
        self._iterator = self._read()

    def __iter__(self) -> Iterator[Delta]:
        return self._iterator

    def __next__(self) -> Delta:
        return next(self._iterator)

    def close(self) -> None:
        """Stop the generation."""
        self._cancel()

    def _read(self) -> Iterator[Delta]:
        try:
            while (item := self._items.get()) is not None:
                event = self._keep(item)
                if isinstance(event, Delta):
                    yield event
        finally:
            self._cancel()


class AsyncStream(_Kept):
    """The same for ``async for``."""

    def __init__(self, items: asyncio.Queue[_Item], cancel: Callable[[], object]) -> None:
        super().__init__()
        self._items = items
        self._cancel = cancel
        self._iterator = self._read()

    def __aiter__(self) -> AsyncIterator[Delta]:
        return self._iterator

    def close(self) -> None:
        """Stop the generation."""
        self._cancel()

    async def _read(self) -> AsyncIterator[Delta]:
        try:
            while (item := await self._items.get()) is not None:
                event = self._keep(item)
                if isinstance(event, Delta):
                    yield event
        finally:
            self._cancel()


class Engine:
    """A loaded model. Make it with ``Engine.load``; free it with ``close`` or a ``with`` block.

    Args:
        make_client: Makes the engine client, on the engine's own event loop.
    """

    def __init__(self, make_client: Callable[[], Coroutine[Any, Any, EngineClient]]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="coblyn-library", daemon=True
        )
        self._thread.start()
        self._is_closed = False
        opening = asyncio.run_coroutine_threadsafe(make_client(), self._loop)
        try:
            self.client = opening.result()
        except BaseException:
            opening.cancel()  # Ctrl-C, while it loads: what was begun is ended before the loop is
            asyncio.run_coroutine_threadsafe(_settle(), self._loop).result()
            self._stop_loop()
            raise
        self._services = make_services(self.client)

    @classmethod
    def load(
        cls, model: str | Path | None = None, *, own_process: bool = False, **settings: Any
    ) -> Self:
        """Load a model.

        Args:
            model: A GGUF file, or a name that ``coblyn models`` lists; None for the newest.
            own_process: Run the engine in a child process, so that a crash of native code spares this one.
            settings: As in the settings file, such as ``context=4096`` or ``threads=8``.

        Raises:
            BundleMissing: The native engine has not been built yet: run ``coblyn build``.
            ProofFailed: It does not run on this machine, or computes wrongly. It is proved at its first use here.
            ModelError: The model is not there, or cannot be loaded.
            SettingsError: A setting is wrong.
        """
        from coblyn.fit.fitting import fitted
        from coblyn.models import store
        from coblyn.native import bundle
        from coblyn.settings import Settings

        path = store.newest() if model is None else store.find(str(model))
        if path is None:
            raise ModelNotFound(
                "No model is here yet.", hint="Get the starter model: coblyn pull smollm2"
            )
        current = bundle.current()
        _require_proof(current)
        chosen = Settings.load(flags=settings)
        if chosen.draft_model:
            chosen = replace(chosen, draft_model=str(store.find(chosen.draft_model)))
        config = EngineConfig.from_settings(
            chosen, model=path, library=current.lib_dir, bundle=current.id
        )
        found = fitted(config)
        if found.told:
            log.warning("%s", found.told)
        return cls.open(found.config, own_process=own_process)

    @classmethod
    def open(cls, config: EngineConfig, *, own_process: bool = False) -> Self:
        """Load what a complete configuration names; ``load`` finds the parts of one by itself."""
        return cls(partial(_open_process if own_process else _open_local, config))

    def close(self) -> None:
        """Free the model; a second call does nothing."""
        if not self._is_closed:
            self._is_closed = True
            self._wait(self.client.close())
            self._stop_loop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.close)

    @property
    def info(self) -> ModelInfo:
        """Facts about the model."""
        return self.client.info

    def generate(self, prompt: str | Messages, **options: Unpack[Options]) -> Completion:
        """Generate to the end.

        Raises:
            BadRequest: An option or the prompt is wrong.
            PromptTooLong: The prompt does not fit into the context.
        """
        stream = self.stream(prompt, **options)
        for _ in stream:
            pass
        return stream.completion

    def stream(self, prompt: str | Messages, **options: Unpack[Options]) -> Stream:
        """Generate, and give the text as it is made."""
        items: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        return Stream(items, self._start(_command(prompt, options), items.put))

    async def agenerate(self, prompt: str | Messages, **options: Unpack[Options]) -> Completion:
        """``generate`` for coroutines, on any event loop."""
        stream = self.astream(prompt, **options)
        async for _ in stream:
            pass
        return stream.completion

    def astream(self, prompt: str | Messages, **options: Unpack[Options]) -> AsyncStream:
        """``stream`` for coroutines, on any event loop."""
        items: asyncio.Queue[_Item] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def put(item: _Item) -> None:
            loop.call_soon_threadsafe(items.put_nowait, item)

        return AsyncStream(items, self._start(_command(prompt, options), put))

    def tokenize(
        self, text: str, *, add_special: bool = True, parse_special: bool = True
    ) -> list[int]:
        """Token ids of a text."""
        source = Source((Text(text, add_special, parse_special),), is_prompt=False, wants_ids=True)
        return unpack_ids(self._wait(self.client.encode(source)).ids or b"").tolist()

    def detokenize(self, tokens: Sequence[int], *, special: bool = False) -> str:
        """Text of tokens; bytes that are not UTF-8 become U+FFFD."""
        data = self._wait(self.client.detokenize(tokens, special=special))
        return data.decode(errors="replace")

    # The engine's own event loop

    def _start(
        self, command: GenerateCommand, put: Callable[[_Item], object]
    ) -> Callable[[], object]:
        self._require_open()
        task = asyncio.run_coroutine_threadsafe(self._pump(command, put), self._loop)
        return task.cancel

    async def _pump(self, command: GenerateCommand, put: Callable[[_Item], object]) -> None:
        try:
            generation = await self._services.generator.start(command)
            async with aclosing(generation) as events:
                async for event in events:
                    put(event)
        except asyncio.CancelledError:
            put(Cancelled("The generation was stopped."))
            raise
        except Exception as error:  # noqa: BLE001 - the border of a thread: the reader raises it
            put(error)
        else:
            put(None)

    def _wait(self, call: Coroutine[Any, Any, T]) -> T:
        if not self._loop.is_running() and not self._thread.is_alive():
            call.close()
            raise EngineStopped("The engine was closed.")
        return asyncio.run_coroutine_threadsafe(call, self._loop).result()

    def _require_open(self) -> None:
        if self._is_closed:
            raise EngineStopped("The engine was closed.")

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _require_proof(bundle: Bundle) -> None:
    from coblyn.native.place import place_here
    from coblyn.proof.record import prove_once

    fault = prove_once(bundle.id, bundle.lib_dir, place_here(bundle.receipt.backend), silent)
    if fault:
        raise ProofFailed.of(bundle.id, fault.stage, fault.message)


def _command(prompt: str | Messages, options: Options) -> GenerateCommand:
    if unknown := options.keys() - Options.__annotations__.keys():
        raise TypeError(f"generation has no option {', '.join(sorted(unknown))}")
    given = {name: _held(name, value) for name, value in options.items()}
    text = _prompt(prompt, str(given.pop("memory", "")))
    sampling = {name: given.pop(name) for name in _SAMPLING & given.keys()}
    base: Any = given.pop("sampling", SamplingParams())
    return GenerateCommand(text, sampling=replace(base, **sampling), **given)


def _held(name: str, value: Any) -> Any:
    """A value as commands hold it; one text may stand for a sequence of one."""
    if name not in _TUPLES or value is None:
        return value
    return (value,) if isinstance(value, str) else tuple(value)


def _prompt(prompt: str | Messages, memory: str) -> AnyPrompt:
    if isinstance(prompt, str):
        return TextPrompt(prompt, memory)
    return ChatPrompt(read_messages(prompt))


async def _open_local(config: EngineConfig) -> EngineClient:
    from coblyn.engine.local import LocalEngine
    from coblyn.engine.runner import LlamaRunner

    return await asyncio.to_thread(
        LocalEngine,
        partial(LlamaRunner, config),
        max_running=config.max_running,
        max_waiting=config.max_waiting,
        busy_batch=config.busy_batch,
        speculates=config.speculation,
    )


async def _open_process(config: EngineConfig) -> EngineClient:
    from coblyn.engine.client import ProcessEngine
    from coblyn.native.explain import explain_crash

    engine = ProcessEngine(config, explain=explain_crash)
    try:
        await engine.start()
    except BaseException:
        await engine.close()
        raise
    return engine


async def _settle() -> None:
    """Wait until the other tasks of this loop are over."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)
