"""What the numpy definitions of the samplers promise, whatever the logits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coblyn.engine import sampling
from coblyn.engine.params import SamplingParams

ANY = settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))

TRUNCATIONS: dict[str, Callable[[Any, float], Any]] = {
    "top_k": lambda logits, x: sampling.keep_top_k(logits, int(x * 100)),
    "top_p": sampling.keep_top_p,
    "min_p": sampling.keep_min_p,
    "top_a": sampling.keep_top_a,
    "tail_free": sampling.keep_tail_free,
    "top_n_sigma": lambda logits, x: sampling.keep_top_n_sigma(logits, 3 * x),
    "typical": sampling.keep_typical,
    "mirostat_1": lambda logits, x: sampling.keep_zipf(logits, 12 * x),
    "mirostat_2": lambda logits, x: sampling.keep_surprise(logits, 12 * x),
}

NEUTRAL = {"top_k": 0.0, "min_p": 0.0, "top_a": 0.0, "top_n_sigma": 0.0}
"""The strength at which a truncation does nothing; 1 where it is not said."""


@st.composite
def rows(draw: Any) -> Any:
    """Logits of all shapes: few and many, flat and steep, with ties and with bans."""
    size = draw(st.sampled_from([1, 2, 3, 32, 32, 1000, 1000, 1000, 5000]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    logits = rng.normal(0, draw(st.sampled_from([0.0, 0.1, 3.0, 30.0])), size)
    if draw(st.booleans()):
        logits = np.round(logits)
    banned = rng.random(size) < draw(st.sampled_from([0.0, 0.3, 1.0]))
    banned[rng.integers(size)] = False
    return np.where(banned, -np.inf, logits)


@pytest.mark.parametrize("name", TRUNCATIONS)
@given(logits=rows(), strength=st.sampled_from([0.0, 0.01, 0.3, 0.7, 0.99, 1.0]))
@ANY
def test_a_truncation_only_drops(name: str, logits: Any, strength: float) -> None:
    before = logits.copy()
    kept = TRUNCATIONS[name](logits, strength)
    assert np.array_equal(logits, before), "what goes in stays as it is"
    assert kept.max() > -np.inf, "somebody stays"
    assert np.all((kept == logits) | (kept == -np.inf))
    if name != "typical":
        assert kept[np.argmax(logits)] == logits.max()


@pytest.mark.parametrize("name", sorted(set(TRUNCATIONS) - {"mirostat_1", "mirostat_2"}))
@given(logits=rows())
@ANY
def test_a_truncation_that_is_off_drops_nothing(name: str, logits: Any) -> None:
    assert np.array_equal(TRUNCATIONS[name](logits, NEUTRAL.get(name, 1.0)), logits)


@pytest.mark.parametrize("name", ["top_k", "min_p", "mirostat_1"])
@given(logits=rows(), strength=st.sampled_from([0.01, 0.05, 0.3, 0.7, 0.99]))
@ANY
def test_once_is_enough(name: str, logits: Any, strength: float) -> None:
    """The limits of these depend on the best tokens only, which stay. Not so for mirostat 1: its limit is a count."""
    once = TRUNCATIONS[name](logits, strength)
    twice = TRUNCATIONS[name](once, strength)
    if name == "mirostat_1":
        assert (twice > -np.inf).sum() <= (once > -np.inf).sum()
    else:
        assert np.array_equal(once, twice)


@pytest.mark.parametrize("name", ["top_k", "top_p", "min_p", "top_a", "tail_free", "top_n_sigma"])
@given(logits=rows(), strength=st.sampled_from([0.01, 0.3, 0.7, 0.99]))
@ANY
def test_who_stays_is_better_than_who_goes(name: str, logits: Any, strength: float) -> None:
    kept = TRUNCATIONS[name](logits, strength) > -np.inf
    gone = ~kept & (logits > -np.inf)
    assert not gone.any() or logits[kept].min() >= logits[gone].max()


@pytest.mark.parametrize("name", TRUNCATIONS)
def test_a_large_vocabulary_is_no_different(name: str) -> None:
    logits = np.random.default_rng(1).normal(0, 3, 262_144)
    kept = TRUNCATIONS[name](logits, 0.3)
    assert 1 <= (kept > -np.inf).sum() < len(logits)


@given(rows(), st.sampled_from([0.05, 0.5, 0.95]))
@ANY
def test_top_p_keeps_what_it_says_and_no_more(logits: Any, p: float) -> None:
    shares = sampling.probabilities(logits)
    kept = np.flatnonzero(sampling.keep_top_p(logits, p) > -np.inf)
    assert shares[kept].sum() >= p - 1e-9
    assert shares[kept].sum() - shares[kept].min() < p + 1e-9


@given(rows(), st.sampled_from([0.05, 0.5, 0.95]))
@ANY
def test_typical_keeps_what_is_nearest_to_the_entropy(logits: Any, p: float) -> None:
    kept = sampling.keep_typical(logits, p) > -np.inf
    gone = ~kept & (logits > -np.inf)
    far = np.abs(-sampling.log_probabilities(logits) - sampling.entropy(logits))
    assert not gone.any() or far[kept].max() <= far[gone].min()
    assert not gone.any() or sampling.probabilities(logits)[kept].sum() > p - 1e-9


def test_tail_free_by_hand() -> None:
    """Probabilities .5 .3 .1 .06 .04: slopes .2 .2 .04 .02, bends 0 .16 .02."""
    logits = np.log(np.array([0.06, 0.5, 0.1, 0.3, 0.04]))
    for z, tokens in ((0.5, [1]), (0.89, [1, 3]), (0.9999, [1, 3, 0, 2, 4])):
        kept = np.flatnonzero(sampling.keep_tail_free(logits, z) > -np.inf)
        expected = [1] if z < 0.88 else tokens[:2]
        assert kept.tolist() == sorted(expected)
    flat = np.zeros(8)
    assert (sampling.keep_tail_free(flat, 0.5) > -np.inf).sum() == 3, "all bends count alike"
    assert np.array_equal(sampling.keep_tail_free(logits[:2], 0.0), logits[:2])


def test_top_n_sigma_by_hand() -> None:
    logits = np.array([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0, -np.inf])  # standard deviation 2
    assert np.flatnonzero(sampling.keep_top_n_sigma(logits, 1.0) > -np.inf).tolist() == [6, 7]
    assert np.flatnonzero(sampling.keep_top_n_sigma(logits, 2.0) > -np.inf).tolist() == [4, 5, 6, 7]


def test_top_a_by_hand() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.05]))
    assert np.flatnonzero(sampling.keep_top_a(logits, 0.8) > -np.inf).tolist() == [0, 1]
    assert np.flatnonzero(sampling.keep_top_a(logits, 1e9) > -np.inf).tolist() == [0]


@given(rows(), st.sampled_from([1e-29, 1e-3, 0.5, 1.0, 3.0, 1e30]))
@ANY
def test_temperature_keeps_order_and_stays_finite(logits: Any, temperature: float) -> None:
    scaled = sampling.scale(logits * 1e3, temperature)
    assert np.array_equal(scaled > -np.inf, logits > -np.inf)
    assert np.isfinite(scaled[scaled > -np.inf]).all()
    order = np.argsort(logits, kind="stable")
    assert (scaled[order][1:] >= scaled[order][:-1]).all()


@given(rows())
@ANY
def test_temperature_nothing_leaves_the_best(logits: Any) -> None:
    kept = sampling.scale(logits, 0.0)
    assert np.flatnonzero(kept > -np.inf).tolist() == [int(np.argmax(logits))]


@given(
    rows(),
    st.sampled_from([0.0, 0.5, 2.0]),
    st.sampled_from([-3.0, -0.5, 0.5, 3.0]),
    st.sampled_from([-1.0, 0.0, 0.5, 1.0, 10.0]),
)
@ANY
def test_dynamic_temperature_stays_between_its_ends(
    logits: Any, temperature: float, spread: float, exponent: float
) -> None:
    dynamic = sampling.dynamic_temperature(logits, temperature, spread, exponent)
    if (logits > -np.inf).sum() < 2:
        assert dynamic == 1
        return
    ends = max(1e-3, temperature - spread), max(1e-3, temperature + spread)
    assert min(ends) - 1e-9 <= dynamic <= max(ends) + 1e-9


def test_dynamic_temperature_follows_the_entropy() -> None:
    flat, steep = np.zeros(50), np.concatenate(([60.0], np.zeros(49)))
    assert sampling.dynamic_temperature(flat, 1.0, 0.75, 1.0) == pytest.approx(1.75)
    assert sampling.dynamic_temperature(steep, 1.0, 0.75, 1.0) == pytest.approx(0.25)
    assert sampling.dynamic_temperature(flat, 1.0, -0.75, 1.0) == pytest.approx(0.25)
    assert sampling.dynamic_temperature(steep, 1.0, 1.0, 1.0) == pytest.approx(1e-3)


@given(rows(), st.sampled_from([0.05, 0.25, 5.0]), st.sampled_from([1.0, 2.0, 3.0]))
@ANY
def test_smoothing_keeps_the_best_and_the_order(logits: Any, factor: float, curve: float) -> None:
    smoothed = sampling.smooth(logits, factor, curve)
    assert smoothed[np.argmax(logits)] == logits.max()
    order = np.argsort(logits, kind="stable")
    candidates = smoothed[order][logits[order] > -np.inf]
    assert (candidates[1:] >= candidates[:-1]).all()


def test_smoothing_by_hand() -> None:
    logits = np.array([3.0, 1.0, -np.inf])
    assert sampling.smooth(logits, 0.25).tolist() == [3.0, 2.0, -np.inf]
    assert sampling.smooth(logits, 0.25, 3.0).tolist() == [3.0, 1.0, -np.inf]
    assert np.array_equal(sampling.smooth(logits, 0.0), logits)


@given(rows(), st.sampled_from([-1.0, 0.0, 0.01, 0.2, 0.5, 0.51]), st.floats(0, 0.999))
@ANY
def test_xtc_lowers_all_that_are_likely_but_the_last(
    logits: Any, threshold: float, number: float
) -> None:
    after = sampling.exclude_top_choices(logits, threshold, 0.5, number)
    viable = sampling.probabilities(logits) >= threshold
    viable &= logits > -np.inf
    num_lowered = int((after < logits).sum())
    is_on = threshold <= 0.5 and number < 0.5
    assert num_lowered == (max(0, int(viable.sum()) - 1) if is_on else 0)
    assert np.array_equal(after > -np.inf, logits > -np.inf)
    if num_lowered:
        assert after[viable].max() == logits[viable].min()


@given(rows(), st.sampled_from([0.0, 0.3, 1.0]), st.sampled_from([-1.0, 0.5, 0.9, 2.0]))
@ANY
def test_adaptive_p_prefers_what_is_near_to_its_aim(
    logits: Any, target: float, decay: float
) -> None:
    state = sampling.Adaptive.start(target, decay)
    assert state.aim == pytest.approx(target)
    after = state.reshape(logits)
    shares = sampling.probabilities(logits)
    far = np.where(logits > -np.inf, np.abs(shares - state.aim), np.inf)
    assert far[np.argmax(after)] == pytest.approx(far.min(), abs=1e-6)
    assert np.array_equal(after > -np.inf, logits > -np.inf)
    state = state.remember(logits, int(np.argmax(shares)))
    assert state.aim <= target or shares.max() <= target + 1e-9


def test_adaptive_p_that_is_off() -> None:
    logits = np.array([1.0, 2.0])
    assert np.array_equal(sampling.Adaptive.start(-1.0, 0.9).reshape(logits), logits)


@pytest.mark.parametrize("version", [1, 2])
def test_mirostat_holds_the_surprise(version: int) -> None:
    """Over 1,000 draws from one long-tailed distribution, the mean surprise is the target."""
    logits = -1.1 * np.log(np.arange(1, 501))
    state = sampling.Mirostat.start(version, tau=4.0, eta=0.1)
    surprises = []
    for position in range(1000):
        kept = state.truncate(logits)
        token = sampling.draw(kept, sampling.random_number(7, position))
        surprises.append(-sampling.log_probabilities(kept)[token] / math.log(2))
        state = state.remember(kept, token)
    assert np.mean(surprises[200:]) == pytest.approx(4.0, abs=0.15)


@given(rows(), st.sampled_from([-1e30, 0.0, 1e30]), st.sampled_from([1, 2]))
@ANY
def test_mirostat_at_its_extremes_keeps_somebody(logits: Any, mu: float, version: int) -> None:
    state = sampling.Mirostat(version, tau=1e30, eta=1e30, mu=mu)
    kept = state.truncate(logits)
    token = int(np.argmax(kept))
    assert kept[token] == logits.max()
    assert abs(state.remember(kept, token).mu) <= 1e30


@given(rows(), st.integers(0, 2**32), st.sampled_from([1.0, 1.3, 1e30, 0.5]))
@ANY
def test_penalties_touch_only_what_occurred(logits: Any, seed: int, penalty: float) -> None:
    history = np.random.default_rng(seed).integers(0, len(logits), 40).tolist()
    params = SamplingParams(repetition_penalty=penalty, repetition_range=30, presence_penalty=0.1)
    after = sampling.apply_penalties(logits, history, params)
    touched = np.zeros(len(logits), bool)
    touched[history[-30:]] = True
    assert np.array_equal(after[~touched], logits[~touched])
    if penalty >= 1:
        changed = touched & (logits > -np.inf)
        assert (after[changed] < logits[changed]).all()


def test_nobody_is_penalized_before_it_occurred() -> None:
    """KoboldCPP begins with a window full of token 0."""
    params = SamplingParams(repetition_penalty=2.0, repetition_range=10)
    assert sampling.apply_penalties(np.ones(4), [2], params).tolist() == [1, 1, 0.5, 1]
    assert sampling.apply_penalties(np.ones(4), [], params).tolist() == [1, 1, 1, 1]


def test_the_older_half_counts_less() -> None:
    params = SamplingParams(repetition_penalty=3.0, repetition_range=4, repetition_slope=0.5)
    after = sampling.apply_penalties(np.full(6, 6.0), [5, 0, 1, 2, 3], params)
    assert after.tolist() == [3.0, 3.0, 2.0, 2.0, 6.0, 6.0]


def repeats(text: str, **options: Any) -> dict[str, float]:
    """What DRY subtracts from each letter."""
    history = [ord(letter) for letter in text]
    after = sampling.penalize_repeats(np.zeros(128), history, multiplier=1.0, base=2.0, **options)
    return {chr(token): -after[token] for token in np.flatnonzero(after)}


def test_dry_by_hand() -> None:
    assert repeats("abccbcyabc") == {"c": 2.0, "y": 1.0}
    assert repeats("abccbcyabc", allowed_length=1) == {"c": 4.0, "y": 2.0, "b": 1.0}
    assert repeats("abccbcyabc", allowed_length=4) == {}
    assert repeats("abccbcyabc", last_n=9) == {"c": 1.0, "y": 1.0}, "the window cuts the longest"
    assert repeats("aaaaaa") == {"a": 8.0}
    assert repeats("ab") == {}


def test_dry_stops_at_breakers() -> None:
    assert repeats("xabc.xabc") == {".": 4.0}
    assert repeats("xabcd.xabcd", breakers=[[ord("a")]]) == {".": 2.0}
    assert repeats("xabcd.xabcd", breakers=[[ord("b")]]) == {}, "what is left is too short"
    assert repeats("xabcd.xabcd", breakers=[[ord("a"), ord("b")]]) == {}
    assert repeats("xabcd.xabcd", breakers=[[ord("a")], [ord("b"), ord("q")]]) == {".": 2.0}


def test_dry_at_its_extremes_stays_finite() -> None:
    history = [1] * 4000
    for base in (1e-30, 1.0, 1.000002, 1.75, 1e30):
        after = sampling.penalize_repeats(np.zeros(4), history, multiplier=1e30, base=base)
        assert np.isfinite(after).all()
        assert after[1] < 0 or base < 1


@given(st.lists(st.integers(0, 3), max_size=60), st.integers(0, 5), st.integers(1, 80))
@ANY
def test_dry_finds_the_longest_repeat(history: list[int], token: int, limit: int) -> None:
    expected = 0
    for length in range(1, len(history)):
        tail = [*history[len(history) - length :], token]
        places = range(len(history) - length)
        if any(history[place : place + length + 1] == tail for place in places):
            expected = length
    assert sampling.longest_repeats(history, limit).get(token, 0) == min(expected, limit)


@given(rows(), st.floats(0, 0.9999999))
@ANY
def test_who_is_drawn_is_a_candidate(logits: Any, number: float) -> None:
    token = sampling.draw(logits, number)
    assert logits[token] > -np.inf
    shares = np.cumsum(sampling.probabilities(logits))
    assert shares[token] >= number - 1e-9


def test_the_coin_is_no_copy_of_the_draw() -> None:
    numbers = np.array(
        [
            (sampling.random_number(3, position), sampling.coin(3, position))
            for position in range(4000)
        ]
    )
    assert numbers.mean(axis=0) == pytest.approx([0.5, 0.5], abs=0.03)
    assert abs(np.corrcoef(numbers.T)[0, 1]) < 0.05


@given(rows(), st.data())
@ANY
def test_any_order_leaves_a_candidate(logits: Any, data: Any) -> None:
    """Every truncation at a random strength, extremes included, in a random order."""
    for name in data.draw(st.permutations(sorted(TRUNCATIONS))):
        logits = TRUNCATIONS[name](logits, data.draw(st.sampled_from([0.0, 0.5, 1.0])))
        assert logits.max() > -np.inf
    assert sampling.probabilities(logits).sum() == pytest.approx(1)


def test_a_ban_holds() -> None:
    assert sampling.ban(np.ones(4), [1, 3, 99]).tolist() == [1, -np.inf, 1, -np.inf]
    assert sampling.apply_bias(np.ones(2), ((0, 2.0), (5, 1.0))).tolist() == [3, 1]
