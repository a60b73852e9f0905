"""The clients that people use, unchanged, over a real socket."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import openai
import pytest

import patient
from coblyn.engine.fake import STORY, FakeRunner
from live_server import serve


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve(FakeRunner) as address:
        yield address


@pytest.fixture(scope="module")
def slow_address() -> Iterator[str]:
    with serve(partial(FakeRunner, seconds_a_step=0.02, repeats=True)) as address:
        yield address


@pytest.fixture
def client(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client:
        yield client


TALK: Any = [{"role": "user", "content": "Tell me a story."}]


def test_openai_lists_models(client: openai.OpenAI) -> None:
    models = client.models.list().data
    assert [model.id for model in models] == ["fake"]
    assert client.models.retrieve("fake").id == "fake"


def test_openai_chat(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="fake", messages=TALK, max_tokens=8, logprobs=True, top_logprobs=2, seed=1
    )
    choice = answer.choices[0]
    assert choice.message.content == STORY[:8]
    assert choice.finish_reason == "length"
    assert choice.logprobs is not None
    assert choice.logprobs.content is not None
    assert [entry.token for entry in choice.logprobs.content] == list(STORY[:8])
    assert len(choice.logprobs.content[0].top_logprobs) == 2
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 8


def test_openai_chat_stream(client: openai.OpenAI) -> None:
    with client.chat.completions.create(
        model="fake",
        messages=TALK,
        stream=True,
        stream_options={"include_usage": True},
        stop=["knocks"],
    ) as stream:
        chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == STORY.partition("knocks")[0]
    roles = [chunk.choices[0].delta.role for chunk in chunks if chunk.choices]
    assert roles[0] == "assistant"
    assert not any(roles[1:])
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.prompt_tokens > 0


def test_openai_completion_and_its_stream(client: openai.OpenAI) -> None:
    whole = client.completions.create(model="fake", prompt="Once", max_tokens=6, logprobs=1, n=2)
    assert [choice.text for choice in whole.choices] == [STORY[:6]] * 2
    assert whole.choices[0].logprobs is not None
    assert whole.choices[0].logprobs.tokens == list(STORY[:6])
    with client.completions.create(model="fake", prompt="Once", stream=True) as stream:
        assert "".join(chunk.choices[0].text for chunk in stream) == STORY


async def test_openai_async(address: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="none") as client:
        answer = await client.chat.completions.create(model="fake", messages=TALK, max_tokens=4)
        assert answer.choices[0].message.content == STORY[:4]
        text = ""
        async with await client.chat.completions.create(
            model="fake", messages=TALK, stream=True
        ) as stream:
            async for chunk in stream:
                text += chunk.choices[0].delta.content or ""
        assert text == STORY


def test_openai_errors_are_its_own(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as long:
        client.chat.completions.create(
            model="fake", messages=[{"role": "user", "content": "a" * 9000}]
        )
    assert long.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError) as wrong:
        client.chat.completions.create(model="fake", messages=TALK, temperature="hot")  # type: ignore[call-overload]
    assert wrong.value.param == "temperature"
    vectors = client.embeddings.create(model="fake", input=["a", "b"]).data
    assert [len(each.embedding) for each in vectors] == [16, 16]


def test_openai_sees_an_engine_that_dies_in_a_stream() -> None:
    with serve(partial(FakeRunner, fail_at=4)) as address:
        client = openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
        with client, pytest.raises(openai.APIError, match="told to"):
            list(client.completions.create(model="fake", prompt="a", stream=True))


def test_openai_sees_a_full_queue() -> None:
    runner = partial(FakeRunner, seconds_a_step=0.02, repeats=True)
    with serve(runner, max_running=1, max_waiting=0) as address:
        client = openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
        with client, client.completions.create(model="fake", prompt="a", stream=True) as stream:
            next(iter(stream))
            with pytest.raises(openai.InternalServerError) as busy:
                client.completions.create(model="fake", prompt="b")
        assert busy.value.status_code == 503


def test_first_chunk_arrives_while_the_rest_is_made_and_hanging_up_frees_the_place(
    slow_address: str,
) -> None:
    url = f"{slow_address}/api/extra/generate/stream"
    with patient.stream("POST", url, json={"prompt": "a", "max_length": 2000}) as reply:
        lines = reply.iter_lines()
        next(lines)
        assert patient.get(f"{slow_address}/health").json()["running"] == 1
    until(lambda: not patient.get(f"{slow_address}/health").json()["running"])


def until(holds: Callable[[], object]) -> None:
    """Wait for something, half as long as the whole text of a slow engine would take."""
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def kobold(address: str) -> Any:
    from koboldapi import KoboldAPI

    return KoboldAPI(address)


def test_koboldapi_asks_about_the_server(address: str) -> None:
    api = kobold(address)
    assert api.get_version()["result"] == "KoboldCpp"
    assert api.get_model() == "koboldcpp/fake"
    assert api.get_max_context_length() == 4096
    assert "last_process" in api.get_performance_stats()


def test_koboldapi_counts_tokens(address: str) -> None:
    api = kobold(address)
    assert api.count_tokens("hi") == {"count": 3, "tokens": [256, 104, 105]}
    assert api.tokenize("hi") == [256, 104, 105]
    assert api.detokenize([104, 105]) == "hi"


def test_koboldapi_generates(address: str) -> None:
    api = kobold(address)
    assert api.generate("Once", max_length=9, logprobs=True) == STORY[:9]
    assert api.check_generation() == STORY[:9]
    assert api.get_last_logprobs()["tokens"] == list(STORY[:9])


async def test_koboldapi_streams(address: str) -> None:
    api = kobold(address)
    parts = [part async for part in api.stream_generate("Once", max_length=9)]
    assert "".join(parts) == STORY[:9]
    assert len(parts) > 1


def test_koboldapi_aborts(slow_address: str) -> None:
    api = kobold(slow_address)
    texts: list[str] = []
    thread = threading.Thread(target=lambda: texts.append(api.generate("Once", max_length=2000)))
    thread.start()
    until(api.check_generation)
    assert api.abort_generation() == "true"
    thread.join(20)
    assert texts
    assert 0 < len(texts[0]) < 2000


def test_koboldapi_wraps_instructions(address: str) -> None:
    from koboldapi import KoboldAPICore

    core = KoboldAPICore(api_url=address)
    assert core.wrap_and_generate("Tell me.", max_length=5) == STORY[:5]
    assert core.get_model_info()["context_length"] == 4096
