"""Ollama's dialect, driven as its clients drive it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asgi import Client, Reply
from coblyn import paths
from coblyn.api.app import create_app
from coblyn.api.state import ApiOptions
from coblyn.engine.fake import STORY, FakeRunner
from coblyn.engine.infill import InfillTokens
from coblyn.engine.interface import ModelInfo, Runner
from coblyn.engine.local import LocalEngine
from coblyn.errors import Busy, EngineRestarted
from factories import SteppedEngine, wait_for
from gguf_file import tiny_gguf

GENERATE, CHAT = "/api/generate", "/api/chat"
PLAIN = (
    "{% for m in messages %}[{{ m.role }}{% if m.name %} {{ m.name }}{% endif %}]{{ m.content }}"
    "{% for c in m.tool_calls or [] %}({{ c.function | tojson }}){% endfor %}"
    "{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"
)
THINKING = "{# <think> #}{{ enable_thinking }} {{ reasoning_effort }}"
DURATIONS = ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration")


@asynccontextmanager
async def serving(make_runner: Callable[[], Runner]) -> AsyncIterator[Client]:
    """A client of an engine with a script."""
    engine = LocalEngine(make_runner)
    try:
        yield Client(create_app(engine))
    finally:
        await engine.close()


def lines(reply: Reply) -> list[Any]:
    assert reply.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in reply.body.splitlines()]


def prompt_of(engine: SteppedEngine) -> str:
    """What the engine was given last."""
    return "".join(chr(t) for t in engine.requests[-1].prompt.ids if t < 256)


@pytest.fixture
def plain(engine: SteppedEngine) -> SteppedEngine:
    """An engine whose model's template shows what it got."""
    engine._runner.chat_template = PLAIN
    return engine


async def test_generate_streams_unless_it_is_told_not_to(client: Client) -> None:
    body = {"model": "fake", "prompt": "hi", "options": {"num_predict": 3}}
    first, *middle, last = lines(await client.post(GENERATE, body))
    whole = (await client.post(GENERATE, body | {"stream": False})).json
    assert first.pop("created_at").endswith("Z")
    assert first == {"model": "fake", "response": "<", "done": False}
    assert "<" + "".join(line["response"] for line in middle) == whole["response"] == "<|I"
    for end in (last, whole):
        assert (end["done"], end["done_reason"], end["eval_count"]) == (True, "length", 3)
        assert end["prompt_eval_count"] == 53
        assert (end["prompt_eval_duration"], end["eval_duration"]) == (2_000_000_000, 4_000_000_000)
        assert len(end["context"]) == 53 + 3
    assert last["response"] == ""


async def test_durations_are_measured() -> None:
    async with serving(lambda: FakeRunner(seconds_a_step=0.01)) as client:
        body = {"model": "fake", "messages": [{"role": "user", "content": "hi"}], "stream": False}
        answer = (await client.post(CHAT, body | {"options": {"num_predict": 5}})).json
        assert all(isinstance(answer[name], int) and answer[name] > 0 for name in DURATIONS)
        parts = answer["load_duration"] + answer["prompt_eval_duration"] + answer["eval_duration"]
        assert answer["eval_duration"] >= 40_000_000
        assert parts <= answer["total_duration"]


async def test_chat_streams_messages(client: Client, plain: SteppedEngine) -> None:
    body = {
        "model": "fake",
        "messages": [{"role": "User", "content": "hi"}],
        "options": {"num_predict": 2, "temperature": 0, "seed": 7, "stop": "x", "num_ctx": None},
    }
    *pieces, last = lines(await client.post(CHAT, body))
    assert [line["message"] for line in pieces] == [
        {"role": "assistant", "content": "["},
        {"role": "assistant", "content": "U"},
    ]
    assert last["message"] == {"role": "assistant", "content": ""}
    assert last["done_reason"] == "length"
    request = plain.requests[-1]
    assert (request.sampling.seed, request.sampling.temperature, request.stop) == (7, 0, ("x",))
    assert (request.sampling.top_k, request.sampling.top_p) == (40, 0.9)
    assert prompt_of(plain) == "[user]hi[assistant]"


