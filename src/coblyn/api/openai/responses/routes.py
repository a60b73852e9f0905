"""The paths under ``/v1/responses``."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import JSONResponse
from starlette.responses import Response as Answer

from coblyn.api.body import validated
from coblyn.api.call import Call
from coblyn.api.constraint import bind
from coblyn.api.hosted import hosted_tools
from coblyn.api.later import Warnings, warning_headers
from coblyn.api.openai.responses.approvals import Approval, approvals
from coblyn.api.openai.responses.archive import Archive, Stored
from coblyn.api.openai.responses.chunks import ResponseChunks, event_frame, told
from coblyn.api.openai.responses.items import conversation, listed
from coblyn.api.openai.responses.response import Response
from coblyn.api.openai.responses.rounds import ResponseRounds
from coblyn.api.openai.responses.toolbox import Toolbox
from coblyn.api.openai.responses.wire import ResponseInput
from coblyn.api.openai.responses.writer import Event, new_id
from coblyn.api.parameters import OPENAI_NUMBERS, with_numbers
from coblyn.api.route import Routes
from coblyn.api.stream import StreamResponse
from coblyn.chat.messages import Message
from coblyn.errors import BadRequest, CoblynError
from coblyn.service.choices import merge
from coblyn.service.command import ChatPrompt, GenerateCommand
from coblyn.service.tool_rounds import MAX_CALLS, Rounds

__all__ = ["routes"]

routes = Routes()

BODY = with_numbers(ResponseInput, OPENAI_NUMBERS)
EXAMPLE = {"input": "Good morning!"}

MAX_PAGE = 100


@dataclass(frozen=True, slots=True)
class _Asked:
    """A parsed request.

    Attributes:
        wanted: Its body.
        items: Its input.
        toolbox: Its tools.
        command: Its command.
        past: Items before it.
        approved: Calls that it approves.
    """

    wanted: ResponseInput
    items: list[dict[str, Any]]
    toolbox: Toolbox
    command: GenerateCommand
    past: list[dict[str, Any]]
    approved: list[Approval]


@routes.post("/v1/responses", "Answer in a conversation, as items", BODY, EXAMPLE, can_stream=True)
async def create(call: Call) -> Answer:
    """Generate the next items of a conversation: reasoning, text and calls, at once or as a stream of events."""
    body = await call.wishes()
    asked = await _asked(call, body)
    wanted = asked.wanted
    warnings = {
        **call.dialect.warnings(body, call.route),
        **asked.toolbox.warnings,
        **_notes(wanted),
    }
    model = call.services.models.shown(wanted.model or "").name
    response = Response(wanted, asked.toolbox, asked.command, model)
    archive = Archive(call.services.kept)
    if wanted.is_stored:
        archive.add(response, asked.items, wanted.previous_response_id)
    try:
        if asked.toolbox.hosted:
            return await _in_rounds(call, asked, response, archive, warnings)
        if wanted.stream:
            chunks = ResponseChunks(call.dialect, response, archive)
            return await call.stream([asked.command], chunks, warnings)
        await call.wait(_collected(call, response, archive, asked.command))
    except CoblynError:
        archive.forget(response)
        raise
    return call.answer(response.to_json(), warnings)


@routes.post("/v1/responses/input_tokens", "Tokens of a conversation of items", BODY, EXAMPLE)
async def input_tokens(call: Call) -> Answer:
    """The number of prompt tokens of a response with this body."""
    asked = await _asked(call, await call.wishes())
    prompt = asked.command.prompt
    assert isinstance(prompt, ChatPrompt), "it is made of messages"
    async with call.services.models.acquire(asked.command.model) as model:
        _, _, count = await model.tokens.of_chat(prompt)
    return JSONResponse({"object": "response.input_tokens", "input_tokens": count})


@routes.get("/v1/responses/{name}", "A response")
async def retrieve(call: Call) -> Answer:
    """A stored response; with ``stream=true`` its events after ``starting_after``, including future ones."""
    response = _kept(call).response
    query = call.request.query_params
    if query.get("stream", "").lower() not in ("true", "1"):
        return JSONResponse(response.to_json())
    after = query.get("starting_after", "-1")
    if not after.lstrip("-").isdecimal():
        raise BadRequest("starting_after must be an integer.", field="starting_after")
    events = _frames(call, response, int(after) + 1)
    return StreamResponse(events, [], call.dialect.framing.media_type)


@routes.delete("/v1/responses/{name}", "Forget a response")
async def delete(call: Call) -> Answer:
    """Delete a response and its items."""
    name = call.request.path_params["name"]
    Archive(call.services.kept).remove(name)
    return JSONResponse({"id": name, "object": "response", "deleted": True})


@routes.post("/v1/responses/{name}/cancel", "Cancel a response")
async def cancel(call: Call) -> Answer:
    """Cancel a running response, which keeps what it has so far."""
    response = _kept(call).response
    if response.is_over:
        raise BadRequest(f"The response is {response.status}: there is nothing to cancel.")
    response.cancel()
    await call.services.generator.abort(response.id)
    async with aclosing(response.follow(len(response.events))) as events:
        async for _ in events:
            pass
    return JSONResponse(response.to_json())


@routes.get("/v1/responses/{name}/input_items", "Input of a response")
async def input_items(call: Call) -> Answer:
    """The items of its request, newest first; ``order``, ``after`` and ``limit`` select among them."""
    items = list(_kept(call).items)
    query = call.request.query_params
    if query.get("order", "desc") != "asc":
        items.reverse()
    limit = query.get("limit", "20")
    if not limit.isdecimal() or not 1 <= int(limit) <= MAX_PAGE:
        raise BadRequest(f"limit must be between 1 and {MAX_PAGE}.", field="limit")
    ids = [item["id"] for item in items]
    after = query.get("after")
    start = ids.index(after) + 1 if after in ids else 0
    page = items[start : start + int(limit)]
    return JSONResponse(
        {
            "object": "list",
            "data": page,
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
            "has_more": start + len(page) < len(items),
        }
    )


def _kept(call: Call) -> Stored:
    """The response that the path names."""
    stored = Archive(call.services.kept).get(call.request.path_params["name"])
    if not stored.response.is_in_rounds and not call.services.hub.active(stored.response.id):
        stored.response.abandon()  # its client left before it began
    return stored


async def _asked(call: Call, body: dict[str, Any]) -> _Asked:
    wanted = validated(ResponseInput, body)
    wanted.check()
    archive = Archive(call.services.kept)
    hosted = await call.wait(hosted_tools(wanted.tools, call.services.tool_servers))
    toolbox = Toolbox(hosted)
    toolbox.add(wanted.tools)
    items, past = archive.resolved(listed(wanted.input)), archive.past(wanted.previous_response_id)
    approved = approvals(past, items)
    messages = conversation(past, items, toolbox, [each.call.id for each in approved])
    if wanted.instructions:
        messages = (Message("system", wanted.instructions), *messages)
    if not messages:
        raise BadRequest("input is empty.", field="input")
    numbers = OPENAI_NUMBERS.read(body, {})
    command = wanted.to_command(messages, toolbox, numbers, new_id("resp"))
    return _Asked(wanted, items, toolbox, _bound(command, wanted, body), past, approved)


def _bound(
    command: GenerateCommand, wanted: ResponseInput, body: dict[str, Any]
) -> GenerateCommand:
    """Add the text format to a command."""
    ours = "response_format"
    theirs = "text.format" if wanted.format is not None else ours
    form = body.get(ours) if wanted.format is None else wanted.format
    try:
        command = bind(command, {**body, ours: form, "reasoning": wanted.clamped_reasoning})
    except BadRequest as error:
        error.message = error.message.replace(ours, theirs)
        error.field = error.field.replace(ours, theirs)
        raise
    if constraint := command.constraint:
        named = constraint.named.replace(ours, theirs)
        command = replace(command, constraint=replace(constraint, named=named))
    return command


def _notes(wanted: ResponseInput) -> dict[str, str]:
    notes = {}
    if wanted.background:
        notes["background"] = "The answer comes when it is complete."
    if wanted.num_choices > 1:
        notes["n"] = "A response is one answer."
    return notes


async def _in_rounds(
    call: Call, asked: _Asked, response: Response, archive: Archive, warnings: Warnings
) -> Answer:
    """An answer whose tools run on this server."""
    wanted, servers = asked.wanted, call.services.tool_servers
    assert servers, "its tools are theirs"
    rounds = Rounds(
        call.services.generator,
        servers,
        asked.toolbox.hosted,
        [each.call for each in asked.approved],
        MAX_CALLS if wanted.max_tool_calls is None else max(0, wanted.max_tool_calls),
        response.cancelled,
    )
    first = await call.wait(rounds.begun(asked.command))
    earlier = (*asked.past, *asked.items)
    events = ResponseRounds(rounds, response, asked.approved, earlier).events(asked.command, first)
    if wanted.stream:
        chunks = ResponseChunks(call.dialect, response, archive)
        sources = [first] if first else []
        return call.growing(told(events, chunks), sources, chunks, warning_headers(warnings))
    await call.wait(_to_the_end(events, response, archive))
    return call.answer(response.to_json(), warnings)


async def _to_the_end(
    events: AsyncGenerator[list[Event], None], response: Response, archive: Archive
) -> None:
    try:
        async with aclosing(events):
            async for _ in events:
                pass
    finally:
        response.abandon()
        archive.complete(response)


async def _collected(
    call: Call, response: Response, archive: Archive, command: GenerateCommand
) -> None:
    generation = await call.services.generator.start(command)
    response.begin()
    try:
        async with aclosing(merge([generation])) as replies:
            async for _, reply in replies:
                response.add(reply, (generation.record,))
    finally:
        response.abandon()
        archive.complete(response)


async def _frames(call: Call, response: Response, start: int) -> AsyncGenerator[bytes, None]:
    async with aclosing(response.follow(max(0, start))) as events:
        async for event in events:
            yield event_frame(call.dialect, event)
