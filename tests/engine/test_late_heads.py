"""Prediction heads that began in the middle of a text, after the text was away: in main memory, and in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from coblyn.engine import speculation
from coblyn.engine.state import StateOrder
from coblyn.native.bundle import Bundle
from engine.test_draft_heads import GREEDY, PROMPTS, fitted, loaded, runner_of, write

pytestmark = pytest.mark.native

NUM_ALONE = 20
"""Tokens that are written before anything is guessed."""


@pytest.fixture(autouse=True)
def _guesses_at_any_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speculation, "_MIN_GAIN", 0.0)
    monkeypatch.setattr("coblyn.engine.runner.FRAME", 0.0)  # each token is an opportunity


@pytest.fixture(params=[True, False], ids=["own", "eagle"])
def named(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A model with heads that are always right, and the settings that name them."""
    return fitted(tmp_path, is_own=request.param)


async def whole(bundle: Bundle, model: Path) -> str:
    """What the model writes without guesses."""
    async with loaded(bundle, model, speculation=False) as plain:
        return (await write(plain, "plain", PROMPTS[0], GREEDY, 60))[0]


@pytest.mark.parametrize("shared_cells", [True, False])
async def test_a_late_start_comes_back_from_main_memory(
    bundle: Bundle, named: tuple[Path, dict[str, str]], shared_cells: bool
) -> None:
    model, settings = named
    expected = await whole(bundle, model)
    async with loaded(bundle, model, shared_cells=shared_cells, **settings) as engine:
        first, _ = await write(engine, "1", PROMPTS[0], GREEDY, NUM_ALONE, speculates=False)
        start = PROMPTS[0] + first
        second, last = await write(engine, "2", start, GREEDY, NUM_ALONE)
        assert last.stats.num_right == last.stats.num_drafts >= 3
        for number in range(runner_of(engine).max_sequences):
            await write(engine, f"other {number}", f"{number}, {PROMPTS[1]}", GREEDY, 1)
        heads = runner_of(engine)._draft_heads
        assert heads
        late = {kept.start for kept in heads._saved.values() if 1 < kept.start < kept.length}
        assert late, "they began behind the first token that can be guessed"
        third, last = await write(engine, "3", start + second, GREEDY, NUM_ALONE)
        assert last.stats.num_cached > len(PROMPTS[0])
        assert last.stats.num_right == last.stats.num_drafts >= 3
        assert late & {line.start for line in heads._lines.values()}, "and go on from there"
    assert first + second + third == expected[: len(first + second + third)]


@pytest.mark.parametrize("shared_cells", [True, False])
async def test_a_late_start_comes_back_from_a_file(
    bundle: Bundle, tmp_path: Path, named: tuple[Path, dict[str, str]], shared_cells: bool
) -> None:
    """Of another engine, whose heads have read nothing of the text."""
    model, settings = named
    path = str(tmp_path / "state")
    expected = await whole(bundle, model)
    async with loaded(bundle, model, shared_cells=shared_cells, **settings) as engine:
        first, _ = await write(engine, "1", PROMPTS[0], GREEDY, NUM_ALONE, speculates=False)
        second, _ = await write(engine, "2", PROMPTS[0] + first, GREEDY, NUM_ALONE)
        saved = await engine.handle_state(StateOrder("save", path=path))
        assert saved.tokens
    async with loaded(bundle, model, shared_cells=shared_cells, **settings) as engine:
        assert (await engine.handle_state(StateOrder("load", path=path))).tokens == saved.tokens
        third, last = await write(engine, "3", PROMPTS[0] + first + second, GREEDY, NUM_ALONE)
        assert last.stats.num_cached > len(PROMPTS[0])
        assert last.stats.num_right == last.stats.num_drafts >= 3
    assert first + second + third == expected[: len(first + second + third)]
