"""Who may ask: keys in the ways of all clients, limits, and what another address gets without one."""

from __future__ import annotations

import base64
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from asgi import Client
from coblyn.api.app import DIALECTS, create_app
from coblyn.api.dialect import Dialect
from coblyn.api.kobold.errors import kobold_body
from coblyn.api.route import Routes
from coblyn.api.state import ApiOptions
from coblyn.engine.fake import FakeRunner
from coblyn.engine.local import LocalEngine
from coblyn.keys import key as key_module
from coblyn.keys.key import ApiKey, find, hash_of
from factories import SteppedEngine

ELSEWHERE = ("192.0.2.7", 40000)
KEY = "cb-phone-0123456789"
ADMIN = "cb-admin-0123456789"
BODY = {"prompt": "abc", "max_tokens": 3, "max_length": 3}

routes = Routes()


@routes.post("/api/v1/manage", "Manage", scope="admin")
async def manage(_: Any) -> Response:
    """Something that only some may do."""
    return JSONResponse({})


MANAGED = Dialect("managed", tuple(routes), owns=lambda _: False, error_body=kobold_body)


def make_keys(**limits: int) -> tuple[ApiKey, ...]:
    return (
        ApiKey(name="phone", hash=hash_of(KEY.encode()), **limits),
        ApiKey(name="boss", hash=hash_of(ADMIN.encode()), scope="admin"),
    )


def make_client(
    engine: SteppedEngine, client: tuple[str, int] | None = ELSEWHERE, **options: Any
) -> Client:
    options = {"keys": make_keys, **options}
    return Client(create_app(engine, ApiOptions(**options), (MANAGED, *DIALECTS)), client)


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def basic(key: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"me:{key}".encode()).decode()}


async def test_another_address_gets_nothing_without_a_key(engine: SteppedEngine) -> None:
    client = make_client(engine)
    description = (await client.get("/openapi.json", **bearer(KEY))).json
    paths = [*description["paths"], "/", "/docs", "/openapi.json", "/nothing", "/x/api/v1/model"]
    assert len(paths) > 20
    for path in paths:
        for method in ("GET", "POST", "HEAD", "OPTIONS"):
            for headers in ({}, bearer("wrong"), basic("wrong"), {"x_api_key": ""}):
                reply = await client.send(method, path, BODY, **headers)
                assert reply.status == 401, (method, path)
                assert b"API key" in reply.body
    assert engine.requests == []


@pytest.mark.parametrize(
    "headers",
    [
        bearer(KEY),
        {"authorization": f"bearer  {KEY} "},
        {"authorization": KEY},
        {"x_api_key": KEY},
        {"api_key": KEY},
        {"apikey": KEY},
        basic(KEY),
        {"authorization": "Bearer none", "x_api_key": KEY},
        {"authorization": "Basic ???", "x_api_key": KEY},
    ],
)
async def test_a_key_is_taken_in_every_way(engine: SteppedEngine, headers: dict[str, str]) -> None:
    client = make_client(engine)
    assert (await client.post("/v1/completions", BODY, **headers)).status == 200
    assert (await client.post("/api/v1/generate", BODY, **headers)).status == 200


async def test_a_key_in_the_address(engine: SteppedEngine) -> None:
    client = make_client(engine)
    assert (await client.get(f"/v1/models?api_key={KEY}")).status == 200
    assert (await client.get("/v1/models?api_key=%FFx&other=1")).status == 401


async def test_errors_have_the_dialects_shape(engine: SteppedEngine) -> None:
    client = make_client(engine)
    openai = await client.post("/v1/completions", BODY)
    assert openai.json["error"]["code"] == "invalid_api_key"
    assert openai.headers["www-authenticate"] == "Bearer"
    kobold = await client.post("/api/v1/generate", BODY)
    assert kobold.json["detail"]["type"] == "unauthorized"
    page = await client.get("/", accept="text/html,*/*")
    assert page.headers["www-authenticate"].startswith("Basic ")


