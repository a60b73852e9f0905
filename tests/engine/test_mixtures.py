"""Everything that a request may ask for, at once and in one batch: each gets its own text, and ends once."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from coblyn.constraints.constraint import Constraint
from coblyn.engine.events import Delta, Failed, Finish
from coblyn.engine.fake import FakeRunner
from coblyn.engine.params import SamplingParams
from coblyn.engine.prompt import Prompt
from coblyn.engine.thinking import Thinking
from engine.machine import Machine

SCRIPT = "<think>so the cold, the cold</think>the cold shivers down her so! "
NUMBER = Constraint("regex", "[0-9]{2}!")
SONG = Constraint("regex", "so(ng|me)s!")
REFRAIN = Constraint("regex", "so!", triggers=("cold ", "her "), repeats=True)
QUIET = Constraint("regex", "[0-9]!", triggers=("the ",), quiet=("<think>", "</think>"))

wishes = st.fixed_dictionaries(
    {
        "prompt": st.text("xyz", min_size=1, max_size=12),
        "max_tokens": st.integers(1, 70),
        "constraint": st.sampled_from([None, None, NUMBER, SONG, REFRAIN, REFRAIN, QUIET]),
        "banned_phrases": st.sampled_from([(), (), ("cold s",), ("the", "down"), ("0", "so!")]),
        "stop": st.sampled_from([(), (), ("hiv",), ("!",), ("cold,", "k>t")]),
        "limit": st.sampled_from([None, None, -1, 0, 5, 12]),
        "sampling": st.sampled_from([SamplingParams(), SamplingParams(logprobs=2)]),
        "negative": st.one_of(st.none(), st.none(), st.text("xyz", min_size=1, max_size=40)),
    }
)
jobs = st.tuples(wishes, st.integers(0, 12), st.sampled_from(["", "", "", "cancel", "answer"]))


def asked(wish: dict[str, Any]) -> dict[str, Any]:
    """The fields of a request."""
    limit, constraint = wish["limit"], wish["constraint"]
    others = ("prompt", "max_tokens", "limit", "negative")
    fields = {name: wish[name] for name in wish if name not in others}
    if wish["negative"] is not None:
        fields["negative"] = Prompt.of(wish["negative"].encode())
        fields["sampling"] = replace(wish["sampling"], guidance_scale=1.5)
    if limit is not None and (constraint is None or constraint.is_lazy):
        fields["thinking"] = Thinking(
            "<think>", "</think>", "</think>\n", max_tokens=limit if limit >= 0 else None
        )
    return fields


def written(constraint: Constraint | None) -> str:
    """What the fake writes, with the refrain behind each trigger if it has to."""
    text = ""
    while len(text) < 99:
        text += (SCRIPT * 2)[len(text)]
        if constraint and text.endswith(constraint.triggers):
            text += "so!"
    return text


def check(machine: Machine, name: str, wish: dict[str, Any]) -> None:
    """One request ended once, with a text as it asked for it."""
    ends = [event for event in machine.events if isinstance(event, Finish | Failed)]
    (end,) = [event for event in ends if event.request_id == name]
    deltas = [e for e in machine.events if isinstance(e, Delta) and e.request_id == name]
    text, tokens = machine.text(name), [token for delta in deltas for token in delta.tokens]
    assert b"".join(token.piece for token in tokens).decode().startswith(text)
    if isinstance(end, Failed):
        assert wish["banned_phrases"], end.message
        return
    drawn = end.stats.num_generated
    assert len(tokens) == drawn if end.reason in ("length", "eos") else len(tokens) <= drawn
    assert drawn <= wish["max_tokens"]
    if wish["limit"] is None and wish["sampling"].logprobs is not None:
        assert all(token.logprob is not None and len(token.top) == 2 for token in tokens)
    assert not [phrase for phrase in wish["stop"] if phrase in text]
    if end.reason == "cancelled":
        return
    banned = wish["banned_phrases"]
    # The line break behind the mark and the mark itself are not drawn.
    assert not [phrase for phrase in banned if phrase in text]
    constraint = wish["constraint"]
    if constraint in (NUMBER, SONG) and end.reason == "eos":
        assert re.fullmatch(constraint.text, text)
    if constraint in (None, REFRAIN) and wish["limit"] is None and not banned:
        length = min(wish["max_tokens"], len(text) if end.reason == "stop" else 99)
        assert text == written(constraint)[:length]


@settings(max_examples=120, deadline=None)
@given(
    work=st.lists(jobs, min_size=1, max_size=6),
    how=st.fixed_dictionaries(
        {
            "most_steps": st.integers(1, 5),
            "mask_steps": st.integers(0, 2),
            "num_cells": st.sampled_from([140, 200, 1000]),
            "is_rewindable": st.booleans(),
            "shares_cells": st.booleans(),
            "drafts": st.sampled_from(["", SCRIPT, "the cold "]),
            "shelf_tokens": st.sampled_from([0, 200]),
        }
    ),
    max_running=st.integers(1, 4),
    speculates=st.booleans(),
)
def test_every_mixture_gives_each_its_own(
    work: list[tuple[dict[str, Any], int, str]],
    how: dict[str, Any],
    max_running: int,
    speculates: bool,
) -> None:
    runner = FakeRunner(script=SCRIPT, repeats=True, context=130, max_batch=32, **how)
    machine = Machine(runner, max_running=max_running, busy_batch=16, speculates=speculates)
    for index, (wish, delay, then) in enumerate(work):
        machine.add(str(index), wish["prompt"], wish["max_tokens"], **asked(wish))
        for _ in range(delay):
            if machine.scheduler.has_work:
                machine.step()
            else:
                machine.rest()
        if then == "cancel":
            machine.cancel(str(index))
        elif then == "answer":
            machine.scheduler.end_thinking(str(index))
    machine.run(limit=20_000)
    for index, (wish, _, _) in enumerate(work):
        check(machine, str(index), wish)
    machine.rest()
    assert not runner._requests
