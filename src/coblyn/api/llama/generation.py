"""``/completion`` and ``/infill``."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import JSONResponse, Response

from coblyn.api.body import validated
from coblyn.api.call import Call
from coblyn.api.constraint import bind
from coblyn.api.later import warning_headers
from coblyn.api.llama.prompts import biases_of_texts, read_prompts
from coblyn.api.llama.sampling import LLAMA_NUMBERS, read_numbers
from coblyn.api.llama.stream import Asked, LlamaChunks
from coblyn.api.llama.wire import GenerationInput, InfillInput, LlamaCompletionInput
from coblyn.api.parameters import with_numbers
from coblyn.api.route import Routes
from coblyn.chat.attachment import unmarked
from coblyn.service.command import AnyPrompt, InfillPrompt, TextPrompt, TokenPrompt
from coblyn.service.tokens import Tokens

__all__ = ["routes"]

routes = Routes()


@routes.post(
    "/completion",
    "Continue text, as llama-server does",
    with_numbers(LlamaCompletionInput, LLAMA_NUMBERS),
    {"prompt": "Once upon a time", "n_predict": 50},
    can_stream=True,
)
async def completion(call: Call) -> Response:
    """Continue one or several texts, at once or as a stream of chunks, the last of which has the statistics."""
    body = await call.wishes()
    async with call.services.models.acquire(str(body.get("model") or "")) as model:
        body["logit_bias"] = await biases_of_texts(body.get("logit_bias"), model.tokens)
        wanted = validated(LlamaCompletionInput, body)
        prompts, is_list = await read_prompts(wanted.prompt, model.tokens)
        return await _answer(call, body, wanted, prompts, is_list=is_list)


@routes.post(
    "/infill",
    "Fill a gap in a text",
    with_numbers(InfillInput, LLAMA_NUMBERS),
    {"input_prefix": "def add(a, b):\\n    return ", "input_suffix": "\\n", "n_predict": 20},
    can_stream=True,
)
async def infill(call: Call) -> Response:
    """Fill the gap between two texts, with a model trained for that."""
    body = await call.wishes()
    wanted = validated(InfillInput, body)
    files = tuple((file.filename, file.text) for file in wanted.input_extra or ())
    before = wanted.input_prefix + (wanted.prompt or "")
    gap = InfillPrompt(before, wanted.input_suffix, files)
    return await _answer(call, body, wanted, [gap], is_list=False)


async def _answer(
    call: Call,
    body: dict[str, object],
    wanted: GenerationInput,
    prompts: Sequence[AnyPrompt],
    *,
    is_list: bool,
) -> Response:
    model = call.services.models.find(wanted.model or "")
    count = len(prompts) * wanted.num_choices
    call.services.generator.require_places(count, wanted.model or "")
    commands = [bind(each, body) for each in wanted.to_commands(prompts, read_numbers(body))]
    call.services.generator.require_known_tokens(commands[0])
    texts = [await _text(prompt, model.tokens) for prompt in prompts]
    of_each = [text for text in texts for _ in range(wanted.num_choices)]
    asked = Asked(wanted, commands, of_each, call.services.models.shown(wanted.model or ""))
    warnings = call.dialect.warnings(body, call.route)
    if wanted.stream:
        return await call.stream(commands, LlamaChunks(call.dialect, asked), warnings)
    records = await call.complete(commands, keeps_tokens=bool(wanted.return_tokens))
    answers = [asked.whole(index, record) for index, record in enumerate(records)]
    if is_list or len(answers) > 1:
        return JSONResponse(answers, headers=warning_headers(warnings))
    return call.answer(answers[0], warnings)


async def _text(prompt: AnyPrompt, tokens: Tokens) -> str:
    if isinstance(prompt, TextPrompt):
        return unmarked(prompt.text)
    if isinstance(prompt, InfillPrompt):
        return prompt.before
    assert isinstance(prompt, TokenPrompt), "conversations have a route of their own"
    return await tokens.to_text(prompt.tokens, special=True)