@pytest.mark.parametrize(
    ("body", "prompt"),
    [
        ({"prompt": "a", "system": "Be."}, "[system]Be.[user]a[assistant]"),
        ({"prompt": "a", "raw": True}, "a"),
        ({"prompt": "a", "template": "{{ .Prompt }}"}, "[user]a[assistant]"),
        ({"prompt": "a", "context": [120, 121]}, "xy[user]a[assistant]"),
    ],
)
async def test_prompts(
    client: Client, plain: SteppedEngine, body: dict[str, Any], prompt: str
) -> None:
    reply = await client.post(GENERATE, {"model": "fake", **body})
    assert reply.status == 200
    assert prompt_of(plain) == prompt
    assert ("context" in lines(reply)[-1]) is (not body.get("raw"))
    assert reply.headers.get("x-coblyn-warnings") == ("template" if "template" in body else None)


async def test_a_context_goes_on_with_what_was_written(
    client: Client, plain: SteppedEngine
) -> None:
    body = {"model": "fake", "prompt": "a", "stream": False, "options": {"num_predict": 2}}
    context = (await client.post(GENERATE, body)).json["context"]
    await client.post(GENERATE, body | {"prompt": "b", "context": context})
    assert prompt_of(plain) == "[user]a[assistant][U[user]b[assistant]"
    assert list(plain.requests[-1].prompt.ids)[: len(context)] == context
    async with serving(FakeRunner) as local:
        for context in ([99999], [-1], [2**40], ["x"]):
            wrong = await local.post(GENERATE, body | {"context": context})
            assert wrong.status == 400


async def test_results_belong_to_their_calls(client: Client, plain: SteppedEngine) -> None:
    calls = [
        {"function": {"name": "look", "arguments": {"x": 1}}},
        {"id": "c2", "function": {"name": "go", "arguments": {}}},
    ]
    messages = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "", "thinking": "hm", "tool_calls": calls},
        {"role": "tool", "content": "went", "tool_call_id": "c2"},
        {"role": "tool", "content": "seen"},
    ]
    assert (await client.post(CHAT, {"model": "fake", "messages": messages})).status == 200
    told = prompt_of(plain)
    assert '({"name": "look", "arguments": {"x": 1}})' in told
    assert "[tool go]went[tool look]seen[assistant]" in told


async def test_thinking_is_asked_of_models_that_can(client: Client, engine: SteppedEngine) -> None:
    talk = {"model": "fake", "messages": [{"role": "user", "content": "a"}]}
    refused = await client.post(CHAT, talk | {"think": True})
    assert (refused.status, refused.json) == (400, {"error": '"fake" does not support thinking'})
    assert (await client.post(CHAT, talk | {"think": False})).status == 200
    engine._runner.chat_template = THINKING
    for think, told in ((None, " "), (True, "True "), (False, "False "), ("low", "True low")):
        await client.post(CHAT, talk | {"think": think})
        assert prompt_of(engine) == told
        thinking = engine.requests[-1].thinking
        assert thinking
        assert thinking.max_tokens == {None: None, True: None, False: 0, "low": 1024}[think]


