"""Images and sounds through the real engine: the same answer alone and in company, and nothing computed twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from coblyn.constraints.constraint import Constraint
from coblyn.engine.config import EngineConfig
from coblyn.engine.encoded import Source, Text
from coblyn.engine.events import Delta, Finish
from coblyn.engine.local import LocalEngine
from coblyn.engine.media import RawMedia
from coblyn.engine.params import SamplingParams
from coblyn.engine.projection import Projection
from coblyn.engine.request import Request
from coblyn.engine.runner import LlamaRunner
from coblyn.errors import BadRequest, ModelBroken, PromptForgotten
from coblyn.native.bundle import Bundle
from media_models import KINDS, write_media_model

pytestmark = pytest.mark.native

images = pytest.mark.parametrize("kind", KINDS[:-1], indirect=True, scope="module")
"""Without the sound, which takes 750 tokens."""


def raw(kind: str, seed: int = 0, *, width: int = 90, height: int = 60) -> RawMedia:
    random = np.random.default_rng(seed)
    digest = f"{kind}{seed}{width}".encode()
    if kind == "sound":
        samples = random.uniform(-0.5, 0.5, 4000).astype(np.float32)
        return RawMedia(digest, "sound", len(samples), 1, samples.tobytes())
    pixels = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return RawMedia(digest, "image", width, height, pixels.tobytes())


@pytest.fixture(params=KINDS, scope="module")
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def config(kind: str, bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> EngineConfig:
    model, projector = write_media_model(tmp_path_factory.mktemp("models"), kind)
    return EngineConfig(
        str(model),
        str(bundle.lib_dir),
        context=2048,
        batch=256,
        busy_batch=64,
        max_running=4,
        threads=2,
        projector=str(projector),
        kernels=False,
        speculation=False,
    )


@pytest.fixture(scope="module")
def shared(config: EngineConfig) -> Iterator[LocalEngine]:
    engine = made(config)
    yield engine
    asyncio.run(engine.close())


@pytest.fixture
async def engine(shared: LocalEngine) -> LocalEngine:
    return shared


def made(config: EngineConfig) -> LocalEngine:
    return LocalEngine(
        partial(LlamaRunner, config), max_running=config.max_running, busy_batch=config.busy_batch
    )


@asynccontextmanager
async def opened(config: EngineConfig, **changes: object) -> AsyncIterator[LocalEngine]:
    engine = made(replace(config, **changes))  # type: ignore[arg-type]
    try:
        yield engine
    finally:
        await engine.close()


async def prompt_of(engine: LocalEngine, *parts: str | RawMedia) -> str:
    texts = []
    for part in parts:
        if isinstance(part, RawMedia):
            await engine.show(part)
            texts.append(Text("", media=part.digest))
        else:
            texts.append(Text(part, add_special=not texts))
    return (await engine.encode(Source(tuple(texts)))).id


async def read(engine: LocalEngine, name: str, prompt: str, **more: object) -> tuple[str, Finish]:
    request = Request(name, prompt, 12, SamplingParams(temperature=0), **more)  # type: ignore[arg-type]
    events = [event async for event in engine.generate(request)]
    last = events[-1]
    assert isinstance(last, Finish)
    return "".join(event.text for event in events if isinstance(event, Delta)), last


def projection(engine: LocalEngine) -> Projection:
    reader = engine._core.runner.media
    assert isinstance(reader, Projection)
    return reader


async def test_facts(engine: LocalEngine, kind: str) -> None:
    assert engine.info.media == (("sound",) if kind == "sound" else ("image",))
    assert engine.info.sample_rate == (16_000 if kind == "sound" else 0)


async def test_the_same_alone_and_in_company(
    engine: LocalEngine, config: EngineConfig, kind: str
) -> None:
    parts = ("Look: ", raw(kind, 1), " and tell. Then ", raw(kind, 2), " too.")
    others = [f"Once upon a time there were {n} miners below." for n in range(3)]
    async with opened(config) as quiet:
        alone, _ = await read(quiet, "alone", await prompt_of(quiet, *parts))
        texts_alone = [
            (await read(quiet, text, await prompt_of(quiet, text)))[0] for text in others
        ]
    prompts = [await prompt_of(engine, *parts), *[await prompt_of(engine, text) for text in others]]
    together = await asyncio.gather(
        *(read(engine, f"together {index}", prompt) for index, prompt in enumerate(prompts))
    )
    assert [text for text, _ in together] == [alone, *texts_alone]
    assert alone


async def test_what_is_shown_matters(engine: LocalEngine, kind: str) -> None:
    drawn = set()
    for seed in (4, 5):
        prompt = await prompt_of(engine, "This: ", raw(kind, seed), " is")
        request = Request(f"seed {seed}", prompt, 1, SamplingParams(temperature=0, logprobs=1))
        events = [event async for event in engine.generate(request)]
        drawn |= {event.tokens[0].logprob for event in events if isinstance(event, Delta)}
    assert len(drawn) == 2


@images
@pytest.mark.parametrize("shares", [True, False], ids=["shared-cells", "own-cells"])
async def test_in_the_fifth_turn_it_costs_nothing(
    config: EngineConfig, kind: str, shares: bool
) -> None:
    picture = raw(kind, 3)
    parts: list[str | RawMedia] = ["See ", picture, " here."]
    async with opened(config, shared_cells=shares) as engine:
        seen = 0
        for turn in range(5):
            prompt = await prompt_of(engine, *parts)
            text, finish = await read(engine, f"turn {turn}", prompt)
            assert finish.stats.num_cached >= seen
            seen = finish.stats.num_prompt
            parts += [text + f" Go on, {turn}."]
        pieces = projection(engine).spans(picture.digest) or ()
        assert projection(engine).num_encoded == sum(hasattr(piece, "digest") for piece in pieces)
        async with opened(config, shared_cells=shares) as fresh:
            again, _ = await read(fresh, "fresh", await prompt_of(fresh, *parts[:-1]))
        assert again == text


@images
async def test_it_comes_back_from_main_memory(config: EngineConfig, kind: str) -> None:
    parts = ("See ", raw(kind, 3), " here.")
    async with opened(config, num_idle=1, max_running=1, shared_cells=True) as engine:
        first, _ = await read(engine, "first", await prompt_of(engine, *parts))
        for index in range(3):
            await read(
                engine, f"other {index}", await prompt_of(engine, f"{index} is another text.")
            )
        again, finish = await read(engine, "again", await prompt_of(engine, *parts))
        assert again == first
        assert finish.stats.num_cached > 0


@images
async def test_a_text_begins_right_behind_it(engine: LocalEngine, kind: str) -> None:
    prompt = await prompt_of(engine, "See ", raw(kind, 1))
    text, finish = await read(engine, "right behind", prompt)
    again, cached = await read(engine, "again", prompt)
    assert again == text
    assert finish.stats.num_generated > 0
    assert cached.stats.num_cached == finish.stats.num_prompt


@images
async def test_with_a_constraint_right_behind_it(engine: LocalEngine, kind: str) -> None:
    prompt = await prompt_of(engine, "See ", raw(kind, 1))
    bound = Constraint("regex", "(yes|no)")
    text, _ = await read(engine, "text", await prompt_of(engine, "See me"), constraint=bound)
    assert text in ("yes", "no")
    text, _ = await read(engine, "bound", prompt, constraint=bound)
    assert text in ("yes", "no")


@images
async def test_what_was_encoded_and_had_to_go_is_encoded_again(
    config: EngineConfig, kind: str
) -> None:
    async with opened(config, media_memory=1) as engine:
        keeper = projection(engine)
        keeper._encoded._capacity = 1
        first = await prompt_of(engine, "A ", raw(kind, 1), " b")
        text, _ = await read(engine, "one", first)
        await read(engine, "two", await prompt_of(engine, "A ", raw(kind, 2), " b"))
        before = keeper.num_encoded
        assert (await read(engine, "three", first))[0] == text
        assert keeper.num_encoded > before


async def test_what_is_not_kept_is_asked_for_again(engine: LocalEngine, kind: str) -> None:
    unknown = raw(kind, 99)
    assert await engine.unknown_media([unknown.digest]) == [unknown.digest]
    with pytest.raises(PromptForgotten):
        await engine.encode(Source((Text("", media=unknown.digest),)))
    number = await engine.show(unknown)
    assert await engine.unknown_media([unknown.digest]) == []
    counted = await engine.encode(Source((Text("", media=unknown.digest),), is_prompt=False))
    assert counted.num_tokens == number > 0


async def test_cells_that_see_each_other_need_a_step_that_holds_them(
    bundle: Bundle, tmp_path: Path
) -> None:
    model, projector = write_media_model(tmp_path, "gemma")
    config = EngineConfig(
        str(model),
        str(bundle.lib_dir),
        batch=32,
        max_running=1,
        num_idle=1,
        projector=str(projector),
    )
    async with opened(config) as engine:
        keeper = projection(engine)
        keeper._max_whole = 8
        with pytest.raises(BadRequest, match="--batch"):
            await engine.show(raw("gemma"))


class TestTheFileBesideTheModel:
    async def test_is_found_by_its_name(self, bundle: Bundle, tmp_path: Path) -> None:
        model, _ = write_media_model(tmp_path, "llava")
        write_media_model(tmp_path, "qwen")
        async with opened(EngineConfig(str(model), str(bundle.lib_dir), threads=1)) as engine:
            assert engine.info.media == ("image",)

    async def test_is_left_out_if_it_is_another_model_s(
        self, bundle: Bundle, tmp_path: Path
    ) -> None:
        from gguf_file import whole_model

        whole_model().write(tmp_path / "model.gguf")
        _, projector = write_media_model(tmp_path / "else", "llava")
        projector.rename(tmp_path / "mmproj-f16.gguf")
        config = EngineConfig(str(tmp_path / "model.gguf"), str(bundle.lib_dir), threads=1)
        async with opened(config) as engine:
            assert engine.info.media == ()
        with pytest.raises(ModelBroken, match="another model"):
            made(replace(config, projector=str(tmp_path / "mmproj-f16.gguf")))
