"""What OpenAI's routes take beside OpenAI's own fields, and the finer points of their answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.api.logprobs import Offsets
from coblyn.engine.events import TokenText
from coblyn.engine.fake import FakeRunner
from coblyn.engine.infill import InfillTokens
from coblyn.engine.local import LocalEngine
from coblyn.engine.request import Request
from factories import SteppedEngine

CHAT = "/v1/chat/completions"
TEXT = "/v1/completions"
SPLIT = "é: 😀\n?end"
"""In the fake vocabulary each byte is a token."""


@pytest.fixture
async def split() -> AsyncIterator[Client]:
    """What answers with characters of several tokens."""
    engine = LocalEngine(lambda: FakeRunner(script=SPLIT), max_running=2, max_waiting=3)
    yield Client(create_app(engine))
    await engine.close()


async def asked(client: Client, engine: SteppedEngine, **fields: Any) -> Request:
    reply = await client.post(TEXT, {"prompt": "abcdefgh"} | fields)
    assert reply.status == 200, reply.body
    assert "x-coblyn-warnings" not in reply.headers
    return engine.requests[-1]


def events(body: bytes) -> list[dict[str, Any]]:
    lines = body.decode().split("\n\n")[:-1]
    assert lines.pop() == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines]


async def test_kobold_names_are_obeyed(client: Client, engine: SteppedEngine) -> None:
    request = await asked(
        client,
        engine,
        max_length=3,
        max_tokens=5,
        stop_sequence=["Z"],
        stop="Y",
        sampler_seed=7,
        ban_eos_token=True,
        custom_token_bans="4, 5",
        logit_bias={"6": 1, "5": 2},
        trim_stop=False,
        render_special=True,
        memory="mem",
    )
    assert request.max_tokens == 3
    assert request.stop == ("Y", "Z")
    assert request.sampling.seed == 7
    assert (request.ban_eos, request.ignore_eos) == (True, False)
    assert dict(request.sampling.logit_bias) == {6: 1.0, 4: -float("inf"), 5: -float("inf")}
    assert (request.keep_stop, request.special) == (True, True)
    assert bytes(t for t in request.prompt.ids if t < 256) == b"memabcdefgh"


async def test_lites_instruct_mode_gets_the_length_that_it_asks_for(
    client: Client, engine: SteppedEngine
) -> None:
    body = {
        "messages": [{"role": "user", "content": "Hi"}],
        "max_length": 3,
        "max_context_length": 2048,
        "bypass_eos": False,
        "use_default_badwordsids": False,
    }
    reply = await client.post(CHAT, body)
    assert reply.json["usage"]["completion_tokens"] == 3
    await client.post(CHAT, body | {"bypass_eos": True, "use_default_badwordsids": True})
    assert (engine.requests[-1].ban_eos, engine.requests[-1].ignore_eos) == (False, True)


async def test_lites_viewer_of_probabilities_gets_alternatives(
    client: Client, engine: SteppedEngine
) -> None:
    body = {"messages": [{"role": "user", "content": "Hi"}], "logprobs": True, "max_length": 1}
    for key, num_alternatives in ({"genkey": "KCPP4719"}, 10), ({}, 0):
        reply = await client.post(CHAT, body | key)
        token = reply.json["choices"][0]["logprobs"]["content"][0]
        assert bool(token["top_logprobs"]) == bool(num_alternatives)
        assert engine.requests[-1].sampling.logprobs == num_alternatives


async def test_llama_servers_and_vllms_names_are_obeyed(
    client: Client, engine: SteppedEngine
) -> None:
    request = await asked(
        client,
        engine,
        n_predict=4,
        n_probs=2,
        samplers=["penalties", "dry", "temperature", "top_k"],
        skip_special_tokens=False,
        include_stop_str_in_output=True,
        logit_bias=[[9, -1.5], [10, False]],
        seed=0,
    )
    assert (request.max_tokens, request.sampling.logprobs) == (4, 2)
    assert request.sampling.sampler_order == (6, 5, 0)
    assert (request.special, request.keep_stop) == (True, True)
    assert request.sampling.logit_bias == ((9, -1.5), (10, -float("inf")))
    assert request.sampling.seed == 0
    assert (await asked(client, engine, samplers="kt")).sampling.sampler_order == (0, 5)
    reply = await client.post(CHAT, {"messages": [{"role": "user", "content": "a"}], "n_probs": 1})
    assert reply.json["choices"][0]["logprobs"]["content"][0]["top_logprobs"]


async def test_a_text_is_cut_where_a_context_length_is_named(
    client: Client, engine: SteppedEngine
) -> None:
    long = "a" * 5000
    request = await asked(client, engine, prompt=long, max_context_length=100, max_length=10)
    assert request.prompt.cells == 90
    request = await asked(client, engine, prompt="a" * 95, max_context_length=100)
    assert request.prompt.cells == 96


async def test_what_is_not_obeyed_is_said(client: Client) -> None:
    reply = await client.post(TEXT, {"prompt": "a", "length_penalty": 2, "use_beam_search": True})
    assert reply.headers["x-coblyn-warnings"] == "length_penalty, use_beam_search"
    assert set(reply.json["warnings"]) == {"length_penalty", "use_beam_search"}


async def test_best_of_gives_the_likeliest_first(client: Client, engine: SteppedEngine) -> None:
    said = {1: -0.5, 2: -0.1, 3: -0.9}
    engine.logprob = lambda request: said.get(request.sampling.seed or 0, -1.0)
    body = {"prompt": "ab", "n": 2, "best_of": 3, "seed": 1, "logprobs": 0}
    answer = (await client.post(TEXT, body)).json
    shown = [choice["logprobs"]["token_logprobs"] for choice in answer["choices"]]
    assert shown == [[-0.1, -0.1], [-0.5, -0.5]]
    assert [choice["index"] for choice in answer["choices"]] == [0, 1]
    assert answer["usage"]["completion_tokens"] == 6
    assert answer["usage"]["prompt_tokens"] == 3
    answer = (await client.post(TEXT, {"prompt": "ab", "best_of": 2})).json
    assert len(answer["choices"]) == 1
    assert answer["choices"][0]["logprobs"] is None


@pytest.mark.parametrize("stop", [None, ["?end!", "😀?"]])
async def test_offsets_are_the_same_streamed_and_not(split: Client, stop: object) -> None:
    body = {"prompt": "x", "logprobs": 1, "stop": stop}
    whole = (await split.post(TEXT, body)).json["choices"][0]
    assert whole["text"] == SPLIT
    assert whole["logprobs"]["text_offset"][:3] == [0, 0, 1]
    assert whole["logprobs"]["text_offset"][-1] == len(SPLIT) - 1
    chunks = events((await split.post(TEXT, body | {"stream": True})).body)
    parts = [part for chunk in chunks if (part := chunk["choices"][0]["logprobs"])]
    for name in ("text_offset", "tokens", "token_logprobs"):
        assert [each for part in parts for each in part[name]] == whole["logprobs"][name]


def test_offsets_count_a_split_character_once() -> None:
    pieces = [b"a", b"\xf0\x9f", b"\x98\x80b", b"c"]
    offsets = Offsets(5)
    tokens = [TokenText(0, piece) for piece in pieces]
    assert [*offsets.take(tokens[:2]), *offsets.take(tokens[2:])] == [5, 6, 6, 8]


@pytest.mark.parametrize("path", [TEXT, CHAT])
async def test_a_token_without_text_makes_no_chunk(split: Client, path: str) -> None:
    body = {"prompt": "x", "messages": [{"role": "user", "content": "x"}], "stream": True}
    for max_tokens in (1, 2, 3, 5, 7):
        reply = await split.post(path, body | {"max_tokens": max_tokens})
        choices = [chunk["choices"][0] for chunk in events(reply.body)]
        texts = [choice.get("text", choice.get("delta", {}).get("content")) for choice in choices]
        is_chat = path == CHAT
        assert all(texts[1:-1] if is_chat else texts[:-1])
        assert "".join(filter(None, texts)) == SPLIT.encode()[:max_tokens].decode(errors="ignore")
        assert choices[-1]["finish_reason"] == "length"


async def test_more_choices_than_there_are_places_are_refused(split: Client) -> None:
    assert (await split.post(TEXT, {"prompt": "x", "n": 5})).status == 200
    talk = {"messages": [{"role": "user", "content": "x"}]}
    for path, body in (
        (TEXT, {"prompt": "x", "n": 6}),
        (TEXT, {"prompt": ["x"] * 6}),
        (TEXT, {"prompt": "x", "best_of": 6}),
        (TEXT, {"prompt": "x", "n": 10**12}),
        (CHAT, talk | {"n": 6}),
        (CHAT, talk | {"n": 10**12}),
        ("/completion", {"prompt": "x", "n_cmpl": 10**12}),
    ):
        reply = await split.post(path, body)
        assert reply.status == 400
        assert "at most 5" in reply.json["error"]["message"]


async def test_a_long_prompt_is_told_with_its_numbers(client: Client) -> None:
    error = (await client.post(TEXT, {"prompt": "a" * 5000})).json["error"]
    assert error["code"] == "context_length_exceeded"
    assert (error["n_prompt_tokens"], error["n_ctx"]) == (5001, 4096)
    for words in ("maximum context length is 4096", "has 5001 tokens", "reduce the length"):
        assert words in error["message"]


async def test_a_suffix_makes_a_gap_where_the_model_knows_gaps() -> None:
    engine = SteppedEngine(infill=InfillTokens(1, 2, 3))
    engine.allow()
    client = Client(create_app(engine))
    answer = (await client.post(TEXT, {"prompt": "ab", "suffix": "c", "echo": True})).json
    assert engine.requests[0].prompt.ids.tolist() == [256, 1, 97, 98, 2, 99, 3]
    assert answer["choices"][0]["text"].startswith("ab")
    assert (await client.post(TEXT, {"prompt": [97], "suffix": "c"})).status == 400


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        ({}, "-/-/-"),
        ({"reasoning_effort": "none"}, "False/False/-"),
        ({"reasoning_effort": "minimal"}, "True/True/low"),
        ({"reasoning_effort": "xhigh"}, "True/True/high"),
        ({"reasoning_effort": "medium"}, "True/True/medium"),
        ({"enable_thinking": False}, "False/False/-"),
        ({"thinking": {"type": "disabled"}}, "False/False/-"),
        ({"thinking": {"type": "enabled"}, "reasoning_effort": "low"}, "True/True/low"),
        ({"enable_thinking": True, "reasoning_effort": "low"}, "True/True/low"),
        ({"reasoning": {"effort": "high"}}, "True/True/high"),
        ({"reasoning": {"enabled": False}}, "False/False/-"),
        (
            {"enable_thinking": True, "chat_template_kwargs": {"enable_thinking": False}},
            "False/True/-",
        ),
    ],
)
async def test_templates_are_told_how_much_to_think(fields: dict[str, Any], seen: str) -> None:
    template = (
        "{{ enable_thinking | default('-') }}/{{ thinking | default('-') }}/"
        "{{ reasoning_effort | default('-') }}"
    )
    engine = SteppedEngine(chat_template=template)
    engine.allow()
    client = Client(create_app(engine))
    body = {"messages": [{"role": "user", "content": "a"}]} | fields
    reply = await client.post(CHAT, body)
    assert reply.status == 200
    assert "x-coblyn-warnings" not in reply.headers
    assert bytes(t for t in engine.requests[0].prompt.ids if t < 256).decode() == seen


async def test_an_effort_that_is_no_text_is_refused(client: Client) -> None:
    body = {"messages": [{"role": "user", "content": "a"}], "reasoning_effort": 5}
    assert (await client.post(CHAT, body)).json["error"]["param"] == "reasoning_effort"


async def test_ends_in_tokens_are_obeyed(client: Client, engine: SteppedEngine) -> None:
    request = await asked(client, engine, min_tokens=3, stop_token_ids=[5, 6, 5])
    assert (request.min_tokens, request.stop_tokens) == (3, (5, 6))
    for wrong in ({"min_tokens": -1}, {"min_tokens": "x"}, {"stop_token_ids": [1.5]}):
        reply = await client.post(TEXT, {"prompt": "x"} | wrong)
        assert (reply.status, reply.json["error"]["param"]) == (400, next(iter(wrong)))
