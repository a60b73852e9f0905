from __future__ import annotations

import asyncio
import json

import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.chat.template import CHATML
from coblyn.engine.encoded import Encoded, Source
from coblyn.errors import Busy, EngineRestarted
from factories import SteppedEngine, wait_for

STREAM = "/api/extra/generate/stream"
GENERATE = "/api/v1/generate"


async def test_generate_answers_with_text_reason_and_counts(client: Client) -> None:
    reply = await client.post(GENERATE, {"prompt": "abc", "max_length": 2})
    assert reply.status == 200
    assert reply.json == {
        "results": [
            {
                "text": "AB",
                "tool_calls": None,
                "finish_reason": "length",
                "logprobs": None,
                "prompt_tokens": 4,
                "completion_tokens": 2,
            }
        ]
    }


async def test_stream_has_the_bytes_that_koboldcpp_sends(client: Client) -> None:
    reply = await client.post(STREAM, {"prompt": 'a"b', "max_length": 20})
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.body == (
        b'event: message\ndata: {"token": "A", "finish_reason": null}\n\n'
        b'event: message\ndata: {"token": "\\"", "finish_reason": null}\n\n'
        b'event: message\ndata: {"token": "B", "finish_reason": null}\n\n'
        b'event: message\ndata: {"token": "", "finish_reason": "stop"}\n\n'
    )


async def test_stream_carries_progress_and_stats_for_those_who_ask(client: Client) -> None:
    body = {"prompt": "a", "sampler_seed": 7, "coblyn_events": True}
    reply = await client.post(STREAM, body)
    assert reply.body == (
        b'event: progress\ndata: {"total": 2, "cached": 0, "processed": 2}\n\n'
        b'event: message\ndata: {"token": "A", "finish_reason": null}\n\n'
        b'event: message\ndata: {"token": "", "finish_reason": "stop"}\n\n'
        b'event: stats\ndata: {"prompt_tokens": 2, "cached_tokens": 1, "completion_tokens": 1, '
        b'"queue_seconds": 0.5, "prefill_seconds": 2.0, "decode_seconds": 4.0, '
        b'"draft_tokens": 0, "right_drafts": 0, "seed": 7, '
        b'"stop": ""}\n\n'
    )


async def test_streams_with_events_say_what_else_tokens_could_have_been(client: Client) -> None:
    body = {"prompt": "a", "coblyn_events": True, "logprobs": 1}
    first = (await client.post(STREAM, body)).body.split(b"\n\n")[1]
    name, _, data = first.partition(b"\ndata: ")
    assert name == b"event: logprobs"
    (token,) = json.loads(data)["content"]
    assert (token["token"], token["logprob"]) == ("A", -0.5)
    assert [(top["token"], top["logprob"]) for top in token["top_logprobs"]] == [("x", -1.5)]
    plain = await client.post(STREAM, body | {"coblyn_events": False})
    assert b"logprobs" not in plain.body


async def test_first_token_is_sent_before_the_second_is_made(
    stepped_client: Client, stepped: SteppedEngine
) -> None:
    async with stepped_client.open("POST", STREAM, {"prompt": "ab"}) as exchange:
        stepped.allow(1)
        assert b'"A"' in (await exchange.next() or b"")
        assert stepped.num_open == 1
        stepped.allow(1)
        assert b'"B"' in (await exchange.next() or b"")


@pytest.mark.parametrize("path", [STREAM, GENERATE])
async def test_client_that_leaves_cancels(
    path: str, stepped_client: Client, stepped: SteppedEngine
) -> None:
    async with stepped_client.open("POST", path, {"prompt": "ab"}) as exchange:
        stepped.allow(1)
        await wait_for(lambda: stepped.num_open == 1)
        await exchange.hang_up()
    assert stepped.cancelled == [stepped.requests[0].id]
    assert stepped.num_open == 0


