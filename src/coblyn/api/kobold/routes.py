"""The paths of KoboldAI's API: generation, tokens, and facts about the server."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from starlette.responses import JSONResponse, Response

from coblyn.api.body import validated
from coblyn.api.call import Call
from coblyn.api.constraint import bind
from coblyn.api.kobold import shape
from coblyn.api.kobold.sample import look, read_top, stage
from coblyn.api.kobold.sampling import read_sampling
from coblyn.api.kobold.stream import KoboldChunks
from coblyn.api.kobold.wire import (
    MAX_STOPS,
    DetokenizeInput,
    GenerateInput,
    KeyInput,
    TokenCountInput,
    has_placeholders,
    to_command,
    with_budget,
)
from coblyn.api.later import Warnings, cut_warning, read_leniently
from coblyn.api.openai.embeddings import EXAMPLE, EmbeddingsInput, answer
from coblyn.api.parameters import KOBOLD_NUMBERS, with_numbers
from coblyn.api.route import Routes
from coblyn.chat.client import shared_renderers
from coblyn.chat.messages import read_messages
from coblyn.chat.placeholders import Tags
from coblyn.chat.tags import tags_of
from coblyn.engine.params import SamplingParams
from coblyn.service.command import ChatPrompt, GenerateCommand
from coblyn.service.window import longest_completion

__all__ = ["routes"]

routes = Routes()

_BODY = with_numbers(GenerateInput, KOBOLD_NUMBERS)
_EXAMPLE = {"prompt": "Once upon a time", "max_length": 50}


@routes.post("/api/v1/generate", "Generate text", _BODY, _EXAMPLE)
async def generate(call: Call) -> Response:
    """The whole text at once. ``/api/extra/generate/check`` shows it growing."""
    _, command, warnings = await _command(call)
    (record,) = await call.complete([command])
    result = shape.result(record, call.dialect.reason(record.finish))
    return call.answer({"results": [result]}, {**warnings, **cut_warning([record])})


@routes.post("/request", "Generate text (oldest form)", _BODY, _EXAMPLE)
async def request(call: Call) -> Response:
    """As ``/api/v1/generate``, but the answer is the text only."""
    _, command, warnings = await _command(call)
    (record,) = await call.complete([command])
    return call.answer({"data": {"seqs": [record.text]}}, {**warnings, **cut_warning([record])})


@routes.post("/api/extra/generate/stream", "Stream text", _BODY, _EXAMPLE, can_stream=True)
async def generate_stream(call: Call) -> Response:
    """Server-sent events, one per piece of text."""
    body, command, warnings = await _command(call)
    chunks = KoboldChunks(call.dialect, with_events=body.coblyn_events, warnings=warnings)
    return await call.stream([command], chunks, warnings)


@routes.post("/api/extra/generate/check", "Text so far", KeyInput)
@routes.get("/api/extra/generate/check", "Text so far")
async def check(call: Call) -> Response:
    """All text so far of the generation with this key, or of the only running one."""
    record = call.services.hub.find(await _key(call))
    return JSONResponse({"results": [{"text": record.text if record else ""}]})


@routes.post("/api/coblyn/plan", "Cost of a generation", _BODY, _EXAMPLE)
async def plan(call: Call) -> Response:
    """Takes the body of a generation, without starting it: tokens of the prompt, those in memory, and those to compute.

    ``seconds`` until the first token are estimated from the speed of the last generations; null while none was long
    enough.
    """
    _, command, warnings = await _command(call)
    outlook = await call.wait(call.services.planner.foresee(command))
    return call.answer(asdict(outlook) | {"to_read": outlook.tokens - outlook.cached}, warnings)


@routes.post("/api/coblyn/sample", "Candidates for the next token", _BODY, _EXAMPLE)
async def sample(call: Call) -> Response:
    """Takes the body of a generation: candidates for its first token, after each sampler in order.

    The first stage, ``model``, is the model's own distribution. Each stage has at most ``?top=`` (12, up to 100)
    candidates with their probabilities, best first, and their total number. The prompt is computed first if necessary.
    """
    _, command, warnings = await _command(call)
    views = await look(call, command, read_top(call.request.query_params))
    return call.answer({"stages": [stage(view) for view in views]}, warnings)


@routes.post("/api/extra/abort", "Abort a generation", KeyInput)
async def abort(call: Call) -> Response:
    """Abort the generation with this key, running or waiting. The values are strings."""
    done = "true" if await call.services.generator.abort(await _key(call)) else "false"
    return JSONResponse({"success": done, "done": done})


@routes.post("/api/extra/last_logprobs", "Log-probabilities", KeyInput)
@routes.get("/api/extra/last_logprobs", "Log-probabilities")
async def last_logprobs(call: Call) -> Response:
    """Log-probabilities of the generation with this key, if it requested them."""
    record = call.services.hub.find(await _key(call))
    tokens = record.tokens if record else []
    return JSONResponse({"logprobs": shape.logprobs_object(tokens) if tokens else None})


@routes.post(
    "/api/extra/tokencount", "Count tokens", TokenCountInput, {"prompt": "Once upon a time"}
)
async def tokencount(call: Call) -> Response:
    """Token ids of a text, or of messages in the model's chat format."""
    body, _ = await call.read(TokenCountInput)
    async with call.services.models.acquire(body.model) as model:
        if body.messages:
            prompt = ChatPrompt(read_messages(body.messages))
            text, ids, count = await model.tokens.of_chat(prompt)
        else:
            text = body.prompt
            ids = await model.tokens.of_text(text, special=body.special)
            count = len(ids)
    return JSONResponse({"value": count, "ids": ids, "prompt": text})