async def test_the_scope_of_a_key(engine: SteppedEngine) -> None:
    client = make_client(engine)
    refused = await client.post("/api/v1/manage", {}, **bearer(KEY))
    assert (refused.status, refused.json["detail"]["type"]) == (403, "forbidden")
    assert "phone" in refused.json["detail"]["msg"]
    assert (await client.post("/x/api/v1/manage/", {}, **bearer(KEY))).status == 403
    assert (await client.post("/api/v1/manage", {}, **bearer(ADMIN))).status == 200
    assert (await make_client(engine, ("::1", 1)).post("/api/v1/manage", {})).status == 200


async def test_stories_are_the_owners(engine: SteppedEngine) -> None:
    client = make_client(engine)
    stories = [
        (route.method, route.path)
        for dialect in DIALECTS
        for route in dialect.loaded_routes()
        if re.search("/api/coblyn/(stories|library)", route.path)
    ]
    assert len(stories) > 10
    for method, path in stories:
        assert (await client.send(method, path, {}, **bearer(KEY))).status == 403, path


def spellings(path: str) -> list[str]:
    """Of an administrator's path, as far as requests may choose them."""
    filled = re.sub(r"\{\w+(:\w+)?\}", "1", path)
    doubled = re.sub("^/", "//", filled)
    return [filled, f"{filled}/", f"/x{filled}", doubled]


async def test_what_is_for_administrators_is_refused_however_it_is_spelled(
    engine: SteppedEngine,
) -> None:
    client = make_client(engine)
    managing = [
        (route.method, route.path, {route.header: "2023-06-01"} if route.header else {})
        for dialect in DIALECTS
        for route in dialect.loaded_routes()
        if route.scope == "admin"
    ]
    assert len(managing) > 40
    for method, path, more in managing:
        first, *others = spellings(path)
        for key in (bearer(KEY), {"x_api_key": KEY}, basic(KEY)):
            reply = await client.send(method, first, {}, **key, **more)
            assert reply.status == 403, (method, path)
            assert b"phone" in reply.body
        for other in others:
            status = (await client.send(method, other, {}, **bearer(KEY), **more)).status
            assert status in (307, 403, 404, 405), (method, other)  # to the one that is refused
        for spelled in (first, *others):
            status = (await client.send(method, spelled, {}, **more)).status
            assert status == 401, (method, spelled)


async def test_the_page_of_koboldai_lite_and_web_sockets_need_a_key(
    engine: SteppedEngine, tmp_path: Path
) -> None:
    file = tmp_path / "lite.html"
    file.write_text("<html>")
    client = make_client(engine, lite=file)
    for path in ("/lite", "/lite?local=1", "/lite/", "/metrics", "/mcp"):
        assert (await client.get(path)).status == 401
    assert (await client.get("/lite?local=1", **bearer(KEY))).status == 200
    sent: list[Any] = []

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    scope = {"type": "websocket", "path": "/v1/models", "headers": [], "client": ELSEWHERE}
    await client.app({**scope, "query_string": b"", "root_path": ""}, receive, send)
    assert sent == ["websocket.close"]


def test_a_key_is_found_in_equal_time_wherever_it_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the library's comparison, of hashes: neither says how much of a guess was right."""
    compared: list[tuple[str, str]] = []

    def compare(one: str, other: str) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr(key_module.hmac, "compare_digest", compare)
    keys = make_keys()
    assert find(keys, KEY.encode()) is keys[0]
    assert find(keys, b"cb-phone-") is None
    assert {len(each) for pair in compared for each in pair} == {len(keys[0].hash)}
    assert len(compared) > 2


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        (("127.0.0.1", 1), {}, 200),
        (("127.8.9.1", 1), bearer("any key at all"), 200),
        (("::1", 1), {}, 200),
        (("::ffff:127.0.0.1", 1), {}, 200),
        (None, {}, 200),
        (("::ffff:192.0.2.7", 1), {}, 401),
        (("fe80::1%eth0", 1), {}, 401),
        (("nobody", 1), {}, 401),
        (("127.0.0.1", 1), {"x_forwarded_for": "127.0.0.1"}, 401),
        (("127.0.0.1", 1), {"forwarded": "for=127.0.0.1"}, 401),
        (None, {"x_real_ip": "127.0.0.1"}, 401),
        (None, {"x_real_ip": "127.0.0.1", "x_api_key": KEY}, 200),
    ],
)
async def test_who_is_of_this_machine(
    engine: SteppedEngine,
    address: tuple[str, int] | None,
    headers: dict[str, str],
    status: int,
) -> None:
    assert (await make_client(engine, address).get("/v1/models", **headers)).status == status


