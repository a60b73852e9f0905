"""The paths of OpenAI's API."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from starlette.responses import JSONResponse, Response

from coblyn.api.body import validated
from coblyn.api.call import Call
from coblyn.api.constraint import bind
from coblyn.api.hosted import hosted_tools, left_out
from coblyn.api.later import Warnings, warning_headers
from coblyn.api.openai.chat_rounds import HostedChunks, WholeAnswer, approved_calls
from coblyn.api.openai.echo import NO_ECHO, echoes_of
from coblyn.api.openai.shape import Answer, chat_logprobs, chat_message, usage
from coblyn.api.openai.stream import ChatChunks, CompletionChunks
from coblyn.api.openai.texts import CompletionInput, choices
from coblyn.api.openai.tool_history import approved_ids
from coblyn.api.openai.wire import CHAT_BODY, ChatInput
from coblyn.api.parameters import OPENAI_NUMBERS, with_numbers
from coblyn.api.rounds import round_frames
from coblyn.api.route import Routes
from coblyn.engine.interface import ModelInfo
from coblyn.errors import BadRequest
from coblyn.service.command import ChatPrompt, GenerateCommand
from coblyn.service.hub import Record
from coblyn.service.inventory import Item
from coblyn.service.models import ModelEntry
from coblyn.service.replies import ReplyReason
from coblyn.service.tool_rounds import MAX_CALLS, HostedTool, Rounds

__all__ = ["routes"]

routes = Routes()


@routes.get("/v1/models", "Models")
async def list_models(call: Call) -> Response:
    """The loaded models, and those that are loaded on demand."""
    entries = [_model(entry) for entry in call.services.models.all()]
    entries += [_waiting(item) for item in await asyncio.to_thread(call.services.inventory.waiting)]
    return JSONResponse({"object": "list", "data": entries})


@routes.get("/v1/models/{name:path}", "One model")
async def get_model(call: Call) -> Response:
    """A model by its id, or by another name that requests may have for it."""
    name = call.request.path_params["name"]
    item = await asyncio.to_thread(call.services.inventory.served, name)
    return JSONResponse(_model(item.entry) if item.entry else _waiting(item))


@routes.post(
    "/v1/completions",
    "Continue text",
    with_numbers(CompletionInput, OPENAI_NUMBERS),
    {"prompt": "Once upon a time", "max_tokens": 50, "stream": False},
    can_stream=True,
)
async def completions(call: Call) -> Response:
    """Continue one or more texts, at once or as a stream of chunks."""
    body = await call.wishes()
    wanted = validated(CompletionInput, body)
    call.services.generator.require_places(wanted.num_commands, wanted.model or "")
    numbers = OPENAI_NUMBERS.read(body, {})
    commands = [
        bind(command, body)
        for command in wanted.to_commands(numbers, call.options.default_max_tokens)
    ]
    call.services.generator.require_known_tokens(commands[0])
    echoes = [NO_ECHO] * len(commands)
    if wanted.echo:
        echoes = await echoes_of(call, commands, wanted.shown_logprobs)
    warnings = call.dialect.warnings(body, call.route)
    info = call.services.models.shown(wanted.model or "")
    answer = Answer.new("cmpl", "text_completion", info)
    if wanted.stream:
        chunks = CompletionChunks(call.dialect, answer, wanted, echoes)
        return await call.stream(commands, chunks, warnings)
    records = await call.complete(commands)
    shown = choices(call.dialect, wanted, records, echoes)
    totals = usage(records, wanted.num_written, is_silent=wanted.only_echoes)
    return call.answer(answer.head | {"choices": shown, "usage": totals}, warnings)


@routes.post(
    "/v1/chat/completions",
    "Answer in a conversation",
    CHAT_BODY,
    {"messages": [{"role": "user", "content": "Good morning!"}], "stream": False},
    can_stream=True,
)
async def chat_completions(call: Call) -> Response:
    """Generate the next message of a conversation, in the model's chat format."""
    body = await call.wishes()
    wanted = validated(ChatInput, body)
    call.services.generator.require_places(wanted.num_choices, wanted.model or "")
    numbers = OPENAI_NUMBERS.read(body, {})
    hosted = await _hosted(call, wanted)
    commands = [bind(command, body) for command in wanted.to_commands(numbers, None, hosted)]
    call.services.generator.require_known_tokens(commands[0])
    warnings = call.dialect.warnings(body, call.route)
    info = call.services.models.shown(wanted.model or "")
    kind = "chat.completion.chunk" if wanted.stream else "chat.completion"
    answer = Answer.new("chatcmpl", kind, info)
    if wanted.wants_hosted:
        warnings = {**warnings, **left_out(wanted.tools, call.services.tool_servers)}
    if hosted or (wanted.wants_hosted and approved_ids(wanted.messages)):
        return await _in_rounds(call, wanted, commands, answer, hosted, warnings)
    if wanted.stream:
        return await call.stream(commands, ChatChunks(call.dialect, answer, wanted), warnings)
    replies = await call.converse(commands)
    shown = [
        _choice(call, wanted, index, chat_message(reply.message), [reply.record], reply.reason)
        for index, reply in enumerate(replies)
    ]
    totals = usage([reply.record for reply in replies], wanted.num_choices)
    return call.answer(answer.head | {"choices": shown, "usage": totals}, warnings)


