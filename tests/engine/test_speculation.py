"""Guessing ahead: what is guessed, how many, and that nothing but the time changes."""

from __future__ import annotations

import pytest

from coblyn.engine import results
from coblyn.engine.events import Failed
from coblyn.engine.fake import FakeRunner
from coblyn.engine.lookup import Index, Library
from coblyn.engine.pace import Pace, Shape
from coblyn.engine.plan import Row
from coblyn.engine.speculation import MAX_DRAFTS, Candidate, Guesses, Speculation
from coblyn.engine.trust import Foresight, Trust
from engine.machine import Machine

VERSE = "knock, knock, who knocks? knock, knock, who knocks? "


def after(cells: list[int], count: int = 4) -> list[int]:
    return list(Library().after(Index(cells), count).tokens)


def test_what_followed_the_last_tokens_is_guessed() -> None:
    assert after([1, 2, 3, 4, 5, 6, 1, 2, 3]) == [4, 5, 6, 1]
    assert after([1, 2, 3, 7, 1, 2, 3, 8, 9, 1, 2, 3], 2) == [8, 9], "where it stood last"
    assert after([1, 2, 3, 4, 9, 2, 3]) == [], "two tokens are not enough"
    assert after([1, 2, 3]) == []
    assert after([]) == []


def test_an_index_follows_a_text_that_grows_and_is_cut() -> None:
    cells, library = [1, 2, 3, 4, 5], Library()
    index = Index(cells)
    assert not library.after(index, 3).tokens
    cells += [1, 2, 3]
    assert list(library.after(index, 3).tokens) == [4, 5, 1]
    del cells[3:]
    cells += [7, 8, 1, 2, 3]
    assert list(library.after(index, 3).tokens) == [7, 8, 1]


def test_a_long_prompt_is_indexed_in_pieces() -> None:
    cells, library = [*range(5000), 10, 11, 12], Library()
    index, calls = Index(cells), 0
    while not library.after(index, 1).tokens:
        calls += 1
        assert calls < 10
    assert calls == 4
    assert list(library.after(index, 3).tokens) == [13, 14, 15]


def test_texts_before_this_one_are_looked_at_the_latest_first() -> None:
    library = Library()
    for rest in (4, 5, 6, 7, 8, 9):
        old = Index([1, 2, 3, rest, rest])
        old.update()
        library.add(old)
    assert list(library.after(Index([1, 2, 3]), 2).tokens) == [9, 9]
    assert list(library.after(Index([1, 2, 3, 0, 1, 2, 3]), 2).tokens) == [0, 1], (
        "the own text first"
    )


def drafts(made: Speculation, guesses: Guesses, most: int = 30) -> tuple[int, ...]:
    return made.drafts([Candidate("a", guesses, most)], 1, 100)["a"]


def test_media_are_never_guessed() -> None:
    cells = [1, 2, 3, 4, -1, -1, 5, 1, 2, 3]
    guesses = Guesses(Index(cells))
    assert drafts(speculation(0.1), guesses, 5) == (4,)


def test_what_a_step_costs_is_learnt() -> None:
    pace = Pace()
    assert pace.seconds(Shape(4)) == 0
    for _ in range(5):
        pace.note(Shape(1), 0.01)
    assert pace.seconds(Shape(1)) == pytest.approx(0.01)
    assert 0.01 < pace.seconds(Shape(4)) < 0.02, "a guess"
    for _ in range(5):
        pace.note(Shape(4), 0.05)
    assert pace.seconds(Shape(4)) == pytest.approx(0.05)
    assert pace.seconds(Shape(2)) < 0.05
    for _ in range(3):
        pace.note(Shape(1), 10)
        pace.note(Shape(1), 0.01)
    assert pace.seconds(Shape(1)) == pytest.approx(0.01), "other programs interrupted some"


def test_what_was_measured_long_ago_is_forgotten() -> None:
    pace = Pace()
    for _ in range(5):
        pace.note(Shape(1), 0.01)
        pace.note(Shape(2), 0.08)
    assert pace.seconds(Shape(2)) == pytest.approx(0.08)
    for _ in range(600):
        pace.note(Shape(1), 0.01)
    assert pace.seconds(Shape(2)) < 0.02, "a guess"


