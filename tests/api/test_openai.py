from __future__ import annotations

import json
import re
from typing import Any

import pytest

from asgi import Client
from coblyn.errors import Busy, EngineRestarted
from factories import SteppedEngine, make_info, wait_for

CHAT = "/v1/chat/completions"
TEXT = "/v1/completions"


def user(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


def generic(body: bytes) -> bytes:
    """A stream without what differs every time."""
    body = re.sub(rb'"id":"(\w+)-[0-9a-f]{32}"', rb'"id":"\1-ID"', body)
    return re.sub(rb'"created":\d+', b'"created":0', body)


async def test_chat_completion(client: Client) -> None:
    reply = await client.post(CHAT, {"messages": user("hi"), "max_tokens": 3, "model": "any"})
    assert reply.status == 200
    answer = reply.json
    assert answer.pop("id").startswith("chatcmpl-")
    assert answer.pop("created") > 1_700_000_000
    assert answer == {
        "object": "chat.completion",
        "model": "fake",
        "system_fingerprint": "fp_none",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "<|I", "refusal": None},
                "logprobs": None,
                "finish_reason": "length",
            }
        ],
        "usage": {
            "prompt_tokens": 53,
            "completion_tokens": 3,
            "total_tokens": 56,
            "prompt_tokens_details": {"cached_tokens": 1},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    }


