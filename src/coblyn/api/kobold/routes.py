"""The paths of KoboldAI's API: generation, tokens, and what clients ask about the server."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from coblyn.api.body import read_json
from coblyn.api.docs import describes_body
from coblyn.api.kobold import shape
from coblyn.api.kobold.stream import frames
from coblyn.api.kobold.wire import (
    DetokenizeInput,
    GenerateInput,
    KeyInput,
    TokenCountInput,
    to_command,
)
from coblyn.api.later import read_leniently, warning_headers
from coblyn.api.messages import read_messages
from coblyn.api.state import Options, Provided
from coblyn.api.stream import EventStream, while_connected
from coblyn.engine.events import Finish
from coblyn.service.command import ChatPrompt, GenerateCommand
from coblyn.service.services import Services
from coblyn.service.window import longest_completion

__all__ = ["router"]

router = APIRouter(tags=["kobold"])

_GENERATE = describes_body(GenerateInput, {"prompt": "Once upon a time", "max_length": 50})
_KEY = describes_body(KeyInput, {})


@router.post("/api/v1/generate", summary="Generate text", openapi_extra=_GENERATE)
async def generate(request: Request, services: Provided, options: Options) -> Response:
    """The whole text at once. ``/api/extra/generate/check`` shows it growing."""
    body, warnings = read_leniently(GenerateInput, await read_json(request))
    command = to_command(body, default_max_tokens=options.default_max_tokens)
    result = await while_connected(request.receive, _complete(services, command))
    answer = {"results": [result]} | ({"warnings": dict(warnings)} if warnings else {})
    return JSONResponse(answer, headers=warning_headers(warnings))


@router.post("/api/extra/generate/stream", summary="Stream text", openapi_extra=_GENERATE)
async def generate_stream(request: Request, services: Provided, options: Options) -> Response:
    """Server-sent events, one for each piece of text."""
    body, warnings = read_leniently(GenerateInput, await read_json(request))
    command = to_command(body, default_max_tokens=options.default_max_tokens)
    generation = await while_connected(request.receive, services.generator.start(command))
    events = frames(generation, with_events=body.coblyn_events)
    return EventStream(events, [generation], warning_headers(warnings))


@router.get("/api/extra/generate/check", summary="Text so far")
@router.post("/api/extra/generate/check", summary="Text so far", openapi_extra=_KEY)
async def check(request: Request, services: Provided) -> Response:
    """All text so far of the generation with that key, or of the only one that runs."""
    record = services.hub.find(await _key(request))
    return JSONResponse({"results": [{"text": record.text if record else ""}]})


@router.post("/api/extra/abort", summary="Abort a generation", openapi_extra=_KEY)
async def abort(request: Request, services: Provided) -> Response:
    """End the generation with that key, running or waiting. The values are strings."""
    done = "true" if await services.generator.abort(await _key(request)) else "false"
    return JSONResponse({"success": done, "done": done})


@router.get("/api/extra/last_logprobs", summary="Log-probabilities")
@router.post("/api/extra/last_logprobs", summary="Log-probabilities", openapi_extra=_KEY)
async def last_logprobs(request: Request, services: Provided) -> Response:
    """Log-probabilities of the generation with that key, if it asked for them."""
    record = services.hub.find(await _key(request))
    tokens = record.tokens if record else []
    return JSONResponse({"logprobs": shape.logprobs_object(tokens) if tokens else None})


@router.post(
    "/api/extra/tokencount",
    summary="Count tokens",
    openapi_extra=describes_body(TokenCountInput, {"prompt": "Once upon a time"}),
)
async def tokencount(request: Request, services: Provided) -> Response:
    """Token ids of a text, or of messages in the model's own chat format."""
    body, _ = read_leniently(TokenCountInput, await read_json(request))
    if body.messages:
        prompt = ChatPrompt(read_messages(body.messages))
        text, ids = await services.tokens.of_chat(prompt)
    else:
        text = body.prompt
        ids = await services.tokens.of_text(text, special=body.special)
    return JSONResponse({"value": len(ids), "ids": ids, "prompt": text})


@router.post(
    "/api/extra/detokenize",
    summary="Text of tokens",
    openapi_extra=describes_body(DetokenizeInput, {"ids": [72, 105]}),
)
async def detokenize(request: Request, services: Provided) -> Response:
    """Text of token ids."""
    body, _ = read_leniently(DetokenizeInput, await read_json(request))
    text = await services.tokens.to_text(body.ids, special=body.special)
    return JSONResponse({"result": text, "success": True})


@router.get("/api/extra/version", summary="What this server can do")
async def version() -> Response:
    """The handshake of KoboldCPP's clients."""
    return JSONResponse(shape.version())


@router.get("/api/extra/perf", summary="Speed and queue")
async def perf(services: Provided) -> Response:
    """Speeds of the generation that finished last."""
    return JSONResponse(shape.perf(services.hub, services.engine.status()))


@router.get("/api/v1/info/version", summary="Version of KoboldAI's API")
async def info_version() -> Response:
    """The version of KoboldAI's API that is spoken."""
    return JSONResponse({"result": "1.2.5"})


@router.get("/api/v1/model", summary="Name of the model")
async def model(services: Provided) -> Response:
    """Name of the model that is loaded."""
    return JSONResponse({"result": f"koboldcpp/{services.engine.info.name}"})


@router.get("/api/v1/config/max_context_length", summary="Tokens of context")
@router.get("/api/extra/true_max_context_length", summary="Tokens of context")
async def max_context_length(services: Provided) -> Response:
    """Tokens that prompt and completion may have together."""
    return JSONResponse({"value": services.engine.info.context})


@router.get("/api/v1/config/max_length", summary="Tokens of a completion")
async def max_length(services: Provided, options: Options) -> Response:
    """Tokens that are generated when a request names no number."""
    longest = longest_completion(services.engine.info.context)
    return JSONResponse({"value": min(options.default_max_tokens, longest)})


@router.get("/api/v1/config/soft_prompt", summary="Soft prompt")
@router.post("/api/v1/config/soft_prompt", summary="Soft prompt")
async def soft_prompt() -> Response:
    """Always empty: a feature of KoboldAI that GGUF models do not have."""
    return JSONResponse({"value": ""})


@router.get("/api/v1/config/soft_prompts_list", summary="Soft prompts")
async def soft_prompts_list() -> Response:
    """Always empty."""
    return JSONResponse({"values": []})


async def _complete(services: Services, command: GenerateCommand) -> dict[str, Any]:
    generation = await services.generator.start(command)
    try:
        async for event in generation:
            if isinstance(event, Finish):
                return shape.result(generation.record, event)
    finally:
        await generation.aclose()
    raise AssertionError("a generation ends with Finish or an error")


async def _key(request: Request) -> str:
    return read_leniently(KeyInput, await read_json(request))[0].genkey