@routes.post("/api/extra/embeddings", "Texts to vectors", EmbeddingsInput, EXAMPLE)
async def embeddings(call: Call) -> Response:
    """A vector of length 1 per text, in OpenAI's form; texts that are too long are cut unless that is refused."""
    wanted = validated(EmbeddingsInput, await call.json())
    return await answer(call, wanted, truncates=wanted.truncate is not False)


@routes.post("/api/extra/detokenize", "Text of tokens", DetokenizeInput, {"ids": [72, 105]})
async def detokenize(call: Call) -> Response:
    """Text of token ids."""
    body, _ = await call.read(DetokenizeInput)
    async with call.services.models.acquire(body.model) as model:
        text = await model.tokens.to_text(body.ids, special=body.special)
    return JSONResponse({"result": text, "success": True})


@routes.get("/api/extra/version", "What this server can do")
async def version(call: Call) -> Response:
    """Version and features, which KoboldCPP's clients request first."""
    return JSONResponse(shape.version(call.services, has_keys=bool(call.options.keys())))


@routes.get("/api/extra/perf", "Speed and queue")
async def perf(call: Call) -> Response:
    """Speeds of the latest finished generation."""
    return JSONResponse(shape.perf(call.services.hub, call.model.engine.status()))


@routes.get("/api/v1/info/version", "Version of KoboldAI's API")
async def info_version(_: Call) -> Response:
    """The supported version of KoboldAI's API."""
    return JSONResponse({"result": "1.2.5"})


@routes.get("/api/v1/model", "Name of the model")
async def model(call: Call) -> Response:
    """Name of the model, even while it is loaded; "inactive" if it was unloaded."""
    is_there = call.model.coming or call.model.engine.status().state != "unloaded"
    name = f"koboldcpp/{call.model.awaited_name}"
    return JSONResponse({"result": name if is_there else "inactive"})


@routes.get("/api/extra/true_max_context_length", "Tokens of context")
@routes.get("/api/v1/config/max_context_length", "Tokens of context")
async def max_context_length(call: Call) -> Response:
    """Maximum number of tokens of prompt and completion together."""
    return JSONResponse({"value": call.model.engine.info.context})


@routes.get("/api/v1/config/max_length", "Tokens of a completion")
async def max_length(call: Call) -> Response:
    """Default maximum number of tokens to generate."""
    longest = longest_completion(call.model.engine.info.context)
    return JSONResponse({"value": min(call.options.default_max_tokens, longest)})


@routes.post("/api/v1/config/soft_prompt", "Soft prompt")
@routes.get("/api/v1/config/soft_prompt", "Soft prompt")
async def soft_prompt(_: Call) -> Response:
    """Always empty: a feature of KoboldAI that GGUF models do not have."""
    return JSONResponse({"value": ""})


@routes.get("/api/v1/config/soft_prompts_list", "Soft prompts")
async def soft_prompts_list(_: Call) -> Response:
    """Always empty."""
    return JSONResponse({"values": []})


async def _command(call: Call) -> tuple[GenerateInput, GenerateCommand, Warnings]:
    body = await call.wishes()
    wanted, reported = read_leniently(GenerateInput, body)
    warnings = {**call.dialect.warnings(body, call.route), **reported}
    if len(wanted.stop_sequence) > MAX_STOPS:
        warnings["stop_sequence"] = (
            f"Only the first {MAX_STOPS} of {len(wanted.stop_sequence)} were used."
        )
    sampling = read_sampling(body, wanted, warnings)
    _report_lengths(call, wanted, warnings)
    _report_biases(call, wanted, sampling, warnings)
    default = call.options.default_max_tokens
    tags = await _model_tags(call, wanted) if has_placeholders(wanted) else Tags()
    command = to_command(wanted, sampling, tags, default_max_tokens=default)
    body = with_budget(body, wanted.reasoning_effort, command.max_tokens, warnings)
    return wanted, bind(command, body), warnings


def _report_biases(
    call: Call, wanted: GenerateInput, sampling: SamplingParams, warnings: dict[str, str]
) -> None:
    """Warn about biases for tokens that the model does not have; they have no effect."""
    size = call.services.models.find(wanted.model).engine.info.vocab_size
    unknown = [str(token) for token, _ in sampling.logit_bias if token >= size]
    if unknown:
        ids = ", ".join(unknown[:8]) + (", ..." if len(unknown) > 8 else "")
        warnings["logit_bias"] = f"The model has no token {ids}: its ids go from 0 to {size - 1}."


def _report_lengths(call: Call, wanted: GenerateInput, warnings: dict[str, str]) -> None:
    """Warn about lengths beyond the model's limits; they are clamped."""
    context = call.services.models.find(wanted.model).engine.info.context
    if wanted.max_context_length > context:
        warnings["max_context_length"] = f"The context has {context} tokens; that was used."
    room = longest_completion(min(wanted.max_context_length or context, context))
    longest = min(room, call.options.max_completion or room)
    if wanted.max_length > longest:
        why = (
            "part of the context is reserved for the prompt"
            if longest == room
            else "that is the maximum here"
        )
        warnings["max_length"] = f"{longest} was used: {why}."


async def _model_tags(call: Call, wanted: GenerateInput) -> Tags:
    """The tags of the model's chat format, or KoboldCPP's default."""
    info = call.services.models.find(wanted.model).engine.info
    found = await asyncio.to_thread(
        tags_of, info.chat_template, info.bos, info.eos, shared_renderers().run
    )
    return found or Tags()


async def _key(call: Call) -> str:
    return (await call.read(KeyInput))[0].genkey
