"""The table of generation parameters is whole, and the chain that a request gets from it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import fields, replace
from pathlib import Path

import pytest

from coblyn.api.parameters import KOBOLD_NUMBERS, OPENAI_NUMBERS, NumbersReader
from coblyn.engine.params import PARAMETERS, SamplingParams
from coblyn.engine.stages import STAGES, chain
from coblyn.errors import BadRequest
from coblyn.llama.stage import StageKind

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs/reference.md"
BESIDES = {
    "sampler_order",
    "dry_sequence_breakers",
    "logit_bias",
    "seed",
    "logprobs",
    "logprobs_after",
}


def test_every_field_is_a_row_or_no_number() -> None:
    assert {field.name for field in fields(SamplingParams)} == PARAMETERS.keys() | BESIDES


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_row_is_whole(name: str) -> None:
    row = PARAMETERS[name]
    assert row.meaning.endswith(".")
    assert row.source
    assert row.names
    assert row.is_allowed(row.default)
    if row.off is not None:
        assert row.is_off(row.default), "what is not given changes nothing"


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_row_takes_what_is_no_number(name: str, value: float) -> None:
    with pytest.raises(BadRequest) as caught:
        SamplingParams(**{name: value})  # type: ignore[arg-type]
    assert caught.value.field == name
    assert PARAMETERS[name].is_allowed(PARAMETERS[name].held(value))


def test_every_row_belongs_to_one_stage() -> None:
    taken = Counter(name for stage in STAGES.values() for name in stage.parameters)
    assert taken == Counter(PARAMETERS.keys() - {"guidance_scale"}), "guidance comes before all"
    assert all(any(PARAMETERS[name].off for name in s.parameters) for s in STAGES.values())


@pytest.mark.parametrize("reader", [KOBOLD_NUMBERS, OPENAI_NUMBERS])
def test_no_name_means_two_things(reader: NumbersReader) -> None:
    assert reader.names.keys() == PARAMETERS.keys()
    counts = Counter(name for names in reader.names.values() for name in names)
    assert set(counts.values()) == {1}


def test_the_reference_has_every_row() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    for row in PARAMETERS.values():
        assert f"| `{row.name}` |" in text
        assert row.meaning in text


def names(params: SamplingParams) -> list[str]:
    """The stages of a chain, by their names."""
    limit = (StageKind.TOP_K, (params.max_candidates,))
    return [
        "max_candidates" if stage == limit else stage.kind.name.lower() for stage in chain(params)
    ]


EVERYTHING = {
    "temperature": 0.5,
    "max_candidates": 3000,
    "top_k": 10,
    "top_a": 0.1,
    "top_p": 0.9,
    "min_p": 0.1,
    "tail_free": 0.9,
    "typical_p": 0.9,
    "top_n_sigma": 1.0,
    "repetition_penalty": 1.1,
    "dry_multiplier": 0.8,
    "xtc_probability": 0.5,
    "adaptive_target": 0.5,
}


def test_what_is_off_is_no_stage() -> None:
    assert chain(SamplingParams()) == ()
    for name, value in EVERYTHING.items():
        (stage,) = chain(SamplingParams(**{name: value}))  # type: ignore[arg-type]
        (row,) = [row for row in STAGES.values() if name in row.parameters]
        assert stage.kind is row.kind
        assert stage.values[row.parameters.index(name)] == value


def test_the_default_order_is_that_of_koboldcpp() -> None:
    assert names(SamplingParams(**EVERYTHING)) == [  # type: ignore[arg-type]
        "dry",
        "max_candidates",
        "penalties",
        "top_k",
        "top_a",
        "tail_free",
        "typical",
        "top_p",
        "min_p",
        "temperature",
        "top_n_sigma",
        "xtc",
        "adaptive_p",
    ]


def test_a_request_orders_its_chain_and_leaves_samplers_out() -> None:
    params = SamplingParams(**EVERYTHING, sampler_order=(5, 2, 6))  # type: ignore[arg-type]
    ordered = ["temperature", "top_n_sigma", "top_p", "min_p", "penalties"]
    assert names(params) == ["dry", "max_candidates", *ordered, "xtc", "adaptive_p"]
    with pytest.raises(BadRequest, match="sampler_order"):
        SamplingParams(sampler_order=(6, 6))


def test_mirostat_takes_the_place_of_truncation() -> None:
    params = SamplingParams(**EVERYTHING, mirostat=2, sampler_order=(0,))  # type: ignore[arg-type]
    assert names(params) == ["dry", "max_candidates", "penalties", "temperature", "mirostat"]


def test_with_mirostat_the_temperature_is_not_dynamic() -> None:
    params = SamplingParams(mirostat=2, temperature=0.5, dynatemp_range=0.4)
    assert chain(params) == chain(replace(params, dynatemp_range=0.0))


def test_without_a_draw_what_follows_temperature_and_truncates_before_it_is_idle() -> None:
    params = SamplingParams(**EVERYTHING | {"temperature": 0.0})  # type: ignore[arg-type]
    before_typical = ["dry", "max_candidates", "penalties", "top_k", "top_a", "tail_free"]
    assert names(params) == [*before_typical, "typical", "temperature"]


def test_the_native_interface_has_every_stage() -> None:
    assert {row.kind for row in STAGES.values()} == set(StageKind)


def test_the_limit_of_candidates_is_left_out_where_top_k_keeps_fewer() -> None:
    usual = SamplingParams(
        max_candidates=3000, top_k=100, repetition_penalty=1.1, repetition_range=360
    )
    assert names(usual) == ["penalties", "top_k"]
    for change in (
        {"top_k": 2700},
        {"repetition_range": 0},
        {"presence_penalty": -0.5},
        {"repetition_penalty": 0.9},
        {"sampler_order": (6, 5, 0)},
        {"sampler_order": (6, 2, 0)},
        {"mirostat": 2},
    ):
        assert "max_candidates" in names(replace(usual, **change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ((0, 1, 2, 3, 5), ["temperature"]),
        ((6, 0, 2, 5), ["penalties", "temperature"]),
        ((0, 6, 2, 5), ["top_k", "penalties", "temperature"]),
        ((0, 2, 4, 3, 5), ["top_k", "top_p", "min_p", "typical", "temperature"]),
        ((5, 0, 4), ["temperature"]),
        ((0, 2), ["top_k", "top_p", "min_p"]),
    ],
)
def test_without_a_draw_what_decides_which_token_is_first_is_kept(
    order: tuple[int, ...], expected: list[str]
) -> None:
    wanted = {"top_k": 1, "top_p": 0.9, "min_p": 0.1, "typical_p": 0.9, "repetition_penalty": 1.5}
    params = SamplingParams(temperature=0, sampler_order=order, **wanted)  # type: ignore[arg-type]
    assert names(params) == expected
