"""Making, copying, downloading and deleting models in Ollama's format."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from coblyn.api.body import validated
from coblyn.api.call import Call
from coblyn.api.later import Warnings, warning_headers
from coblyn.api.ollama.listing import NamedInput
from coblyn.api.ollama.options import read_options
from coblyn.api.problem import Problem
from coblyn.api.route import Routes
from coblyn.api.stream import StreamResponse, compact
from coblyn.errors import BadRequest, Cancelled, CoblynError
from coblyn.models.modelfile import Modelfile, read_modelfile
from coblyn.models.sent import adopt
from coblyn.progress import Progress

__all__ = ["routes"]

routes = Routes()

_SUCCESS = {"status": "success"}


class CreateInput(NamedInput):
    """Body of ``/api/create``."""

    base: str | None = Field(None, alias="from", description="The model that it is made from.")
    modelfile: str | None = Field(None, description="All of it as a Modelfile, for old clients.")
    system: str | None = None
    template: str | None = Field(
        None, description="Stored and shown; the model's own template is used."
    )
    parameters: dict[str, Any] | None = None
    messages: list[dict[str, Any]] | None = None
    license: str | list[str] | None = None
    adapters: dict[str, str] | None = Field(
        None, description="By name: adapters that the server was started with; files are refused."
    )
    files: dict[str, str] | None = Field(
        None,
        description="Name and digest of the one GGUF file that it is made of, once that was sent.",
    )
    quantize: str | None = Field(None, description="Refused.")
    stream: bool | None = None

    def file(self) -> tuple[str, str] | None:
        """Name and digest of the file that it is made of; None where it is made from a model that is here.

        Raises:
            BadRequest: They are several: a model that is not GGUF, or a split one.
        """
        if not self.files:
            return None
        if len(self.files) > 1:
            raise BadRequest(
                "A model is made of one GGUF file here.",
                field="files",
                hint="Convert or merge the files first: coblyn convert, coblyn merge.",
            )
        return next(iter(self.files.items()))

    def to_modelfile(self) -> Modelfile:
        """The settings that are meant, for the model or the file that is named.

        Raises:
            BadRequest: There are none, or a setting is not supported.
        """
        if self.quantize:
            raise BadRequest(
                "Models are not quantized on the way.",
                field="quantize",
                hint="coblyn quantize does.",
            )
        if self.modelfile:
            return read_modelfile(self.modelfile)
        base = next(iter(self.files or ()), self.base)
        if not base:
            raise BadRequest("neither 'from' or 'files' was specified", field="from")
        licenses = [self.license] if isinstance(self.license, str) else self.license or []
        return Modelfile(
            base,
            {name: value for name, value in (self.parameters or {}).items() if value is not None},
            self.system or "",
            self.template or "",
            adapters=tuple(self.adapters or ()),
            messages=tuple(_pair(index, each) for index, each in enumerate(self.messages or [])),
            licenses=tuple(licenses),
        )


class CopyInput(BaseModel):
    """Body of ``/api/copy``."""

    source: str = Field(min_length=1)
    destination: str = Field(min_length=1)


class PullInput(NamedInput):
    """Body of ``/api/pull``."""

    stream: bool | None = None


@routes.post(
    "/api/create",
    "Make a model",
    CreateInput,
    {"model": "pirate", "from": "smollm2", "system": "You are a pirate.", "stream": False},
    can_stream=True,
    scope="admin",
)
async def create(call: Call) -> Response:
    """A model from another, or of a file that was sent, by settings: system text, parameters, messages."""
    wanted = validated(CreateInput, await call.json())
    file = wanted.file()
    modelfile = wanted.to_modelfile()
    modelfile = replace(modelfile, adapters=_files(call, modelfile.adapters))
    warnings: dict[str, str] = {}
    read_options(modelfile.parameters, warnings, context=call.model.engine.info.context)
    warnings |= {name: "It has no meaning here." for name, _ in modelfile.ignored}
    if modelfile.template:
        warnings["template"] = "It is stored and shown; the model's own chat template is used."
    if file:
        modelfile = replace(modelfile, base=await asyncio.to_thread(adopt, *file))
    await asyncio.to_thread(call.services.inventory.make, wanted.named, modelfile)
    steps = [{"status": "reading model metadata"}, {"status": "writing manifest"}, _SUCCESS]
    if wanted.stream is False:
        return JSONResponse(_SUCCESS, headers=warning_headers(warnings))
    return _lines(call, _each(call, steps), warnings)


@routes.post(
    "/api/copy",
    "Give a model another name",
    CopyInput,
    {"source": "smollm2", "destination": "mine"},
    scope="admin",
    answer="",
)
async def copy(call: Call) -> Response:
    """Copy a model under another name; its file is not copied."""
    wanted = validated(CopyInput, await call.json())
    await asyncio.to_thread(call.services.inventory.copy, wanted.source, wanted.destination)
    return Response()


@routes.delete(
    "/api/delete", "Delete a model", NamedInput, {"model": "mine"}, scope="admin", answer=""
)
async def delete(call: Call) -> Response:
    """Delete the settings of a model made by settings, or the file of another. Loaded models cannot be deleted."""
    wanted = validated(NamedInput, await call.json())
    await asyncio.to_thread(call.services.inventory.remove, wanted.named)
    return Response()


@routes.post(
    "/api/pull",
    "Fetch a model",
    PullInput,
    {"model": "smollm2", "stream": False},
    can_stream=True,
    scope="admin",
)
async def pull(call: Call) -> Response:
    """Download a model from Hugging Face (``hf.co/OWNER/REPO:QUANTIZATION``), Ollama's registry or the catalogue."""
    wanted = validated(PullInput, await call.json())
    pulling = _Pull(call, wanted.named)
    if wanted.stream is False:
        await call.wait(pulling.run())
        return JSONResponse(_SUCCESS)
    return _lines(call, pulling.lines(), {})