def test_a_split_step_costs_as_much_as_its_parts_until_it_is_measured() -> None:
    assert Shape.of([4, 1, 1], splits=True) == Shape(6, 3)
    assert Shape.of([4, 1, 1], splits=False) == Shape(6)
    assert Shape.of([4, 4, 4], splits=True) == Shape(12)
    pace = Pace()
    assert pace.seconds(Shape(6, 3)) == 0
    for _ in range(3):
        pace.note(Shape(3), 0.02)
    for _ in range(3):
        pace.note(Shape(6), 0.03)
    assert pace.seconds(Shape(6, 3)) == pytest.approx(0.04)
    for _ in range(3):
        pace.note(Shape(6, 3), 0.07)
    assert pace.seconds(Shape(6, 3)) == pytest.approx(0.07)
    assert pace.seconds(Shape(6)) == pytest.approx(0.03), "another shape"


def speculation(cost: float, *, splits: bool = False) -> Speculation:
    """One to which a token adds so much of the time of a step."""
    made = Speculation(lambda: 0.0, splits=splits)
    for num_tokens in range(1, 140):
        for _ in range(3):
            made.pace.note(Shape(num_tokens), 0.01 * (1 + cost * (num_tokens - 1)))
    return made


def likely(rate: float) -> Foresight:
    """What is found is right this often, however long the match is."""
    return Foresight([rate] * 5)


def test_as_many_are_guessed_as_are_worth_their_cost() -> None:
    cells = [*range(1, 40), 1, 2, 3]
    cheap, dear = speculation(0.02), speculation(1.5)
    sure, unsure = (
        Guesses(Index(cells), lookup=likely(0.97)),
        Guesses(Index(cells), lookup=likely(0.1)),
    )
    assert len(drafts(cheap, sure)) == MAX_DRAFTS
    assert 0 < len(drafts(cheap, unsure)) < 4
    assert drafts(dear, sure) == ()


def test_rows_are_guessed_for_together_where_a_single_one_would_split_the_step() -> None:
    def counts(splits: bool, rates: list[float]) -> list[int]:
        made = speculation(0.05, splits=splits)
        rows = [
            Candidate(str(n), Guesses(Index([*range(1, 40), 1, 2, 3]), lookup=likely(rate)), 30)
            for n, rate in enumerate(rates)
        ]
        return [len(found) for found in made.drafts(rows, 8, 500).values()]

    alone = counts(False, [0.95] + [0.01] * 7)
    assert alone[0] > 1
    assert not any(alone[1:])
    assert counts(True, [0.95] + [0.01] * 7) == [0] * 8, "two parts take more than they give"
    together = counts(True, [0.95, 0.7] * 4)
    assert together[0] > 1
    assert together == [together[0]] * 8


def test_all_rows_together_stay_within_the_room() -> None:
    made = speculation(0.001)
    rows = [
        Candidate(str(n), Guesses(Index([*range(1, 40), 1, 2, 3]), lookup=likely(0.97)), 30)
        for n in range(4)
    ]
    found = made.drafts(rows, 4, 8)
    assert 4 <= sum(map(len, found.values())) <= 8


def test_what_would_have_been_right_is_known_without_trying() -> None:
    """Drafts that do not pay at first are tried once the text shows that they are right, and no longer than that."""
    known = [*range(1, 40)]
    made = speculation(0.3)
    cells = [*known, 1, 2, 3]
    guesses = Guesses(Index(cells), lookup=likely(0.1))
    for token in known[3:20]:
        cells.append(token)
        if drafts(made, guesses):
            break
    assert 6 < len(cells) - len(known) < 20
    for lap in range(40):
        cells += [100 + lap, 1, 2, 3]
        found = drafts(made, guesses)
    assert found == ()


def test_a_longer_match_is_trusted_more() -> None:
    made = speculation(0.15)
    short, long = [*range(1, 40), 50, 1, 2, 3], [*range(1, 40), 50, *range(1, 20)]
    assert len(drafts(made, Guesses(Index(short)))) < len(drafts(made, Guesses(Index(long))))


def test_a_prompt_that_is_sampled_again_counts_as_a_short_match() -> None:
    made, prompt = speculation(0.3), [*range(1, 40)]
    first = made.begin([*prompt])
    first.index.cells += range(50, 70)
    first.index.update()
    made.end(first)
    again = made.begin([*prompt])
    assert len(drafts(made, again)) <= 1
    again.index.cells += range(50, 60)
    assert len(drafts(made, again)) > 1, "now it is the same text"


