"""A setting that was given never leads to complaints about one that was not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coblyn.engine.config import MAX_SEQUENCES, EngineConfig
from coblyn.errors import SettingsError


@given(st.integers(1, 128), st.integers(32, 65536), st.integers(16, 65536))
def test_whatever_settings_allow_makes_an_engine(
    max_running: int, batch: int, busy_batch: int
) -> None:
    config = EngineConfig("", max_running=max_running, batch=batch, busy_batch=busy_batch)
    assert config.max_running == max_running
    assert config.max_sequences < MAX_SEQUENCES
    assert config.max_sequences < config.batch <= 2**16
    assert max_running < config.busy_batch <= config.batch


@given(st.integers(1, 128))
def test_with_cells_of_their_own_one_request_in_eight_may_be_guided(max_running: int) -> None:
    config = EngineConfig("", max_running=max_running)
    guides = config.own_sequences - max_running
    assert guides == min(config.num_idle, -(-max_running // 8))
    assert config.own_sequences <= config.max_sequences


def test_what_was_given_stays_where_it_can() -> None:
    config = EngineConfig("", max_running=4, batch=64, busy_batch=32)
    assert (config.batch, config.busy_batch, config.num_idle) == (64, 32, 8)


@pytest.mark.parametrize(
    ("name", "value", "limit"),
    [
        ("max_running", 129, "128"),
        ("max_running", 0, "1"),
        ("batch", 2**17, "65536"),
        ("context", -1, "0"),
        ("cache_memory", -1, "0"),
    ],
)
def test_what_is_out_of_range_is_named_with_its_limit(name: str, value: int, limit: str) -> None:
    with pytest.raises(SettingsError, match=rf"{name} is {value}: Expected int [<>]= {limit}\."):
        EngineConfig("", **{name: value})  # type: ignore[arg-type]