async def test_client_that_leaves_before_the_engine_begins_cancels(
    stepped_client: Client, stepped: SteppedEngine
) -> None:
    started = asyncio.Event()

    async def wait_for_ever(request):  # type: ignore[no-untyped-def]
        stepped.requests.append(request)
        try:
            started.set()
            await asyncio.Event().wait()
            yield
        finally:
            stepped.cancelled.append(request.id)

    stepped.generate = wait_for_ever  # type: ignore[method-assign]
    async with stepped_client.open("POST", STREAM, {"prompt": "ab"}) as exchange:
        await started.wait()
        await exchange.hang_up()
    assert stepped.cancelled == [stepped.requests[0].id]


async def test_check_is_cumulative_and_keys_do_not_mix(
    stepped_client: Client, stepped: SteppedEngine
) -> None:
    async def text_of(key: str) -> str:
        reply = await stepped_client.post("/api/extra/generate/check", {"genkey": key})
        return str(reply.json["results"][0]["text"])

    post = stepped_client.post
    first = asyncio.create_task(post(GENERATE, {"prompt": "abc", "genkey": "one"}))
    await wait_for(lambda: stepped.num_open == 1)
    stepped.allow(2)
    await wait_for(stepped.allowed.locked)
    await asyncio.sleep(0.01)
    assert await text_of("one") == "AB"
    assert await text_of("") == "AB"
    second = asyncio.create_task(post(GENERATE, {"prompt": "xyz", "genkey": "two"}))
    await wait_for(lambda: stepped.num_open == 2)
    assert await text_of("two") == ""
    assert await text_of("") == ""  # with two under way nobody without a key is meant
    assert await text_of("three") == ""
    stepped.allow()
    assert (await first).json["results"][0]["text"] == "ABC"
    assert (await second).json["results"][0]["text"] == "XYZ"
    assert await text_of("one") == "ABC"
    assert await text_of("two") == "XYZ"


async def test_abort_ends_only_the_generation_with_that_key(
    stepped_client: Client, stepped: SteppedEngine
) -> None:
    post = stepped_client.post
    first = asyncio.create_task(post(GENERATE, {"prompt": "abc", "genkey": "one"}))
    await wait_for(lambda: stepped.num_open == 1)
    second = asyncio.create_task(post(GENERATE, {"prompt": "xyz", "genkey": "two"}))
    await wait_for(lambda: stepped.num_open == 2)
    assert (await post("/api/extra/abort", {})).json == {"success": "false", "done": "false"}
    reply = await post("/api/extra/abort", {"genkey": "two"})
    assert reply.json == {"success": "true", "done": "true"}
    aborted = (await second).json["results"][0]
    assert aborted["text"] == ""
    assert aborted["finish_reason"] == "stop"
    stepped.allow()
    assert (await first).json["results"][0]["text"] == "ABC"
    assert (await post("/api/extra/abort", {"genkey": "two"})).json["success"] == "false"


async def test_abort_without_key_and_body_ends_the_only_generation(
    stepped_client: Client, stepped: SteppedEngine
) -> None:
    task = asyncio.create_task(stepped_client.post(GENERATE, {"prompt": "abc"}))
    stepped.allow(1)
    await wait_for(lambda: stepped.num_open == 1 and stepped.allowed.locked())
    await asyncio.sleep(0.01)
    assert (await stepped_client.post("/api/extra/abort")).json["done"] == "true"
    reply = await task
    assert reply.status == 200
    assert reply.json["results"][0]["text"] == "A"


async def test_abort_of_a_request_that_is_still_being_tokenized(
    stepped_client: Client, stepped: SteppedEngine
) -> None:
    """Its key is known as soon as the request is read (KoboldCPP forgets such keys)."""
    is_tokenizing, may_go_on = asyncio.Event(), asyncio.Event()
    encode = stepped.encode

    async def slow_encode(source: Source) -> Encoded:
        is_tokenizing.set()
        await may_go_on.wait()
        return await encode(source)

    stepped.encode = slow_encode  # type: ignore[method-assign]
    body = {"prompt": "abc", "genkey": "k"}
    task = asyncio.create_task(stepped_client.post(GENERATE, body))
    await is_tokenizing.wait()
    reply = await stepped_client.post("/api/extra/abort", {"genkey": "k"})
    assert reply.json["success"] == "true"
    may_go_on.set()
    assert (await task).json["results"][0]["text"] == ""
    assert stepped.requests == []


