"""A request to a dialect, with the helpers for its handler."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from coblyn.api.adapters import choices_of_files
from coblyn.api.arrival import ModelComes
from coblyn.api.body import read_json
from coblyn.api.dialect import Dialect
from coblyn.api.later import Lenient, Warnings, cut_warning, read_leniently, warning_headers
from coblyn.api.made import with_messages
from coblyn.api.route import Route
from coblyn.api.state import ApiOptions
from coblyn.api.stream import Chunks, StreamResponse, frames, while_connected
from coblyn.api.tapes import Tapes
from coblyn.service.choices import merge
from coblyn.service.command import GenerateCommand
from coblyn.service.generate import Generation
from coblyn.service.hub import Record
from coblyn.service.inventory import Item
from coblyn.service.models import LoadedModel
from coblyn.service.replies import WholeReply
from coblyn.service.services import Services

__all__ = ["Call"]

T = TypeVar("T")
Model = TypeVar("Model", bound=Lenient)


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Attributes:
        request: The HTTP request.
        dialect: The dialect of its route.
        services: The services.
        options: The user's options.
        route: Which one.
        held: Its body, where that was read before; then its model has been loaded for it.
        began: When it came, in nanoseconds of the clock for durations.
    """

    request: Request
    dialect: Dialect
    services: Services
    options: ApiOptions
    route: Route
    held: Mapping[str, Any] | None = None
    began: int = field(default_factory=time.perf_counter_ns)

    @property
    def model(self) -> LoadedModel:
        """The default model."""
        return self.services.models.current

    @property
    def tapes(self) -> Tapes:
        """The resumable streams."""
        tapes: Tapes = self.request.app.state.tapes
        return tapes

    async def json(self) -> dict[str, Any]:
        """Read the body.

        Raises:
            BadRequest: It is not a JSON object, is too large, or is incomplete.
        """
        if self.held is not None:
            return dict(self.held)
        return await read_json(self.request, self.options)

    async def wishes(self) -> dict[str, Any]:
        """Read the body of a generation, completed from presets and the user's defaults.

        Loads the model that it names, if it is available.

        Raises:
            BadRequest: See ``json``; or it names an unknown preset.
            CoblynError: The model cannot be loaded.
        """
        body = await self.json()
        name = body.get("model")
        named = name if isinstance(name, str) else ""
        model = await self._loaded(named, body)
        if model:
            body = {**body, "model": model.name + model.suffix_asked(named)}
        made = self.services.inventory.declared(named)
        if not made and (not named or self.services.models.named(named)):
            return self.options.wishes.of(body)
        made = made or await asyncio.to_thread(self.services.inventory.made, named)
        body = self.options.wishes.of(body, made.said if made else None)
        if made and made.adapters:
            body = {"lora": choices_of_files(made.adapters), **body}
        return with_messages(body, made) if made else body

    async def item(self, name: str, body: Mapping[str, Any] | None = None) -> Item:
        """The model of a name as clients of Ollama know it, which is loaded now if it is here.

        Args:
            name: Its name.
            body: Of a request that may want a stream.

        Raises:
            CoblynError: As ``Inventory.answering`` says.
        """
        await self.services.inventory.require_known(name)
        if body is not None:
            await self._loaded(name, body)
        return await self.wait(self.services.inventory.answering(name))

    async def _loaded(self, name: str, body: Mapping[str, Any]) -> LoadedModel | None:
        """The model of a name, loaded now if it is here and is not; None where no file here has the name.

        Raises:
            ModelComes: It has to be loaded, and the request wants a stream.
            CoblynError: It cannot be loaded.
        """
        demand = self.services.models.demand
        if demand is None:
            return None
        model, setup = await demand.look(name)
        if setup is None:
            return model
        if self.held is None and self.route.can_stream and self.dialect.wants_stream(body):
            raise ModelComes(name, body)
        return await self.wait(demand.ready(name))

    async def read(self, model: type[Model]) -> tuple[Model, Warnings]:
        """Read the body as a lenient wire model, with warnings about ignored fields."""
        return read_leniently(model, await self.json())

    async def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run some work, and cancel it when the client leaves."""
        return await while_connected(self.request.receive, work)

    async def complete(
        self, commands: Sequence[GenerateCommand], *, keeps_tokens: bool = False
    ) -> list[Record]:
        """Generate to the end.

        Args:
            commands: The commands.
            keeps_tokens: Whether the records keep tokens even without log-probabilities.

        Raises:
            CoblynError: One cannot start, or fails on the way.
        """
        replies = await self.converse(commands, keeps_tokens=keeps_tokens)
        return [reply.record for reply in replies]

    async def converse(
        self, commands: Sequence[GenerateCommand], *, keeps_tokens: bool = False
    ) -> list[WholeReply]:
        """Generate replies to the end.

        Args:
            commands: The commands.
            keeps_tokens: Whether the records keep tokens even without log-probabilities.

        Raises:
            CoblynError: One cannot start, or fails on the way.
        """
        return await self.wait(self._complete(commands, keeps_tokens=keeps_tokens))

    async def stream(
        self, commands: Sequence[GenerateCommand], chunks: Chunks, warnings: Warnings
    ) -> Response:
        """Start generating, and answer with a stream.

        Raises:
            CoblynError: One cannot start.
        """
        if not self.request.headers.get("x-coblyn-resumable"):
            generations = await self._start(commands)
            headers = _headers(warnings, generations)
            return self.growing(frames(generations, chunks), generations, chunks, headers)
        with self.tapes.prepared(chunks.framing) as tape:
            generations = await self._start(commands)
        headers = _headers(warnings, generations)
        tape.record(frames(generations, chunks), generations)
        return self.growing(tape.play(0), (), chunks, {**headers, "x-coblyn-stream": tape.id})

    def answer(self, body: Mapping[str, Any], warnings: Warnings) -> Response:
        """A complete answer, with a header that names ignored fields."""
        more = {"warnings": dict(warnings)} if warnings else {}
        return JSONResponse({**body, **more}, headers=warning_headers(warnings))

    def growing(
        self,
        parts: AsyncGenerator[bytes, None],
        sources: Sequence[Generation],
        chunks: Chunks,
        headers: Mapping[str, str],
    ) -> Response:
        """A streamed answer; ``sources`` are always closed at its end."""
        return StreamResponse(
            parts,
            sources,
            chunks.framing.media_type,
            headers,
            remark=chunks.keep_alive(),
            beat=self.options.keep_alive,
        )

    async def _start(self, commands: Sequence[GenerateCommand]) -> list[Generation]:
        """Start the generations of a stream. If the engine is slow to begin, the stream begins first."""
        patience = self.options.keep_alive or None
        return await self.wait(self.services.generator.start_all(commands, patience=patience))

    async def _complete(
        self, commands: Sequence[GenerateCommand], *, keeps_tokens: bool
    ) -> list[WholeReply]:
        generations = await self.services.generator.start_all(commands)
        for generation in generations:
            generation.record.keeps_tokens |= keeps_tokens
        whole = [WholeReply(generation.record) for generation in generations]
        async with aclosing(merge(generations)) as events:
            async for index, reply in events:
                whole[index].add(reply)
        return whole


def _headers(warnings: Warnings, generations: Sequence[Generation]) -> dict[str, str]:
    records = [each.record for each in generations]
    seeds = ", ".join(str(record.seed) for record in records)
    return {**warning_headers({**warnings, **cut_warning(records)}), "x-coblyn-seed": seeds}
