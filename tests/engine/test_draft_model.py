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
from head_models import eagle_head, plain_model

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


@pytest.mark.parametrize(("architecture", "kind"), [("eagle3", "EAGLE-3"), ("dflash", "DFlash")])
async def test_heads_are_refused_by_name_as_models(
    bundle: Bundle, tmp_path: Path, architecture: str, kind: str
) -> None:
    """The library would end the process."""
    heads = GgufWriter({"general.architecture": architecture}).write(tmp_path / "heads.gguf")
    found = rf"heads\.gguf is not a model of its own .*{kind}"
    with pytest.raises(ModelUnsupported, match=found):
        load(bundle, heads)
    if architecture != "eagle3":
        with pytest.raises(SettingsError, match=found):
            load(bundle, whole_model().write(tmp_path / "model.gguf"), draft_model=str(heads))


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"target_hidden_size": 128}, "for a model of width 128, and this one's is 64"),
        ({"target_layers": [0, 1, 2]}, "looks at layer 2, and the model has 2"),
        ({"target_layers": [0, 1]}, "does not name three layers"),
        ({"block_count": 2}, "has 2 layers, and llama.cpp runs one"),
        ({"embedding_length": 32}, "its own width is 32 instead of 64"),
    ],
)
async def test_an_eagle_head_of_another_model_is_refused_before_loading(
    bundle: Bundle, tmp_path: Path, keys: dict[str, object], problem: str
) -> None:
    writer = plain_model("llama")
    head = eagle_head(writer, **keys).write(tmp_path / "head.gguf")
    model = writer.write(tmp_path / "model.gguf")
    with pytest.raises(SettingsError, match=rf"head head\.gguf cannot guess for .*: .*{problem}"):
        load(bundle, model, draft_model=str(head))


async def test_an_eagle_head_of_another_vocabulary_is_refused(
    bundle: Bundle, tmp_path: Path
) -> None:
    head = eagle_head(whole_model()).write(tmp_path / "head.gguf")
    writer = plain_model("llama")
    writer.metadata["tokenizer.ggml.tokens"][70] = "other"  # type: ignore[index]
    model = GgufWriter(writer.metadata, writer.tensors).write(tmp_path / "model.gguf")
    with pytest.raises(SettingsError, match=r"head\.gguf cannot guess for .*different vocabulary"):
        load(bundle, model, draft_model=str(head))


async def test_another_vocabulary_is_refused(
    bundle: Bundle, starter_model: Path, tmp_path: Path
) -> None:
    other = whole_model().write(tmp_path / "other.gguf")
    with pytest.raises(SettingsError, match="a different vocabulary from"):
        load(bundle, starter_model, draft_model=str(other))
