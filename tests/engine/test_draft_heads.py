"""Prediction heads (MTP and EAGLE-3): the same text, in fewer steps, and always the guesses of the whole text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Self

import pytest

from coblyn.engine import speculation
from coblyn.engine.config import EngineConfig
from coblyn.engine.draft_heads import draft_heads_of
from coblyn.engine.eagle import eagle_of
from coblyn.engine.encoded import Source, Text
from coblyn.engine.events import Delta, Finish
from coblyn.engine.local import LocalEngine
from coblyn.engine.params import SamplingParams
from coblyn.engine.plan import DraftWish
from coblyn.engine.request import Request
from coblyn.engine.runner import LlamaRunner
from coblyn.engine.speculation import Speculation
from coblyn.engine.trust import Trust
from coblyn.errors import EngineError
from coblyn.llama.context import Batch, Context
from coblyn.llama.heads import HeadBatch
from coblyn.llama.steps import Steps
from coblyn.native.bundle import Bundle
from gguf_file import GgufWriter
from head_models import (
    eagle_head,
    headed_model,
    knowing_eagle,
    plain_model,
    sure_eagle,
    sure_model,
)

pytestmark = pytest.mark.native

PROMPTS = ("The old miner put down his lamp", "The old miner listened", "Far below,")

NEAR = 4
"""Guesses depend on rounding. By chance, one in sixty is nearer."""


class Watched(LlamaRunner):
    """Keeps the texts for which its heads guessed, and the guesses."""

    def __init__(self, config: EngineConfig) -> None:
        super().__init__(config)
        self.config = config
        self.guessed: list[tuple[tuple[int, ...], tuple[int, ...]]] = []

    def draft(self, wishes: Sequence[DraftWish]) -> Mapping[str, tuple[int, ...]]:
        found = super().draft(wishes)
        self.guessed += [
            (tuple(wish.tokens), found[wish.request_id])
            for wish in wishes
            if wish.request_id in found
        ]
        return found


class Afresh:
    """Guesses for a text by contexts that have seen nothing else.

    Args:
        runner: Whose model and shape they have.
    """

    def __init__(self, runner: Watched) -> None:
        size = runner._options.max_batch
        self._context = Context(runner._model, runner._options)
        config = runner.config
        guesser = draft_heads_of(config, self._context, runner._options, eagle_of(config))
        assert guesser
        self._heads, self._states = guesser._heads, guesser.states
        self._batch = Batch(size)
        self._steps = Steps(self._context, self._batch, 1, self._states)
        self._rows = HeadBatch(self._heads)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._heads.close()
        self._context.close()

    def ranks(self, tokens: Sequence[int], guesses: Sequence[int]) -> list[int]:
        """The place of each guess among all tokens, most likely first, if those before it are taken."""
        length, rows, heads = len(tokens), self._rows, self._heads
        self._context.clear()
        heads.clear()
        self._batch.fill(0, tokens[:-1], 0, 0, output=True)
        self._steps.run(length - 1, ())
        known = self._states.take().values
        for start in range(1, length - 1, rows.capacity):
            end = min(start + rows.capacity, length - 1)
            rows.fill(0, tokens[start:end], start, 0, output=False)
            rows.given[: end - start] = known[start - 1 : end - 1]
            heads.encode(rows, end - start)
            heads.compute(rows, end - start)
        rows.put(0, tokens[-1], length - 1, 0, output=True)
        rows.given[0] = known[-1]
        heads.encode(rows, 1)
        heads.compute(rows, 1)
        found = []
        for place, guess in enumerate(guesses):
            logits = heads.logits(0)
            found.append(int((logits > logits[guess]).sum()))
            rows.put(0, guess, length + place, 0, output=True)
            rows.states[0] = heads.state(0)
            heads.compute(rows, 1)
        return found


@asynccontextmanager
async def loaded(bundle: Bundle, model: Path, **settings: object) -> AsyncIterator[LocalEngine]:
    config = EngineConfig(str(model), str(bundle.lib_dir), context=512, **settings)  # type: ignore[arg-type]
    engine = LocalEngine(partial(Watched, config), max_running=4, speculates=config.speculation)
    try:
        yield engine
    finally:
        await engine.close()


def runner_of(engine: LocalEngine) -> Watched:
    runner = engine._core.runner
    assert isinstance(runner, Watched)
    return runner


async def write(
    engine: LocalEngine,
    name: str,
    text: str,
    sampling: SamplingParams,
    tokens: int = 40,
    banned: tuple[str, ...] = (),
    *,
    speculates: bool = True,
) -> tuple[str, Finish]:
    prompt = await engine.encode(Source((Text(text),)))
    written, last = "", None
    request = Request(
        name,
        prompt.id,
        tokens,
        sampling,
        ignore_eos=True,
        banned_phrases=banned,
        speculates=speculates,
    )
    async for event in engine.generate(request):
        if isinstance(event, Delta):
            written += event.text
        if isinstance(event, Finish):
            last = event
    assert last
    return written, last


GREEDY = SamplingParams(temperature=0)


async def test_a_right_head_saves_steps(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speculation, "_MIN_GAIN", 0.0)  # however long it takes
    model = sure_model().write(tmp_path / "model.gguf")
    async with loaded(bundle, model, draft_heads=False) as plain:
        assert not runner_of(plain).can_draft
        expected, _ = await write(plain, "plain", PROMPTS[0], GREEDY)
    async with loaded(bundle, model) as engine:
        found, last = await write(engine, "headed", PROMPTS[0], GREEDY)
        assert runner_of(engine).guessed
    assert found == expected
    assert last.stats.num_right == last.stats.num_drafts >= 3


async def test_a_right_eagle_head_saves_steps(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alone and in a batch, with samplers that draw, and with phrases taken back."""
    monkeypatch.setattr(speculation, "_MIN_GAIN", 0.0)  # however long it takes
    model, head = (
        writer.write(tmp_path / f"{name}.gguf")
        for name, writer in zip(("model", "head"), sure_eagle(), strict=True)
    )
    chains = [GREEDY] + [SamplingParams(temperature=0.7, seed=seed, top_k=20) for seed in range(3)]
    async with loaded(bundle, model, speculation=False) as plain:
        expected = [await write(plain, str(n), PROMPTS[0], each) for n, each in enumerate(chains)]
        first = expected[0][0]
        taken, _ = await write(plain, "banned", PROMPTS[0], GREEDY, 24, (first[4:6],))
    async with loaded(bundle, model, draft_model=str(head)) as engine:
        found, last = await write(engine, "headed", PROMPTS[0], GREEDY)
        assert last.stats.num_right == last.stats.num_drafts >= 3
        jobs = [write(engine, str(n), PROMPTS[0], each) for n, each in enumerate(chains)]
        together = await asyncio.gather(*jobs)
        assert (await write(engine, "banned", PROMPTS[0], GREEDY, 24, (first[4:6],)))[0] == taken
    assert found == first
    assert [text for text, _ in together] == [text for text, _ in expected]


