"""What is counted, and that no label comes from what somebody sent."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from asgi import Client
from coblyn.api.app import create_app
from coblyn.api.state import ApiOptions
from coblyn.api.tally import MAX_SERIES, Distribution, Sums
from coblyn.cli.log import log_requests, show_log
from coblyn.errors import EngineRestarted
from coblyn.keys.key import ApiKey, hash_of
from factories import SteppedEngine, wait_for

KEY = "cb-phone-0123456789"
BODY = {"prompt": "abcdef", "max_tokens": 3}


def make_keys() -> tuple[ApiKey, ...]:
    return (ApiKey(name="phone", hash=hash_of(KEY.encode())),)


async def scraped(client: Client) -> dict[tuple[str, frozenset[str]], float]:
    """All samples by name and values of labels."""
    reply = await client.get("/metrics")
    assert reply.status == 200
    families = text_string_to_metric_families(reply.body.decode())
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


async def test_what_the_server_refuses_has_not_left(engine: SteppedEngine) -> None:
    client = Client(create_app(engine))
    refused = await client.post("/v1/completions", BODY | {"prompt": "a" * 9000})
    assert refused.status == 400
    found = await scraped(client)
    assert found["coblyn_generations_total", frozenset({"fake", "local", "failed"})] == 1
    assert not [labels for _, labels in found if "left" in labels]


async def test_generations_are_counted_by_model_key_and_end(engine: SteppedEngine) -> None:
    client = Client(create_app(engine, ApiOptions(keys=make_keys)))
    await client.post("/v1/completions", BODY)
    await client.post("/v1/completions", BODY | {"max_tokens": 50}, x_api_key=KEY)
    await client.post("/api/v1/generate", b"{")
    await client.post("/v1/completions", {"prompt": 5})
    found = await scraped(client)
    assert found["coblyn_generations_total", frozenset({"fake", "local", "length"})] == 1
    assert found["coblyn_generations_total", frozenset({"fake", "phone", "eos"})] == 1
    assert found["coblyn_tokens_total", frozenset({"fake", "local", "written"})] == 3
    assert found["coblyn_tokens_total", frozenset({"fake", "local", "cached"})] == 1
    assert found["coblyn_tokens_total", frozenset({"fake", "phone", "written"})] == 6
    assert found["coblyn_time_to_first_token_seconds_count", frozenset({"fake"})] == 2
    assert found["coblyn_queue_seconds_sum", frozenset({"fake"})] == 1.0
    assert found["coblyn_http_requests_total", frozenset({"openai", "POST", "200"})] == 2
    assert found["coblyn_http_requests_total", frozenset({"openai", "POST", "400"})] == 1
    assert found["coblyn_engine_up", frozenset({"fake"})] == 1
    assert found["coblyn_requests_running", frozenset({"fake"})] == 0


async def test_those_that_fail_and_those_whose_client_leaves(engine: SteppedEngine) -> None:
    client = Client(create_app(engine))
    engine.fail_after = (1, EngineRestarted("The engine died."))
    await client.post("/v1/completions", BODY)
    engine.fail_after = None
    engine.allowed._value = 0
    async with client.open("POST", "/v1/completions", BODY | {"stream": True}) as exchange:
        await wait_for(lambda: engine.num_open == 1)
        assert (await scraped(client))["coblyn_requests_running", frozenset({"fake"})] == 1
        await exchange.hang_up()
    found = await scraped(client)
    assert found["coblyn_generations_total", frozenset({"fake", "local", "failed"})] == 1
    assert found["coblyn_generations_total", frozenset({"fake", "local", "left"})] == 1
    assert found["coblyn_requests_running", frozenset({"fake"})] == 0


async def test_no_label_comes_from_outside(client: Client) -> None:
    for number in range(30):
        await client.get(f"/secret-{number}", host="localhost", user_agent="secret")
        await client.post("/v1/completions", BODY | {"model": f"secret-{number}"})
        await client.send(f"SECRET{number}", "/v1/models")
    assert b"secret" not in (await client.get("/metrics")).body.lower()


async def test_metrics_are_for_administrators(engine: SteppedEngine) -> None:
    client = Client(create_app(engine, ApiOptions(keys=make_keys)), ("192.0.2.1", 1))
    assert (await client.get("/metrics", x_api_key=KEY)).status == 403
    assert (await client.get("/metrics")).status == 401


def test_series_are_bounded() -> None:
    sums = Sums()
    for number in range(MAX_SERIES + 50):
        sums.add((str(number), "a"))
    assert len(sums.values) == MAX_SERIES + 1
    assert sums.values["other", "other"] == 50
    sums.add(("3", "a"))
    assert sums.values["3", "a"] == 2


def test_a_distribution_counts_up_to_each_limit() -> None:
    spread = Distribution((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 9.0):
        spread.add(value)
    assert spread.cumulative() == [("1.0", 2.0), ("2.0", 3.0), ("+Inf", 4.0)]
    assert spread.total == 12.0


async def test_the_dashboard_asks_for_what_there_is(engine: SteppedEngine) -> None:
    client = Client(create_app(engine))
    await client.post("/v1/completions", BODY)
    text = (await client.get("/metrics")).body.decode()
    known = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    dashboard = json.loads((Path(__file__).parents[2] / "docs" / "grafana.json").read_text())
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"coblyn_\w+", target["expr"])
    }
    assert len(asked) > 8
    samples = known | {f"{name}_bucket" for name in known} | {f"{name}_count" for name in known}
    assert asked <= samples


async def test_ready_and_health(engine: SteppedEngine) -> None:
    client = Client(create_app(engine, ApiOptions(keys=make_keys)))
    assert (await client.get("/ready")).json == {"ready": True, "models": {"fake": "ready"}}
    engine.state = "stopping"
    reply = await client.get("/ready")
    assert (reply.status, reply.json["ready"]) == (503, False)


async def test_a_key_sees_and_ends_only_its_own(stepped: SteppedEngine) -> None:
    def keys() -> tuple[ApiKey, ...]:
        return (*make_keys(), ApiKey(name="guest", hash=hash_of(b"cb-guest-0123456789")))

    client = Client(create_app(stepped, ApiOptions(keys=keys)))
    mine, guest = {"x_api_key": KEY}, {"x_api_key": "cb-guest-0123456789"}
    body = {"prompt": "secret", "max_length": 3, "genkey": "K1"}
    check, abort = "/api/extra/generate/check", "/api/extra/abort"
    async with client.open("POST", "/api/extra/generate/stream", body, **mine) as exchange:
        stepped.allow(1)
        await exchange.next()
        for asked in ({"genkey": "K1"}, {}):
            assert (await client.post(check, asked, **guest)).json["results"][0]["text"] == ""
            assert (await client.post(abort, asked, **guest)).json["success"] == "false"
        assert (await client.post(check, {"genkey": "K1"}, **mine)).json["results"][0][
            "text"
        ] == "S"
        assert (await client.post(abort, {}, **mine)).json["success"] == "true"
        await exchange.all()
    assert (await client.post(check, {"genkey": "K1"}, **guest)).json["results"][0]["text"] == ""
    assert (await client.post(check, {}, **mine)).json["results"][0]["text"] == "S"


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """What the log of the command line says."""
    handler = show_log(verbose=False)
    yield lambda: capsys.readouterr().err
    logging.getLogger().removeHandler(handler)
    for name in ("coblyn.access", "coblyn.generation"):
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.mark.parametrize("with_texts", [False, True])
async def test_the_log_in_json(
    engine: SteppedEngine, written: Callable[[], str], with_texts: bool
) -> None:
    log_requests("json", with_texts=with_texts)
    client = Client(create_app(engine, ApiOptions(keys=make_keys, logs_texts=with_texts)))
    body = {"messages": [{"role": "user", "content": "whisper"}], "max_tokens": 9}
    await client.post("/v1/chat/completions", body, x_api_key=KEY)
    await client.post("/v1/completions", {"prompt": "whisper", "top_k": "whisper"})
    await client.get("/nothing\x1b[31m")
    lines = [json.loads(line) for line in written().splitlines()]
    # The rest of the log is there, too: each line is an object.
    own = [line for line in lines if line["logger"] in ("coblyn.access", "coblyn.generation")]
    generation, access, refused, unknown = own
    assert generation["logger"] == "coblyn.generation"
    assert (generation["key"], generation["model"]) == ("phone", "fake")
    assert generation["completion_tokens"] > 0
    assert (access["path"], access["status"]) == ("/v1/chat/completions", 200)
    assert (refused["status"], unknown["status"]) == (400, 404)
    assert ("whisper" in str(lines).lower()) is with_texts
    assert (generation.get("prompt") is not None) is with_texts


async def test_texts_in_a_log_of_text(engine: SteppedEngine, written: Callable[[], str]) -> None:
    log_requests("text", with_texts=True)
    client = Client(create_app(engine, ApiOptions(logs_texts=True)))
    await client.post("/v1/completions", {"prompt": "whis\x1b[31mper", "max_tokens": 4})
    said = written()
    assert "WHIS" in said
    assert "\x1b" not in said
