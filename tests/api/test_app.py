from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.api.page import CSP
from coblyn.api.state import ApiOptions
from coblyn.engine.interface import EngineStatus
from coblyn.engine.params import PARAMETERS
from coblyn.llama.placement import Device, Placement, Share
from coblyn.proof.machine import Accelerator, Machine
from factories import SteppedEngine


async def test_health(client: Client, engine: SteppedEngine) -> None:
    reply = await client.get("/health")
    assert reply.status == 200
    body = reply.json
    assert body.pop("version")
    assert body == {
        "status": "ok",
        "model": "fake",
        "accelerator": "nothing: a script answers",
        "accelerated_by": [],
        "verdict": {
            "state": "none",
            "is_fault": False,
            "text": "No model is loaded.",
            "cause": "",
            "reason": "",
            "fix": "",
        },
        "context": 4096,
        "running": 0,
        "waiting": 0,
        "restarts": 0,
        "loaded": 1.0,
    }
    for state in ("loading", "restarting", "stopped"):
        engine.state = state
        reply = await client.get("/health")
        assert (reply.status, reply.json["status"]) == (503, state)
        reply = await client.get("/health?quiet=1")
        assert (reply.status, reply.json["status"]) == (200, state)
    assert (await client.send("HEAD", "/health")).status == 503