async def test_formats_constrain(client: Client, engine: SteppedEngine) -> None:
    schema = {"type": "object", "properties": {"age": {"type": "integer"}}}
    for given, kind in (("json", "json_schema"), (schema, "json_schema"), ("", None)):
        body = {"model": "fake", "prompt": "a", "format": given}
        assert (await client.post(GENERATE, body)).status == 200
        constraint = engine.requests[-1].constraint
        assert (constraint and constraint.syntax) == kind


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        (GENERATE, {}, "model"),
        (GENERATE, {"model": "fake", "prompt": 5}, "prompt"),
        (GENERATE, {"model": "fake", "prompt": "a", "format": "xml"}, "format"),
        (GENERATE, {"model": "fake", "prompt": "a", "images": ["x"]}, "images"),
        (GENERATE, {"model": "fake", "prompt": "a", "suffix": "b"}, "does not support insert"),
        (GENERATE, {"model": "fake", "prompt": "a", "raw": True, "system": "b"}, "raw mode"),
        (GENERATE, {"model": "fake", "prompt": "a", "think": "much"}, "think"),
        (GENERATE, {"model": "fake", "prompt": "a", "keep_alive": "soon"}, "keep_alive"),
        (GENERATE, {"model": "fake", "prompt": "a", "top_logprobs": 50}, "top_logprobs"),
        (GENERATE, {"model": "fake", "prompt": "a", "options": {"top_k": "x"}}, "top_k"),
        (GENERATE, {"model": "fake", "prompt": "a", "options": {"seed": 1e999}}, "seed"),
        (GENERATE, {"model": "fake", "prompt": "a", "options": {"num_predict": 0}}, "num_predict"),
        (GENERATE, {"model": "fake", "prompt": "a", "options": {"stop": 5}}, "stop"),
        (CHAT, {"model": "fake", "messages": "hi"}, "messages"),
        (CHAT, {"model": "fake", "messages": [{"role": "robot"}]}, "messages[0].role"),
        (
            CHAT,
            {"model": "fake", "messages": [{"role": "user", "content": 5}]},
            "messages[0].content",
        ),
        (
            CHAT,
            {"model": "fake", "messages": [{"role": "user", "content": "", "images": ["x"]}]},
            "messages[0].images",
        ),
        (
            CHAT,
            {"model": "fake", "messages": [{"role": "assistant", "tool_calls": [{"x": 1}]}]},
            "messages[0].tool_calls[0].function.name",
        ),
        ("/api/show", {}, "model is required"),
        ("/api/create", {"model": "x"}, "neither 'from' or 'files'"),
        ("/api/create", {"model": "../x", "from": "fake"}, "not a valid model name"),
        ("/api/create", {"model": "x", "from": "fake", "files": {"a": "b"}}, "is not a digest"),
        ("/api/create", {"model": "x", "from": "fake", "adapters": {"a": "b"}}, "no adapter 'a'"),
        ("/api/create", {"model": "x", "from": "fake", "parameters": {"top_k": "y"}}, "top_k"),
        ("/api/create", {"model": "x", "from": "fake", "messages": [{"role": "x"}]}, "messages[0]"),
        ("/api/create", {"model": "x", "modelfile": "FROM fake\nFLY"}, "Line 2"),
        ("/api/create", {"model": "fake", "from": "fake"}, "stays as it is"),
    ],
)
async def test_what_is_wrong_is_named(
    client: Client, path: str, body: dict[str, Any], message: str
) -> None:
    reply = await client.post(path, body)
    assert reply.status == 400
    assert list(reply.json) == ["error"]
    assert message in reply.json["error"]


async def test_what_is_not_offered_says_so(client: Client) -> None:
    reply = await client.post("/api/push", {"model": "fake"})
    assert (reply.status, list(reply.json)) == (400, ["error"])


async def test_options_that_are_not_obeyed_are_named(client: Client, engine: SteppedEngine) -> None:
    options = {"num_ctx": 10**6, "num_gpu": 5, "flux": 1, "top_k": 3, "repeat_last_n": 0}
    body = {"model": "fake", "prompt": "a", "options": options | {"repeat_penalty": 1.5}}
    reply = await client.post(GENERATE, body | {"keep_alive": 0})
    assert reply.headers["x-coblyn-warnings"] == (
        "keep_alive, options.flux, options.num_ctx, options.num_gpu"
    )
    sampling = engine.requests[-1].sampling
    assert (sampling.top_k, sampling.repetition_penalty) == (3, 1.0)


async def test_names_of_clients_are_no_headers_of_ours(client: Client) -> None:
    options = {"a\r\nset-cookie: b": 1, "\u0100": 1, "\x80": 1, "x" * 500: 1}
    reply = await client.post(GENERATE, {"model": "fake", "prompt": "a", "options": options})
    assert reply.status == 200
    assert "set-cookie" not in reply.headers
    named = reply.headers["x-coblyn-warnings"].split(", ")
    assert named[:2] == ["options.a??set-cookie:?b", "options." + "x" * 56]
    assert named[2:] == ["options.?", "options.?"]