def test_a_text_that_is_cut_teaches_nothing_wrong() -> None:
    cells = [*range(1, 40), 1, 2, 3]
    index, foresight, library = Index(cells), Foresight(), Library()
    before = list(foresight.rates)
    foresight.compare(cells, library.after(index, 15))
    del cells[-3:]
    foresight.compare(cells, library.after(index, 15))
    assert foresight.rates == before


def test_right_drafts_that_are_not_checked_are_tried_less() -> None:
    made, cells = speculation(0.3), [*range(1, 40), *range(1, 20)]
    guesses = Guesses(Index(cells))
    first = drafts(made, guesses)
    assert len(first) > 3
    for _ in range(8):  # a constraint forces the token after the first draft, as guessed
        found = drafts(made, guesses)
        cells += found or [cells[-1] + 1]
        guesses.learn(len(found), min(1, len(found)))
        cells[39:] = range(1, 20)
    assert len(drafts(made, guesses)) < len(first)


def test_a_model_that_is_never_right_is_tried_ever_more_seldom() -> None:
    made, guesses = speculation(0.4), Guesses(Index([1, 2]), model=Trust(0.1))
    for num_tokens in range(1, 20):
        for _ in range(3):
            made.model_pace.note(Shape(num_tokens), 0.01 * (1 + 0.4 * (num_tokens - 1)))
    tried = []
    for step in range(2000):
        if made.num_wanted([Candidate("a", guesses, 30)], 1, 100)["a"]:
            tried.append(step)
            guesses.are_models = True
            guesses.learn(1, 0)
    assert 3 < len(tried) < 25
    assert tried[-1] - tried[-2] > 300
    guesses.learn(1, 1)
    assert guesses.model.rate == 0.5, "one that was right is enough to begin again"


def test_a_right_guess_is_followed_by_others_and_wrong_ones_by_patience() -> None:
    trust = Trust(0.1, patience=64)
    while trust.wait():
        pass
    trust.learn(1, 1)
    assert not trust.wait(), "at once"
    trust.learn(1, 0)
    assert sum(iter(trust.wait, False)) == 127, "no less patient, since it did not pay"
    trust.use()
    trust.learn(1, 1)
    assert sum(iter(trust.wait, False)) == 7


def test_heads_follow_texts_whose_guesses_pay_or_are_tried_soon() -> None:
    trust = Trust()
    assert trust.is_near, "nothing is known yet"
    trust.patience = 64
    near = []
    while trust.wait():
        near.append(trust.is_near)
    assert near == [False] * 55 + [True] * 8
    assert trust.is_near, "it may be followed by another"
    assert trust.wait()
    assert not trust.is_near, "no guess came"
    while trust.wait():
        pass
    trust.learn(1, 0)
    assert not trust.is_near
    trust.use()
    assert trust.is_near


def test_heads_read_a_prompt_if_guesses_paid_in_the_text_before() -> None:
    made = Speculation(lambda: 0.0)
    first = made.begin([1, 2])
    first.model.use()
    first.model.learn(1, 0)
    made.end(first)
    assert made.begin([1, 2]).model.is_near, "the last guess was wrong, and guesses still paid"


def test_a_generation_begins_with_what_the_last_one_learned() -> None:
    made = Speculation(lambda: 0.0)
    first = made.begin([1, 2])
    first.model.learn(1, 0)
    first.model.patience = 512
    made.end(first)
    second = made.begin([1, 2])
    assert second.model.rate == first.model.rate < 0.5
    assert second.model.patience == 128, "but this text may be another"
    second.model.wait()
    assert first.model.num_skipped == 0, "it has its own"


def test_nothing_is_guessed_before_a_plain_step_is_measured() -> None:
    """There is nothing that guesses could be compared with."""
    made, guesses = Speculation(lambda: 0.0), Guesses(Index([*range(1, 40), 1, 2, 3]))
    model = Candidate("a", Guesses(Index([1, 2])), 30)
    for _ in range(3):
        assert drafts(made, guesses) == ()
        assert made.num_wanted([model], 1, 100) == {"a": 0}
        made.pace.note(Shape(17), 0.8)  # a prompt
    made.pace.note(Shape(1), 0.01)
    assert drafts(made, guesses)
    assert made.num_wanted([model], 1, 100)["a"]


def test_what_cannot_pay_is_not_tried() -> None:
    made, guesses = speculation(1.5), Guesses(Index([*range(1, 40), 1, 2, 3]), lookup=likely(0.97))
    assert not any(drafts(made, guesses) for _ in range(100))