@pytest.mark.parametrize("is_own", [True, False])
async def test_heads_follow_only_texts_that_are_guessed(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_own: bool
) -> None:
    """Others cost nothing; if their text is guessed later on, heads begin there: alone, in a fork, and after a cut."""
    monkeypatch.setattr(speculation, "_MIN_GAIN", 0.0)  # however long it takes
    model, named = fitted(tmp_path, is_own=is_own)
    async with loaded(bundle, model, speculation=False) as plain:
        expected, _ = await write(plain, "plain", PROMPTS[0], GREEDY, 60)
        cut, _ = await write(plain, "cut", PROMPTS[0] + expected[:5] + ",", GREEDY)
    async with loaded(bundle, model, **named) as engine:
        runner = runner_of(engine)
        with computed_by_heads(runner) as sizes:
            jobs = (
                write(engine, f"{n}", PROMPTS[0], GREEDY, 20, speculates=False) for n in range(2)
            )
            first, second = await asyncio.gather(*jobs)
            assert first[0] == second[0] == expected[: len(first[0])]
        assert not sizes
        jobs = (write(engine, f"on {n}", PROMPTS[0] + first[0], GREEDY) for n in range(2))
        for found, last in await asyncio.gather(*jobs):
            assert found == expected[len(first[0]) :]
            assert last.stats.num_cached > len(PROMPTS[0]), "behind what is not followed"
            assert last.stats.num_right == last.stats.num_drafts >= 3
        found, last = await write(engine, "cut", PROMPTS[0] + expected[:5] + ",", GREEDY)
        assert found == cut
        assert last.stats.num_right == last.stats.num_drafts >= 3