async def test_logprobs_come_in_both_shapes_and_can_be_asked_for_later(client: Client) -> None:
    body = {"prompt": "a", "logprobs": True, "genkey": "k"}
    logprobs = (await client.post(GENERATE, body)).json["results"][0]["logprobs"]
    entry = {"token": "x", "token_id": 120, "logprob": -1.5, "bytes": [120]}
    assert logprobs == {
        "content": [
            {
                "token": "A",
                "token_id": 65,
                "logprob": -0.5,
                "bytes": [65],
                "top_logprobs": [entry],
            }
        ],
        "tokens": ["A"],
        "token_ids": [65],
        "token_logprobs": [-0.5],
        "top_logprobs": [{"x": -1.5}],
        "text_offset": [0],
    }
    later = await client.post("/api/extra/last_logprobs", {"genkey": "k"})
    assert later.json == {"logprobs": logprobs}
    assert (await client.get("/api/extra/last_logprobs")).json == {"logprobs": logprobs}
    other = await client.post("/api/extra/last_logprobs", {"genkey": "other"})
    assert other.json == {"logprobs": None}


async def test_perf_is_derived_from_the_last_generation(client: Client) -> None:
    before = (await client.get("/api/extra/perf")).json
    assert before["total_gens"] == 0
    assert before["stop_reason"] == -1
    await client.post(GENERATE, {"prompt": "abc", "sampler_seed": 42})
    after = (await client.get("/api/extra/perf")).json
    assert after["total_gens"] == 1
    assert after["last_seed"] == 42
    assert after["stop_reason"] == 1
    assert after["last_token_count"] == 3
    assert after["last_input_count"] == 4
    assert after["last_process"] == pytest.approx(2000 / 3)
    assert after["last_eval_speed"] == pytest.approx(0.5)
    assert after["idle"] == 1
    assert after["queue"] == 0


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/api/v1/model", {"result": "koboldcpp/fake"}),
        ("/api/latest/model", {"result": "koboldcpp/fake"}),
        ("/api/v1/info/version", {"result": "1.2.5"}),
        ("/api/v1/config/max_context_length", {"value": 4096}),
        ("/api/extra/true_max_context_length", {"value": 4096}),
        ("/api/v1/config/max_length", {"value": 2048}),
        ("/api/v1/config/soft_prompt", {"value": ""}),
        ("/api/v1/config/soft_prompts_list", {"values": []}),
        ("/api/extra/generate/check", {"results": [{"text": ""}]}),
    ],
)
async def test_facts(path: str, answer: object, client: Client) -> None:
    reply = await client.get(path)
    assert reply.status == 200
    assert reply.json == answer


async def test_version_is_koboldcpps_handshake(client: Client) -> None:
    answer = (await client.get("/api/extra/version")).json
    assert answer["result"] == "KoboldCpp"
    assert tuple(map(int, answer["version"].split("."))) >= (1, 115)
    assert answer["coblyn"]
    assert answer["llm"] is True
    assert answer["txt2img"] is False


async def test_tokencount_and_detokenize(client: Client) -> None:
    answer = (await client.post("/api/extra/tokencount", {"prompt": "hé"})).json
    assert answer == {"value": 4, "ids": [256, 104, 195, 169], "prompt": "hé"}
    plain = await client.post("/api/extra/tokenize", {"prompt": "hi<end>", "special": False})
    assert plain.json["value"] == 7
    chat = {"messages": [{"role": "user", "content": "hi"}]}
    counted = (await client.post("/api/extra/tokencount", chat)).json
    assert counted["prompt"] == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    text = await client.post("/api/extra/detokenize", {"ids": [104, 195, 169]})
    assert text.json == {"result": "hé", "success": True}


