"""A draft model beside a real one: the same text, in fewer steps."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from coblyn.engine.config import EngineConfig
from coblyn.engine.encoded import Source, Text
from coblyn.engine.events import Delta
from coblyn.engine.local import LocalEngine
from coblyn.engine.params import SamplingParams
from coblyn.engine.plan import Plan, Row
from coblyn.engine.request import Request
from coblyn.engine.runner import LlamaRunner
from coblyn.errors import ModelUnsupported, SettingsError
from coblyn.native.bundle import Bundle
from gguf_file import GgufWriter, whole_model, windowed_model

pytestmark = pytest.mark.native


class Watched(LlamaRunner):
    """Keeps the rows that had drafts."""

    def __init__(self, config: EngineConfig) -> None:
        super().__init__(config)
        self.drafted: list[Row] = []

    def run(self, plan: Plan):  # type: ignore[no-untyped-def]
        self.drafted += [row for row in plan.rows if row.drafts]
        return super().run(plan)


def load(bundle: Bundle, model: Path, **settings: object) -> LocalEngine:
    config = EngineConfig(str(model), str(bundle.lib_dir), context=512, **settings)  # type: ignore[arg-type]
    return LocalEngine(partial(Watched, config), max_running=4, speculates=config.speculation)


async def write(
    engine: LocalEngine, name: str, sampling: SamplingParams, banned: tuple[str, ...] = ()
) -> str:
    prompt = await engine.encode(Source((Text("The old miner put down his lamp"),)))
    events = engine.generate(Request(name, prompt.id, 48, sampling, banned_phrases=banned))
    return "".join([event.text async for event in events if isinstance(event, Delta)])


async def test_the_same_text_with_a_draft_model(bundle: Bundle, tmp_path: Path) -> None:
    """The weights are in F32, whose sums hardly depend on the size of a step; half of the layers look a window back."""
    model = windowed_model(16).write(tmp_path / "model.gguf")
    other = windowed_model(16, vocabulary=727, seed=5).write(tmp_path / "other.gguf")
    chains = [SamplingParams(temperature=0)]
    chains += [SamplingParams(temperature=0.7, seed=seed, top_k=20) for seed in range(3)]
    plain = load(bundle, model, speculation=False)
    expected = [await write(plain, str(n), chain) for n, chain in enumerate(chains)]
    await plain.close()
    for draft in (model, other):
        engine = load(bundle, model, draft_model=str(draft))
        runner = engine._core.runner
        assert isinstance(runner, Watched)
        alone = await write(engine, "alone", chains[0])
        assert alone == expected[0]
        assert runner.drafted, "the first guesses are tried, since nothing is known of their cost"
        jobs = [write(engine, str(n), chain) for n, chain in enumerate(chains)]
        assert await asyncio.gather(*jobs) == expected
        await engine.close()


async def test_banned_phrases_are_taken_back_from_drafts(bundle: Bundle, tmp_path: Path) -> None:
    """The draft model is the same one, so it guesses the phrases that are then banned."""
    model = windowed_model(16).write(tmp_path / "model.gguf")
    chains = [SamplingParams(temperature=0)]
    chains += [SamplingParams(temperature=0.7, seed=seed, top_k=20) for seed in range(2)]
    plain = load(bundle, model, speculation=False)
    free = [await write(plain, f"free {n}", chain) for n, chain in enumerate(chains)]
    phrases = [(text[4:7], text[20:22], text[30:35]) for text in free]
    wanted = [
        await write(plain, str(n), chain, banned)
        for n, (chain, banned) in enumerate(zip(chains, phrases, strict=True))
    ]
    await plain.close()
    engine = load(bundle, model, draft_model=str(model))
    runner = engine._core.runner
    assert isinstance(runner, Watched)
    jobs = [
        write(engine, str(n), chain, banned)
        for n, (chain, banned) in enumerate(zip(chains, phrases, strict=True))
    ]
    assert await asyncio.gather(*jobs) == wanted
    assert len({row.request_id for row in runner.drafted}) == len(chains), "all have drafts"
    await engine.close()
    for text, old, banned in zip(wanted, free, phrases, strict=True):
        assert text != old
        assert not [phrase for phrase in banned if phrase.lower() in text.lower()]


async def test_heads_of_another_model_are_refused_by_name(bundle: Bundle, tmp_path: Path) -> None:
    """The library would end the process."""
    model = whole_model().write(tmp_path / "model.gguf")
    heads = GgufWriter({"general.architecture": "eagle3"}).write(tmp_path / "heads.gguf")
    with pytest.raises(SettingsError, match=r"heads\.gguf is not a model of its own .*EAGLE-3"):
        load(bundle, model, draft_model=str(heads))
    with pytest.raises(ModelUnsupported, match=r"heads\.gguf is not a model of its own .*EAGLE-3"):
        load(bundle, heads)


async def test_another_vocabulary_is_refused(
    bundle: Bundle, starter_model: Path, tmp_path: Path
) -> None:
    other = whole_model().write(tmp_path / "other.gguf")
    with pytest.raises(SettingsError, match="a different vocabulary from"):
        load(bundle, starter_model, draft_model=str(other))
