"""The shim's samplers against the numpy functions that say what they mean."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coblyn.engine import sampling
from coblyn.engine.params import SamplingParams
from coblyn.engine.plan import ALL_FORBIDDEN, NO_NUMBERS
from coblyn.engine.prompt import Prompt
from coblyn.engine.request import Request
from coblyn.engine.samplers import sampler_options
from coblyn.errors import BadRequest
from coblyn.llama.context import Batch
from coblyn.llama.library import Library, open_library
from coblyn.llama.sampler import Draw, Sampler
from coblyn.llama.steps import Steps
from coblyn.native.bundle import Bundle

pytestmark = pytest.mark.native

TOLERANCE = 1e-5
"""The shim computes in single precision: a number this near to a border may fall on either side."""


@pytest.fixture(scope="module")
def library(bundle: Bundle) -> Library:
    return open_library(bundle.lib_dir)


def native(library: Library, logits: Any, history: list[int], params: SamplingParams) -> Any:
    """Draw one token with the shim, from logits of our own."""
    row32 = np.ascontiguousarray(logits, np.float32)
    before = row32.copy()
    options = sampler_options(Request("", Prompt.of((0,)), 1, params), frozenset())
    sampler = Sampler(library, options, len(row32), history)
    context: Any = SimpleNamespace(library=library, pointer=None)
    ((row,),) = Steps(context, Batch(1), 1).run(0, [Draw(sampler, logits=row32)])
    assert np.array_equal(row32, before, equal_nan=True), (
        "logits that were kept must stay as they are"
    )
    tokens, logprobs = sampler.top_tokens[0, : row.n_top], sampler.top_logprobs[0, : row.n_top]
    top = list(zip(tokens, logprobs, strict=True))
    return SimpleNamespace(token=row.token, logprob=row.logprob, top=top)


def kept(logits: Any, history: list[int], params: SamplingParams) -> Any:
    """Logits as they are before the draw."""
    out = sampling.apply_bias(logits, params.logit_bias)
    out = sampling.apply_penalties(out, history, params)
    out = sampling.keep_top_k(out, params.top_k)
    out = sampling.keep_top_p(out, params.top_p)
    return sampling.keep_min_p(out, params.min_p)


@st.composite
def cases(draw: Any) -> tuple[Any, list[int], SamplingParams]:
    size = draw(st.sampled_from([1, 2, 15, 16, 17, 100, 1000, 5000]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    logits = rng.normal(0, draw(st.sampled_from([0.1, 1.0, 4.0, 30.0])), size).astype(np.float32)
    if draw(st.booleans()):
        logits[rng.random(size) < 0.3] = -np.inf
    history = rng.integers(0, size, draw(st.integers(0, 60))).tolist()
    params = SamplingParams(
        temperature=draw(st.sampled_from([0.0, 0.2, 0.7, 1.0, 2.5])),
        top_k=draw(st.sampled_from([0, 1, 2, 10, 40, 4999])),
        top_p=draw(st.sampled_from([1.0, 0.95, 0.5, 0.01])),
        min_p=draw(st.sampled_from([0.0, 0.05, 0.5, 1.0])),
        repetition_penalty=draw(st.sampled_from([1.0, 1.1, 2.0, 0.8])),
        repetition_range=draw(st.sampled_from([0, 1, 7, 320])),
        repetition_slope=draw(st.sampled_from([1.0, 0.7, 0.1])),
        presence_penalty=draw(st.sampled_from([0.0, 0.5, -0.5])),
        frequency_penalty=draw(st.sampled_from([0.0, 0.3])),
        logit_bias=tuple(
            draw(
                st.lists(
                    st.tuples(st.integers(0, size - 1), st.sampled_from([-100.0, 5.0, -math.inf])),
                    max_size=4,
                    unique_by=lambda pair: pair[0],
                )
            )
        ),
        seed=draw(st.integers(0, 2**64 - 1)),
    )
    return logits.astype(np.float64), history, params


@settings(deadline=None, max_examples=400, suppress_health_check=list(HealthCheck))
@given(cases())
def test_the_shim_draws_what_numpy_draws(
    library: Library, case: tuple[Any, list[int], SamplingParams]
) -> None:
    logits, history, params = case
    token = native(library, logits, history, params).token
    expected = sampling.choose(logits, history, params)
    if token == expected:
        return
    assert min(token, expected) >= 0
    assert is_close_call(logits, history, params, token, expected)


def is_close_call(logits: Any, history: list[int], params: SamplingParams, a: int, b: int) -> bool:
    """Whether single precision may decide otherwise: at a border of the draw, or of what is kept."""
    full = sampling.apply_penalties(sampling.apply_bias(logits, params.logit_bias), history, params)
    if params.is_greedy:
        return bool(abs(full[a] - full[b]) < 1e-3)
    ours = kept(logits, history, params)
    if not math.isfinite(ours[a]):
        edge = ours[ours > -np.inf].min()
        return bool(abs(full[a] - edge) < 1e-3 or near_top_p(full, params))
    if near_top_p(full, params):
        return True
    shares = sampling.probabilities(ours / params.temperature)
    number = sampling.random_number(params.seed or 0, len(history))
    return bool(np.abs(np.cumsum(shares) - number).min() < TOLERANCE)


def near_top_p(full: Any, params: SamplingParams) -> bool:
    shares = np.sort(sampling.probabilities(sampling.keep_top_k(full, params.top_k)))[::-1]
    return bool(params.top_p < 1 and np.abs(np.cumsum(shares) - params.top_p).min() < TOLERANCE)


@settings(deadline=None, max_examples=50, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32), st.sampled_from([3, 100, 50_000]), st.integers(0, 20))
def test_log_probabilities_are_the_models_own(
    library: Library, seed: int, size: int, count: int
) -> None:
    logits = np.random.default_rng(seed).normal(0, 5, size).astype(np.float32).astype(np.float64)
    params = SamplingParams(temperature=0.5, top_k=5, logit_bias=((1, 50.0),), logprobs=count)
    got = native(library, logits, [0, 1, 2], params)
    expected = sampling.log_probabilities(logits)
    assert got.logprob == pytest.approx(expected[got.token], abs=1e-3)
    order = np.argsort(-logits, kind="stable")[:count]
    assert [token for token, _ in got.top] == order.tolist()
    assert [value for _, value in got.top] == pytest.approx(expected[order], abs=1e-3)


def test_when_everything_is_forbidden_there_is_no_token(library: Library) -> None:
    bans = SamplingParams(logit_bias=tuple((token, -np.inf) for token in range(20)))
    assert native(library, np.zeros(20), [], bans).token == ALL_FORBIDDEN


@pytest.mark.parametrize("broken", [np.nan, np.inf])
@pytest.mark.parametrize("size", [20, 5000])
def test_a_broken_model_is_not_taken_for_one_that_may_say_nothing(
    library: Library, broken: float, size: int
) -> None:
    bans = SamplingParams(logit_bias=tuple((token, -np.inf) for token in range(size)))
    one = np.zeros(size)
    one[size // 2] = broken
    for params in (SamplingParams(), SamplingParams(temperature=0.0), SamplingParams(top_p=0.5)):
        assert native(library, one, [], params).token == NO_NUMBERS
        assert sampling.choose(one, [], params) == NO_NUMBERS
        assert native(library, np.full(size, -np.inf), [], params).token == NO_NUMBERS
    assert native(library, np.full(size, broken), [], bans).token == NO_NUMBERS


@pytest.mark.parametrize("temperature", [1e-45, 1e-39, -1.0, 0.0])
def test_a_temperature_that_is_almost_nothing_is_greedy(
    library: Library, temperature: float
) -> None:
    logits = np.array([0.0, 1.0, 1.0000001, 0.5])
    params = SamplingParams(temperature=temperature)
    assert native(library, logits, [], params).token == 2
    assert sampling.choose(logits, [], params) == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", 1e39),
        ("presence_penalty", -1e39),
        ("frequency_penalty", 1e39),
        ("repetition_penalty", 1e39),
        ("repetition_penalty", 1e-46),
        ("logit_bias", ((5, 1e39),)),
        ("logit_bias", ((5, float("nan")),)),
        ("logit_bias", ((2**31, 1.0),)),
        ("logit_bias", ((-1, 1.0),)),
        ("top_k", 2**32 + 1),
        ("repetition_range", 2**40),
        ("seed", 2**64),
    ],
)
def test_numbers_that_the_samplers_can_not_hold_are_refused_by_name(
    field: str, value: object
) -> None:
    with pytest.raises(BadRequest) as caught:
        SamplingParams(**{field: value})  # type: ignore[arg-type]
    assert caught.value.field == field


def test_the_draws_follow_the_distribution(library: Library) -> None:
    """Chi-squared over 20,000 draws of 8 tokens: above 40 once in a million times."""
    logits = np.array([3.0, 2.0, 1.0, 0.0, -1.0, 2.5, 0.5, 1.5])
    counts = np.zeros(8)
    for seed in range(20_000):
        counts[native(library, logits, [], SamplingParams(seed=seed)).token] += 1
    expected = sampling.probabilities(logits) * 20_000
    assert ((counts - expected) ** 2 / expected).sum() < 40


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**31))
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_random_numbers_are_the_same_on_both_sides(
    library: Library, seed: int, position: int
) -> None:
    number = library.coblyn_random(seed, position)
    assert number == sampling.random_number(seed, position)
    assert 0 <= number < 1


@pytest.mark.parametrize("length", [3, 5, 8])
def test_dry_grows_with_what_was_repeated_and_shows_in_the_final_log_probabilities(
    library: Library, length: int
) -> None:
    """The model repeats a phrase by a margin of 3; how strong DRY has to be depends on how long the phrase is."""
    phrase = list(range(10, 10 + length + 1))
    history = [*phrase, 9, *phrase[:-1]]
    logits = np.zeros(32)
    logits[phrase[-1]], logits[2] = 3.0, 1.0

    def drawn(multiplier: float) -> dict[int, float]:
        params = SamplingParams(
            dry_multiplier=multiplier, dry_allowed_length=2, logprobs=20, logprobs_after=True
        )
        return dict(native(library, logits, history, params).top)

    off, weak, strong = drawn(0.0), drawn(0.1), drawn(5.0)
    repeated = phrase[-1]
    assert max(off, key=off.__getitem__) == repeated
    assert strong.get(repeated, -math.inf) < strong[2]
    for found, multiplier in ((off, 0.0), (weak, 0.1)):
        penalty = multiplier * 1.75 ** (length - 2)
        assert found[repeated] - found[2] == pytest.approx(2 - penalty, rel=1e-4)