async def _hosted(call: Call, wanted: ChatInput) -> tuple[HostedTool, ...]:
    """The requested tools on this server."""
    if not wanted.wants_hosted:
        return ()
    found = await call.wait(hosted_tools(wanted.tools, call.services.tool_servers))
    if found and wanted.num_choices > 1:
        raise BadRequest("n must be 1 with tools of tool servers.", field="n")
    return found


async def _in_rounds(
    call: Call,
    wanted: ChatInput,
    commands: Sequence[GenerateCommand],
    answer: Answer,
    hosted: Sequence[HostedTool],
    warnings: Warnings,
) -> Response:
    """An answer whose tools run on this server."""
    command = commands[0]
    approved = approved_calls(command, approved_ids(wanted.messages), hosted)
    servers = call.services.tool_servers
    assert servers, "its tools are theirs"
    most = MAX_CALLS if wanted.max_tool_calls is None else wanted.max_tool_calls
    rounds = Rounds(call.services.generator, servers, hosted, approved, most)
    first = await call.wait(rounds.begun(command))
    events = rounds.events(command, first)
    if wanted.stream:
        chunks = HostedChunks(call.dialect, answer, wanted, rounds=rounds)
        sources = [first] if first else []
        headers = warning_headers(warnings)
        return call.growing(round_frames(rounds, events, chunks), sources, chunks, headers)
    whole = WholeAnswer(rounds)
    await call.wait(whole.collect(events))
    shown = [_choice(call, wanted, 0, whole.message, rounds.records, whole.reason)]
    totals = usage(rounds.records, 1)
    return call.answer(answer.head | {"choices": shown, "usage": totals}, warnings)


def _choice(
    call: Call,
    wanted: ChatInput,
    index: int,
    message: dict[str, Any],
    records: Sequence[Record],
    reason: ReplyReason | None,
) -> dict[str, Any]:
    """A choice of an answer."""
    tokens = [token for record in records for token in record.tokens]
    return {
        "index": index,
        "message": message,
        "logprobs": chat_logprobs(tokens) if wanted.shows_logprobs else None,
        "finish_reason": call.dialect.finish_reasons[reason] if reason else None,
    }


@routes.post(
    "/v1/chat/completions/input_tokens",
    "Tokens of a conversation",
    CHAT_BODY,
    {"messages": [{"role": "user", "content": "Good morning!"}]},
)
async def chat_input_tokens(call: Call) -> Response:
    """The number of prompt tokens of a chat completion with this body."""
    body = await call.json()
    wanted = validated(ChatInput, body)
    hosted = await _hosted(call, wanted)
    prompt = bind(wanted.to_commands({}, 1, hosted)[0], body).prompt
    assert isinstance(prompt, ChatPrompt), "chats are made of messages"
    async with call.services.models.acquire(wanted.model or "") as model:
        _, _, count = await model.tokens.of_chat(prompt)
    return JSONResponse({"object": "response.input_tokens", "input_tokens": count})


def _waiting(item: Item) -> dict[str, Any]:
    """A model that can be loaded, in llama-server's format."""
    return {
        "id": item.file_name,
        "object": "model",
        "created": int(item.modified.timestamp()),
        "owned_by": "coblyn",
        "status": {"value": "loaded" if item.model else "unloaded"},
    }


def modalities(info: ModelInfo) -> list[str]:
    """A model's input modalities, by OpenAI's names."""
    words = {"image": "image", "sound": "audio"}
    return ["text", *(words[kind] for kind in info.media)]


def _model(entry: ModelEntry) -> dict[str, Any]:
    info = entry.info
    return {
        "id": entry.id,
        "object": "model",
        "created": entry.created,
        "owned_by": "coblyn",
        "max_model_len": info.context,
        "context_length": info.context,
        "meta": {
            "vocab_type": info.vocab_type,
            "n_vocab": info.vocab_size,
            "n_ctx": info.context,
            "n_ctx_train": info.context_train,
            "n_embd": info.width,
            "n_params": info.num_parameters,
            "size": info.size,
        },
        "architecture": {"input_modalities": modalities(info), "output_modalities": ["text"]},
    }
