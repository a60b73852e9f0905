"""Masks of requests that run, each for its own next token."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest

from coblyn.constraints.constraint import Constraint
from coblyn.constraints.vocabulary import Vocabulary
from coblyn.engine.masks import Masks
from coblyn.errors import Busy, CoblynError, ConstraintRefused, EngineError
from constraints.vocabularies import END, PIECES, allowed_by, vocabulary


@pytest.fixture
def masks() -> Iterator[Masks]:
    masks = Masks(vocabulary, len(PIECES))
    yield masks
    masks.close()


def allowed(masks: Masks, request_id: str) -> set[int]:
    words = masks.words(request_id)
    assert words is not None
    assert masks.wait(request_id)
    return allowed_by(words)


def test_each_request_has_its_own(masks: Masks) -> None:
    masks.open("a", masks.begin(Constraint("regex", "ab")))
    masks.open("b", masks.begin(Constraint("regex", "x+")))
    assert masks.words("c") is None
    assert allowed(masks, "a") == {PIECES.index(b"a")}, (
        "what is forced comes as the tokenizer cuts it"
    )
    assert masks.accept("a", PIECES.index(b"a")) is False
    assert masks.accept("b", PIECES.index(b"x")) is False
    assert allowed(masks, "a") == {PIECES.index(b"b")}
    assert allowed(masks, "b") == {PIECES.index(b"x"), END}
    assert masks.accept("a", PIECES.index(b"b")) is True
    masks.forget("a")
    masks.forget("c")
    assert masks.words("a") is None


def test_tokens_are_given_back(masks: Masks) -> None:
    masks.open("a", masks.begin(Constraint("regex", "abc")))
    for byte in b"ab":
        masks.accept("a", byte)
    masks.rewind("a", 1)
    assert allowed(masks, "a") == {PIECES.index(b"b")}
    masks.rewind("a", 9)
    assert not masks.wait("a"), "so many were never drawn: this request alone ends"
    masks.rewind("without one", 1)
    assert "a" in masks
    assert "without one" not in masks


def test_a_wrong_constraint_opens_nothing(masks: Masks) -> None:
    with pytest.raises(ConstraintRefused):
        masks.begin(Constraint("regex", "("))
    assert masks.words("a") is None


def test_a_token_that_is_not_allowed_is_an_error_of_its_request_only(masks: Masks) -> None:
    masks.open("a", masks.begin(Constraint("regex", "ab")))
    masks.open("b", masks.begin(Constraint("regex", "ab")))
    with pytest.raises(EngineError):
        masks.accept("a", PIECES.index(b"x"))
    assert masks.accept("b", PIECES.index(b"a")) is False


def test_the_vocabulary_is_read_once_however_many_come_at_once() -> None:
    made: list[int] = []

    def read() -> Vocabulary:
        made.append(1)
        return vocabulary()

    masks = Masks(read, len(PIECES))
    threads = [
        threading.Thread(target=masks.begin, args=(Constraint("regex", "a"),)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    masks.close()
    assert made == [1]


# Each is small, and ambiguous beyond measure.
HOSTILE = {
    "loops in loops": "start: x{1,2000}\nx: y{0,50}\ny: /[a-z ]/ | x",
    "all of all": "start: s\ns: s s s | A | B | C\nA: /[a-z]/\nB: /[a-m]+/\nC: /./",
    "nothing of nothing": 'start: e\ne: e e e | e e | "a" | ""',
    "a circle": "start: a\na: b b?\nb: c c?\nc: d d?\nd: a a? | /[a-z ]/ | ",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_grammar_ends_its_request_and_no_other(text: str) -> None:
    masks = Masks(vocabulary, len(PIECES), max_seconds=2)
    masks.open("good", masks.begin(Constraint("regex", "[a-z]{0,300}!")))
    with contextlib.suppress(CoblynError):  # some are found out at the beginning
        masks.open("hostile", masks.begin(Constraint("lark", text)))
    for place in range(60):
        if "hostile" in masks and masks.wait("hostile"):
            letters = [each for each in allowed(masks, "hostile") if each != END]
            try:
                masks.accept("hostile", letters[place % len(letters)])
            except EngineError:
                masks.forget("hostile")
        assert len(allowed(masks, "good")) > 26
        assert masks.accept("good", ord("a")) is False
    masks.close()


def test_what_takes_too_long_fails_and_is_left_alone() -> None:
    masks = Masks(vocabulary, len(PIECES), max_seconds=0.5)
    may_end = threading.Event()
    text = masks.begin(Constraint("regex", "a{5}"))
    text.matcher = Stubborn(text.matcher, may_end)  # type: ignore[assignment]
    masks.open("a", text)
    masks.open("b", masks.begin(Constraint("regex", "b{5}")))
    masks.accept("a", ord("a"))
    masks.accept("b", ord("b"))
    assert not masks.wait("a")
    assert masks.wait("b")
    masks.rewind("a", 1)
    assert not masks.wait("a")
    masks.forget("a")
    may_end.set()
    masks.close()


class Stubborn:
    """A matcher that computes no mask until it is told to."""

    def __init__(self, matcher: object, may_end: threading.Event) -> None:
        self._matcher = matcher
        self._may_end = may_end

    def fill(self, words: object) -> None:
        self._may_end.wait()

    def __getattr__(self, name: str) -> object:
        return getattr(self._matcher, name)


def test_a_constraint_that_takes_too_long_to_read_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may_end = threading.Event()
    masks = Masks(vocabulary, len(PIECES), max_seconds=0.5)
    with monkeypatch.context() as patch:
        patch.setattr("coblyn.constraints.matchers.matcher_of", lambda *_: may_end.wait())
        for _ in range(2):
            with pytest.raises(ConstraintRefused, match="ambiguous"):
                masks.begin(Constraint("regex", "a"))
    with pytest.raises(Busy, match="processor"):
        masks.begin(Constraint("regex", "a"))
    may_end.set()
    masks.close()


def test_a_token_of_a_slow_grammar_is_not_waited_for(masks: Masks) -> None:
    masks.open("a", text := masks.begin(Constraint("regex", "ab")))
    text.is_slow = True
    assert masks.accept("a", ord("a")) is False
    assert allowed(masks, "a") == {ord("b")}
    text.is_slow = True
    assert masks.accept("a", ord("b")) is False, "that it is over is not known yet"
    assert allowed(masks, "a") == {END}
    text.is_slow = True
    masks.accept("a", ord("x"))
    assert not masks.wait("a")


def test_tokens_that_have_to_follow_come_with_the_one_before(masks: Masks) -> None:
    masks.open("a", masks.begin(Constraint("regex", "a(hello|x)|bzz")))
    assert allowed(masks, "a") == {ord("a"), ord("b")}
    assert masks.follow("a", ord("b"), may_leap=True) == ([], False), "it was not forced"
    assert masks.wait("a")
    assert masks.follow("a", ord("z"), may_leap=True) == ([ord("z")], True)
    masks.rewind("a", 1)
    assert allowed(masks, "a") == {ord("z")}
    masks.rewind("a", 1)
    assert masks.follow("a", ord("z"), may_leap=False) == ([], False)
    assert allowed(masks, "a") == {ord("z")}


def test_a_lazy_constraint_has_no_mask_until_its_trigger(masks: Masks) -> None:
    masks.open("a", masks.begin(Constraint("regex", "[0-9]!", triggers=("ab",), repeats=True)))
    for piece in (b"hello", b"x"):
        assert masks.words("a") is None
        assert masks.accept("a", PIECES.index(piece)) is False
    masks.accept("a", PIECES.index(b"ab"))
    assert allowed(masks, "a") == set(range(ord("0"), ord("9") + 1))
    for byte in b"7!":
        assert masks.accept("a", byte) is False
    assert masks.words("a") is None
    masks.rewind("a", 2)
    assert allowed(masks, "a") == set(range(ord("0"), ord("9") + 1))
    masks.rewind("a", 1)
    assert masks.words("a") is None
