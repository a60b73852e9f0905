"""Banned phrases are taken back, in a batch, whatever memory the model has."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coblyn.constraints.constraint import Constraint
from coblyn.engine import results
from coblyn.engine.events import Delta, Failed
from coblyn.engine.fake import FakeRunner
from coblyn.engine.params import SamplingParams
from coblyn.engine.thinking import Thinking
from coblyn.engine.window import Window
from engine.machine import Machine

SCRIPT = "the cold shivers down her spine. "


def machine(**how: object) -> Machine:
    return Machine(FakeRunner(script=SCRIPT, repeats=True, **how))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"most_steps": 8},
        {"is_rewindable": False},
        {"shares_cells": False, "shelf_tokens": 4096},
        {"window": Window(8), "most_steps": 8},
    ],
    ids=["one by one", "steps in a row", "recurrent", "own cells", "window"],
)
def test_a_phrase_gives_way_to_something_else(how: dict[str, object]) -> None:
    one = machine(**how)
    one.add("a", "prompt", 40, banned_phrases=("SHIVERS down", "her"))
    one.add("b", "other", 40)
    one.run()
    assert one.text("b") == (SCRIPT * 2)[:40], "the neighbour notices nothing"
    text = one.text("a")
    assert len(text) == 40
    assert "shivers down" not in text
    assert "her" not in text
    assert text.startswith("the cold ahivers down "), "the first token of the phrase is another one"


def test_nothing_of_a_phrase_is_ever_sent() -> None:
    one = machine()
    one.add("a", "prompt", 40, banned_phrases=("shivers down",))
    one.run()
    sent = [event.text for event in one.events if isinstance(event, Delta)]
    assert "s" not in sent[: len("the cold ")]
    assert sent[: len("the cold ")] == list("the cold ")
    assert one.finish("a").stats.num_generated == 40


def test_a_request_that_can_only_write_what_is_banned_ends() -> None:
    one = machine()
    letters = tuple(chr(code) for code in range(32, 256))
    one.add("a", "prompt", 40, banned_phrases=letters)
    one.add("b", "other", 10)
    one.run()
    (failed,) = [event for event in one.events if isinstance(event, Failed)]
    assert failed.request_id == "a"
    assert "banned phrase" in failed.message
    assert one.text("b") == SCRIPT[:10]


def test_tokens_that_hold_the_whole_phrase_are_all_banned_at_once() -> None:
    one = machine()
    one.runner.script = "EeEeEe"
    one.add("a", "prompt", 4, banned_phrases=("e",))
    one.step()
    (generation,) = one.scheduler._roster.running
    one.run()
    assert one.finish("a").reason == "length"
    assert "e" not in one.text("a").lower()
    assert generation.num_rewinds == 4, "one for each place, though two bytes are an e"


@pytest.mark.parametrize(
    "phrases", [("", " "), (" ",), tuple(f"phrase {n}" for n in range(10_000))]
)
def test_spaces_and_thousands_of_phrases_are_avoided(phrases: tuple[str, ...]) -> None:
    one = machine(most_steps=8)
    one.add("a", "prompt", 30, banned_phrases=phrases)
    one.run()
    assert one.finish("a").reason == "length"
    text = one.text("a")
    assert len(text) == 30
    assert (" " in text) == (len(phrases) > 2)


def test_a_phrase_that_a_constraint_forces_ends_the_request_with_a_reason() -> None:
    one = machine(most_steps=8)
    constraint = Constraint("regex", "say: [a-z]+")
    one.add("a", "prompt", 30, constraint=constraint, banned_phrases=("say",))
    one.add("b", "other", 10)
    one.run()
    (failed,) = [event for event in one.events if isinstance(event, Failed)]
    assert (failed.request_id, failed.code) == ("a", "bad_request")
    assert "banned phrase" in failed.message
    assert not one.text("a")
    assert one.text("b") == SCRIPT[:10]


@pytest.mark.parametrize(
    ("stop", "banned", "text", "reason"),
    [
        ("shivers", "shivers down", "the cold ", "stop"),
        ("rs down", "shivers down", "the cold ahive", "stop"),
        ("cold shivers down", "shivers", "the cold ahivers down ", "length"),
        ("down", "shivers down her", "the cold shivers ", "stop"),
    ],
)
def test_a_stop_string_that_overlaps_a_banned_phrase(
    stop: str, banned: str, text: str, reason: str
) -> None:
    one = machine()
    one.add("a", "prompt", 22, stop=(stop,), banned_phrases=(banned,))
    one.run()
    assert one.finish("a").reason == reason
    assert one.text("a") == text


def test_a_request_may_end_where_it_went_back() -> None:
    one = machine()
    one.add("a", "prompt", 40, banned_phrases=("cold",))
    one.add("b", "other", 20)
    for _ in "the cold":
        one.step()
    assert len(one.text("b")) == len("the cold")
    one.cancel("a")
    one.run()
    assert (one.text("a"), one.text("b")) == ("the ", SCRIPT[:20])


def test_reasoning_ends_though_its_mark_is_banned() -> None:
    one = machine()
    thinking = Thinking("<think>", "</think>", "</think>", is_open=True, max_tokens=2)
    one.add("a", "prompt", 40, banned_phrases=("<",), thinking=thinking)
    one.add("b", "other", 20)
    one.run()
    assert not [event for event in one.events if isinstance(event, Failed)]
    assert one.text("a").startswith("th</think>")
    assert one.text("a").count("<") == 1, "what the model writes itself is still banned"
    assert one.text("b") == SCRIPT[:20]


def test_a_text_that_can_only_be_banned_ends_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "_MAX_REWINDS", 10)
    one = machine()
    one.add("a", "prompt", 40, banned_phrases=tuple(string.ascii_lowercase))
    one.add("b", "other", 20)
    one.run()
    assert [event.request_id for event in one.events if isinstance(event, Failed)] == ["a"]
    assert one.text("b") == SCRIPT[:20]


@pytest.mark.parametrize("most_steps", [1, 8])
@pytest.mark.parametrize("pattern", [r".|\n", "[a-z]|[^a-z]"])
def test_a_pattern_that_bans_everything_ends_its_request_soon(
    pattern: str, most_steps: int
) -> None:
    one = machine(most_steps=most_steps)
    one.add("a", "prompt", 40, banned_patterns=(pattern,))
    one.add("b", "other", 20)
    one.step()
    (generation, _) = one.scheduler._roster.running
    one.run()
    assert [event.request_id for event in one.events if isinstance(event, Failed)] == ["a"]
    assert generation.num_rewinds <= 48, "of 256; many characters take a turn"
    assert one.text("b") == SCRIPT[:20]


def test_what_a_pattern_leaves_is_found_among_what_it_bans() -> None:
    one = machine()
    one.add("a", "prompt", 12, banned_patterns=(r"[^q\n]",))
    one.step()
    (generation,) = one.scheduler._roster.running
    one.run()
    assert one.text("a") == "q" * 12
    assert generation.num_rewinds <= 12 * (8 + 1)


def test_a_pattern_that_began_earlier_bans_nothing_by_the_vocabulary() -> None:
    one = machine()
    one.add("a", "prompt", 12, banned_patterns=(r"\bthe [^x]",))
    one.run()
    assert one.text("a") == "ahe cold shi"


@pytest.mark.parametrize("most_steps", [1, 8])
def test_a_text_goes_back_over_the_trigger_of_a_lazy_constraint(most_steps: int) -> None:
    one = machine(most_steps=most_steps)
    number = Constraint("regex", "[0-9]{2} ?!", triggers=("the ", "her "), repeats=True)
    # What is written under the constraint is banned too, so that the text goes back into it, and before it.
    banned = ("0", "the 1", "shivers down")
    one.add("a", "prompt", 60, constraint=number, banned_phrases=banned)
    one.run()
    text = one.text("a")
    assert not [phrase for phrase in banned if phrase in text]
    assert text.startswith("ahe "), "the trigger was taken back"
    assert re.search(r"her [1-9]{2} ?!", text), text
    assert len(text) == 60


@settings(max_examples=60, deadline=None)
@given(
    phrases=st.lists(
        st.sampled_from(["the", "cold s", "shivers down", "er", "e. t", "a"]), max_size=3
    ),
    most_steps=st.integers(1, 4),
    is_rewindable=st.booleans(),
    speculates=st.booleans(),
    logprobs=st.sampled_from([None, 2]),
    stops=st.sampled_from([(), ("down her",), ("s", "spine"), ("her sp", "rs d")]),
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=4),
)
def test_mixed_requests_never_write_what_is_banned(
    phrases: list[str],
    most_steps: int,
    is_rewindable: bool,
    speculates: bool,
    logprobs: int | None,
    stops: tuple[str, ...],
    lengths: list[int],
) -> None:
    one = machine(most_steps=most_steps, is_rewindable=is_rewindable, num_cells=160)
    one = Machine(one.runner, speculates=speculates)
    sampling = SamplingParams(logprobs=logprobs)
    for index, length in enumerate(lengths):
        banned = tuple(phrases) if index % 2 == 0 else ()
        prompt = SCRIPT + "a prompt " * (index + 1)
        one.add(str(index), prompt, length, banned_phrases=banned, stop=stops, sampling=sampling)
    one.run()
    for index, length in enumerate(lengths):
        name = str(index)
        text, reason = one.text(name), one.finish(name).reason
        assert reason in ("length", "stop")
        assert len(text) == length or reason == "stop"
        assert not [stop for stop in stops if stop in text]
        assert index % 2 or not [phrase for phrase in phrases if phrase in text]
        deltas = [
            each for each in one.events if isinstance(each, Delta) and each.request_id == name
        ]
        tokens = [token for each in deltas for token in each.tokens]
        assert b"".join(token.piece for token in tokens).decode().startswith(text)
        assert all((token.logprob is not None) == (logprobs is not None) for token in tokens)