def rows(machine: Machine) -> list[Row]:
    return [row for plan in machine.runner.history for row in plan.rows]


def test_a_text_that_repeats_itself_takes_fewer_steps() -> None:
    texts, steps = [], []
    for speculates in (False, True):
        machine = Machine(FakeRunner(script=VERSE, repeats=True), speculates=speculates)
        machine.add("a", "who? ", 300)
        machine.run()
        texts.append(machine.text("a"))
        steps.append(len(machine.runner.history))
    assert texts[0] == texts[1]
    assert steps[1] < steps[0] / 3


def test_wrong_guesses_are_taken_back() -> None:
    machine = Machine(FakeRunner(script="abcXabcYabcZ", repeats=True), speculates=True)
    machine.add("a", "?" * 20, 200, stop=("never",))
    machine.run()
    assert machine.text("a") == ("abcXabcYabcZ" * 20)[:200]
    assert any(row.drafts for row in rows(machine))
    held = machine.runner.held[0]
    assert held == [*b"?" * 20, *machine.text("a").encode()][: len(held)]


def test_a_failed_request_leaves_no_guesses_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one may continue from its text."""
    monkeypatch.setattr(results, "_MAX_REWINDS", 0)
    machine = Machine(FakeRunner(script=VERSE, repeats=True), speculates=True)
    machine.add("stuck", VERSE * 2, 200, banned_phrases=("ck, k",))
    machine.run()
    assert isinstance(machine.events[-1], Failed)
    assert any(row.drafts for row in rows(machine))
    held = bytes(machine.scheduler.cache.content(0).cells).decode()
    machine.add("next", held + " and so on", 5)
    machine.run()
    assert machine.finish("next").stats.num_cached == len(held)


def test_a_stop_string_within_guesses_ends_the_text() -> None:
    machine = Machine(FakeRunner(script=VERSE, repeats=True), speculates=True)
    machine.add("a", VERSE, 300, stop=("who knocks? knock, knock, who",))
    machine.run()
    assert machine.text("a") == "knock, knock, "
    assert machine.finish("a").reason == "stop"
    machine.add("b", VERSE + "knock, knock, who!")
    machine.run()
    assert machine.finish("b").stats.num_cached >= len(VERSE)


def test_nobody_guesses_for_those_that_cannot_go_back_or_do_not_want_it() -> None:
    for options, wants in (({"is_rewindable": False}, True), ({}, False)):
        runner = FakeRunner(script=VERSE, repeats=True, **options)  # type: ignore[arg-type]
        machine = Machine(runner, speculates=True)
        machine.add("a", "who? ", 200, speculates=wants)
        machine.run()
        assert not any(row.drafts for row in rows(machine))


def test_what_is_read_comes_before_guesses() -> None:
    machine = Machine(FakeRunner(script=VERSE, repeats=True), speculates=True)
    machine.add("a", VERSE, 50)
    machine.step()
    machine.add("b", "x" * 300, 5)
    machine.run()
    reading = [plan for plan in machine.runner.history if any(len(r.tokens) > 1 for r in plan.rows)]
    assert len(reading) > 2
    assert not any(row.drafts for plan in reading for row in plan.rows)


def test_a_text_is_guessed_while_another_waits_for_its_end() -> None:
    machine = Machine(FakeRunner(script=VERSE, repeats=True), speculates=True, max_running=1)
    machine.add("a", VERSE, 50)
    machine.add("b", "x", 5)
    while machine.scheduler.num_waiting:
        machine.step()
    assert any(row.drafts for row in rows(machine) if row.request_id == "a")


@pytest.mark.parametrize("drafts", [VERSE, "knock? " * 9])
def test_a_draft_model_guesses_where_the_text_does_not_tell(drafts: str) -> None:
    script = VERSE[:26] + "then all is still, and nobody says a word to any other until dawn."
    texts, steps = [], []
    for guessed in ("", drafts, script):
        runner = FakeRunner(script=script, repeats=False, drafts=guessed)
        machine = Machine(runner, speculates=True)
        machine.add("a", "who? ", 300)
        machine.run()
        texts.append(machine.text("a"))
        steps.append(len(runner.history))
    assert texts == [script] * 3
    assert steps[2] < steps[0] / 2
    assert steps[1] <= steps[0] + 1
