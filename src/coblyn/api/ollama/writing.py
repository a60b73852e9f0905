"""``/api/generate`` and ``/api/chat``."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from coblyn.api.body import validated
from coblyn.api.call import Call
from coblyn.api.hosted import hosted_tools, left_out, unquestioned
from coblyn.api.later import Warnings, warning_headers
from coblyn.api.ollama.keep_alive import read_keep_alive
from coblyn.api.ollama.shape import Clock, now
from coblyn.api.ollama.stream import ChatLines, GenerateLines
from coblyn.api.ollama.wire import TalkInput, WriteInput, WritingInput
from coblyn.api.rounds import WholeRounds, round_frames
from coblyn.api.route import Routes
from coblyn.api.unheard import report_unheard
from coblyn.service.command import ChatPrompt, GenerateCommand
from coblyn.service.inventory import Item
from coblyn.service.tool_rounds import Rounds

__all__ = ["keep", "routes"]

routes = Routes()


@routes.post(
    "/api/generate",
    "Continue text",
    WriteInput,
    {"model": "any", "prompt": "Why is the sky blue?", "stream": False},
    can_stream=True,
)
async def generate(call: Call) -> Response:
    """Answer a prompt, as a stream of lines unless ``stream`` is false. An empty prompt only loads the model."""
    clock, body = Clock(call.began), await call.json()
    warnings = dict(report_unheard(body, call.route.body))
    wanted = validated(WriteInput, body)
    item = await call.item(wanted.model, body)
    if not wanted.prompt and not wanted.suffix:
        return await _loaded(call, item, wanted, {"response": ""})
    keep(call, item, wanted.keep_alive, warnings)
    prompt = wanted.to_prompt(item, warnings)
    ids = None
    if isinstance(prompt, ChatPrompt):
        assert item.model, "it answers"
        _, ids, _ = await call.wait(item.model.tokens.of_chat(prompt))
    command = wanted.command(
        prompt, item, body, call.options.wishes, warnings, keeps_tokens=ids is not None
    )
    lines = GenerateLines(call.dialect, wanted.model, clock, ids)
    return await _answer(call, command, lines, warnings, is_whole=wanted.is_whole)


@routes.post(
    "/api/chat",
    "Answer in a conversation",
    TalkInput,
    {"model": "any", "messages": [{"role": "user", "content": "Good morning!"}], "stream": False},
    can_stream=True,
)
async def chat(call: Call) -> Response:
    """The next message of a conversation, as a stream of lines unless ``stream`` is false.

    Tool calls are sent complete; those of tools of tool servers run here. Without messages it only loads the model.
    """
    clock, body = Clock(call.began), await call.json()
    warnings = dict(report_unheard(body, call.route.body))
    wanted = validated(TalkInput, body)
    item = await call.item(wanted.model, body)
    if not wanted.messages:
        message = {"role": "assistant", "content": ""}
        return await _loaded(call, item, wanted, {"message": message})
    keep(call, item, wanted.keep_alive, warnings)
    servers = call.services.tool_servers
    warnings |= left_out(wanted.tools, servers)
    hosted = unquestioned(await call.wait(hosted_tools(wanted.tools, servers)), warnings)
    prompt = wanted.to_prompt(item, warnings, hosted)
    command = wanted.command(prompt, item, body, call.options.wishes, warnings)
    lines = ChatLines(call.dialect, wanted.model, clock)
    if servers and hosted:
        rounds = Rounds(call.services.generator, servers, hosted)
        return await _in_rounds(call, command, lines, rounds, warnings, is_whole=wanted.is_whole)
    return await _answer(call, command, lines, warnings, is_whole=wanted.is_whole)


async def _answer(
    call: Call,
    command: GenerateCommand,
    lines: ChatLines | GenerateLines,
    warnings: Warnings,
    *,
    is_whole: bool,
) -> Response:
    if not is_whole:
        return await call.stream([command], lines, warnings)
    (reply,) = await call.converse([command])
    return JSONResponse(lines.whole(reply), headers=warning_headers(warnings))


async def _in_rounds(
    call: Call,
    command: GenerateCommand,
    lines: ChatLines,
    rounds: Rounds,
    warnings: Warnings,
    *,
    is_whole: bool,
) -> Response:
    """An answer whose tools run on this server."""
    first = await call.wait(rounds.begun(command))
    events = rounds.events(command, first)
    headers = warning_headers(warnings)
    if not is_whole:
        sources = [first] if first else []
        return call.growing(round_frames(rounds, events, lines), sources, lines, headers)
    whole = WholeRounds(rounds)
    await call.wait(whole.collect(events))
    return JSONResponse(lines.of_rounds(whole, rounds.records), headers=headers)


def keep(call: Call, item: Item, given: Any, warnings: dict[str, str]) -> bool:
    """Set how long the model is kept. Gives whether it was unloaded at once."""
    assert item.model, "it answers"
    seconds, demand = read_keep_alive(given), call.services.models.demand
    if demand and demand.keep(item.model, seconds):
        return seconds == 0
    if seconds == 0:
        warnings["keep_alive"] = "This model stays loaded as long as the server runs."
    return False


async def _loaded(call: Call, item: Item, wanted: WritingInput, fields: dict[str, Any]) -> Response:
    """The answer when there is nothing to generate: the model is loaded, or was unloaded now."""
    warnings: dict[str, str] = {}
    goes = keep(call, item, wanted.keep_alive, warnings)
    if goes and call.services.models.demand:
        await call.services.models.demand.close_idle()
    head = {"model": wanted.model, "created_at": now(), **fields}
    reason = "unload" if goes else "load"
    return JSONResponse(
        {**head, "done": True, "done_reason": reason}, headers=warning_headers(warnings)
    )