async def test_heads_that_were_wrong_do_not_follow_until_a_guess_is_due(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trust, "passed_on", lambda _: Trust(0.01, patience=128))
    writer = plain_model("llama")
    model = writer.write(tmp_path / "model.gguf")
    head = eagle_head(writer).write(tmp_path / "head.gguf")
    async with loaded(bundle, model, draft_model=str(head)) as engine:
        runner = runner_of(engine)
        with computed_by_heads(runner) as sizes:
            await write(engine, "measured", PROMPTS[0], GREEDY, speculates=False)
            await write(engine, "wrong", PROMPTS[1], GREEDY)
        assert not sizes


@pytest.mark.parametrize("patience", [8, 9, 64])
async def test_a_right_guess_is_followed_by_others_however_rare_tries_were(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience: int
) -> None:
    """Guesses never pay here, so each of them is a try."""
    monkeypatch.setattr(Trust, "passed_on", lambda _: Trust(0.01, patience=patience))
    monkeypatch.setattr("coblyn.engine.runner.FRAME", 0.0)  # each token is an opportunity
    monkeypatch.setattr(Speculation, "_best_counts", lambda *_: {})
    monkeypatch.setattr(Speculation, "_may_pay", lambda *_: True)
    model, named = fitted(tmp_path, is_own=False)
    async with loaded(bundle, model, **named) as engine:
        _, last = await write(engine, "tried", PROMPTS[0], GREEDY, 200)
    assert last.stats.num_right == last.stats.num_drafts > 50


def fitted(folder: Path, *, is_own: bool) -> tuple[Path, dict[str, str]]:
    """A model with heads that are always right, its own or EAGLE-3, and the settings that name the latter."""
    if is_own:
        return sure_model().write(folder / "model.gguf"), {}
    model, head = sure_eagle()
    return model.write(folder / "model.gguf"), {
        "draft_model": str(head.write(folder / "head.gguf"))
    }


@contextmanager
def computed_by_heads(runner: Watched) -> Iterator[list[int]]:
    """Collects how many rows the heads compute at a time."""
    assert runner._draft_heads
    heads, sizes = runner._draft_heads._heads, list[int]()
    compute = heads.compute

    def counted(batch: HeadBatch, count: int) -> None:
        sizes.append(count)
        compute(batch, count)

    heads.compute = counted  # type: ignore[method-assign]
    try:
        yield sizes
    finally:
        heads.compute = compute  # type: ignore[method-assign]