@pytest.mark.parametrize("value", [300, -1, "5m", "1h30m", "-1m", "300ms", "0", None, 1.5])
async def test_durations_to_stay_are_understood(client: Client, value: Any) -> None:
    assert (await client.post(GENERATE, {"model": "fake", "keep_alive": value})).status == 200


async def test_nothing_to_write_says_that_the_model_is_loaded(client: Client) -> None:
    loaded = (await client.post(GENERATE, {"model": "fake"})).json
    assert (loaded["done"], loaded["done_reason"], loaded["response"]) == (True, "load", "")
    loaded = (await client.post(CHAT, {"model": "fake", "messages": []})).json
    assert (loaded["done_reason"], loaded["message"]["content"]) == ("load", "")


async def test_log_probabilities(client: Client) -> None:
    body = {"model": "fake", "prompt": "a", "logprobs": True, "top_logprobs": 1}
    body["options"] = {"num_predict": 2}
    entry = {"token": "<", "logprob": -0.5, "bytes": [60]}
    top = [{"token": "x", "logprob": -1.5, "bytes": [120]}]
    assert lines(await client.post(GENERATE, body))[0]["logprobs"] == [
        {**entry, "top_logprobs": top}
    ]
    whole = (await client.post(GENERATE, body | {"stream": False})).json
    assert len(whole["logprobs"]) == 2


async def test_errors_before_and_within_a_stream(client: Client, engine: SteppedEngine) -> None:
    body = {"model": "fake", "prompt": "a"}
    engine.refusal = Busy("The queue is full.")
    assert (await client.post(GENERATE, body)).json == {"error": "The queue is full."}
    engine.refusal = None
    engine.fail_after = (1, EngineRestarted("The engine died."))
    assert lines(await client.post(GENERATE, body))[-1] == {"error": "The engine died."}
    for method, path in (("GET", GENERATE), ("POST", "/api/tags")):
        assert (await client.send(method, path)).status == 405


async def test_a_client_that_leaves_ends_the_work(
    stepped_client: Client, stepped: SteppedEngine
) -> None:
    stepped.allow(1)
    async with stepped_client.open(
        "POST", GENERATE, {"model": "fake", "prompt": "abc"}
    ) as exchange:
        assert await exchange.next()
    await wait_for(lambda: stepped.num_open == 0)
    assert stepped.cancelled


async def test_calls_come_whole_before_the_last_line() -> None:
    script = (
        "<think>\nhm\n</think>\n\nLook.\n"
        '<tool_call>\n{"name": "look", "arguments": {"x": 1}}\n</tool_call>\n'
        '<tool_call>\n{"name": "look", "arguments": {}}\n</tool_call>'
    )
    template = "{# <tool_call> <think> #}{% if tools %}{{ tools | tojson }}{% endif %}"
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    body = {"model": "fake", "messages": [{"role": "user", "content": "a"}], "tools": [tool]}
    async with serving(lambda: FakeRunner(script=script, chat_template=template)) as client:
        *pieces, last = lines(await client.post(CHAT, body))
        whole = (await client.post(CHAT, body | {"stream": False})).json
    said = [line["message"] for line in pieces]
    assert "".join(each["content"] for each in said) == whole["message"]["content"] == "Look."
    assert (
        "".join(each.get("thinking", "") for each in said) == "hm" == whole["message"]["thinking"]
    )
    calls = [call for each in said for call in each.get("tool_calls", [])]
    told = [call["function"] for call in calls]
    assert told == [
        {"index": 0, "name": "look", "arguments": {"x": 1}},
        {"index": 1, "name": "look", "arguments": {}},
    ]
    assert [call["function"] for call in whole["message"]["tool_calls"]] == told
    assert all(call["id"] for call in calls)
    assert last["done_reason"] == whole["done_reason"] == "stop"