async def test_chat_stream_has_the_role_once_and_ends_with_done(client: Client) -> None:
    body = {
        "messages": user("hi"),
        "max_completion_tokens": 1,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    reply = await client.post(CHAT, body)
    head = b'data: {"id":"chatcmpl-ID","object":"chat.completion.chunk","created":0,"model":"fake",'
    head += b'"system_fingerprint":"fp_none",'
    assert generic(reply.body) == (
        head + b'"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},'
        b'"logprobs":null,"finish_reason":null}],"usage":null}\n\n'
        + head + b'"choices":[{"index":0,"delta":{"content":"<"},'
        b'"logprobs":null,"finish_reason":null}],"usage":null}\n\n'
        + head + b'"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"length"}],'
        b'"usage":null}\n\n'
        + head + b'"choices":[],"usage":{"prompt_tokens":53,"completion_tokens":1,'
        b'"total_tokens":54,"prompt_tokens_details":{"cached_tokens":1},'
            b'"completion_tokens_details":{"reasoning_tokens":0}}}\n\n'
        b"data: [DONE]\n\n"
    )  # fmt: skip


async def test_completion_stream(client: Client) -> None:
    reply = await client.post(TEXT, {"prompt": "é", "stream": True, "max_tokens": 5})
    assert reply.status == 200
    assert generic(reply.body) == (
        b'data: {"id":"cmpl-ID","object":"text_completion","created":0,"model":"fake",'
        b'"system_fingerprint":"fp_none","choices":[{"text":"","index":0,"logprobs":null,"finish_reason":"stop"}]}\n\n'
        b"data: [DONE]\n\n"
    )


async def test_every_chunk_is_json(client: Client) -> None:
    body = {"prompt": 'a"\\\n', "stream": True, "logprobs": 1, "n": 2}
    reply = await client.post(TEXT, body)
    lines = [line for line in reply.body.decode().split("\n\n") if line]
    assert lines.pop() == "data: [DONE]"
    texts = ["", ""]
    for line in lines:
        choice = json.loads(line.removeprefix("data: "))["choices"][0]
        texts[choice["index"]] += choice["text"]
    assert texts == ['A"\\\n'] * 2


async def test_logprobs_travel_with_their_tokens(client: Client) -> None:
    body = {"prompt": "ab", "stream": True, "logprobs": 1}
    reply = await client.post(TEXT, body)
    chunks = [json.loads(x[6:]) for x in reply.body.decode().split("\n\n")[:-2]]
    same = {"token_logprobs": [-0.5], "top_logprobs": [{"x": -1.5}]}
    assert [chunk["choices"][0]["logprobs"] for chunk in chunks] == [
        same | {"tokens": ["A"], "text_offset": [0]},
        same | {"tokens": ["B"], "text_offset": [1]},
        None,
    ]
    chat = {"messages": user("a"), "logprobs": True, "top_logprobs": 1, "max_tokens": 1}
    whole = (await client.post(CHAT, chat)).json["choices"][0]["logprobs"]["content"]
    top = {"token": "x", "logprob": -1.5, "bytes": [120]}
    assert whole == [{"token": "<", "logprob": -0.5, "bytes": [60], "top_logprobs": [top]}]
    stream = await client.post(CHAT, chat | {"stream": True})
    chunk = json.loads(stream.body.decode().split("\n\n")[1][6:])
    assert chunk["choices"][0]["logprobs"]["content"] == whole


async def test_completion_with_logprobs_and_without_alternatives(client: Client) -> None:
    answer = (await client.post(TEXT, {"prompt": "ab", "logprobs": 0})).json
    assert answer["choices"][0]["logprobs"] == {
        "tokens": ["A", "B"],
        "token_logprobs": [-0.5, -0.5],
        "top_logprobs": [{}, {}],
        "text_offset": [0, 1],
    }


async def test_first_token_is_sent_before_the_second_is_made_and_leaving_cancels(
    stepped_client: Client, stepped: SteppedEngine
) -> None:
    body = {"messages": user("hi"), "stream": True, "n": 2}
    async with stepped_client.open("POST", CHAT, body) as exchange:
        assert b'"role"' in (await exchange.next() or b"")
        assert b'"role"' in (await exchange.next() or b"")
        stepped.allow(1)
        assert b'"<"' in (await exchange.next() or b"")
        assert stepped.num_open == 2
    assert sorted(stepped.cancelled) == sorted(request.id for request in stepped.requests)
    assert stepped.num_open == 0


async def test_client_that_leaves_a_whole_answer_cancels(
    stepped_client: Client, stepped: SteppedEngine
) -> None:
    body = {"messages": user("hi"), "n": 3}
    async with stepped_client.open("POST", CHAT, body):
        await wait_for(lambda: stepped.num_open == 3)
    assert len(stepped.cancelled) == 3


async def test_several_prompts_and_choices(client: Client, engine: SteppedEngine) -> None:
    body = {"prompt": ["ab", "cd"], "n": 2, "seed": 5, "echo": True, "best_of": 2}
    answer = (await client.post(TEXT, body)).json
    texts = [(choice["index"], choice["text"]) for choice in answer["choices"]]
    assert texts == [(0, "abAB"), (1, "abAB"), (2, "cdCD"), (3, "cdCD")]
    assert answer["usage"]["prompt_tokens"] == 6
    assert answer["usage"]["completion_tokens"] == 8
    assert [request.sampling.seed for request in engine.requests] == [5, 6, 5, 6]


async def test_token_ids_as_prompt(client: Client, engine: SteppedEngine) -> None:
    answer = (await client.post(TEXT, {"prompt": [97, 98], "echo": True})).json
    assert answer["choices"][0]["text"] == "abAB"
    assert engine.requests[0].prompt.ids.tolist() == [97, 98]
    answer = (await client.post(TEXT, {"prompt": [[97], [98]]})).json
    assert [choice["text"] for choice in answer["choices"]] == ["A", "B"]


async def test_sampling_fields_reach_the_engine(client: Client, engine: SteppedEngine) -> None:
    body = {
        "messages": user("hi"),
        "temperature": 0.5,
        "top_p": 0,
        "top_k": 4,
        "min_p": 0.1,
        "presence_penalty": 0.2,
        "frequency_penalty": 0.3,
        "repetition_penalty": 1.1,
        "logit_bias": {"5": -100},
        "stop": "x",
        "seed": 3,
        "max_tokens": None,
        "n": None,
        "tools": [],
        "response_format": {"type": "text"},
        "user": "somebody",
    }
    assert (await client.post(CHAT, body)).status == 200
    request = engine.requests[0]
    sampling = request.sampling
    assert (sampling.temperature, sampling.top_k, sampling.min_p) == (0.5, 4, 0.1)
    assert sampling.top_p == 0
    assert (sampling.presence_penalty, sampling.frequency_penalty) == (0.2, 0.3)
    assert sampling.repetition_penalty == 1.1
    assert sampling.logit_bias == ((5, -100.0),)
    assert (request.stop, sampling.seed) == (("x", "<|im_end|>"), 3)
    assert request.max_tokens == 4096 - request.prompt.cells


async def test_length_when_none_is_given(client: Client, engine: SteppedEngine) -> None:
    await client.post(TEXT, {"prompt": "ab"})
    await client.post(TEXT, {"prompt": "ab", "max_tokens": -1})
    await client.post(TEXT, {"prompt": "ab", "max_tokens": 10**6})
    assert [request.max_tokens for request in engine.requests] == [2048, 4093, 4093]


async def test_own_chat_template_and_prefill() -> None:
    template = (
        "{% for m in messages %}[{{ m.role }}]{{ m.content }}{{ eos_token }}{% endfor %}"
        "{% if add_generation_prompt %}[assistant]{% endif %}"
    )
    engine = SteppedEngine(chat_template=template)
    engine.allow()
    from coblyn.api.app import create_app

    client = Client(create_app(engine))
    parts = [{"type": "text", "text": "good "}, {"type": "text", "text": "day"}]
    await client.post(CHAT, {"messages": [{"role": "user", "content": parts}]})
    tokens = engine.requests[0].prompt.ids
    assert bytes(t for t in tokens if t < 256) == b"[user]good day[assistant]"
    assert tokens.count(257) == 1  # the end token in the template is one token
    prefill = [*user("hi"), {"role": "assistant", "content": "Once "}]
    await client.post(CHAT, {"messages": prefill})
    assert bytes(t for t in engine.requests[1].prompt.ids if t < 256) == b"[user]hi[assistant]Once "
    await client.post(CHAT, {"messages": prefill, "continue_assistant_turn": False})
    text = bytes(t for t in engine.requests[2].prompt.ids if t < 256)
    assert text == b"[user]hi[assistant]Once [assistant]"


async def test_a_broken_chat_template_gives_way_to_one_of_the_family() -> None:
    from coblyn.api.app import create_app

    engine = SteppedEngine(chat_template="a\n{% for %}")
    engine.allow()
    client = Client(create_app(engine))
    reply = await client.post(CHAT, {"messages": user("hi"), "max_tokens": 12})
    assert reply.json["choices"][0]["message"]["content"] == "<|IM_START|>"
    assert "line 2" in (await client.get("/props")).json["chat_template_warning"]


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        (CHAT, {}, "messages"),
        (CHAT, {"messages": []}, "messages"),
        (CHAT, {"messages": "hi"}, "messages"),
        (CHAT, {"messages": [*user("hi"), 1]}, "messages[1]"),
        (CHAT, {"messages": [{"content": "hi"}]}, "messages[0].role"),
        (CHAT, {"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        (
            CHAT,
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages[0].content[0]",
        ),
        (CHAT, {"messages": user("a"), "temperature": "hot"}, "temperature"),
        (CHAT, {"messages": user("a"), "max_tokens": 0}, "max_tokens"),
        (CHAT, {"messages": user("a"), "n": 0}, "n"),
        (CHAT, {"messages": user("a"), "min_p": 2}, "min_p"),
        (CHAT, {"messages": user("a"), "tools": [{"type": "function"}]}, "tools"),
        (
            CHAT,
            {"messages": user("a"), "response_format": {"type": "xml"}},
            "response_format",
        ),
        (CHAT, {"messages": user("a"), "top_logprobs": 2}, "top_logprobs"),
        (CHAT, {"messages": user("a"), "logprobs": True, "top_logprobs": 99}, "logprobs"),
        (CHAT, {"messages": user("a"), "logit_bias": {"the": 1}}, "logit_bias"),
        (CHAT, {"messages": user("a"), "stop": [f"x{i}" for i in range(300)]}, "stop"),
        (TEXT, {}, "prompt"),
        (TEXT, {"prompt": []}, "prompt"),
        (TEXT, {"prompt": [1.5]}, "prompt"),
        (TEXT, {"prompt": None}, "prompt"),
        (TEXT, {"prompt": "a", "suffix": "b"}, "suffix"),
        (TEXT, {"prompt": "a", "echo": True, "logprobs": 1, "suffix": "b"}, "echo"),
        (TEXT, {"prompt": "a", "max_tokens": 0}, "max_tokens"),
        (TEXT, {"prompt": "a", "n": 3, "best_of": 2}, "best_of"),
        (TEXT, {"prompt": "a", "best_of": 3, "stream": True}, "best_of"),
        (TEXT, {"prompt": "a", "logit_bias": [[5]]}, "logit_bias"),
        (TEXT, {"prompt": "a", "logit_bias": {"-1": 1}}, "logit_bias"),
        (TEXT, {"prompt": "a", "logit_bias": {"258": 1}}, "logit_bias"),
        (CHAT, {"messages": user("a"), "logit_bias": {"100257": -100}}, "logit_bias"),
        (TEXT, {"prompt": "a", "logit_bias": {"5": None}}, "logit_bias"),
        (TEXT, {"prompt": "a", "logit_bias": "x"}, "logit_bias"),
        (TEXT, {"prompt": "a", "custom_token_bans": "5,x"}, "custom_token_bans"),
        (TEXT, {"prompt": "a", "samplers": ["no_such"]}, "samplers"),
        (TEXT, {"prompt": "a", "allowed_token_ids": [5]}, "allowed_token_ids"),
        (TEXT, {"prompt": "a", "grammar": "root ::= [a]", "grammar_lazy": True}, "grammar_lazy"),
        (TEXT, {"prompt": [5], "memory": "b"}, "memory"),
        (TEXT, {"prompt": ["a"] * 100, "n": 2}, "n"),
        (TEXT, {"prompt": "a", "seed": 2**70}, "seed"),
        (TEXT, {"prompt": "a", "temperature": float("nan")}, "temperature"),
    ],
)
async def test_what_is_wrong_is_named(
    path: str, body: dict[str, Any], param: str, client: Client
) -> None:
    reply = await client.post(path, body)
    assert reply.status == 400
    error = reply.json["error"]
    assert error["type"] == "invalid_request_error"
    assert re.split(r"\W", error["param"])[0] == re.split(r"\W", param)[0]
    assert error["param"].startswith(param)
    assert error["message"]


