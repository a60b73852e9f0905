"""Chains of the shim's samplers against chains of the numpy functions that say what they mean."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coblyn.engine import sampling
from coblyn.engine.plan import ALL_FORBIDDEN, NO_NUMBERS
from coblyn.llama.context import Batch
from coblyn.llama.library import Library, open_library
from coblyn.llama.sampler import Draw, Sampler, SamplerOptions
from coblyn.llama.stage import Stage, StageKind
from coblyn.llama.steps import Steps
from coblyn.native.bundle import Bundle

pytestmark = pytest.mark.native

ANY = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))

DRY_OFF = (0.0, 1.75, 2.0, 0.0)


def close(wanted: Any) -> Any:
    """Log-probabilities as single precision gives them: far behind the best one it is its rounding that counts."""
    return pytest.approx(wanted, abs=1e-4, rel=1e-6)


VALUES: dict[StageKind, list[tuple[float, ...]]] = {
    StageKind.PENALTIES: [
        (1.0, 0, 1.0, 0.0, 0.0),
        (1.1, 320, 0.7, 0.0, 0.0),
        (2.0, 7, 0.1, 0.5, 0.3),
        (0.8, 1, 1.0, -0.5, 0.0),
        (1e30, 0, 1.0, 1e30, 1e30),
    ],
    StageKind.DRY: [
        DRY_OFF,
        (0.8, 1.75, 2.0, 0.0),
        (0.8, 1.75, 2.0, 20.0),
        (5.0, 1.1, 0.0, 9.0),
        (1.0, 0.5, 1.0, 0.0),
        (1e30, 1e30, 3.0, 0.0),
    ],
    StageKind.TOP_K: [(0,), (1,), (2,), (40,), (3000,), (2**31 - 1,)],
    StageKind.TOP_A: [(0.0,), (0.1,), (0.9,), (1e30,)],
    StageKind.TOP_P: [(1.0,), (0.95,), (0.5,), (0.0,)],
    StageKind.MIN_P: [(0.0,), (0.002,), (0.1,), (1.0,)],
    StageKind.TAIL_FREE: [(1.0,), (0.97,), (0.4,), (0.0,)],
    StageKind.TYPICAL: [(1.0,), (0.95,), (0.3,), (0.0,)],
    StageKind.TEMPERATURE: [
        (1.0,),
        (0.0,),
        (0.3, 0.0, 1.0, 0.0, 1.0),
        (5.0, 0.0, 1.0, 0.0, 1.0),
        (1.25, 0.75, 1.0, 0.0, 1.0),
        (0.5, -0.5, 2.0, 0.25, 1.0),
        (1.0, 0.0, 1.0, 0.3, 2.5),
        (1e-29, 0.0, 1.0, 1e30, 0.0),
    ],
    StageKind.TOP_N_SIGMA: [(0.0,), (1.0,), (0.1,), (1e30,)],
    StageKind.XTC: [(0.1, 0.0), (0.1, 0.5), (0.0, 1.0), (0.5, 1.0), (0.6, 1.0)],
    StageKind.ADAPTIVE_P: [(-1.0, 0.9), (0.3, 0.9), (0.0, 0.0), (1.0, 1.0)],
    StageKind.MIROSTAT: [(1, 5.0, 0.1), (2, 5.0, 0.1), (2, 0.0, 1e30), (1, 1e30, 1e30)],
}

FINE: dict[StageKind, list[tuple[float, ...]]] = {
    StageKind.TOP_P: [(0.9999,), (0.01,)],
    StageKind.TYPICAL: [(0.9999,), (0.01,)],
    StageKind.TAIL_FREE: [(0.9999,), (0.01,)],
    StageKind.MIROSTAT: [(1, 2.0, 0.1), (2, 2.0, 0.1), (2, 30.0, 0.1)],
}

TAME = {kind: values[: -1 if len(values) > 4 else None] for kind, values in VALUES.items()}


@pytest.fixture(scope="module")
def library(bundle: Bundle) -> Library:
    return open_library(bundle.lib_dir)


class Native:
    """One request of the shim, on logits of our own."""

    def __init__(self, library: Library, chain: sampling.Chain, size: int, **options: Any) -> None:
        wanted = SamplerOptions(
            seed=chain.seed,
            stages=tuple(chain.stages),
            bias=chain.bias,
            breakers=tuple(tuple(breaker) for breaker in chain.breakers),
            **options,
        )
        self.size = size
        self.num_stages = len(wanted.stages)
        self.sampler = Sampler(library, wanted, size, chain.history)
        context: Any = SimpleNamespace(library=library, pointer=None)
        self._steps = Steps(context, Batch(1), 1)

    def after(self, logits: Any, num_stages: int) -> Any:
        """Logits of the candidates after the first stages; minus infinity for the others."""
        tokens, values, count = self.sampler.candidates(
            logits.astype(np.float32), num_stages, self.size
        )
        assert count == len(tokens)
        assert (np.diff(values) <= 0).all()
        out = np.full(self.size, -np.inf)
        out[tokens] = values
        return out

    def told(self, logits: Any) -> tuple[int, float, dict[int, float]]:
        """What is drawn, its log-probability, and the best alternatives with theirs."""
        ((row,),) = self._steps.run(0, [Draw(self.sampler, logits=logits.astype(np.float32))])
        tokens = self.sampler.top_tokens[0, : row.n_top].tolist()
        values = self.sampler.top_logprobs[0, : row.n_top].tolist()
        return int(row.token), float(row.logprob), dict(zip(tokens, values, strict=True))

    def draw(self, logits: Any) -> int:
        ((row,),) = self._steps.run(0, [Draw(self.sampler, logits=logits.astype(np.float32))])
        return int(row.token)


@st.composite
def rows(draw: Any, sizes: tuple[int, ...] = (1, 2, 3, 17, 100, 1000, 5000)) -> Any:
    size = draw(st.sampled_from(sizes))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    logits = rng.normal(0, draw(st.sampled_from([0.0, 0.1, 1.0, 4.0, 30.0])), size)
    if draw(st.booleans()):
        logits = np.round(logits)
    if draw(st.booleans()):
        banned = rng.random(size) < draw(st.sampled_from([0.3, 1.0]))
        banned[rng.integers(size)] = False
        logits[banned] = -np.inf
    return logits.astype(np.float32).astype(np.float64)


@st.composite
def chains(draw: Any, size: int, values: dict[StageKind, Any], max_stages: int = 13) -> Any:
    """Stages in any order, on a history that repeats itself."""
    kinds = draw(st.lists(st.sampled_from(sorted(values)), unique=True, max_size=max_stages))
    stages = [Stage(kind, draw(st.sampled_from(values[kind]))) for kind in kinds]
    letters = min(size, 4)
    history = draw(st.lists(st.integers(0, letters - 1), max_size=60))
    breakers = draw(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=3), max_size=3))
    bias = draw(st.lists(st.tuples(st.integers(0, size), st.sampled_from([-3.0, 2.0])), max_size=3))
    seed = draw(st.integers(0, 2**64 - 1))
    return sampling.Chain(stages, seed, history, tuple(bias), breakers)


def distance(ours: Any, definition: Any) -> float:
    """Total variation between two rows of logits, as distributions."""
    difference = sampling.probabilities(ours) - sampling.probabilities(definition)
    return float(np.abs(difference).sum() / 2)


def is_settled(chain: sampling.Chain, logits: Any) -> bool:
    """Whether no stage stands at an edge, where single precision may decide otherwise.

    The chain is run with what single precision loses added before each stage; at an edge the outcome differs.
    """
    exact = chain.apply(logits)[-1]
    near = (roughly(chain, logits, seed) for seed in range(6))
    return all(
        np.array_equal(other > -np.inf, exact > -np.inf) and distance(other, exact) < 1e-3
        for other in near
    )


def roughly(chain: sampling.Chain, logits: Any, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    for stage in (None, *chain.stages):
        logits = (chain._apply(stage, logits) if stage else chain.apply(logits)[0]).copy()
        candidates = logits > -np.inf
        noise = rng.uniform(-1e-5, 1e-5, len(logits))[candidates]
        logits[candidates] += noise * np.maximum(1, np.abs(logits[candidates]))
    return logits


@pytest.mark.parametrize("kind", list(StageKind))
@given(data=st.data())
@ANY
def test_each_stage_leaves_what_its_definition_leaves(
    library: Library, kind: StageKind, data: Any
) -> None:
    logits = data.draw(rows())
    chain = data.draw(chains(len(logits), {kind: VALUES[kind]}, 1))
    definition = chain.apply(logits)[-1]
    ours = Native(library, chain, len(logits)).after(logits, 1)
    if np.array_equal(ours > -np.inf, definition > -np.inf):
        assert distance(ours, definition) < 1e-4 or not is_settled(chain, logits)
    else:
        assert not is_settled(chain, logits)


@pytest.mark.parametrize(
    "kind", [StageKind.TOP_P, StageKind.TYPICAL, StageKind.TAIL_FREE, StageKind.MIROSTAT]
)
@given(data=st.data())
@settings(ANY, max_examples=40)
def test_selections_that_grow_keep_what_a_sorted_vocabulary_would(
    library: Library, kind: StageKind, data: Any
) -> None:
    logits = data.draw(rows((257, 2049, 30_000)))
    if data.draw(st.booleans()):
        logits *= data.draw(st.sampled_from([0.01, 0.2]))
    temperature = Stage(
        StageKind.TEMPERATURE, (data.draw(st.sampled_from([1.0, 0.4, 3.0])), 0.0, 1.0, 0.0, 1.0)
    )
    values = st.sampled_from([*TAME[kind], *FINE.get(kind, ())])
    chain = sampling.Chain([temperature, Stage(kind, data.draw(values))], 1, [])
    definition = chain.apply(logits)[-1]
    ours = Native(library, chain, len(logits)).after(logits, 2)
    # Not the same set: near the end of so many, single precision may take a token of a share of 1e-7 more or less.
    assert distance(ours, definition) < 1e-5 or not is_settled(chain, logits)


@given(data=st.data())
@ANY
def test_a_mask_leaves_its_tokens_alone(library: Library, data: Any) -> None:
    logits = data.draw(rows((1, 31, 32, 33, 1000)))
    size = len(logits)
    share = data.draw(st.sampled_from([0.0, 0.05, 0.5, 1.0]))
    allowed = np.random.default_rng(data.draw(st.integers(0, 99))).random(size) < share
    bits = np.packbits(np.pad(allowed, (0, -size % 32)), bitorder="little")
    chain = sampling.Chain([], data.draw(st.integers(0, 2**64 - 1)), [])
    draw = Draw(
        Native(library, chain, size).sampler,
        logits=logits.astype(np.float32),
        mask=bits.view(np.uint32),
    )
    context: Any = SimpleNamespace(library=library, pointer=None)
    ((row,),) = Steps(context, Batch(1), 1).run(0, [draw])
    left = np.where(allowed, logits, -np.inf)
    assert row.token == (chain.draw(left) if (left > -np.inf).any() else ALL_FORBIDDEN)


@pytest.mark.parametrize("outlier", [0.0, 1e4])
def test_top_n_sigma_measures_a_whole_vocabulary(library: Library, outlier: float) -> None:
    """The limit is put into the widest gap between the best logits: a less exact deviation would miss it."""
    logits = np.random.default_rng(1).normal(0, 3, 262_144).astype(np.float32).astype(np.float64)
    logits[7] += outlier
    logits[::5] = -np.inf
    best = np.sort(logits)[::-1][:60]
    num_kept = 20 + int(np.argmax(-np.diff(best[19:])))
    limit = best[num_kept - 1 : num_kept + 1].mean()
    sigmas = (logits.max() - limit) / np.std(logits[logits > -np.inf])
    chain = sampling.Chain([Stage(StageKind.TOP_N_SIGMA, (sigmas,))], 1, [])
    ours = Native(library, chain, len(logits)).after(logits, 1)
    assert set(np.flatnonzero(ours > -np.inf)) == set(np.argsort(-logits)[:num_kept])


@given(data=st.data())
@settings(ANY, max_examples=200)
def test_any_combination_leaves_what_its_definition_leaves(library: Library, data: Any) -> None:
    logits = data.draw(rows())
    chain = data.draw(chains(len(logits), TAME))
    definition = chain.apply(logits)[-1]
    ours = Native(library, chain, len(logits)).after(logits, len(chain.stages))
    is_same = np.array_equal(ours > -np.inf, definition > -np.inf)
    assert (is_same and distance(ours, definition) < 1e-4) or not is_settled(chain, logits)


@given(data=st.data())
@settings(ANY, max_examples=150)
def test_probabilities_behind_the_samplers_are_those_that_are_drawn_from(
    library: Library, data: Any
) -> None:
    logits = data.draw(rows())
    chain = data.draw(chains(len(logits), TAME))
    count = data.draw(st.sampled_from([0, 1, 5, 20]))
    native = Native(library, chain, len(logits), logprobs=count, logprobs_after=True)
    left = sampling.log_probabilities(native.after(logits, len(chain.stages)))
    plain = Native(library, chain, len(logits)).draw(logits)
    token, logprob, top = native.told(logits)
    assert token == plain, "asking changes nothing"
    assert logprob == close(left[token])
    assert len(top) == min(count, int((left > -np.inf).sum()))
    assert list(top.values()) == close(sorted(left, reverse=True)[: len(top)])
    assert list(top.values()) == close([left[each] for each in top])


def test_probabilities_where_xtc_follows_adaptive_p(library: Library) -> None:
    """What XTC lowers is told as all but impossible, and adaptive-p goes on to learn from the rows that it saw."""
    stages = (Stage(StageKind.ADAPTIVE_P, (0.3, 0.9)), Stage(StageKind.XTC, (0.01, 0.5)))
    chain = sampling.Chain(stages, 5, [])
    native = Native(library, chain, 100, logprobs=20, logprobs_after=True)
    rng = np.random.default_rng(8)
    num_lowered = 0
    for _ in range(40):
        logits = rng.normal(0, 2, 100).astype(np.float32).astype(np.float64)
        reshaped, left = map(sampling.log_probabilities, chain.apply(logits)[1:])
        token, logprob, top = native.told(logits)
        assert logprob == close(left[token])
        assert list(top.values()) == close(sorted(left, reverse=True)[:20])
        assert list(top.values()) == close([left[each] for each in top])
        num_lowered += left[reshaped.argmax()] < -500
        assert chain.draw(logits) == token
    assert 10 < num_lowered < 30, "of 40, about half"


@given(data=st.data())
@settings(ANY, max_examples=60)
def test_tokens_that_were_not_drawn_are_remembered(library: Library, data: Any) -> None:
    size = data.draw(st.sampled_from([3, 8]))
    kinds = {kind: TAME[kind] for kind in (StageKind.DRY, StageKind.PENALTIES, StageKind.XTC)}
    chain = data.draw(chains(size, kinds, 3))
    given_tokens = data.draw(st.lists(st.integers(0, size - 1), max_size=12))
    logits = np.random.default_rng(len(given_tokens)).normal(0, 2, size)
    told = Native(library, chain, size)
    told.sampler.accept(given_tokens)
    longer = dataclasses.replace(chain, history=[*chain.history, *given_tokens])
    assert np.array_equal(told.after(logits, 3), Native(library, longer, size).after(logits, 3))
    assert told.draw(logits) == Native(library, longer, size).draw(logits)


def test_what_mirostat_has_learned_stays_over_tokens_that_it_did_not_draw(library: Library) -> None:
    stages = (Stage(StageKind.MIROSTAT, (2, 2.0, 0.5)),)
    chain = sampling.Chain(stages, 3, [])
    logits = np.random.default_rng(0).normal(0, 1, 500)
    native, other = (Native(library, chain, 500) for _ in range(2))
    for _ in range(5):
        native.draw(logits)
        other.draw(logits)
    before = other.after(logits, 1)
    native.sampler.accept([7, 8, 9])
    assert np.array_equal(native.after(logits, 1), before)


KOBOLD = (
    Stage(StageKind.DRY, (0.8, 1.75, 2.0, 320.0)),
    Stage(StageKind.TOP_K, (3000,)),
    Stage(StageKind.PENALTIES, (1.05, 360.0, 0.7, 0.0, 0.0)),
    Stage(StageKind.TOP_K, (100,)),
    Stage(StageKind.TOP_A, (0.01,)),
    Stage(StageKind.TAIL_FREE, (0.99,)),
    Stage(StageKind.TYPICAL, (0.99,)),
    Stage(StageKind.TOP_P, (0.92,)),
    Stage(StageKind.MIN_P, (0.01,)),
    Stage(StageKind.TEMPERATURE, (0.75, 0.0, 1.0, 0.0, 1.0)),
    Stage(StageKind.XTC, (0.1, 0.5)),
)


@pytest.mark.parametrize("size", [32, 49_152, 262_144])
@pytest.mark.parametrize("last", [None, (2, 5.0, 0.1), (1, 3.0, 0.1)])
def test_kobolds_chain_draws_the_same_text(
    library: Library, size: int, last: tuple[float, ...] | None
) -> None:
    """Tokens in a row, each of which the memories of DRY, mirostat and adaptive-p depend on."""
    stages = (*KOBOLD, Stage(StageKind.MIROSTAT, last)) if last else KOBOLD
    rng = np.random.default_rng(size)
    chain = sampling.Chain(stages, 7, rng.integers(0, 32, 400).tolist())
    native = Native(library, chain, size)
    for _ in range(30 if size < 100_000 else 8):
        logits = rng.normal(0, 3, size).astype(np.float32).astype(np.float64)
        ours, definition = native.draw(logits), chain.draw(logits)
        assert ours == definition


@given(data=st.data())
@settings(ANY, max_examples=60)
def test_memories_follow_what_was_drawn(library: Library, data: Any) -> None:
    """A sampler that drew tokens is as good as a new one that was given them, but for mirostat and adaptive-p."""
    size = data.draw(st.sampled_from([3, 8]))
    kinds = {kind: TAME[kind] for kind in (StageKind.DRY, StageKind.PENALTIES, StageKind.XTC)}
    chain = data.draw(chains(size, kinds))
    grown = Native(library, chain, size)
    logits = np.linspace(-1, 1, size)
    for _ in range(data.draw(st.integers(1, 12))):
        chain.history.append(grown.draw(logits))
    fresh = Native(library, chain, size)
    count = len(chain.stages)
    assert np.array_equal(grown.after(logits, count), fresh.after(logits, count))
    assert np.allclose(grown.after(logits, count), chain.apply(logits)[-1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("target", [0.2, 0.5, 0.8])
def test_adaptive_p_draws_the_same_text(library: Library, target: float) -> None:
    chain = sampling.Chain([Stage(StageKind.ADAPTIVE_P, (target, 0.9))], 11, [])
    native = Native(library, chain, 50)
    rng = np.random.default_rng(3)
    for _ in range(50):
        logits = rng.normal(0, 3, 50).astype(np.float32).astype(np.float64)
        assert native.draw(logits) == chain.draw(logits)


@given(data=st.data())
@settings(ANY, max_examples=100)
def test_every_sampler_at_its_extreme_leaves_a_token(library: Library, data: Any) -> None:
    logits = data.draw(rows((1, 2, 32, 1000)))
    extremes = {kind: [values[0], values[-2], values[-1]] for kind, values in VALUES.items()}
    kinds = data.draw(st.permutations(sorted(extremes)))
    stages = [Stage(kind, data.draw(st.sampled_from(extremes[kind]))) for kind in kinds]
    chain = sampling.Chain(stages, data.draw(st.integers(0, 2**64 - 1)), [0] * 50)
    native = Native(library, chain, len(logits))
    for _ in range(3):
        token = native.draw(logits * data.draw(st.sampled_from([1.0, 1e20])))
        assert logits[token] > -np.inf


@pytest.mark.parametrize("kind", list(StageKind))
def test_logits_below_what_they_are_clamped_to_leave_a_token(
    library: Library, kind: StageKind
) -> None:
    # A bias may take a logit that guidance has clamped below that again.
    for values in VALUES[kind]:
        for logits in (np.full(100, -2e30), np.linspace(-3e38, -2e30, 100)):
            chain = sampling.Chain([Stage(kind, values)], 1, [3, 3, 3, 3, 3])
            assert Native(library, chain, 100).draw(logits) >= 0


@pytest.mark.parametrize("kind", list(StageKind))
@pytest.mark.parametrize("biases", [(1e30,), (1e30, 1e30), (1e30, 1e29), (-1e30,)])
def test_logits_that_a_temperature_takes_to_their_bounds(
    library: Library, kind: StageKind, biases: tuple[float, ...]
) -> None:
    logits = np.random.default_rng(4).normal(0, 2, 300).astype(np.float32).astype(np.float64)
    bias = tuple((200 + place, value) for place, value in enumerate(biases))
    for values in VALUES[kind]:
        for changed in ((0.001, 0.0), (1.0, 2.0), (1.7, 0.0), (3.3, 0.0), (7.7, 0.0)):
            stages = [Stage(StageKind.TEMPERATURE, (*changed, 1.0, 0.0, 1.0)), Stage(kind, values)]
            chain = sampling.Chain(stages, 1, [3, 3, 3], bias)
            definition = chain.apply(logits)[-1]
            ours = Native(library, chain, len(logits)).after(logits, 2)
            is_same = distance(ours, definition) < 1e-4
            assert is_same or not is_settled(chain, logits), (values, changed)


@pytest.mark.parametrize("kind", list(StageKind))
def test_no_stage_hides_that_numbers_are_broken(library: Library, kind: StageKind) -> None:
    for values in VALUES[kind]:
        chain = sampling.Chain([Stage(kind, values)], 1, [3, 3, 3, 3, 3])
        native = Native(library, chain, 100)
        for broken in (np.nan, np.inf):
            for place in (3, 50):
                logits = np.zeros(100)
                logits[place] = broken
                assert native.draw(logits) == NO_NUMBERS
                assert chain.draw(logits) == NO_NUMBERS
        assert native.draw(np.full(100, -np.inf)) == NO_NUMBERS
        bans = tuple((token, -np.inf) for token in range(100))
        banned = sampling.Chain([Stage(kind, values)], 1, [3] * 5, bans)
        assert Native(library, banned, 100).draw(np.zeros(100)) == ALL_FORBIDDEN
        but_one = sampling.Chain([Stage(kind, values)], 1, [3] * 5, bans[1:])
        assert Native(library, but_one, 100).draw(np.zeros(100)) == 0
        assert native.draw(np.zeros(100)) >= 0, "the next step is none the worse for it"


@pytest.mark.parametrize(
    "stages",
    [
        (),
        (Stage(StageKind.TEMPERATURE, (0.7,)),),
        (Stage(StageKind.TOP_K, (6,)), Stage(StageKind.TEMPERATURE, (1.5,))),
        (Stage(StageKind.TOP_K, (40,)), Stage(StageKind.XTC, (0.1, 0.5))),
    ],
)
def test_draws_from_a_list_follow_the_distribution(
    library: Library, stages: tuple[Stage, ...]
) -> None:
    """Chi-squared over 20,000 draws of 50 tokens, binned: with these seeds, the same each time."""
    logits = np.linspace(2.5, -2.5, 50)
    plain = [stage for stage in stages if stage.kind is not StageKind.XTC]
    expected = sampling.probabilities(sampling.Chain(plain, 0, []).apply(logits)[-1])
    if len(plain) < len(stages):
        chosen = sampling.Chain([*plain, Stage(StageKind.XTC, (0.1, 1.0))], 0, []).apply(logits)
        expected = (expected + sampling.probabilities(chosen[-1])) / 2
    native = Native(library, sampling.Chain(stages, 5, []), 50)
    counts = np.bincount([native.draw(logits) for _ in range(20_000)], minlength=50)
    assert counts[expected < 1e-12].sum() == 0
    kept = expected * 20_000 >= 5
    chi_squared = ((counts - expected * 20_000)[kept] ** 2 / (expected[kept] * 20_000)).sum()
    assert chi_squared < kept.sum() + 6 * np.sqrt(2 * kept.sum())
