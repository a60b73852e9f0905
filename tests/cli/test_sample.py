"""``coblyn sample``: the candidates behind each sampler."""

from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from coblyn.cli.app import make_app
from coblyn.engine.config import EngineConfig
from coblyn.engine.encoded import Source, Text
from coblyn.engine.insight import Insight
from coblyn.engine.local import LocalEngine
from coblyn.engine.params import SamplingParams
from coblyn.engine.request import Request
from coblyn.engine.runner import LlamaRunner
from coblyn.native.bundle import Bundle


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(make_app(), ["sample", *arguments])


@pytest.mark.parametrize(
    ("chain", "word"),
    [("nope=1", "nope"), ("top_k", "top_k"), ("top_p=x", "top_p"), ("sampler_order=6,x", "order")],
)
def test_a_chain_that_cannot_be_read_is_refused(chain: str, word: str, tmp_path: Path) -> None:
    result = invoke(str(tmp_path / "none.gguf"), "a", "--chain", chain)
    assert result.exit_code != 0
    assert word in str(result.exception)


@pytest.fixture
def installed(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, users_environment: dict[str, str]
) -> None:
    monkeypatch.setattr("coblyn.cli.build.ensure_bundle", lambda: bundle)


@pytest.mark.native
def test_each_stage_says_what_it_leaves(installed: None, starter_model: Path) -> None:
    chain = "top_k=5 temperature=0.5 min_p=0.1 sampler_order=6,0,1,3,4,2,5"
    prompt = "The capital of France is"
    result = invoke(str(starter_model), prompt, "--chain", chain, "--json", "--top", "8")
    assert result.exit_code == 0, result.output
    model, *stages = json.loads(result.stdout)["stages"]
    assert [stage["name"] for stage in stages] == ["top_k", "min_p", "temperature"]
    assert stages[0]["values"] == {"top_k": 5}
    assert model["num_candidates"] == 49_152
    assert stages[0]["num_candidates"] == 5
    best = model["candidates"][0]
    assert best["text"] == " Paris"
    for stage in stages:
        shares = [each["probability"] for each in stage["candidates"]]
        assert math.isclose(sum(shares), 1, abs_tol=1e-6)
        assert shares == sorted(shares, reverse=True)
        assert stage["candidates"][0]["token"] == best["token"]
    # Top-k keeps the ratios of the model's own probabilities, temperature 0.5 squares them.
    first, second = (of(model, place) for place in range(2))
    assert math.isclose(of(stages[0], 0) / of(stages[0], 1), first / second, rel_tol=1e-4)
    if len(stages[2]["candidates"]) > 1:
        ratio = of(stages[2], 0) / of(stages[2], 1)
        assert math.isclose(ratio, (first / second) ** 2, rel_tol=1e-3)


def of(stage: dict[str, Any], place: int) -> float:
    return float(stage["candidates"][place]["probability"])


@pytest.mark.native
def test_the_table_has_a_row_for_each_token(installed: None, starter_model: Path) -> None:
    result = invoke(str(starter_model), "One, two, three,", "--chain", "top_k=3", "--top", "4")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["model", "top_k"]
    assert lines[-1].split() == ["candidates", "49,152", "3"]
    assert len(lines) == 2 + 4 + 1
    assert "' four'" in lines[2]


@pytest.mark.native
async def test_an_engine_that_read_a_prompt_says_the_same(
    bundle: Bundle, starter_model: Path
) -> None:
    config = EngineConfig(str(starter_model), str(bundle.lib_dir), context=256, max_running=2)
    params = SamplingParams(temperature=0.5, top_k=5, repetition_penalty=1.2)
    prompt = "The capital of France is"
    with Insight(config) as insight:
        alone = insight.look(prompt, params, 5)
    engine = LocalEngine(partial(LlamaRunner, config), max_running=2)
    try:
        encoded = await engine.encode(Source((Text(prompt),)))
        assert await engine.look(encoded.id, params, 5) == []
        async for _ in engine.generate(Request("one", encoded.id, 1)):
            pass
        for _ in range(2):  # looking changes nothing
            views = await engine.look(encoded.id, params, 5)
            assert [view.name for view in views] == [view.name for view in alone]
            for view, other in zip(views, alone, strict=True):
                assert view.num_candidates == other.num_candidates
                # Prompts that are read in other pieces round differently, and some of these tokens are near ties.
                best, expected = view.candidates[:3], other.candidates[:3]
                assert [each.token for each in best] == [each.token for each in expected]
                assert [each.probability for each in best] == pytest.approx(
                    [each.probability for each in expected], abs=0.02
                )
    finally:
        await engine.close()
