"""Models that were made by settings answer in every dialect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.models import created
from coblyn.models.created import Name
from coblyn.models.modelfile import Modelfile
from factories import SteppedEngine
from service.test_demand import FakeLoader, FileEngine, files

__all__ = ["files"]

TEMPLATE = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
MARIO = Modelfile(
    "fake",
    {"temperature": 0.25, "stop": ("!",), "num_predict": 3, "seed": -1, "num_ctx": 512},
    "Be Mario.",
    messages=(("user", "Who?"), ("assistant", "Me.")),
)
TALK = [{"role": "user", "content": "Hi"}]


@pytest.fixture(autouse=True)
def mario(engine: SteppedEngine) -> None:
    engine._runner.chat_template = TEMPLATE
    created.save(Name.of("mario"), MARIO)


def prompt_of(engine: SteppedEngine) -> str:
    return "".join(chr(t) for t in engine.requests[-1].prompt.ids if t < 256)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_settings_fill_what_a_request_leaves_open(
    client: Client, engine: SteppedEngine, path: str
) -> None:
    reply = await client.post(path, {"model": "Mario", "messages": TALK})
    assert reply.status == 200
    request = engine.requests[-1]
    assert (request.sampling.temperature, request.stop, request.max_tokens) == (0.25, ("!",), 3)
    assert prompt_of(engine) == "[system]Be Mario.[user]Who?[assistant]Me.[user]Hi"
    own: dict[str, Any] = {"temperature": 0.5, "max_tokens": 5}
    await client.post(path, {"model": "mario", "messages": TALK, **own})
    request = engine.requests[-1]
    assert (request.sampling.temperature, request.max_tokens) == (0.5, 5)


async def test_a_response_begins_with_its_messages(client: Client, engine: SteppedEngine) -> None:
    first = await client.post("/v1/responses", {"model": "mario", "input": "Hi"})
    begun = "[system]Be Mario.[user]Who?[assistant]Me.[user]Hi"
    assert prompt_of(engine) == begun
    body = {"model": "mario", "input": "Ho", "previous_response_id": first.json["id"]}
    await client.post("/v1/responses", body)
    assert prompt_of(engine).startswith(begun)
    assert prompt_of(engine).endswith("[user]Ho")
    assert prompt_of(engine).count("Who?") == 1
    own = {"model": "mario", "input": "Hi", "instructions": "Be Luigi."}
    await client.post("/v1/responses", own)
    assert prompt_of(engine).startswith("[system]Be Luigi.[user]Who?")


async def test_a_requests_own_system_text_counts(client: Client, engine: SteppedEngine) -> None:
    system = {"role": "system", "content": "Be Luigi."}
    body = {"model": "mario", "messages": [system, *TALK]}
    await client.post("/v1/chat/completions", body)
    assert "Mario" not in prompt_of(engine)
    await client.post("/v1/messages", {"model": "mario", "messages": TALK, "system": "Be Luigi."})
    assert "Mario" not in prompt_of(engine)


async def test_text_goes_on_without_messages(client: Client, engine: SteppedEngine) -> None:
    await client.post("/v1/completions", {"model": "mario", "prompt": "a"})
    assert prompt_of(engine) == "a"
    assert engine.requests[-1].max_tokens == 3


async def test_the_model_that_it_is_made_from_is_loaded(files: Path) -> None:
    created.save(Name.of("luigi"), Modelfile("second"))
    first, loader = FileEngine(files / "first.gguf"), FakeLoader()
    client = Client(create_app(first, loader=loader))
    body = {"model": "luigi", "messages": TALK, "max_tokens": 1}
    answer = (await client.post("/v1/chat/completions", body)).json
    assert loader.log == ["load second"]
    assert answer["model"] == "second"
