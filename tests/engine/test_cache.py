"""The longest common prefix is found, shared, and evicted when room is needed."""

from __future__ import annotations

from collections.abc import Iterable

from coblyn.engine.cache import SequenceCache
from coblyn.engine.content import Content
from coblyn.engine.plan import Copy, Remove
from coblyn.engine.prompt import Prompt

LONG = list(range(100))


def of(tokens: Iterable[int]) -> Content:
    return Content.of(Prompt.of(tokens))


def filled(tokens: list[int], **options: bool) -> SequenceCache:
    """A cache in which a request with these tokens has finished."""
    cache = SequenceCache(4, 1000, **options)
    claim = cache.claim(of(tokens))
    assert claim
    cache.append(claim.sequence, of(tokens), len(tokens))
    cache.release(claim.sequence)
    return cache


def test_a_follow_up_goes_on_in_the_same_sequence() -> None:
    cache = filled(LONG)
    claim = cache.claim(of([*LONG, 7, 8]))
    assert claim
    assert (claim.length, cache.take_operations()) == (100, ())


def test_another_ending_shares_the_beginning_and_leaves_the_old_one_alone() -> None:
    cache = filled(LONG)
    claim = cache.claim(of([*LONG[:60], 7, 8]))
    assert claim
    assert claim.length == 60
    assert cache.take_operations() == (Copy(0, claim.sequence, 60),)
    assert cache.content(0).cells == LONG


def test_the_same_prompt_again_computes_only_its_last_token() -> None:
    cache = filled(LONG)
    claim = cache.claim(of(LONG))
    assert claim
    assert (claim.length, claim.replays) == (99, False)


def test_the_same_prompt_again_computes_nothing_when_its_logits_are_kept() -> None:
    cache = SequenceCache(4, 1000)
    first = cache.claim(of(LONG))
    assert first
    cache.append(first.sequence, of(LONG), 100)
    cache.keep_prompt_logits(first.sequence)
    cache.append(first.sequence, of([*LONG, 1, 2, 3]), 103)
    cache.release(first.sequence)
    again = cache.claim(of(LONG))
    assert again
    assert (again.length, again.replays) == (100, True)


def test_a_running_sequence_can_be_shared_too() -> None:
    cache = SequenceCache(4, 1000)
    first = cache.claim(of(LONG))
    assert first
    cache.append(first.sequence, of(LONG), 100)
    second = cache.claim(of([*LONG, 5]))
    assert second
    assert second.length == 100
    assert second.sequence != first.sequence


def test_a_short_common_prefix_is_not_worth_it() -> None:
    claim = filled(LONG).claim(of([0, 1, 2, *range(500, 550)]))
    assert claim
    assert claim.length == 0


def test_a_recurrent_model_reuses_whole_sequences_only() -> None:
    cache = filled(LONG, is_rewindable=False)
    part = cache.claim(of([*LONG[:60], 7]))
    assert part
    assert part.length == 0
    whole = cache.claim(of([*LONG, 7]))
    assert whole
    assert whole.length == 100


def test_the_oldest_idle_sequence_makes_room() -> None:
    cache = SequenceCache(3, 250)
    for start in (0, 1000):
        tokens = list(range(start, start + 100))
        claim = cache.claim(of(tokens))
        assert claim
        cache.append(claim.sequence, of(tokens), 100)
        cache.release(claim.sequence)
    assert cache.claim(of(list(range(5000, 5120))))
    assert cache.take_operations() == (Remove(0, 0),)
    assert len(cache.content(1)) == 100


def test_nothing_is_given_while_others_hold_the_cells() -> None:
    cache = SequenceCache(3, 150)
    claim = cache.claim(of(LONG))
    assert claim
    cache.append(claim.sequence, of(LONG), 100)
    assert cache.claim(of(range(5000, 5080))) is None


def test_promised_cells_are_not_given_twice() -> None:
    cache = SequenceCache(3, 150)
    assert cache.claim(of(LONG))
    assert cache.claim(of(range(5000, 5080)), reserved=100) is None


def test_a_sequence_is_cut_to_the_shared_part_when_that_is_the_only_way() -> None:
    cache = SequenceCache(2, 130)
    claim = cache.claim(of(LONG))
    assert claim
    cache.append(claim.sequence, of(LONG), 100)
    cache.release(claim.sequence)
    again = cache.claim(of([*LONG[:50], *range(900, 960)]))
    assert again
    assert (again.sequence, again.length) == (claim.sequence, 50)
    assert cache.take_operations() == (Remove(claim.sequence, 50),)


def test_sequences_with_cells_of_their_own_are_taken_from_the_lowest_on() -> None:
    cache = SequenceCache(4, 1000, shelf_tokens=500, shares_cells=False)
    claims = [cache.claim(of([*LONG, at])) for at in range(3)]
    assert [claim and claim.sequence for claim in claims] == [0, 1, 2]
    cache.append(1, of([*LONG, 1]), 101)
    cache.release(1)
    another = cache.claim(of([1, 2, 3]))
    assert another
    assert another.sequence == 1
    assert cache.foresee(of([*LONG, 1, 5])) == 101, "what it held is on the shelf"


def test_what_the_shelf_has_no_room_for_stays_while_other_sequences_are_empty() -> None:
    cache = SequenceCache(4, 1000, shelf_tokens=50, shares_cells=False)
    claim = cache.claim(of(LONG))
    assert claim
    cache.append(claim.sequence, of(LONG), 100)
    cache.release(claim.sequence)
    another = cache.claim(of([1, 2, 3]))
    assert another
    assert another.sequence != claim.sequence
    assert cache.foresee(of([*LONG, 5])) == 100
