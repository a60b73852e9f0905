"""Banned phrases are found where they end, and their beginnings are known."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coblyn.engine.phrases import NO_MATCH, START, Phrases, Step, phrases_of


def steps(phrases: Phrases, text: str) -> list[Step]:
    state, found = START, []
    for character in text:
        step = phrases.step(state, character)
        state = step.state
        found.append(step)
    return found


def test_a_phrase_is_found_in_whatever_case() -> None:
    found = steps(Phrases(("Shivers down", "")), "cold SHIVERS DOWN")
    assert [step.match for step in found[:-1]] == [NO_MATCH] * 16
    assert found[-1].match == len("shivers down")


def test_what_may_become_a_phrase_is_known() -> None:
    phrases = Phrases(("a tapestry of", "pest"))
    pending = [phrases.pending(steps(phrases, text)[-1].state) for text in ("of a tap", "a tapex")]
    assert pending == [len("a tap"), 0]


def test_a_phrase_in_another_one_is_found_first() -> None:
    found = steps(Phrases(("a tapestry of", "pest")), "a tapest")
    assert found[-1].match == len("pest")


def test_letters_that_fold_to_two_keep_their_place() -> None:
    found = steps(Phrases(("straße",)), "STRAẞE")
    assert found[-1].match == 6


def test_the_same_phrases_make_one_automaton() -> None:
    assert phrases_of(("a", "b")) is phrases_of(("a", "b"))


@given(st.lists(st.text("aAb", min_size=1, max_size=4), max_size=6), st.text("aAbc", max_size=30))
def test_it_finds_what_a_search_finds(texts: list[str], text: str) -> None:
    folded, wanted = text.casefold(), [each.casefold() for each in texts]
    phrases = Phrases(tuple(texts))
    for index, step in enumerate(steps(phrases, text)):
        seen = folded[: index + 1]
        assert step.match == max((len(each) for each in wanted if seen.endswith(each)), default=0)
        beginnings = {each[:length] for each in wanted for length in range(1, len(each) + 1)}
        assert phrases.pending(step.state) == max(
            (len(each) for each in beginnings if seen.endswith(each)), default=0
        )
