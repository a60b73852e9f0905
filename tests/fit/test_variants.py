"""Which variants of a model fit."""

from __future__ import annotations

from coblyn.fit.need import MAIN, Measured, Need, Space
from coblyn.fit.variants import Verdict, judge, with_weights

GB = 10**9
WISHED = Measured((Need(MAIN, weights=GB, mapped=3 * GB, cache=2 * GB, compute=GB),))
LEAST = Measured((Need(MAIN, weights=GB, mapped=3 * GB, compute=GB),))
SPACES = (Space(MAIN, 10 * GB, 10 * GB),)


def test_other_weights_take_the_same_shares() -> None:
    (need,) = with_weights(WISHED, 8 * GB).needs
    assert (need.weights, need.mapped, need.cache, need.compute) == (2 * GB, 6 * GB, 2 * GB, GB)
    assert with_weights(Measured((Need(MAIN, cache=1),)), 5).total == 1


def test_a_variant_fits_wholly_or_with_less_or_not() -> None:
    def verdict(size: int, margin: float = 0) -> Verdict:
        return judge(size, WISHED, [LEAST], SPACES, margin).verdict

    assert [verdict(size * GB) for size in (7, 8, 9, 10)] == [
        Verdict.ALL,
        Verdict.WITH_LESS,
        Verdict.WITH_LESS,
        Verdict.NONE,
    ]
    assert verdict(7 * GB, margin=5) is Verdict.WITH_LESS
    assert judge(7 * GB, WISHED, [LEAST], SPACES, 0).total == 10 * GB


def test_another_way_to_give_up_counts() -> None:
    spaces = (Space("GPU0", 4 * GB, 4 * GB), Space(MAIN, 20 * GB, 20 * GB))
    on_gpu = Measured((Need("GPU0", weights=4 * GB), Need(MAIN)))
    on_cpu = Measured((Need("GPU0"), Need(MAIN, weights=4 * GB)))
    assert judge(8 * GB, on_gpu, [on_gpu], spaces, 0).verdict is Verdict.NONE
    assert judge(8 * GB, on_gpu, [on_gpu, on_cpu], spaces, 0).verdict is Verdict.WITH_LESS