async def test_models_are_listed_and_shown(client: Client) -> None:
    tiny_gguf().write(paths.models() / "other.gguf")
    listed = (await client.get("/api/tags")).json["models"]
    assert [model["name"] for model in listed] == ["fake:latest", "other:latest"]
    for model in listed:
        assert len(model["digest"]) == 64
        assert model["details"]["format"] == "gguf"
        assert model["capabilities"] == ["completion"]
    assert listed[1]["details"]["family"] == "llama"
    running = (await client.get("/api/ps")).json["models"]
    assert [(model["name"], model["context_length"]) for model in running] == [
        ("fake:latest", 4096)
    ]
    shown = (await client.post("/api/show", {"name": "FAKE"})).json
    assert shown["model_info"]["unknown.context_length"] == 4096
    assert shown["parameters"].split() == ["num_ctx", "4096"]
    other = (await client.post("/api/show", {"model": "other"})).json
    assert other["model_info"]["general.architecture"] == "llama"
    assert other["model_info"]["general.parameter_count"] > 0
    missing = await client.post("/api/show", {"model": "none"})
    assert missing.status == 404
    assert missing.json == {"error": "model 'none' not found"}
    elsewhere = await client.post(CHAT, {"model": "other", "messages": [{"role": "user"}]})
    assert elsewhere.status == 404
    assert "not loaded" in elsewhere.json["error"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (GENERATE, {"prompt": "a"}),
        (GENERATE, {"keep_alive": 0}),
        (CHAT, {"messages": [{"role": "user", "content": "a"}]}),
        ("/api/embed", {"input": "a"}),
        ("/api/embeddings", {"prompt": "a"}),
    ],
)
async def test_an_unknown_model_is_not_found_unless_any_name_is_answered(
    client: Client, engine: SteppedEngine, path: str, body: dict[str, Any]
) -> None:
    named = body | {"model": "mistral:7b"}
    reply = await client.post(path, named)
    assert (reply.status, reply.json) == (404, {"error": "model 'mistral:7b' not found"})
    assert not engine.requests
    for name in ("fake", "FAKE:latest", "koboldcpp/fake"):
        assert (await client.post(path, body | {"model": name})).status == 200, name
    lenient = Client(create_app(engine, ApiOptions(is_strict=False)))
    assert (await lenient.post(path, named)).status == 200


async def test_a_gap_is_filled_by_models_that_can(client: Client, engine: SteppedEngine) -> None:
    engine._runner.infill = InfillTokens(prefix=1, suffix=2, middle=3)
    body = {"model": "fake", "prompt": "a", "suffix": "b"}
    last = lines(await client.post(GENERATE, body))[-1]
    assert [t for t in engine.requests[-1].prompt.ids if t < 256] == [1, 97, 2, 98, 3]
    assert "context" not in last
    shown = (await client.post("/api/show", {"model": "fake"})).json
    assert shown["capabilities"] == ["completion", "insert"]
    assert ".Suffix" in shown["template"]


class VectorEngine(SteppedEngine):
    """An engine of a model that writes nothing."""

    @property
    def info(self) -> ModelInfo:
        return replace(super().info, writes=False)


async def test_what_gives_vectors_only_says_so() -> None:
    client = Client(create_app(VectorEngine()))
    (model,) = (await client.get("/api/tags")).json["models"]
    assert model["capabilities"] == ["embedding"]
    reply = await client.post("/api/embed", {"model": "fake:latest", "input": "a", "keep_alive": 0})
    assert len(reply.json["embeddings"]) == 1
    assert reply.headers["x-coblyn-warnings"] == "keep_alive"


async def test_version_is_new_enough_for_clients(client: Client) -> None:
    version = (await client.get("/api/version")).json["version"]
    assert [int(part) for part in version.split(".")] > [0, 6, 4]
    assert (await client.send("HEAD", "/api/version")).status == 200