async def test_prompt_that_is_too_long(client: Client) -> None:
    for path, body in ((TEXT, {"prompt": "a" * 5000}), (CHAT, {"messages": user("a" * 5000)})):
        for stream in (False, True):
            reply = await client.post(path, body | {"stream": stream})
            assert reply.status == 400
            error = reply.json["error"]
            assert error["code"] == "context_length_exceeded"
            assert error["param"] == "prompt"
            assert "50" in error["message"]
            assert "4096" in error["message"]


async def test_busy_engine(client: Client, engine: SteppedEngine) -> None:
    engine.refusal = Busy("Full.")
    for n in (1, 3):
        reply = await client.post(CHAT, {"messages": user("a"), "stream": True, "n": n})
        assert reply.status == 503
        assert reply.headers["retry-after"] == "1"
        assert reply.json["error"] == {
            "message": "Full.",
            "type": "unavailable_error",
            "param": None,
            "code": "busy",
        }


async def test_engine_that_dies_on_the_way_ends_the_stream_with_an_error(
    client: Client, engine: SteppedEngine
) -> None:
    engine.fail_after = (1, EngineRestarted("The engine died."))
    reply = await client.post(TEXT, {"prompt": "ab", "stream": True})
    assert generic(reply.body).endswith(
        b'data: {"error":{"message":"The engine died.","type":"unavailable_error","param":null,'
        b'"code":"engine_restarted"}}\n\n'
    )
    assert b"[DONE]" not in reply.body
    whole = await client.post(TEXT, {"prompt": "ab"})
    assert whole.status == 503


