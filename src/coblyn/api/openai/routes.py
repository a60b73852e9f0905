"""The paths of OpenAI's API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from coblyn.api.body import read_json, validated
from coblyn.api.docs import describes_body
from coblyn.api.later import LaterFields, read_leniently
from coblyn.api.openai.run import Run
from coblyn.api.openai.shape import (
    Answer,
    chat_logprobs,
    completion_logprobs,
    finish_reason,
)
from coblyn.api.openai.stream import ChatChunks, CompletionChunks
from coblyn.api.openai.wire import ChatInput, CompletionInput
from coblyn.api.state import Options, Provided
from coblyn.service.command import GenerateCommand, TextPrompt, TokenPrompt
from coblyn.service.hub import Record
from coblyn.service.models import ModelEntry
from coblyn.service.services import Services

__all__ = ["router"]

router = APIRouter(tags=["openai"])


@router.get("/v1/models", summary="Models")
async def list_models(services: Provided) -> Response:
    """The model that is loaded."""
    entries = [_model(entry) for entry in services.models.all()]
    return JSONResponse({"object": "list", "data": entries})


@router.get("/v1/models/{name:path}", summary="One model")
async def get_model(name: str, services: Provided) -> Response:
    """A model by its id."""
    return JSONResponse(_model(services.models.get(name)))


@router.post(
    "/v1/completions",
    summary="Continue text",
    openapi_extra=describes_body(
        CompletionInput, {"prompt": "Once upon a time", "max_tokens": 50, "stream": False}
    ),
)
async def completions(request: Request, services: Provided, options: Options) -> Response:
    """Continue one or more texts, at once or as a stream of chunks."""
    body = await read_json(request)
    wanted = validated(CompletionInput, body)
    commands = wanted.to_commands(options.default_max_tokens)
    echoes = await _echoes(services, commands) if wanted.echo else [""] * len(commands)
    _, warnings = read_leniently(LaterFields, body)
    answer = Answer.new("cmpl", "text_completion", services.engine.info.name)

    def choice(index: int, record: Record) -> dict[str, Any]:
        tokens = record.tokens if wanted.logprobs is not None else None
        return {
            "text": echoes[index] + record.text,
            "index": index,
            "logprobs": None if tokens is None else completion_logprobs(tokens, len(echoes[index])),
            "finish_reason": finish_reason(record.finish),
        }

    run = Run(services.generator, wanted, commands, answer, warnings)
    return await run.respond(request, CompletionChunks(answer, echoes), choice)


@router.post(
    "/v1/chat/completions",
    summary="Answer in a conversation",
    openapi_extra=describes_body(
        ChatInput, {"messages": [{"role": "user", "content": "Good morning!"}], "stream": False}
    ),
)
async def chat_completions(request: Request, services: Provided) -> Response:
    """The next message of a conversation, in the model's own chat format."""
    body = await read_json(request)
    wanted = validated(ChatInput, body)
    commands = wanted.to_commands()
    _, warnings = read_leniently(LaterFields, body)
    answer = Answer.new("chatcmpl", "chat.completion", services.engine.info.name)

    def choice(index: int, record: Record) -> dict[str, Any]:
        return {
            "index": index,
            "message": {"role": "assistant", "content": record.text, "refusal": None},
            "logprobs": chat_logprobs(record.tokens) if wanted.logprobs else None,
            "finish_reason": finish_reason(record.finish),
        }

    run = Run(services.generator, wanted, commands, answer, warnings)
    chunk_answer = Answer(answer.id, "chat.completion.chunk", answer.created, answer.model)
    return await run.respond(request, ChatChunks(chunk_answer), choice)


async def _echoes(services: Services, commands: Sequence[GenerateCommand]) -> list[str]:
    echoes = []
    for command in commands:
        if isinstance(command.prompt, TextPrompt):
            echoes.append(command.prompt.text)
        elif isinstance(command.prompt, TokenPrompt):
            echoes.append(await services.tokens.to_text(command.prompt.tokens, special=True))
    return echoes


def _model(entry: ModelEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "object": "model",
        "created": entry.created,
        "owned_by": "coblyn",
        "max_model_len": entry.context,
    }