async def test_a_model_is_made_used_copied_and_deleted(
    client: Client, plain: SteppedEngine
) -> None:
    body = {
        "model": "Mario",
        "from": "fake",
        "system": "You are Mario.",
        "template": "{{ .Prompt }}",
        "parameters": {"temperature": 0.25, "stop": ["!"], "num_predict": 4},
        "messages": [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Me."}],
        "license": "MIT",
    }
    made = await client.post("/api/create", body)
    assert [line["status"] for line in lines(made)][-1] == "success"
    shown = (await client.post("/api/show", {"model": "mario"})).json
    assert (shown["system"], shown["template"], shown["license"]) == (
        "You are Mario.",
        "{{ .Prompt }}",
        "MIT",
    )
    assert shown["details"]["parent_model"] == "fake:latest"
    assert shown["parameters"].splitlines()[1:] == [
        f"{'temperature':<30} 0.25",
        f'{"stop":<30} "!"',
        f"{'num_predict':<30} 4",
    ]
    talk = {"model": "mario:latest", "messages": [{"role": "user", "content": "Hi"}]}
    *_, last = lines(await client.post(CHAT, talk))
    assert prompt_of(plain) == "[system]You are Mario.[user]Who?[assistant]Me.[user]Hi[assistant]"
    request = plain.requests[-1]
    assert (request.sampling.temperature, request.stop, request.max_tokens) == (0.25, ("!",), 4)
    assert last["model"] == "mario:latest"
    await client.post(CHAT, talk | {"options": {"temperature": 0.5}})
    assert plain.requests[-1].sampling.temperature == 0.5
    said = {"role": "system", "content": "Be Luigi."}
    await client.post(CHAT, talk | {"messages": [said, *talk["messages"]]})
    assert "Mario" not in prompt_of(plain)

    copied = await client.post("/api/copy", {"source": "mario", "destination": "me/luigi"})
    assert (copied.status, copied.body) == (200, b"")
    names = {model["name"] for model in (await client.get("/api/tags")).json["models"]}
    assert names == {"fake:latest", "mario:latest", "me/luigi:latest"}
    assert (await client.send("DELETE", "/api/delete", {"model": "mario"})).status == 200
    assert (await client.post("/api/show", {"model": "mario"})).status == 404
    assert (await client.post("/api/show", {"model": "me/luigi"})).json["system"]
    assert (await client.send("DELETE", "/api/delete", {"model": "mario"})).status == 404
    assert (await client.send("DELETE", "/api/delete", {"model": "fake"})).status == 400


async def test_files_on_the_disk_are_deleted_only_while_nobody_uses_them(client: Client) -> None:
    path = tiny_gguf().write(paths.models() / "other.gguf")
    assert (await client.send("DELETE", "/api/delete", {"model": "other:latest"})).status == 200
    assert not path.exists()


async def test_a_pull_of_what_is_here_succeeds_and_of_nothing_fails(
    client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = lines(await client.post("/api/pull", {"model": "fake"}))
    assert [here[0]["status"], here[-1]["status"]] == ["pulling manifest", "success"]
    monkeypatch.setenv("COBLYN_OLLAMA_REGISTRY", "http://127.0.0.1:9")
    failed = lines(await client.post("/api/pull", {"model": "nobody/nothing:1b"}))
    assert list(failed[-1]) == ["error"]
    assert (await client.post("/api/pull", {"model": "x", "stream": False})).status >= 400
    secret = tmp_path / "secret.gguf"
    tiny_gguf().write(secret)
    for name in (str(secret), f"file://{secret}", "http://127.0.0.1:9/x.gguf"):
        refused = await client.post("/api/pull", {"model": name, "stream": False})
        assert refused.status == 400
    assert not (paths.models() / "secret.gguf").exists()


async def test_a_story_is_told_whole() -> None:
    async with serving(FakeRunner) as client:
        body = {"model": "fake", "prompt": "a"}
        *pieces, last = lines(await client.post(GENERATE, body))
        assert "".join(line["response"] for line in pieces) == STORY
        assert last["done_reason"] == "stop"


@pytest.mark.parametrize(("port", "is_ollamas"), [(5001, True), (11434, False)])
async def test_only_its_own_port_says_that_it_runs(
    engine: SteppedEngine, port: int, is_ollamas: bool
) -> None:
    client = Client(create_app(engine, ApiOptions(ollama_port=port)))
    assert ((await client.get("/")).body == b"Ollama is running") is is_ollamas
    assert (await client.send("HEAD", "/")).status == 200
    assert (await client.get("/api/version")).status == 200