async def test_detokenize_names_what_is_no_token(client: Client) -> None:
    for ids in ([99999], [-1], "abc", [1.5], None):
        reply = await client.post("/api/extra/detokenize", {"ids": ids})
        assert reply.status == 400, ids
        assert reply.json["detail"]["type"] == "bad_input"
        assert reply.json["detail"]["field"] == "ids"


async def test_values_of_wrong_types_count_as_not_given_and_are_named(
    client: Client, engine: SteppedEngine
) -> None:
    body = {"prompt": "abc", "temperature": "hot", "top_k": [], "max_length": "2", "top_p": None}
    reply = await client.post(GENERATE, body)
    assert reply.json["results"][0]["text"] == "AB"
    assert set(reply.json["warnings"]) == {"temperature", "top_k"}
    assert engine.requests[0].sampling.temperature == 0.7
    assert engine.requests[0].sampling.top_k == 100
    assert engine.requests[0].sampling.top_p == 0.9


async def test_no_sampler_is_warned_about(client: Client, engine: SteppedEngine) -> None:
    neutral = {
        "prompt": "a",
        "top_a": 0,
        "typical": 1,
        "tfs": 1,
        "mirostat": 0,
        "dry_multiplier": 0,
        "dry_base": 1.75,
        "xtc_probability": 0,
        "xtc_threshold": 0.1,
        "dynatemp_range": 0,
        "smoothing_factor": 0,
        "grammar": "",
        "sampler_order": [6, 0, 1, 3, 4, 2, 5],
        "images": [],
        "banned_tokens": [],
        "sampler_name": "whatever",
    }
    reply = await client.post(GENERATE, neutral)
    assert "warnings" not in reply.json
    assert "x-coblyn-warnings" not in reply.headers
    wanted = neutral | {"tfs": 0.9, "xtc_probability": 0.5, "sampler_order": [5, 6, 0, 1, 2, 3, 4]}
    reply = await client.post(GENERATE, wanted)
    assert "warnings" not in reply.json
    sampling = engine.requests[-1].sampling
    assert (sampling.tail_free, sampling.xtc_probability) == (0.9, 0.5)
    assert sampling.sampler_order == (5, 6, 0, 1, 2, 3, 4)
    assert sampling.max_candidates == 3000


async def test_all_fields_reach_the_engine(client: Client, engine: SteppedEngine) -> None:
    body = {
        "prompt": "abc",
        "max_length": 5,
        "temperature": 0.5,
        "top_k": 7,
        "top_p": 0.8,
        "min_p": 0.1,
        "rep_pen": 1.1,
        "repetition_penalty": 1.2,
        "rep_pen_range": 64,
        "rep_pen_slope": 0.7,
        "presence_penalty": 0.3,
        "sampler_seed": 99,
        "stop_sequence": ["\n", ""],
        "ban_eos_token": True,
        "trim_stop": False,
        "render_special": True,
        "logit_bias": {"5": 1000, "x": 1},
        "custom_token_bans": "6, 7,",
        "logprobs": 3,
    }
    assert (await client.post(GENERATE, body)).status == 200
    request = engine.requests[0]
    sampling = request.sampling
    assert request.max_tokens == 5
    assert request.stop == ("\n",)
    assert (request.keep_stop, request.ban_eos, request.special) == (True, True, True)
    assert (sampling.temperature, sampling.top_k, sampling.top_p, sampling.min_p) == (
        0.5,
        7,
        0.8,
        0.1,
    )
    assert sampling.repetition_penalty == 1.2
    assert (sampling.repetition_range, sampling.repetition_slope) == (64, 0.7)
    assert sampling.presence_penalty == 0.3
    assert sampling.seed == 99
    assert sampling.logit_bias == ((5, 100.0), (6, float("-inf")), (7, float("-inf")))
    assert sampling.logprobs == 3