async def test_programs_of_this_machine_may_have_to_have_one(engine: SteppedEngine) -> None:
    client = make_client(engine, ("127.0.0.1", 1), requires_key=True)
    assert (await client.get("/v1/models")).status == 401
    assert (await client.get("/v1/models", **bearer(KEY))).status == 200


async def test_a_key_may_ask_for_any_name_of_the_server(engine: SteppedEngine) -> None:
    client = make_client(engine)
    named = {"host": "mine.local:5001"}
    assert (await client.get("/v1/models", **named, **bearer(KEY))).status == 200
    assert (await client.get("/v1/models", **named)).status == 401
    here = make_client(engine, ("127.0.0.1", 1))
    assert (await here.get("/v1/models", **named)).status == 403
    assert (await here.get("/v1/models", **named, **basic(KEY))).status == 200
    foreign = await client.post("/v1/completions", BODY, origin="https://a.example", **basic(KEY))
    assert foreign.status == 403


async def test_requests_a_minute(engine: SteppedEngine) -> None:
    client = make_client(engine, keys=lambda: make_keys(requests_per_minute=2))
    for _ in range(2):
        assert (await client.post("/v1/completions", BODY, **bearer(KEY))).status == 200
    refused = await client.post("/v1/completions", BODY, **bearer(KEY))
    assert (refused.status, refused.json["error"]["code"]) == (429, "rate_limit_exceeded")
    assert 1 <= int(refused.headers["retry-after"]) <= 31
    kobold = await client.post("/api/v1/generate", BODY, **bearer(KEY))
    assert (kobold.status, kobold.json["detail"]["type"]) == (429, "rate_limit_exceeded")
    stream = await client.post("/v1/completions", BODY | {"stream": True}, **bearer(KEY))
    assert stream.status == 429
    assert (await client.post("/v1/completions", BODY, **bearer(ADMIN))).status == 200


async def test_running_requests(stepped: SteppedEngine) -> None:
    client = make_client(stepped, keys=lambda: make_keys(max_running=1))
    body = BODY | {"stream": True}
    async with client.open("POST", "/v1/completions", body, **bearer(KEY)) as first:
        stepped.allow(1)
        await first.next()
        refused = await client.post("/v1/completions", body, **bearer(KEY))
        assert refused.status == 429
        assert refused.headers["retry-after"] == "1"
    async with client.open("POST", "/v1/completions", body, **bearer(KEY)) as next_one:
        stepped.allow(1)
        await next_one.next()
        assert next_one.status == 200


async def test_embeddings_are_within_the_limits() -> None:
    local = LocalEngine(FakeRunner)
    client = make_client(local, keys=lambda: make_keys(tokens_per_minute=6))  # type: ignore[arg-type]
    body = {"input": "abcdefgh"}
    assert (await client.post("/v1/embeddings", body, **bearer(KEY))).status == 200
    assert (await client.post("/v1/embeddings", body, **bearer(KEY))).status == 429
    assert (await client.post("/v1/completions", BODY, **bearer(KEY))).status == 429
    assert (await client.post("/v1/embeddings", body, **bearer(ADMIN))).status == 200
    await local.close()


async def test_no_key_in_a_log(engine: SteppedEngine, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = make_client(engine, keys=lambda: make_keys(requests_per_minute=1))
    for headers in (bearer(KEY), bearer(KEY), basic("cb-wrong-one"), {"x_api_key": "cb-wrong-one"}):
        await client.post("/v1/completions", BODY, **headers)
        await client.post("/api/v1/manage", b"{", origin="https://a.example", **headers)
        await client.get(f"/nothing?api_key={KEY}&key=cb-wrong-one", **headers)
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert "a.example" in said
    assert "cb-" not in said
    assert base64.b64encode(b"me:cb-wrong-one").decode() not in said
