"""The Python API, on the scripted engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace

import pytest

from coblyn import AdapterChoice, Engine
from coblyn.engine.adapter import AdapterInfo
from coblyn.engine.fake import STORY, FakeRunner
from coblyn.engine.interface import EngineClient
from coblyn.engine.local import LocalEngine
from coblyn.engine.params import SamplingParams
from coblyn.errors import BadRequest, EngineStopped, ModelNotFound, PromptTooLong
from coblyn.library import Options, _command
from coblyn.service.command import GenerateCommand, TextPrompt


async def make_client() -> EngineClient:
    return await asyncio.to_thread(LocalEngine, lambda: FakeRunner(seconds_a_step=0.001))


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(make_client) as engine:
        yield engine


def test_generate(engine: Engine) -> None:
    completion = engine.generate("Once", max_tokens=10)
    assert completion.text == STORY[:10]
    assert completion.reason == "length"
    assert completion.stats.num_generated == 10


def test_stream(engine: Engine) -> None:
    stream = engine.stream("Once", stop=["lamp"])
    text = "".join(delta.text for delta in stream)
    assert text == STORY[: STORY.index("lamp")]
    assert stream.completion.reason == "stop"
    assert stream.completion.text == text


def test_leaving_a_stream_stops_it(engine: Engine) -> None:
    for _ in engine.stream("Once", max_tokens=1000):
        break
    while engine.client.status().num_running:
        pass
    assert engine.generate("Again", max_tokens=3).text == STORY[:3]


def test_a_stream_that_was_not_read_has_no_completion(engine: Engine) -> None:
    stream = engine.stream("Once", max_tokens=5)
    with pytest.raises(BadRequest, match="not been read"):
        _ = stream.completion
    stream.close()


def test_messages_go_through_the_chat_template(engine: Engine) -> None:
    completion = engine.generate([{"role": "user", "content": "Hi"}], max_tokens=4)
    assert completion.text == STORY[:4]
    assert completion.stats.num_prompt > len("Hi")
    with pytest.raises(BadRequest, match=r"messages\[0\]\.role must be a string"):
        engine.generate([{"content": "Hi"}])


def test_options_are_checked(engine: Engine) -> None:
    with pytest.raises(BadRequest, match="min_p must be between 0 and 1"):
        engine.generate("x", min_p=3)
    with pytest.raises(BadRequest, match="min_p must be between 0 and 1"):
        engine.generate("x", min_p=3, sampling=SamplingParams(min_p=0.1))
    with pytest.raises(PromptTooLong):
        engine.generate("x" * 5000)
    with pytest.raises(TypeError, match="temprature"):
        engine.generate("x", temprature=1)  # type: ignore[call-arg]


def test_parameters_come_together_or_one_by_one() -> None:
    base = SamplingParams(temperature=0.5, typical_p=0.3)
    command = _command("x", {"sampling": base, "temperature": 0.7, "max_tokens": 3})
    assert command.sampling == replace(base, temperature=0.7)
    assert _command("x", {"min_p": 0.1}).sampling == SamplingParams(min_p=0.1)


def test_every_option_and_parameter_has_its_name() -> None:
    base, sampling = GenerateCommand(TextPrompt("x")), SamplingParams()
    for name in Options.__annotations__.keys() - {"memory", "sampling"}:
        owner = sampling if hasattr(sampling, name) else base
        command = _command("x", {name: getattr(owner, name)})  # type: ignore[misc]
        assert command == base, name
    given = {field.name for field in fields(SamplingParams)}
    assert given <= Options.__annotations__.keys()


def test_sequences_are_kept_and_a_single_text_is_one_of_them() -> None:
    command = _command("x", {"banned_phrases": ["a", "b"], "stop": "ab", "sampler_order": [6, 0]})
    assert command.banned_phrases == ("a", "b")
    assert command.stop == ("ab",)
    assert command.sampling.sampler_order == (6, 0)
    assert _command("x", {"memory": "m"}).prompt == TextPrompt("x", "m")


def test_adapters_are_chosen_for_each_text() -> None:
    async def adapted() -> EngineClient:
        poet = AdapterInfo("poet", "/x/poet.gguf", "digest", 0.5)
        return await asyncio.to_thread(LocalEngine, lambda: FakeRunner(adapters=(poet,)))

    with Engine(adapted) as engine:
        assert engine.generate("Once", max_tokens=4).text == STORY[:4]
        for choices, sign in (
            ([AdapterChoice("poet")], "[poet 0.5] "),
            ((AdapterChoice(0, 2.0),), "[poet 2] "),
            (None, ""),
        ):
            text = engine.generate("Once", max_tokens=20, adapters=choices).text
            assert text == (sign + STORY)[:20]
        with pytest.raises(BadRequest, match="no adapter 'bard'"):
            engine.generate("Once", adapters=[AdapterChoice("bard")])


def test_many_threads_share_one_engine(engine: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        texts = pool.map(lambda i: engine.generate(f"prompt {i}", max_tokens=20).text, range(8))
    assert list(texts) == [STORY[:20]] * 8


async def test_async(engine: Engine) -> None:
    completions = await asyncio.gather(
        *(engine.agenerate(f"prompt {i}", max_tokens=5) for i in range(4))
    )
    assert [completion.text for completion in completions] == [STORY[:5]] * 4
    stream = engine.astream("x", max_tokens=5)
    assert "".join([delta.text async for delta in stream]) == STORY[:5]
    assert stream.completion.reason == "length"


def test_tokens_and_back(engine: Engine) -> None:
    tokens = engine.tokenize("héllo", add_special=False)
    assert engine.detokenize(tokens) == "héllo"


def test_after_the_close_it_says_so() -> None:
    engine = Engine(make_client)
    engine.close()
    engine.close()
    with pytest.raises(EngineStopped):
        engine.generate("x")
    with pytest.raises(EngineStopped):
        engine.tokenize("x")


def test_a_model_that_is_not_there() -> None:
    with pytest.raises(ModelNotFound):
        Engine.load("/nowhere/model.gguf")
    with pytest.raises(ModelNotFound, match="coblyn pull smollm2"):
        Engine.load()
