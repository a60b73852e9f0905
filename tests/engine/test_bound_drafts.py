"""Guesses of requests that follow a constraint: fewer steps, and the same text."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coblyn.constraints.constraint import Constraint
from coblyn.engine.config import EngineConfig
from coblyn.engine.events import Delta
from coblyn.engine.fake import END, FakeRunner
from coblyn.engine.fake_vocab import vocabulary
from coblyn.engine.local import LocalEngine
from coblyn.engine.masks import Masks
from coblyn.engine.params import SamplingParams
from coblyn.engine.prompt import Prompt
from coblyn.engine.request import Request
from coblyn.engine.runner import LlamaRunner
from coblyn.native.bundle import Bundle
from engine.machine import Machine
from factories import events_of, tokens_of

VERSE = "knock, knock, who knocks? "
SONG = Constraint("regex", "[a-z]+([, ?]+[a-z]+)*")
WORDS = Constraint("regex", "(ab|ac[0-9])*z")
LAZY = Constraint("regex", "knock[?] ", triggers=("who ",), repeats=True)


def steps(constraint: Constraint, *, speculates: bool, mask_steps: int = 0) -> tuple[str, int, int]:
    """The text, the steps that it took, and how many rows had drafts."""
    runner = FakeRunner(script=VERSE, repeats=True, mask_steps=mask_steps)
    machine = Machine(runner, speculates=speculates)
    machine.add("a", "who? ", 200, constraint=constraint)
    machine.run()
    rows = [row for plan in runner.history for row in plan.rows]
    return machine.text("a"), len(runner.history), sum(bool(row.drafts) for row in rows)


@pytest.mark.parametrize("mask_steps", [0, 2])
@pytest.mark.parametrize("constraint", [SONG, LAZY], ids=["song", "lazy"])
def test_a_bound_text_is_guessed_and_stays_the_same(
    constraint: Constraint, mask_steps: int
) -> None:
    plain, num_plain, none = steps(constraint, speculates=False, mask_steps=mask_steps)
    text, num_steps, num_guessed = steps(constraint, speculates=True, mask_steps=mask_steps)
    assert text == plain
    assert len(text) == 200
    assert num_guessed > 0 == none
    if not mask_steps:
        assert num_steps < num_plain


def masks_of(constraint: Constraint) -> Masks:
    masks = Masks(vocabulary, END + 1)
    masks.open("a", masks.begin(constraint))
    return masks


@settings(max_examples=60, deadline=None)
@given(
    drafts=st.text("abcz1", max_size=8),
    start=st.sampled_from(["", "ab", "abac1", "ac"]),
    may_leap=st.booleans(),
    syntax=st.sampled_from(["regex", "lazy"]),
)
def test_masks_behind_drafts_are_those_behind_tokens(
    drafts: str, start: str, may_leap: bool, syntax: str
) -> None:
    constraint = (
        WORDS if syntax == "regex" else Constraint("regex", "b1", triggers=("a",), repeats=True)
    )
    ahead, alone = masks_of(constraint), masks_of(constraint)
    for masks in (ahead, alone):
        for token in start.encode() if syntax == "regex" else b"":
            masks.accept("a", token)
    ids = list(drafts.encode())
    ahead.look_ahead("a", ids, may_leap=may_leap)
    assert ahead.wait("a")
    found = ahead.ahead("a")
    for place, mask in enumerate(found):
        assert alone.wait("a")
        words = alone.words("a")
        assert (mask == (0xFFFFFFFF if words is None else words)).all()
        if place < len(found) - 1:
            alone.accept("a", ids[place])
    # What was looked at is taken back: the text goes on as if nothing had been.
    ahead.look_ahead("a", (), may_leap=may_leap)
    assert ahead.wait("a")
    assert np.array_equal(ahead.ahead("a")[0], found[0])
    for masks in (ahead, alone):
        masks.close()


@pytest.mark.parametrize(
    ("forced", "num_masks"), [(";", 7), (";:", 3), ("=;:", 3)], ids=["one", "two", "three"]
)
def test_drafts_are_checked_across_a_forced_token_that_is_drawn(
    forced: str, num_masks: int
) -> None:
    """The first forced token is drawn like any other; those behind it are not drawn at all."""
    masks = masks_of(Constraint("regex", f"([ab]{{2}}{forced})+x"))
    masks.look_ahead("a", list(f"ab{forced}ab{forced}".encode())[:6], may_leap=True)
    assert masks.wait("a")
    assert len(masks.ahead("a")) == num_masks
    tokens = list(f"ab{forced}a".encode())
    following, _ = masks.follow_all("a", tokens[:3], may_leap=True)
    assert [*tokens[:3], *following] == list(f"ab{forced}".encode())
    masks.close()


async def read(engine: LocalEngine, request: Request[Prompt]) -> str:
    events = [event async for event in events_of(engine, request)]
    return "".join(event.text for event in events if isinstance(event, Delta))


@pytest.mark.native
async def test_a_real_model_writes_the_same_with_guesses(
    bundle: Bundle, starter_model: Path
) -> None:
    row = {
        "type": "object",
        "properties": {"name": {"enum": ["ore", "coal"]}, "count": {"type": "integer"}},
    }
    row |= {"required": ["name", "count"], "additionalProperties": False}
    schema = {"type": "array", "items": row, "minItems": 4, "maxItems": 4}
    constraint = Constraint("json_schema", json.dumps(schema))
    config = EngineConfig(str(starter_model), str(bundle.lib_dir), context=512, kernels=False)
    engine = LocalEngine(partial(LlamaRunner, config), max_running=4, speculates=True)
    try:
        ids = await tokens_of(engine, 'As JSON: [{"name": "ore", "count": 12}, {"name":')
        request = Request("a", Prompt.of(ids), 120, SamplingParams(seed=3), constraint=constraint)
        plain = Request(
            "b",
            Prompt.of(ids),
            120,
            SamplingParams(seed=3),
            constraint=constraint,
            speculates=False,
        )
        texts = [await read(engine, each) for each in (plain, request)]
    finally:
        await engine.close()
    assert texts[0] == texts[1]
    assert len(json.loads(texts[0])) == 4