async def test_values_out_of_range_pass_as_koboldcpp_takes_them(
    client: Client, engine: SteppedEngine
) -> None:
    body = {
        "prompt": "a",
        "top_p": 0,
        "min_p": 7,
        "top_k": -5,
        "rep_pen": 0,
        "rep_pen_range": 0,
        "rep_pen_slope": 9,
        "max_length": -3,
        "sampler_seed": -5,
        "temperature": -1,
        "max_context_length": 10**9,
    }
    reply = await client.post(GENERATE, body)
    sampling = engine.requests[0].sampling
    assert sampling.is_greedy
    assert (sampling.top_p, sampling.min_p, sampling.top_k) == (0, 1, -5)
    assert (sampling.repetition_penalty, sampling.repetition_slope) == (1, 1)
    assert sampling.repetition_range == 1
    assert engine.requests[0].max_tokens == 2048
    changed = {"min_p", "rep_pen", "rep_pen_range", "rep_pen_slope", "max_context_length"}
    assert set(reply.json["warnings"]) == changed
    assert reply.json["warnings"]["min_p"] == "7 is out of range; 1 was used."


async def test_integers_beyond_32_bits_do_not_become_small_ones(
    client: Client, engine: SteppedEngine
) -> None:
    for value in (2**32 + 1, 2**64 + 1, "4294967297"):
        reply = await client.post(GENERATE, {"prompt": "a", "top_k": value})
        assert set(reply.json["warnings"]) == {"top_k"}
        assert engine.requests[-1].sampling.top_k == 2**31 - 1


async def test_limits_are_said_and_not_only_kept(client: Client, engine: SteppedEngine) -> None:
    body = {
        "prompt": "a",
        "stop_sequence": [f"stop {index}" for index in range(257)],
        "logit_bias": {str(token): 1 for token in range(513)},
        "custom_token_bans": "1,two",
        "frequency_penalty": 0.5,
        "sampler_order": [7],
    }
    reply = await client.post(GENERATE, body)
    limited = {"stop_sequence", "logit_bias", "custom_token_bans", "sampler_order"}
    assert set(reply.json["warnings"]) == limited
    assert len(engine.requests[0].stop) == 256
    assert engine.requests[0].sampling.frequency_penalty == 0.5
    assert engine.requests[0].sampling.sampler_order == (6, 0, 1, 3, 4, 2, 5)


async def test_bypass_eos_and_the_alias_of_ban_eos(client: Client, engine: SteppedEngine) -> None:
    await client.post(GENERATE, {"prompt": "a", "bypass_eos": True, "ban_eos_token": True})
    await client.post(GENERATE, {"prompt": "a", "use_default_badwordsids": True})
    assert [(r.ignore_eos, r.ban_eos) for r in engine.requests] == [(True, False), (False, True)]


async def test_seeds_are_fresh_unless_given(client: Client, engine: SteppedEngine) -> None:
    for seed in (-1, 0, None, 5):
        await client.post(GENERATE, {"prompt": "a", "sampler_seed": seed})
    seeds = [request.sampling.seed for request in engine.requests]
    assert len(set(seeds)) == 4
    assert seeds[3] == 5


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b"\xff\xfe", b"[" * 100_000, b"nul"])
async def test_what_is_no_json_object_is_refused(body: bytes, client: Client) -> None:
    for path in (GENERATE, STREAM, "/api/extra/abort", "/api/extra/tokencount"):
        reply = await client.post(path, body)
        assert reply.status == 400
        assert reply.json["detail"]["type"] == "bad_input"


async def test_prompt_of_a_wrong_type_is_refused(client: Client) -> None:
    reply = await client.post(GENERATE, {"prompt": ["a"]})
    assert reply.status == 400
    assert reply.json["detail"]["field"] == "prompt"


async def test_lone_surrogates_do_no_harm(client: Client) -> None:
    reply = await client.post(GENERATE, b'{"prompt": "a\\ud800b", "genkey": "\\udc00"}')
    assert reply.json["results"][0]["text"] == "A?B"
    fine = await client.post("/api/extra/tokencount", b'{"prompt": "\\ud83d\\ude00"}')
    assert fine.json["prompt"] == "\N{GRINNING FACE}"