async def test_health_names_the_model_that_is_coming(
    client: Client, engine: SteppedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    coming = EngineStatus("loading", 0, 0, loaded=0.25, coming="second")
    monkeypatch.setattr(engine, "status", lambda: coming)
    body = (await client.get("/health")).json
    assert (body["model"], body["loaded"], body["context"]) == ("second", 0.25, 0)


@pytest.mark.parametrize(
    "path",
    [
        "/anything/api/v1/generate",
        "/api/v1/generate/",
        "/lcpp/api/v1/generate?x=1",
        "/api/latest/generate",
    ],
)
async def test_paths_are_known_by_their_end(path: str, client: Client) -> None:
    reply = await client.post(path, {"prompt": "a"})
    assert reply.json["results"][0]["text"] == "A"


@pytest.mark.parametrize("path", ["/x/v1/completions", "/api/v1/completions/"])
async def test_openai_paths_are_known_by_their_end(path: str, client: Client) -> None:
    assert (await client.post(path, {"prompt": "a"})).json["choices"][0]["text"] == "A"
    assert (await client.post(path, {})).json["error"]["param"] == "prompt"


async def test_half_a_name_is_no_path(client: Client) -> None:
    assert (await client.post("/xapi/v1/generate", {"prompt": "a"})).status == 404
    assert (await client.post("/api/v1/generatex", {"prompt": "a"})).status == 404


async def test_unknown_paths_and_methods_have_the_dialects_shape(client: Client) -> None:
    kobold = await client.post("/api/extra/nope", {})
    assert (kobold.status, kobold.json["detail"]["type"]) == (404, "not_found")
    openai = await client.post("/v1/moderations", {})
    assert (openai.status, openai.json["error"]["code"]) == (404, "not_found")
    method = await client.get("/v1/chat/completions")
    assert (method.status, method.json["error"]["code"]) == (405, "method_not_allowed")
    method = await client.get("/api/v1/generate")
    assert (method.status, method.json["detail"]["type"]) == (405, "method_not_allowed")


async def test_options_and_head_are_answered_and_generate_nothing(
    client: Client, engine: SteppedEngine
) -> None:
    for method in ("OPTIONS", "HEAD"):
        for path in ("/api/v1/generate", "/v1/chat/completions", "/api/v1/model"):
            reply = await client.send(method, path)
            assert (reply.status, reply.body) == (200, b"")
    assert engine.requests == []


async def test_body_that_is_too_large_is_not_read(engine: SteppedEngine) -> None:
    client = Client(create_app(engine, ApiOptions(max_body=1 << 20)))
    big = b'{"prompt": "' + b"a" * (1 << 20) + b'"}'
    kobold = await client.post("/api/v1/generate", big)
    assert (kobold.status, kobold.json["detail"]["type"]) == (413, "bad_input")
    assert "1 MiB" in kobold.json["detail"]["msg"]
    openai = await client.post("/v1/completions", big)
    assert (openai.status, openai.json["error"]["code"]) == (413, "body_too_large")
    unsaid = await client.post("/v1/completions", big, content_length="")
    assert unsaid.status == 413
    assert engine.requests == []


async def test_foreign_pages_may_not_use_the_server(client: Client, engine: SteppedEngine) -> None:
    body = {"prompt": "a"}
    evil = "https://evil.example"
    for headers in (
        {"origin": evil},
        {"origin": evil, "sec_fetch_site": "cross-site"},
        {"origin": "http://localhost:81", "sec_fetch_site": "same-site"},
        {"origin": "null"},
        # A foreign name that was pointed at this machine, over a plain connection (DNS rebinding).
        {"origin": "http://evil.example", "host": "evil.example"},
        {"host": "evil.example:5001"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "[::1"},
    ):
        reply = await client.post("/api/v1/generate", body, **headers)
        assert reply.status == 403, headers
        assert "access-control-allow-origin" not in reply.headers
    assert engine.requests == []
    for headers in (
        {},
        {"host": ""},
        {"host": "[::1]:5001"},
        {"host": "my.proxy", "origin": "https://my.proxy", "sec_fetch_site": "same-origin"},
        {"origin": "http://127.0.0.1:5001", "host": "127.0.0.1:5001"},
        {"origin": "http://localhost:5001", "host": "localhost:5001"},
        {"origin": evil, "sec_fetch_site": "none"},
    ):
        assert (await client.post("/api/v1/generate", body, **headers)).status == 200, headers
    openai = await client.post("/v1/completions", body, origin=evil)
    assert "--origin https://evil.example" in openai.json["error"]["message"]


@pytest.mark.parametrize(
    "path", ["/api/extra/generate/check", "/v1/models", "/health", "/", "/docs"]
)
async def test_a_name_pointed_at_this_machine_reads_nothing(client: Client, path: str) -> None:
    assert (await client.get(path, host="localhost:5001")).status == 200
    reply = await client.get(path, host="rebound.example:5001")
    assert reply.status == 403
    assert b"--origin http://rebound.example:5001" in reply.body


async def test_a_proxys_name_on_the_list_may_be_asked_for(engine: SteppedEngine) -> None:
    client = Client(create_app(engine, ApiOptions(origins=("https://my.proxy",))))
    assert (await client.get("/health", host="my.proxy")).status == 200
    assert (await client.get("/health", host="other.proxy")).status == 403


async def test_a_refused_page_is_named_in_the_log_once(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        await client.post("/api/v1/generate", {"prompt": "a"}, origin="https://lite.example")
    (said,) = caplog.records
    assert "--origin https://lite.example" in said.getMessage()


@pytest.mark.parametrize("origins", [(), ("https://lite.example",)])
async def test_a_page_whose_browser_asks_first_is_named_too(
    engine: SteppedEngine, origins: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(create_app(engine, ApiOptions(origins=origins)))
    reply = await client.send(
        "OPTIONS",
        "/api/v1/generate",
        origin="https://other.example",
        access_control_request_method="POST",
    )
    assert reply.status == 403
    assert "--origin https://other.example" in reply.json["detail"]["msg"]
    assert "access-control-allow-origin" not in reply.headers
    (said,) = caplog.records
    assert "--origin https://other.example" in said.getMessage()
    plain = await client.send("OPTIONS", "/api/v1/generate", origin="https://other.example")
    assert plain.status == 200


async def test_pages_on_the_list_may(engine: SteppedEngine) -> None:
    lite = "https://lite.example"
    client = Client(create_app(engine, ApiOptions(origins=(lite,))))
    reply = await client.post("/api/v1/generate", {"prompt": "a"}, origin=lite)
    assert reply.status == 200
    assert reply.headers["access-control-allow-origin"] == lite
    exposed = reply.headers["access-control-expose-headers"]
    assert exposed == "x-coblyn-warnings, x-coblyn-stream, x-coblyn-seed, x-request-id"
    preflight = await client.send(
        "OPTIONS",
        "/api/v1/generate",
        origin=lite,
        access_control_request_method="POST",
        access_control_request_headers="content-type",
        access_control_request_private_network="true",
    )
    assert preflight.status == 200
    assert preflight.headers["access-control-allow-private-network"] == "true"
    assert preflight.headers["access-control-allow-origin"] == lite
    other = await client.post("/api/v1/generate", {"prompt": "a"}, origin="https://other.example")
    assert other.status == 403
    every = Client(create_app(engine, ApiOptions(origins=("*",))))
    reply = await every.post("/api/v1/generate", {"prompt": "a"}, origin="https://other.example")
    assert reply.headers["access-control-allow-origin"] == "*"


@pytest.fixture
def web(tmp_path: Path) -> Path:
    web = tmp_path / "web"
    (web / "assets").mkdir(parents=True)
    (web / "index.html").write_text("<!doctype html>page")
    (web / "assets" / "app-123.js").write_text("run()")
    (web / "assets" / "app-123.js.gz").write_bytes(gzip.compress(b"run()"))
    (tmp_path / "secret").write_text("secret")
    return web


async def test_page_and_its_files(engine: SteppedEngine, web: Path) -> None:
    client = Client(create_app(engine, ApiOptions(web=web)))
    page = await client.get("/")
    assert page.body == b"<!doctype html>page"
    assert page.headers["content-security-policy"] == CSP
    assert "unsafe" not in CSP
    assert page.headers["cache-control"] == "no-cache"
    plain = await client.get("/assets/app-123.js")
    assert plain.body == b"run()"
    assert "immutable" in plain.headers["cache-control"]
    assert "javascript" in plain.headers["content-type"]
    packed = await client.get("/assets/app-123.js", accept_encoding="gzip, br")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["content-type"] == plain.headers["content-type"]
    assert gzip.decompress(packed.body) == b"run()"
    assert (await client.send("HEAD", "/")).status == 200
    for path in ("/../secret", "/assets/../../secret", "/%2e%2e/secret", "/nothing.js"):
        assert (await client.get(path)).status == 404


async def test_page_that_was_not_built_says_so(client: Client) -> None:
    page = await client.get("/")
    assert page.status == 200
    assert b"was not built" in page.body


async def test_docs_need_no_network(client: Client) -> None:
    page = (await client.get("/docs")).body.decode()
    assert "://" not in page
    for reference in re.findall(r'(?:src|href)="(docs/[^"]+)"', page):
        asset = await client.get(f"/{reference}")
        assert (asset.status, bool(asset.body)) == (200, True), reference
    assert (await client.get("/docs/nothing.js")).status == 404
    assert (await client.get("/api")).status == 307


async def test_openapi_describes_bodies_that_are_files(client: Client) -> None:
    paths = (await client.get("/openapi.json")).json["paths"]
    for path, kind in (
        ("/api/blobs/{digest}", "application/octet-stream"),
        ("/api/coblyn/doctor", "text/plain"),
        ("/api/coblyn/library/import", "application/octet-stream"),
        ("/api/coblyn/library/preview", "application/octet-stream"),
        ("/api/coblyn/stories/{id}/card", "image/png"),
        ("/api/coblyn/stories/{id}/import", "application/octet-stream"),
    ):
        body = paths[path]["post"]["requestBody"]
        assert (body["required"], list(body["content"])) == (True, [kind]), path


async def test_openapi_describes_the_bodies(client: Client) -> None:
    schema = (await client.get("/openapi.json")).json
    for path, model in (
        ("/api/v1/generate", "GenerateInput"),
        ("/v1/chat/completions", "ChatInput"),
        ("/mcp", "RpcInput"),
    ):
        body = schema["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        assert body["schema"]["$ref"] == f"#/components/schemas/{model}"
        assert "properties" in schema["components"]["schemas"][model]
    for operations in schema["paths"].values():
        for operation in operations.values():
            assert operation["summary"]
            assert operation["description"]
    (name,) = schema["paths"]["/v1/models/{name}"]["get"]["parameters"]
    assert (name["name"], name["in"]) == ("name", "path")
    stream = schema["paths"]["/api/extra/generate/stream"]["post"]["responses"]["200"]["content"]
    assert "text/event-stream" in stream
    ids = re.findall(r"'operationId': '(\w+)'", str(schema))
    assert len(ids) == len(set(ids)) > 20
    assert {} in schema["security"], "programs of this machine need no key"
    assert {"bearer": []} in schema["security"]
    assert schema["paths"]["/metrics"]["get"]["x-coblyn-scope"] == "admin"
    references = set(re.findall(r'"#/components/schemas/(\w+)"', str(schema).replace("'", '"')))
    assert references <= set(schema["components"]["schemas"])


async def test_bug_is_answered_in_the_dialect_and_raised_for_the_log(
    engine: SteppedEngine, client: Client
) -> None:
    engine.encode = None  # type: ignore[assignment]
    exchange = client.open("POST", "/v1/completions", {"prompt": "a"})
    with pytest.raises(TypeError):
        async with exchange:
            body = await exchange.all()
    assert exchange.status == 500
    assert b'"type":"server_error"' in body


async def test_health_tells_what_the_model_runs_on(engine: SteppedEngine) -> None:
    gpu = Device("CUDA0", "GeForce", "gpu", "CUDA", "CUDA0")
    placement = Placement(-1, 31, 31, (gpu,), (Share("CUDA0", weights=9), Share("CPU", weights=1)))
    engine.placement = placement
    body = (await Client(create_app(engine)).get("/health")).json
    assert body["accelerated_by"] == ["CUDA0"]
    assert (body["verdict"]["state"], body["verdict"]["is_fault"]) == ("ok", False)


async def test_health_tells_when_an_accelerator_is_not_used(engine: SteppedEngine) -> None:
    engine.placement = Placement(-1, 31, 0, (Device("CPU", kind="cpu"),))
    machine = Machine(True, "cpu", accelerators=(Accelerator("cuda", "GeForce with driver 550."),))
    body = (await Client(create_app(engine, ApiOptions(machine=machine))).get("/health")).json
    assert body["status"] == "ok"
    assert body["accelerated_by"] == []
    assert body["verdict"]["state"] == "not used"
    assert body["verdict"]["is_fault"]
    assert body["verdict"]["cause"] == "bundle"
    assert "GeForce" in body["verdict"]["reason"]
    assert body["verdict"]["fix"] == "coblyn build"


async def test_pages_can_make_controls_of_all_parameters(client: Client) -> None:
    reply = await client.get("/api/coblyn/parameters")
    controls = {control["name"]: control for control in reply.json["parameters"]}
    assert controls.keys() == PARAMETERS.keys()
    assert controls["top_k"]["default"] == 100
    assert controls["top_k"]["off"] == [None, 0]
    assert (controls["repetition_range"]["min"], controls["min_p"]["max"]) == (1, 1)
    assert all(c["min"] <= c["default"] <= c["max"] for c in controls.values())
