"""Regular expressions that must not be written: read, found in linear time, taken back."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coblyn.engine.banned import Banned, banned_of
from coblyn.engine.events import Delta
from coblyn.engine.fake import FakeRunner
from coblyn.engine.patterns import MAX_LENGTH, Patterns
from coblyn.errors import BadRequest
from engine.machine import Machine


def first(pattern: str, text: str) -> tuple[int, int] | None:
    """Where the first match to end begins and ends; that it is looked for to its end or not."""
    patterns = Patterns((pattern,))
    state = patterns.start
    for end, character in enumerate(text, 1):
        step = patterns.step(state, character)
        state = step.state
        if step.match:
            return end - step.match, end
    return None


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("shivers? down (her|his) spine", "It sent Shivers down HIS spine.", (8, 30)),
        (r"not just \w+, but", "This is not just art, but life", (8, 25)),
        (r"[A-F]\d{2,3}", "x c12", (2, 5)),
        (r"[^a-z ]", "abc d3", (5, 6)),
        (r"a.c", "a\nc abc", (4, 7)),
        (r"\bdelve\b", "delved delve.", (7, 13)),
        (r"\bcat", "concat cat", (7, 10)),
        (r"(?:ab)+c", "ababc", (0, 5)),
        (r"colou?r", "COLOR", (0, 5)),
        (r"\$\d+(\.\d\d)?", "for $5", (4, 6)),
        (r"[\d\-]{3}", "a 1-2", (2, 5)),
        (r"[]x]y", "]y", (0, 2)),
        ("straße", "Die STRAßE", (4, 10)),
        ("x{0}y", "y", (0, 1)),
    ],
)
def test_what_is_found(pattern: str, text: str, found: tuple[int, int]) -> None:
    assert first(pattern, text) == found


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("a*", "empty text"),
        (r"\b", "empty text"),
        ("(a", "parenthesis"),
        ("a)", "parenthesis"),
        ("[a", "too early"),
        ("a**", "repeated"),
        ("^a", "not supported"),
        ("(?=a)b", "not supported"),
        (r"(a)\1", "not supported"),
        ("a{1000}", "200 times"),
        ("a{3,2}", "200 times"),
        ("a{x}", "brace"),
        ("[z-a]", "reversed"),
        ("((a{100}){100}){100}", "too large"),
        ("(" * 60 + "a" + ")" * 60, "too many"),
        ("a\\", "too early"),
    ],
)
def test_what_cannot_be_matched_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(BadRequest, match=reason) as caught:
        Patterns((pattern,))
    assert caught.value.field == "banned_patterns"


PIECES = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\w"])
PATTERNS = st.recursive(
    PIECES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["+", "?", "*", "{2}", "{1,2}"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(pattern=PATTERNS, text=st.text("ab \n", max_size=14))
def test_a_match_is_one_of_pythons(pattern: str, text: str) -> None:
    """The first place at which any match has ended, and the earliest beginning of those that end there.

    Without edges of words: Python looks at what follows, which is known a character later here.
    """
    try:
        found = first(pattern, text + "\n")
    except BadRequest:
        return
    compiled = re.compile(pattern, re.IGNORECASE)
    ends = [
        (end, start)
        for end in range(1, len(text) + 2)
        for start in range(end)
        if compiled.fullmatch(text + "\n", start, end)
    ]
    expected = min(ends, default=None)
    assert found == (expected and expected[::-1])


def test_what_may_become_a_match_is_pending() -> None:
    patterns = Patterns((r"ab+c", "xyz"))
    state = patterns.start
    pending = []
    for character in "xabbxy":
        state = patterns.step(state, character).state
        pending.append(patterns.pending(state))
    assert pending == [1, 1, 2, 3, 1, 2]


def test_no_more_is_held_back_than_a_match_may_be_long() -> None:
    patterns = Patterns(("a.*b",))
    state = patterns.start
    for character in "a" + "x" * (2 * MAX_LENGTH):
        state = patterns.step(state, character).state
        assert patterns.pending(state) < MAX_LENGTH
    assert not state.threads


def test_a_hostile_pattern_takes_no_longer_than_its_size_says() -> None:
    patterns = Patterns(("(a|a|a)*(a|a|a)*(a|a|a)*b",))
    state = patterns.start
    for _ in range(300):
        state = patterns.step(state, "a").state
        assert len(state.threads) <= 30


def test_half_a_character_is_tried_once_at_a_state(monkeypatch: pytest.MonkeyPatch) -> None:
    banned = banned_of((), ("[\u4e00-\u9fff]",))
    assert banned is not None
    first = banned.begins_in(b"\xe5", banned.start)
    assert first == (True, 4096)
    monkeypatch.setattr(Banned, "step", None)
    again = banned_of((), ("[\u4e00-\u9fff]",))
    assert again is not None
    assert again.begins_in(b"\xe5", again.start) == first


SCRIPT = "the cold shivers down her spine. "


@pytest.mark.parametrize("how", [{}, {"most_steps": 8}, {"is_rewindable": False}])
def test_what_is_written_is_taken_back_and_never_sent(how: dict[str, object]) -> None:
    one = Machine(FakeRunner(script=SCRIPT, repeats=True, **how))  # type: ignore[arg-type]
    one.add("a", "prompt", 60, banned_patterns=(r"shiver\w* down",), banned_phrases=("spine",))
    one.add("b", "prompt", 40)
    one.run()
    text = one.text("a")
    assert text.startswith("the cold ahivers down her ")
    assert "spine" not in text
    assert one.text("b") == (SCRIPT * 2)[:40]
    sent = [e.text for e in one.events if isinstance(e, Delta) and e.request_id == "a"]
    assert not any("sh" in part for part in sent)
