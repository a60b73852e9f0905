"""llama-server's routes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.engine.fake import STORY, FakeRunner
from coblyn.engine.infill import InfillTokens
from coblyn.engine.local import LocalEngine
from factories import SteppedEngine, wait_for


@pytest.fixture
async def fake() -> AsyncIterator[Client]:
    """The scripted engine, which knows stop strings and characters of several tokens."""
    engine = LocalEngine(lambda: FakeRunner(script=STORY + "é"), max_running=2)
    yield Client(create_app(engine))
    await engine.close()


def chunks(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix("data: ")) for line in body.decode().split("\n\n")[:-1]]


async def test_completion_has_all_facts(fake: Client) -> None:
    answer = (await fake.post("/completion", {"prompt": "Hi", "n_predict": 8, "seed": 5})).json
    assert answer["content"] == STORY[:8]
    assert (answer["stop"], answer["stop_type"], answer["stopping_word"]) == (True, "limit", "")
    assert (answer["tokens_predicted"], answer["tokens_evaluated"]) == (8, 3)
    assert (answer["model"], answer["prompt"], answer["tokens"]) == ("fake", "Hi", [])
    assert answer["timings"]["predicted_n"] == 8
    assert answer["timings"]["prompt_n"] + answer["timings"]["cache_n"] == 3
    settings = answer["generation_settings"]
    assert (settings["seed"], settings["n_predict"]) == (5, 8)
    assert (settings["temperature"], settings["top_k"], settings["min_p"]) == (0.8, 40, 0.05)
    answer = (await fake.post("/completions", {"prompt": "Hi", "stop": ["level", "zz"]})).json
    assert (answer["stop_type"], answer["stopping_word"]) == ("word", "level")
    assert answer["content"] == STORY.partition("level")[0]
    assert (await fake.post("/completion", {"prompt": "Hi"})).json["stop_type"] == "eos"


async def test_completion_stream_ends_with_the_facts(fake: Client) -> None:
    body = {"prompt": "Hi", "stream": True, "n_probs": 2}
    *parts, last = chunks((await fake.post("/completion", body)).body)
    assert "".join(part["content"] for part in parts) == STORY + "é"
    assert not any(part["stop"] for part in parts)
    assert [token for part in parts for token in part["tokens"]] == list((STORY + "é").encode())
    probs = [entry for part in parts for entry in part["completion_probabilities"]]
    assert [entry["id"] for entry in probs] == list((STORY + "é").encode())
    assert probs[-1]["bytes"] == ["é".encode()[1]]
    assert len(probs[0]["top_logprobs"]) == 2
    assert (last["content"], last["tokens"], last["stop_type"]) == ("", [], "eos")
    assert "completion_probabilities" not in last


async def test_probabilities_behind_the_samplers_are_no_logarithms(fake: Client) -> None:
    body = {"prompt": "Hi", "n_predict": 2, "n_probs": 2, "post_sampling_probs": True}
    answer = (await fake.post("/completion", body)).json
    first = answer["completion_probabilities"][0]
    assert first["prob"] == pytest.approx(0.5)
    assert [each["prob"] for each in first["top_probs"]] == pytest.approx([0.5, 0.25])
    assert "warnings" not in answer
    wrong = await fake.post("/completion", body | {"post_sampling_probs": "perhaps"})
    assert wrong.status == 400


async def test_tokens_and_fields_that_are_asked_for(fake: Client) -> None:
    body = {"prompt": "Hi", "n_predict": 2, "return_tokens": True}
    assert (await fake.post("/completion", body)).json["tokens"] == list(b"Th")
    body |= {"response_fields": ["content", "generation_settings/n_predict", "nothing/here"]}
    assert (await fake.post("/completion", body)).json == {"content": "Th", "n_predict": 2}


async def test_nothing_is_written_where_the_prompt_is_only_read(fake: Client) -> None:
    answer = (await fake.post("/completion", {"prompt": "Hi", "n_predict": 0})).json
    assert (answer["content"], answer["tokens_predicted"]) == ("", 0)
    assert answer["tokens_evaluated"] == 3


@pytest.mark.parametrize(
    ("prompt", "prompts"),
    [
        ("ab", [b"\0ab"]),
        ([97, 98], [b"ab"]),
        (["ab", 99, "d"], [b"\0abcd"]),
        ([97, "b"], [b"ab"]),
        (["ab", "c"], [b"\0ab", b"\0c"]),
        ([[97], "b", {"prompt_string": "c"}], [b"a", b"\0b", b"\0c"]),
        ({"prompt_string": "a"}, [b"\0a"]),
    ],
)
async def test_prompts(
    prompt: Any, prompts: list[bytes], client: Client, engine: SteppedEngine
) -> None:
    answer = await client.post("/completion", {"prompt": prompt})
    assert answer.status == 200
    ids = [request.prompt.ids.tolist() for request in engine.requests]
    assert [bytes(0 if token == 256 else token for token in each) for each in ids] == prompts
    assert isinstance(answer.json, list) == (len(prompts) > 1)


async def test_several_choices_are_a_list(client: Client) -> None:
    answer = (await client.post("/completion", {"prompt": "ab", "n_cmpl": 2})).json
    assert [(each["index"], each["content"]) for each in answer] == [(0, "AB"), (1, "AB")]


async def test_sampling_has_llama_servers_defaults_and_zeros(
    client: Client, engine: SteppedEngine
) -> None:
    body = {
        "prompt": "ab",
        "repeat_penalty": 1.5,
        "repeat_last_n": 0,
        "dry_multiplier": 1,
        "dry_penalty_last_n": 0,
        "ignore_eos": True,
        "logit_bias": [["xy", -1], [5, False]],
        "seed": -1,
    }
    assert (await client.post("/completion", body)).status == 200
    request = engine.requests[0]
    assert (request.sampling.repetition_penalty, request.sampling.dry_multiplier) == (1, 0)
    assert (request.sampling.top_p, request.sampling.temperature) == (0.95, 0.8)
    assert request.sampling.dry_sequence_breakers == ("\n", ":", '"', "*")
    assert (request.ban_eos, request.ignore_eos) == (True, False)
    assert request.sampling.logit_bias == ((120, -1.0), (121, -1.0), (5, -float("inf")))


async def test_infill() -> None:
    engine = SteppedEngine(infill=InfillTokens(1, 2, 3))
    engine.allow()
    client = Client(create_app(engine))
    body = {"input_prefix": "ab", "input_suffix": "c", "prompt": "p", "n_predict": 4}
    reply = await client.post("/infill", body)
    assert reply.status == 200
    assert engine.requests[0].prompt.ids.tolist() == [256, 1, *b"abp", 2, *b"c", 3]
    body |= {"input_extra": [{"filename": "x", "text": "y"}]}
    assert (await client.post("/infill", body)).status == 200
    assert b"snippet" in bytes(t for t in engine.requests[1].prompt.ids if t < 256)


async def test_infill_without_the_tokens_is_refused_by_name(client: Client) -> None:
    reply = await client.post("/infill", {"input_prefix": "a", "input_suffix": "b"})
    assert reply.status == 400
    assert reply.json["error"]["type"] == "not_supported_error"
    assert "fake" in reply.json["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/completion", {}, "prompt"),
        ("/completion", {"prompt": []}, "prompt"),
        ("/completion", {"prompt": None}, "prompt"),
        ("/completion", {"prompt": [None]}, "prompt"),
        ("/completion", {"prompt": [97, 1.5]}, "prompt[1]"),
        (
            "/completion",
            {"prompt": {"prompt_string": "a", "multimodal_data": ["eA=="]}},
            "<__media__> 0 times",
        ),
        ("/completion", {"prompt": "a", "temperature": "hot"}, "temperature"),
        ("/completion", {"prompt": "a", "n_probs": -1}, "n_probs"),
        ("/completion", {"prompt": "a", "logit_bias": [[5, "x"]]}, "logit_bias"),
        (
            "/completion",
            {"prompt": "a", "logit_bias": {"-1": 1}},
            "logit_bias: '-1' is not a token id",
        ),
        (
            "/completion",
            {"prompt": "a", "logit_bias": {"2147483648": 1}},
            "'2147483648' is not a token",
        ),
        ("/completion", {"prompt": "a", "logit_bias": [[258, 1.5]]}, "from 0 to 257"),
        ("/completion", {"prompt": "a", "samplers": ["zz"]}, "samplers"),
        ("/infill", {"input_prefix": "a"}, "input_suffix"),
        ("/infill", {"input_prefix": 1, "input_suffix": "b"}, "input_prefix"),
        ("/tokenize", {"content": {}}, "content"),
        ("/tokenize", {"content": [True]}, "content"),
        ("/detokenize", {"tokens": [999]}, "999"),
        ("/detokenize", {"tokens": [5, 2**70]}, "tokens[1]"),
        ("/detokenize", {"tokens": "x"}, "tokens"),
        ("/apply-template", {"messages": []}, "messages"),
    ],
)
async def test_what_is_wrong_is_named(
    path: str, body: dict[str, Any], words: str, client: Client
) -> None:
    reply = await client.post(path, body)
    assert reply.status == 400, reply.body
    error = reply.json["error"]
    assert (error["code"], error["type"]) == (400, "invalid_request_error")
    assert words in error["message"]


async def test_a_long_prompt_has_its_own_type_of_error(client: Client) -> None:
    error = (await client.post("/completion", {"prompt": "a" * 5000})).json["error"]
    assert error["type"] == "exceed_context_size_error"
    assert (error["n_prompt_tokens"], error["n_ctx"]) == (5001, 4096)


async def test_tokens_there_and_back(client: Client) -> None:
    async def tokens(body: dict[str, Any]) -> Any:
        return (await client.post("/tokenize", body)).json["tokens"]

    assert await tokens({"content": "aé"}) == [97, 195, 169]
    assert await tokens({"content": "a", "add_special": True}) == [256, 97]
    assert await tokens({"content": "<end>"}) == [257]
    assert await tokens({"content": "<end>", "parse_special": False}) == list(b"<end>")
    assert await tokens({"content": ["a", 98, "<end>"]}) == [97, 98, 257]
    assert await tokens({"content": ""}) == []
    assert await tokens({"content": "aé", "with_pieces": True}) == [
        {"id": 97, "piece": "a"},
        {"id": 195, "piece": [195]},
        {"id": 169, "piece": [169]},
    ]
    back = await client.post("/detokenize", {"tokens": [97, 195, 169]})
    assert back.json == {"content": "aé"}
    assert (await client.post("/detokenize", {})).json == {"content": ""}


async def test_template_and_count_of_a_conversation(client: Client) -> None:
    body = {"messages": [{"role": "user", "content": "hi"}]}
    assert (await client.post("/apply-template", body | {"n": 10**12})).status == 200
    prompt = (await client.post("/apply-template", body)).json["prompt"]
    assert "hi" in prompt
    answer = (await client.post("/v1/chat/completions/input_tokens", body)).json
    usage = (await client.post("/v1/chat/completions", body | {"max_tokens": 1})).json["usage"]
    assert answer == {
        "object": "response.input_tokens",
        "input_tokens": usage["prompt_tokens"],
    }


async def test_facts(client: Client, stepped_client: Client, stepped: SteppedEngine) -> None:
    props = (await client.get("/props")).json
    assert props["default_generation_settings"]["n_ctx"] == 4096
    assert props["default_generation_settings"]["params"]["top_k"] == 40
    assert (props["total_slots"], props["eos_token"]) == (8, "<end>")
    slots = (await client.get("/slots")).json
    assert [slot["is_processing"] for slot in slots] == [False] * 8
    body = {"prompt": ["ab"] * 8, "stream": True}
    async with stepped_client.open("POST", "/completion", body) as exchange:
        stepped.allow(1)
        await exchange.next()
        await wait_for(lambda: stepped.num_open == 8)
        busy = (await stepped_client.get("/slots")).json
        assert all(slot["is_processing"] for slot in busy)
        full = await stepped_client.get("/slots?fail_on_no_slot=1")
        assert full.status == 503
        assert full.json["error"]["type"] == "unavailable_error"


async def test_models_carry_what_clients_read(client: Client) -> None:
    model = (await client.get("/v1/models")).json["data"][0]
    assert model["context_length"] == 4096
    assert model["meta"]["n_vocab"] == 258
    assert model["architecture"]["input_modalities"] == ["text"]