async def test_models(client: Client) -> None:
    answer = (await client.get("/v1/models")).json
    assert [model["id"] for model in answer["data"]] == ["fake"]
    assert answer["data"][0]["max_model_len"] == make_info().context
    assert (await client.get("/v1/models/fake")).json == answer["data"][0]
    assert (await client.get("/v1/models/koboldcpp/fake")).status == 200
    missing = await client.get("/v1/models/nope")
    assert missing.status == 404
    assert missing.json["error"]["code"] == "not_found"


async def test_no_sampler_is_warned_about(client: Client) -> None:
    body = {"messages": user("a"), "max_tokens": 1, "dry_multiplier": 0.8, "typical": 0.9}
    reply = await client.post(CHAT, body)
    assert "warnings" not in reply.json
    assert "x-coblyn-warnings" not in reply.headers


async def test_generation_can_be_aborted_by_its_key(
    stepped_client: Client, stepped: SteppedEngine
) -> None:
    body = {"messages": user("a"), "stream": True, "genkey": "k"}
    async with stepped_client.open("POST", CHAT, body) as exchange:
        await exchange.next()
        reply = await stepped_client.post("/api/extra/abort", {"genkey": "k"})
        assert reply.json["success"] == "true"
        assert b'"finish_reason":"stop"' in (await exchange.next() or b"")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("rep_pen_slope", 9, "rep_pen_slope must be between 1e-30 and 1."),
        ("typical_p", -1, "typical_p must be between 0 and 1e+30."),
        ("mirostat_mode", 3, "mirostat_mode must be an integer between 0 and 2."),
        ("top_k", 2**32 + 1, "top_k must be an integer between -2147483648 and 2147483647."),
        ("top_k", 2**64 + 1, "top_k must be an integer between -2147483648 and 2147483647."),
        ("top_k", 1.5, "top_k must be an integer."),
        ("presence_penalty", -1e39, "presence_penalty must be between -1e+30 and 1e+30."),
        ("sampler_order", [6, 6], "sampler_order must hold numbers from 0 to 6"),
        ("dry_sequence_breakers", [1], "dry_sequence_breakers must be a list of texts."),
    ],
)
async def test_a_parameter_out_of_range_is_refused_by_the_name_it_came_with(
    field: str, value: object, said: str, client: Client
) -> None:
    reply = await client.post(CHAT, {"messages": user("a"), field: value})
    assert reply.status == 400
    assert reply.json["error"]["param"] == field
    assert said in reply.json["error"]["message"]


async def test_both_names_of_a_parameter_are_known(client: Client, engine: SteppedEngine) -> None:
    await client.post(TEXT, {"prompt": "a", "typical_p": 0.5, "repeat_last_n": 7})
    await client.post(TEXT, {"prompt": "a", "typical": 0.5, "rep_pen_range": 7})
    for request in engine.requests:
        assert (request.sampling.typical_p, request.sampling.repetition_range) == (0.5, 7)
