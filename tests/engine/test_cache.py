"""The longest common prefix is found, shared, and evicted when room is needed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coblyn.engine.cache import SequenceCache, common_prefix
from coblyn.engine.plan import Copy, Remove

LONG = list(range(100))


def filled(tokens: list[int], **options: bool) -> SequenceCache:
    """A cache in which a request with these tokens has finished."""
    cache = SequenceCache(4, 1000, **options)
    claim = cache.claim(tokens)
    assert claim
    cache.append(claim.sequence, tokens[claim.length :])
    cache.release(claim.sequence)
    return cache


@given(st.lists(st.integers(0, 2)), st.lists(st.integers(0, 2)))
def test_common_prefix(a: list[int], b: list[int]) -> None:
    length = common_prefix(a, b)
    assert a[:length] == b[:length]
    assert length in (len(a), len(b)) or a[length] != b[length]


def test_common_prefix_of_long_lists() -> None:
    a = list(range(5000))
    assert common_prefix(a, [*a[:3000], -1]) == 3000
    assert common_prefix(a, a) == 5000


def test_a_follow_up_goes_on_in_the_same_sequence() -> None:
    cache = filled(LONG)
    claim = cache.claim([*LONG, 7, 8])
    assert claim
    assert (claim.length, cache.take_operations()) == (100, ())


def test_another_ending_shares_the_beginning_and_leaves_the_old_one_alone() -> None:
    cache = filled(LONG)
    claim = cache.claim([*LONG[:60], 7, 8])
    assert claim
    assert claim.length == 60
    assert cache.take_operations() == (Copy(0, claim.sequence, 60),)
    assert list(cache.tokens(0)) == LONG


def test_the_same_prompt_again_computes_only_its_last_token() -> None:
    cache = filled(LONG)
    claim = cache.claim(LONG)
    assert claim
    assert (claim.length, claim.replays) == (99, False)


def test_the_same_prompt_again_computes_nothing_when_its_logits_are_kept() -> None:
    cache = SequenceCache(4, 1000)
    first = cache.claim(LONG)
    assert first
    cache.append(first.sequence, LONG)
    cache.keep_prompt_logits(first.sequence)
    cache.append(first.sequence, [1, 2, 3])
    cache.release(first.sequence)
    again = cache.claim(LONG)
    assert again
    assert (again.length, again.replays) == (100, True)


def test_a_running_sequence_can_be_shared_too() -> None:
    cache = SequenceCache(4, 1000)
    first = cache.claim(LONG)
    assert first
    cache.append(first.sequence, LONG)
    second = cache.claim([*LONG, 5])
    assert second
    assert second.length == 100
    assert second.sequence != first.sequence


def test_a_short_common_prefix_is_not_worth_it() -> None:
    claim = filled(LONG).claim([0, 1, 2, *range(500, 550)])
    assert claim
    assert claim.length == 0


def test_a_recurrent_model_reuses_whole_sequences_only() -> None:
    cache = filled(LONG, is_rewindable=False)
    part = cache.claim([*LONG[:60], 7])
    assert part
    assert part.length == 0
    whole = cache.claim([*LONG, 7])
    assert whole
    assert whole.length == 100


def test_the_oldest_idle_sequence_makes_room() -> None:
    cache = SequenceCache(3, 250)
    for start in (0, 1000):
        tokens = list(range(start, start + 100))
        claim = cache.claim(tokens)
        assert claim
        cache.append(claim.sequence, tokens)
        cache.release(claim.sequence)
    assert cache.claim(list(range(5000, 5120)))
    assert cache.take_operations() == (Remove(0, 0),)
    assert len(cache.tokens(1)) == 100


def test_nothing_is_given_while_others_hold_the_cells() -> None:
    cache = SequenceCache(3, 150)
    claim = cache.claim(LONG)
    assert claim
    cache.append(claim.sequence, LONG)
    assert cache.claim(list(range(5000, 5080))) is None


def test_promised_cells_are_not_given_twice() -> None:
    cache = SequenceCache(3, 150)
    assert cache.claim(LONG)
    assert cache.claim(list(range(5000, 5080)), reserved=100) is None


def test_a_sequence_is_cut_to_the_shared_part_when_that_is_the_only_way() -> None:
    cache = SequenceCache(2, 130)
    claim = cache.claim(LONG)
    assert claim
    cache.append(claim.sequence, LONG)
    cache.release(claim.sequence)
    again = cache.claim([*LONG[:50], *range(900, 960)])
    assert again
    assert (again.sequence, again.length) == (claim.sequence, 50)
    assert cache.take_operations() == (Remove(claim.sequence, 50),)