async def test_busy_engine(client: Client, engine: SteppedEngine) -> None:
    engine.refusal = Busy("2 requests are running.", hint="Try again.")
    for path in (GENERATE, STREAM):
        reply = await client.post(path, {"prompt": "a"})
        assert reply.status == 503
        assert reply.headers["retry-after"] == "1"
        assert reply.json == {
            "detail": {
                "msg": "2 requests are running. Try again.",
                "type": "service_unavailable",
                "code": "busy",
            }
        }


async def test_engine_that_dies_on_the_way(client: Client, engine: SteppedEngine) -> None:
    engine.fail_after = (1, EngineRestarted("The engine died."))
    stream = await client.post(STREAM, {"prompt": "ab"})
    assert stream.status == 200
    assert stream.body == (
        b'event: message\ndata: {"token": "A", "finish_reason": null}\n\n'
        b'event: message\ndata: {"token": "", "finish_reason": "error", '
        b'"error": "The engine died.", "type": "engine_restarted"}\n\n'
    )
    whole = await client.post(GENERATE, {"prompt": "ab"})
    assert whole.status == 503
    assert whole.json["detail"]["msg"] == "The engine died."


async def test_memory_stays_on_top_of_a_prompt_that_is_too_long(
    client: Client, engine: SteppedEngine
) -> None:
    body = {"memory": "MEM", "prompt": "p" * 300, "max_context_length": 100, "max_length": 10}
    await client.post(GENERATE, body)
    tokens = engine.requests[0].prompt.ids
    assert tokens[:4].tolist() == [256, *b"MEM"]
    assert set(tokens[4:]) == {ord("p")}
    assert len(tokens) == 100 - 10 - 1


async def test_placeholders_become_tags(client: Client, engine: SteppedEngine) -> None:
    body = {"prompt": "{{[INPUT]}}hi{{[OUTPUT]}}", "stop_sequence": ["{{[INPUT]}}"]}
    await client.post(GENERATE, body)
    request = engine.requests[0]
    assert bytes(request.prompt.ids.tolist()[1:]) == b"\n### Instruction:\nhi\n### Response:\n"
    assert request.stop == ("### Instruction:",)


async def test_what_the_page_sends_for_the_whole_text_and_for_seed_zero(
    client: Client, engine: SteppedEngine
) -> None:
    body = {"prompt": "a", "rep_pen_range": 2**31 - 1, "sampler_seed": 2**32}
    reply = await client.post(GENERATE, body)
    assert "warnings" not in reply.json
    sampling = engine.requests[0].sampling
    assert (sampling.repetition_range, sampling.seed) == (2**31 - 1, 2**32)


CHATTY = "{{[INPUT]}}a{{[OUTPUT]}}"


async def test_placeholders_are_the_models_own_tags() -> None:
    engine = SteppedEngine(chat_template=CHATML)
    engine.allow()
    client = Client(create_app(engine))
    reply = await client.post(GENERATE, {"prompt": CHATTY, "stop_sequence": ["{{[INPUT]}}"]})
    assert reply.status == 200
    text = engine.sources[-1].texts[0].text
    assert text == "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n"
    assert engine.requests[-1].stop == ("<|im_start|>user",)


async def test_a_model_without_a_template_has_koboldcpps_own_tags(
    client: Client, engine: SteppedEngine
) -> None:
    await client.post(GENERATE, {"prompt": CHATTY})
    assert engine.sources[-1].texts[0].text == "\n### Instruction:\na\n### Response:\n"


async def test_an_adapter_brings_tags_and_parameters(client: Client, engine: SteppedEngine) -> None:
    adapter = {
        "user_start": "U:",
        "assistant_start": "A:",
        "max_length": 3,
        "top_k": 7,
        "min_p": 0.1,
    }
    body = {"prompt": CHATTY, "adapter": adapter, "min_p": 0.2}
    await client.post(GENERATE, body)
    assert engine.sources[-1].texts[0].text == "U:aA:"
    assert engine.requests[-1].max_tokens == 3
    sampling = engine.requests[-1].sampling
    assert (sampling.top_k, sampling.min_p) == (7, 0.2)