@routes.post("/api/push", "Refused", NamedInput, {"model": "mine"}, scope="admin")
async def push(_: Call) -> Response:
    """Always refused: models are not uploaded to registries."""
    raise BadRequest("Models are not sent to registries from here.")


class _Pull:
    """A download. It stops when the client leaves; the downloaded part is kept for the next time.

    Args:
        call: The request.
        name: The model's name.
    """

    def __init__(self, call: Call, name: str) -> None:
        self._call = call
        self._name = name
        self._loop = asyncio.get_running_loop()
        self._steps: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._is_left = False

    async def run(self) -> None:
        """Download the model.

        Raises:
            CoblynError: See ``Inventory.pull``.
        """
        try:
            await asyncio.to_thread(self._call.services.inventory.pull, self._name, self._report)
        finally:
            self._is_left = True
            self._steps.put_nowait(None)

    async def lines(self) -> AsyncGenerator[bytes, None]:
        """The lines of progress, to the last."""
        work = asyncio.create_task(self.run())
        frame = self._call.dialect.framing.frame
        try:
            yield frame(compact({"status": "pulling manifest"}))
            while (step := await self._steps.get()) is not None:
                yield frame(compact(step))
            await work
            for status in ("verifying sha256 digest", "writing manifest", "success"):
                yield frame(compact({"status": status}))
        except CoblynError as error:
            yield frame(compact(self._call.dialect.error_body(Problem.of(error))))
        finally:
            self._is_left = True
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    def _report(self, progress: Progress) -> None:
        """Report progress; called on the download's thread."""
        if self._is_left:
            raise Cancelled("Nobody is waiting for this model any longer.")
        if progress.unit == "bytes" and progress.total:
            what = progress.detail or self._name
            numbers = {"total": progress.total, "completed": progress.done}
            step = {"status": f"pulling {what}", "digest": what, **numbers}
            self._loop.call_soon_threadsafe(self._steps.put_nowait, step)


def _files(call: Call, names: Sequence[str]) -> tuple[str, ...]:
    """The files of loaded adapters by name; requests must not name files of this machine.

    Raises:
        BadRequest: One is not loaded.
    """
    files = {info.name: info.path for info in call.model.adapters.infos}
    for name in names:
        if name not in files:
            raise BadRequest(
                f"The server has no adapter {name!r}.",
                field="adapters",
                hint="Start it with --adapter NAME=FILE, or make the model with `coblyn create`.",
            )
    return tuple(files[name] for name in names)


def _pair(index: int, message: dict[str, Any]) -> tuple[str, str]:
    role, content = message.get("role"), message.get("content")
    if role not in ("system", "user", "assistant") or not isinstance(content, str):
        field = f"messages[{index}]"
        raise BadRequest(f"{field} must have a role and a text as content.", field=field)
    return role, content


def _lines(call: Call, lines: AsyncGenerator[bytes, None], warnings: Warnings) -> Response:
    return StreamResponse(lines, (), call.dialect.framing.media_type, warning_headers(warnings))


async def _each(call: Call, steps: list[dict[str, str]]) -> AsyncGenerator[bytes, None]:
    for step in steps:
        yield call.dialect.framing.frame(compact(step))
