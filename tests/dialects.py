"""How each dialect asks for an answer and tells it, so that one test can hold for all of them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from asgi import Client, Reply
from coblyn.api.app import create_app
from coblyn.engine.fake import FakeRunner
from coblyn.engine.local import LocalEngine

__all__ = [
    "DIALECTS",
    "TALKING",
    "Answer",
    "Dialect",
    "Served",
    "parts_of",
    "parts_of_text",
    "served",
]

PLAIN = (
    "{% for m in messages %}{{ m.content }}{% endfor %}"
    "{% if tools %}{{ tools | tojson }}{# <tool_call> #}{% endif %}"
)
SHORT = 16
"""The least length that OpenAI's responses take."""


@dataclass(frozen=True)
class Answer:
    """What a dialect has told.

    Attributes:
        text: The content.
        end: Why it ended: ``stop``, ``length`` or ``calls``.
        calls: Names and arguments of calls.
        counts: Numbers of tokens of the prompt, of those not computed again, and of the answer; None if not told.
        parts: The parts of the stream, or the one whole answer.
        reply: As it was sent.
    """

    text: str
    end: str
    calls: tuple[tuple[str, Any], ...]
    counts: tuple[int, int | None, int] | None
    parts: list[Any]
    reply: Reply


@dataclass(frozen=True)
class Dialect:
    """A dialect.

    Attributes:
        path: Its route.
        asks: Makes a body of the user's words, the maximum length and stop strings.
        tell: Reads the parts of an answer: its text, its end, its calls and its counts.
        stream_path: The route that streams; empty for the same.
        talks: Whether it takes messages and tools.
    """

    path: str
    asks: Callable[[str, int, Sequence[str]], dict[str, Any]]
    tell: Callable[[list[Any]], tuple[str, Any, Sequence[Any], Any]]
    stream_path: str = ""
    talks: bool = False


