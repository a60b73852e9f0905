"""llama-server's orders by name."""

from __future__ import annotations

import pytest

from coblyn.api.samplers import read_samplers
from coblyn.engine.stages import STAGES
from coblyn.errors import BadRequest


@pytest.mark.parametrize("name", STAGES)
def test_every_sampler_is_known_by_its_own_name(name: str) -> None:
    order = read_samplers([name, "temperature"] if name != "temperature" else [name])
    assert order[-1:] == (5,)


def test_ours_and_theirs_are_the_same_sampler() -> None:
    assert read_samplers(["tail_free", "typical"]) == read_samplers(["tfs_z", "typ_p"]) == (3, 4)
    assert read_samplers("kypmt") == read_samplers(["top_k", "typ_p", "top_p", "temp"])


def test_a_sampler_under_two_names_counts_once_and_under_one_name_twice_is_refused() -> None:
    assert read_samplers(["top_k", "typ_p", "tfs_z", "typical_p", "top_p"]) == (0, 4, 3, 2)
    with pytest.raises(BadRequest, match="twice"):
        read_samplers(["top_k", "top_p", "top_k"])
