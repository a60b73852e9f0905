"""The paths of Anthropic's API."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import JSONResponse, Response

from coblyn.api.anthropic.content import content_of
from coblyn.api.anthropic.rounds import RoundChunks, WholeMessage, tools_of_sets
from coblyn.api.anthropic.shape import (
    Ending,
    message_head,
    model_page,
    model_shape,
    usage,
    waiting_shape,
)
from coblyn.api.anthropic.stream import MessageChunks
from coblyn.api.anthropic.wire import CountInput, MessagesInput
from coblyn.api.body import validated
from coblyn.api.call import Call
from coblyn.api.later import Warnings, warning_headers
from coblyn.api.parameters import OPENAI_NUMBERS, with_numbers
from coblyn.api.rounds import round_frames
from coblyn.api.route import Routes
from coblyn.engine.events import Finish, Stats
from coblyn.service.command import GenerateCommand
from coblyn.service.replies import WholeReply
from coblyn.service.request_id import request_id
from coblyn.service.tool_rounds import HostedTool, Rounds

__all__ = ["VERSION_HEADER", "routes"]

VERSION_HEADER = "anthropic-version"
"""Sent by every Anthropic client; its value is ignored."""

routes = Routes()

_EXAMPLE = {"messages": [{"role": "user", "content": "Good morning!"}], "max_tokens": 50}


@routes.post(
    "/v1/messages",
    "Answer in a conversation",
    with_numbers(MessagesInput, OPENAI_NUMBERS),
    _EXAMPLE,
    can_stream=True,
)
async def messages(call: Call) -> Response:
    """The next message of a conversation, whole or as a stream of events."""
    body = await call.wishes()
    wanted = validated(MessagesInput, body)
    warnings = dict(call.dialect.warnings(body, call.route))
    hosted = await _hosted(call, wanted, warnings)
    command = wanted.to_command(body, OPENAI_NUMBERS.read(body, warnings), warnings, hosted)
    head = message_head(call.services.models.shown(command.model).name)
    if hosted:
        return await _in_rounds(call, wanted, command, head, hosted, warnings)
    if wanted.stream:
        return await call.stream([command], MessageChunks(call.dialect, head, wanted), warnings)
    (reply,) = await call.converse([command])
    return _answer({**head, **_message(wanted, reply)}, warnings)


@routes.post(
    "/v1/messages/count_tokens", "Count the tokens of a conversation", CountInput, _EXAMPLE
)
async def count_tokens(call: Call) -> Response:
    """The number of tokens of the prompt: messages, system text, tools and the model's chat format."""
    body = await call.json()
    warnings: dict[str, str] = {}
    wanted = validated(CountInput, body)
    prompt = wanted.to_prompt(warnings, await _hosted(call, wanted, warnings))
    async with call.services.models.acquire(wanted.model or "") as model:
        _, _, count = await call.wait(model.tokens.of_chat(prompt))
    return _answer({"input_tokens": count}, warnings)


@routes.get("/v1/models", "Models", header=VERSION_HEADER)
async def list_models(call: Call) -> Response:
    """The loaded models, and those that are loaded on demand, for clients that send Anthropic's version header."""
    shapes = [model_shape(entry) for entry in call.services.models.all()]
    waiting = await asyncio.to_thread(call.services.inventory.waiting)
    return _answer(model_page([*shapes, *map(waiting_shape, waiting)]), {})


@routes.get("/v1/models/{name:path}", "One model", header=VERSION_HEADER)
async def get_model(call: Call) -> Response:
    """A model by its id, or by another name that requests may have for it."""
    name = call.request.path_params["name"]
    item = await asyncio.to_thread(call.services.inventory.served, name)
    return _answer(model_shape(item.entry) if item.entry else waiting_shape(item), {})


async def _hosted(
    call: Call, wanted: CountInput, warnings: dict[str, str]
) -> tuple[HostedTool, ...]:
    """The requested tools on this server."""
    return await call.wait(tools_of_sets(wanted.tools, call.services.tool_servers, warnings))


async def _in_rounds(
    call: Call,
    wanted: MessagesInput,
    command: GenerateCommand,
    head: Mapping[str, Any],
    hosted: Sequence[HostedTool],
    warnings: Warnings,
) -> Response:
    """A message whose tools run on this server."""
    servers = call.services.tool_servers
    assert servers, "its tools are theirs"
    rounds = Rounds(call.services.generator, servers, hosted)
    first = await call.wait(rounds.begun(command))
    events = rounds.events(command, first)
    if wanted.stream:
        chunks = RoundChunks(call.dialect, head, wanted, rounds=rounds)
        sources = [first] if first else []
        frames = round_frames(rounds, events, chunks, gap="")
        return call.growing(frames, sources, chunks, warning_headers(warnings))
    whole = WholeMessage(rounds)
    await call.wait(whole.collect(events))
    last = rounds.records[-1].finish
    assert last, "it is complete"
    fields = _fields(wanted, last, whole.stats, has_calls=whole.reason == "tool_calls")
    return _answer({**head, "content": whole.content, **fields}, warnings)


def _message(wanted: MessagesInput, reply: WholeReply) -> dict[str, Any]:
    """The remaining fields of a message."""
    finish = reply.record.finish
    assert finish, "it is complete"
    has_calls = reply.reason == "tool_calls"
    return {
        "content": content_of(reply.message),
        **_fields(wanted, finish, finish.stats, has_calls=has_calls),
    }


def _fields(
    wanted: MessagesInput, finish: Finish, stats: Stats, *, has_calls: bool
) -> dict[str, Any]:
    """The fields after a message's content."""
    ending = Ending(finish, wanted.stops, wanted.limit, has_calls=has_calls)
    totals = usage(stats.num_prompt, stats.num_cached, stats.num_generated)
    return {**ending.fields, "usage": totals}


def _answer(body: Mapping[str, Any], warnings: Warnings) -> Response:
    """An answer without additional fields, which some clients refuse."""
    return JSONResponse(
        dict(body), headers={"request-id": request_id(), **warning_headers(warnings)}
    )