async def test_an_eagle_head_sees_the_state_of_the_token_before(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of another token would tell it nothing."""
    monkeypatch.setattr(speculation, "_MIN_GAIN", 0.0)  # however long it takes
    writer, knowing, after = knowing_eagle()
    model, head = writer.write(tmp_path / "model.gguf"), knowing.write(tmp_path / "head.gguf")
    async with loaded(bundle, model, draft_model=str(head)) as engine:
        await asyncio.gather(
            *(write(engine, str(n), text, GREEDY) for n, text in enumerate(PROMPTS))
        )
        guessed = runner_of(engine).guessed
    assert len(guessed) > len(PROMPTS)
    assert [guesses[0] for _, guesses in guessed] == [after[tokens[-1]] for tokens, _ in guessed]


async def test_a_wrong_guess_is_followed_by_another_at_once(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each first guess is right, and the others are wrong: they are cut before the model itself cuts them."""
    monkeypatch.setattr(speculation, "_MIN_GAIN", 0.0)  # however long it takes
    writer, knowing, _ = knowing_eagle()
    model, head = writer.write(tmp_path / "model.gguf"), knowing.write(tmp_path / "head.gguf")
    async with loaded(bundle, model, draft_model=str(head)) as engine:
        _, last = await write(engine, "wrong", PROMPTS[0], GREEDY)
        lengths = [len(tokens) for tokens, _ in runner_of(engine).guessed]
    assert last.stats.num_right < last.stats.num_drafts
    assert {after - before for before, after in pairwise(lengths)} == {2}


@pytest.mark.parametrize(
    ("architecture", "is_own", "shared"),
    [
        ("llama", False, False),
        ("llama", True, True),
        ("qwen3", False, True),
        ("qwen3moe", True, False),
        ("gpt-oss", True, False),
        ("gpt-oss", False, True),
        ("minimax-m2", False, False),
    ],
)
async def test_guesses_of_an_eagle_head_are_those_of_the_whole_text(
    bundle: Bundle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    architecture: str,
    is_own: bool,
    shared: bool,
) -> None:
    plain = plain_model(architecture)
    head = eagle_head(plain, is_own=is_own).write(tmp_path / "head.gguf")
    named = {"draft_model": str(head)}
    ranks = await ranks_of_guesses(bundle, plain, tmp_path, monkeypatch, shared, **named)
    assert max(max(each) for each in ranks) < NEAR


@pytest.mark.parametrize(
    ("architecture", "shared"),
    [
        ("glm4moe", False),
        ("glm4moe", True),
        ("deepseek2", False),
        ("hy_v3", False),
        ("cohere2moe", False),
        ("cohere2moe", True),
        ("step35", False),
    ],
)
async def test_guesses_are_those_of_the_whole_text(
    bundle: Bundle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    architecture: str,
    shared: bool,
) -> None:
    writer = headed_model(architecture)
    ranks = await ranks_of_guesses(bundle, writer, tmp_path, monkeypatch, shared)
    assert max(max(each) for each in ranks) < NEAR


async def ranks_of_guesses(
    bundle: Bundle,
    writer: GgufWriter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    shared: bool,
    **settings: object,
) -> list[list[int]]:
    """In a batch, behind wrong guesses, texts that begin alike, phrases taken back, and texts from main memory."""
    monkeypatch.setattr(speculation, "_MIN_GAIN", 0.0)  # however wrong they are
    monkeypatch.setattr(Trust, "is_near", True)
    monkeypatch.setattr(Trust, "passed_on", lambda _: Trust())
    model = writer.write(tmp_path / "model.gguf")
    async with loaded(bundle, model, shared_cells=shared, **settings) as engine:
        runner = runner_of(engine)
        jobs = [write(engine, str(n), text, GREEDY, 24) for n, text in enumerate(PROMPTS)]
        first = (await asyncio.gather(*jobs))[0][0]
        await write(engine, "banned", PROMPTS[0], GREEDY, 24, (first[4:6],))
        num_before = len(runner.guessed)
        for place, text in enumerate(PROMPTS):
            await write(engine, f"longer {place}", text + first[:8] + " and", GREEDY, 12)
        assert len(runner.guessed) > num_before > 0
        with Afresh(runner) as afresh:
            return [afresh.ranks(tokens, guess[:2]) for tokens, guess in runner.guessed]


async def test_a_failed_guess_is_none(bundle: Bundle, tmp_path: Path) -> None:
    """The text is written without."""

    def fail(*_: object) -> None:
        raise EngineError("No.")

    model = sure_model().write(tmp_path / "model.gguf")
    async with loaded(bundle, model) as engine:
        runner = runner_of(engine)
        assert runner._draft_heads
        runner._draft_heads._heads.compute = fail  # type: ignore[method-assign]
        _, last = await write(engine, "1", PROMPTS[0], GREEDY)
        assert last.stats.num_generated == 40
        assert not runner.guessed