def _messages(words: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": words}]


def _openai_counts(usage: Any) -> Any:
    return usage and (
        usage["prompt_tokens"],
        usage["prompt_tokens_details"]["cached_tokens"],
        usage["completion_tokens"],
    )


def _completion(parts: list[Any]) -> Any:
    choices = [choice for part in parts for choice in part["choices"]]
    usage = next((part["usage"] for part in parts if part.get("usage")), None)
    text = "".join(choice["text"] for choice in choices)
    return text, choices[-1]["finish_reason"], (), _openai_counts(usage)


def _chat(parts: list[Any]) -> Any:
    choices = [choice for part in parts for choice in part["choices"]]
    usage = next((part["usage"] for part in parts if part.get("usage")), None)
    said = [choice.get("message") or choice["delta"] for choice in choices]
    found: dict[int, list[str]] = {}
    for message in said:
        for i, call in enumerate(message.get("tool_calls") or ()):
            names = found.setdefault(call.get("index", i), ["", ""])
            names[0] += call["function"].get("name") or ""
            names[1] += call["function"].get("arguments") or ""
    text = "".join(message.get("content") or "" for message in said)
    return text, choices[-1]["finish_reason"], list(found.values()), _openai_counts(usage)


def _response(parts: list[Any]) -> Any:
    done = parts[-1].get("response") or parts[-1]
    items = done["output"]
    texts = [p["text"] for item in items if item["type"] == "message" for p in item["content"]]
    streamed = [p["delta"] for p in parts if p.get("type") == "response.output_text.delta"]
    assert len(parts) == 1 or "".join(streamed) == "".join(texts)
    calls = [[i["name"], i["arguments"]] for i in items if i["type"] == "function_call"]
    usage = done["usage"]
    counts = (
        usage["input_tokens"],
        usage["input_tokens_details"]["cached_tokens"],
        usage["output_tokens"],
    )
    is_cut = (done["incomplete_details"] or {}).get("reason") == "max_output_tokens"
    return "".join(texts), "length" if is_cut else "tool_calls" if calls else "stop", calls, counts


def _anthropic(parts: list[Any]) -> Any:
    ends = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length"}
    if len(parts) == 1:
        blocks, usage, end = parts[0]["content"], parts[0]["usage"], parts[0]["stop_reason"]
    else:
        blocks = []
        for part in parts:
            if part["type"] == "content_block_start":
                blocks.append(dict(part["content_block"]) | {"json": ""})
            elif part["type"] == "content_block_delta":
                delta = part["delta"]
                blocks[part["index"]]["json"] += delta.get("partial_json", "")
                if "text" in delta:
                    blocks[part["index"]]["text"] += delta["text"]
        last = next(part for part in parts if part["type"] == "message_delta")
        usage, end = last["usage"], last["delta"]["stop_reason"]
    calls = [
        [each["name"], each.get("json") or json.dumps(each["input"])]
        for each in blocks
        if each["type"] == "tool_use"
    ]
    text = "".join(each["text"] for each in blocks if each["type"] == "text")
    cached = usage["cache_read_input_tokens"]
    counts = (usage["input_tokens"] + cached, cached, usage["output_tokens"])
    return text, ends.get(end, "tool_calls"), calls, counts


def _ollama(parts: list[Any]) -> Any:
    messages = [part.get("message") or {"content": part["response"]} for part in parts]
    calls = [
        [call["function"]["name"], json.dumps(call["function"]["arguments"])]
        for message in messages
        for call in message.get("tool_calls") or ()
    ]
    last = parts[-1]
    end = "tool_calls" if calls and last["done_reason"] == "stop" else last["done_reason"]
    text = "".join(message["content"] for message in messages)
    return text, end, calls, (last["prompt_eval_count"], None, last["eval_count"])


def _kobold(parts: list[Any]) -> Any:
    if "results" in parts[0]:
        (found,) = parts[0]["results"]
        counts = (found["prompt_tokens"], None, found["completion_tokens"])
        return found["text"], found["finish_reason"], (), counts
    return "".join(part["token"] for part in parts), parts[-1]["finish_reason"], (), None


def _llama(parts: list[Any]) -> Any:
    last = parts[-1]
    end = {"eos": "stop", "word": "stop", "limit": "length"}[last["stop_type"]]
    counts = (last["tokens_evaluated"], last["timings"]["cache_n"], last["tokens_predicted"])
    return "".join(part["content"] for part in parts), end, (), counts


DIALECTS = [
    Dialect(
        "/v1/completions",
        lambda words, length, stop: {"prompt": words, "max_tokens": length, "stop": stop},
        _completion,
    ),
    Dialect(
        "/v1/chat/completions",
        lambda words, length, stop: {
            "messages": _messages(words),
            "max_tokens": length,
            "stop": stop,
        },
        _chat,
        talks=True,
    ),
    Dialect(
        "/v1/responses",
        lambda words, length, stop: {
            "input": words,
            "max_output_tokens": max(SHORT, length),
            "stop": stop,
        },
        _response,
        talks=True,
    ),
    Dialect(
        "/v1/messages",
        lambda words, length, stop: {
            "messages": _messages(words),
            "max_tokens": length,
            "stop_sequences": stop,
        },
        _anthropic,
        talks=True,
    ),
    Dialect(
        "/api/generate",
        lambda words, length, stop: {
            "prompt": words,
            "raw": True,
            "options": {"num_predict": length, "stop": stop},
        },
        _ollama,
    ),
    Dialect(
        "/api/chat",
        lambda words, length, stop: {
            "messages": _messages(words),
            "options": {"num_predict": length, "stop": stop},
        },
        _ollama,
        talks=True,
    ),
    Dialect(
        "/api/v1/generate",
        lambda words, length, stop: {"prompt": words, "max_length": length, "stop_sequence": stop},
        _kobold,
        stream_path="/api/extra/generate/stream",
    ),
    Dialect(
        "/completion",
        lambda words, length, stop: {"prompt": words, "n_predict": length, "stop": stop},
        _llama,
    ),
]
TALKING = [dialect for dialect in DIALECTS if dialect.talks]


@dataclass(frozen=True)
class Served:
    """A server whose model writes a script.

    Attributes:
        client: Its client.
        runner: The model in it.
    """

    client: Client
    runner: FakeRunner

    async def ask(
        self,
        dialect: Dialect,
        words: str = "a",
        length: int = 200,
        stop: Sequence[str] = (),
        *,
        streams: bool = False,
        more: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Ask in a dialect, and read the answer."""
        body = {"model": "fake"} | dialect.asks(words, length, list(stop)) | {"stream": streams}
        path = (dialect.stream_path if streams else "") or dialect.path
        if path.startswith("/v1/c") and streams:
            body |= {"stream_options": {"include_usage": True}}
        reply = await self.client.post(path, {**body, **(more or {})})
        assert reply.status == 200, (path, reply.body)
        parts = parts_of(reply)
        text, end, calls, counts = dialect.tell(parts)
        read = tuple((name, json.loads(arguments)) for name, arguments in calls)
        return Answer(text, end, read, counts, parts, reply)


@asynccontextmanager
async def served(script: str = "", template: str = PLAIN, **how: Any) -> AsyncIterator[Served]:
    """A server whose model writes a script."""
    runner = FakeRunner(script=script, chat_template=template, **how)
    engine = LocalEngine(lambda: runner)
    app = create_app(engine)
    async with app.router.lifespan_context(app):
        yield Served(Client(app), runner)
    await engine.close()


def parts_of(reply: Reply) -> list[Any]:
    """The JSON of a stream's parts, or that of a whole answer."""
    return parts_of_text(reply.body.decode())


def parts_of_text(body: str) -> list[Any]:
    """The same of a body's text."""
    lines = [line.removeprefix("data: ") for line in body.splitlines()]
    return [json.loads(line) for line in lines if line.startswith("{")]