async def test_placeholders_stay_where_nobody_wants_them_filled(
    client: Client, engine: SteppedEngine
) -> None:
    await client.post(GENERATE, {"prompt": CHATTY, "replace_instruct_placeholders": False})
    assert engine.sources[-1].texts[0].text == CHATTY


async def test_lengths_beyond_the_model_are_held_and_said(
    client: Client, engine: SteppedEngine
) -> None:
    reply = await client.post(GENERATE, {"prompt": "a", "max_length": 10**6, "logprobs": 99})
    assert set(reply.json["warnings"]) == {"max_length", "logprobs"}
    assert engine.requests[-1].max_tokens == 3277
    assert "3277" in reply.json["warnings"]["max_length"]
    assert engine.requests[-1].sampling.logprobs == 20


@pytest.mark.parametrize("memory", ["", "kept"])
async def test_a_prompt_that_is_cut_is_said(memory: str, client: Client) -> None:
    body = {"prompt": "x" * 5000, "memory": memory, "max_length": 8}
    reply = await client.post(GENERATE, body)
    # Below a memory one more token stays free, as in KoboldCPP.
    num_cut = 5000 + len(memory) + 1 - (4096 - 8 - bool(memory))
    assert str(num_cut) in reply.json["warnings"]["prompt"]
    stream = await client.post(STREAM, body)
    assert stream.headers["x-coblyn-warnings"] == "prompt"
    fits = await client.post(GENERATE, {"prompt": "x" * 4000, "memory": memory, "max_length": 8})
    assert "warnings" not in fits.json


async def test_what_is_not_obeyed_reaches_streams_that_have_events(client: Client) -> None:
    body = {"prompt": "a", "n": 3, "frmttriminc": True, "coblyn_events": True}
    reply = await client.post(STREAM, body)
    assert reply.headers["x-coblyn-warnings"] == "frmttriminc, n"
    first = reply.body.partition(b"\n\n")[0]
    assert first.startswith(b"event: warnings\ndata: {")
    assert b'"n"' in first
    assert b'"frmttriminc"' in first


async def test_openais_name_for_stops_counts_too(client: Client, engine: SteppedEngine) -> None:
    await client.post(GENERATE, {"prompt": "a", "stop": "q"})
    assert engine.requests[-1].stop == ("q",)


@pytest.mark.parametrize(
    ("effort", "budget"),
    [("none", 0), ("minimal", 10), ("low", 25), ("medium", 50), ("high", None), ("default", None)],
)
async def test_reasoning_has_its_part_of_the_length(effort: str, budget: int | None) -> None:
    engine = SteppedEngine(chat_template="<think></think>" + CHATML)
    engine.allow()
    body = {"prompt": "a", "max_length": 100, "reasoning_effort": effort}
    reply = await Client(create_app(engine)).post(GENERATE, body)
    assert "warnings" not in reply.json
    thinking = engine.requests[-1].thinking
    assert thinking is not None
    assert thinking.max_tokens == budget


async def test_a_level_of_reasoning_that_is_none_is_said(client: Client) -> None:
    reply = await client.post(GENERATE, {"prompt": "a", "reasoning_effort": "huge"})
    assert (reply.status, set(reply.json["warnings"])) == (200, {"reasoning_effort"})


async def test_a_plan_generates_nothing(client: Client) -> None:
    reply = await client.post("/api/coblyn/plan", {"prompt": "abc", "max_length": 7})
    assert reply.status == 200
    assert reply.json == {
        "model": "fake",
        "tokens": 4,
        "cached": 0,
        "cut": 0,
        "max_tokens": 7,
        "context": 4096,
        "seconds": None,
        "rates": {"reading": None, "writing": None},
        "waiting": 0,
        "to_read": 4,
    }
    assert (await client.post("/api/coblyn/plan", {"prompt": 3})).status == 400


async def test_biases_for_tokens_that_are_not_there_are_said(client: Client) -> None:
    reply = await client.post(GENERATE, {"prompt": "a", "logit_bias": {"5": 1, "999999": 1}})
    assert "no token 999999" in reply.json["warnings"]["logit_bias"]
