"""Random requests over all parameters at their extremes: each gets one answer of the real engine, which lives on."""

from __future__ import annotations

import asyncio
import json
import math
import os
import random
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coblyn.constraints.constraint import Constraint
from coblyn.engine.config import EngineConfig
from coblyn.engine.encoded import Source, Text
from coblyn.engine.events import Delta, Failed, Finish
from coblyn.engine.local import LocalEngine
from coblyn.engine.parameter import Parameter
from coblyn.engine.params import DEFAULT_ORDER, PARAMETERS, SamplingParams
from coblyn.engine.request import Request
from coblyn.engine.runner import LlamaRunner
from coblyn.engine.thinking import Thinking
from coblyn.errors import CoblynError
from coblyn.native.bundle import Bundle
from family_models import FAMILIES, family_model

pytestmark = pytest.mark.native

CONTEXT, RUNNING, WAVE = 256, 8, 20
"""Tokens of a request, requests that run, and requests that are asked for at a time."""

MANY = int(os.environ.get("COBLYN_EXTREMES", "400"))
"""Requests of the long run. 5,000 took 24 minutes on a busy machine."""

SECONDS = 120
"""For a wave: a thousand times what it takes would be a hang."""

CONSTRAINTS = (
    Constraint("regex", "[a-z]{1,5}[0-9]*"),
    Constraint("regex", "(a|b)*c", triggers=("a", "e"), repeats=True),
    Constraint("choice", json.dumps(["yes", "no", "灯"])),
    Constraint("json_schema", json.dumps({"type": "array", "items": {"type": "integer"}})),
    Constraint("gbnf", 'root ::= "x" root | [^x]'),
    Constraint("lark", 'start: "a"+ /[b-f]/'),
    Constraint("tokens", json.dumps([70, 71, 72, 2])),
)
PHRASES = ("a", "e ", "\n", "the", "灯", "<", "zz", "\u00e9")
ALLOWED_ERRORS = {"bad_request", "constraint_refused"}


def value(dice: random.Random, parameter: Parameter) -> float:
    """One of its extremes, what is next to them, or anything between."""
    low, high = parameter.range
    edges = [low, high, parameter.default, *(parameter.off or ()), 0, 1, -1, 1e-30, 1e30, 3000]
    found = dice.choice([*edges, dice.uniform(-2, 4), dice.uniform(max(low, -100), min(high, 100))])
    found = min(max(found, low), high)
    return int(found) if parameter.kind == "int" else float(found)


def sampling(dice: random.Random, vocab_size: int) -> SamplingParams:
    """Some parameters changed, or all of them."""
    share = dice.choice([0.05, 0.3, 1.0])
    chosen: dict[str, Any] = {
        name: value(dice, row) for name, row in PARAMETERS.items() if dice.random() < share
    }
    biases = [-math.inf, -1e30, 1e30, 100.0, 0.0]
    tokens = dice.sample(range(vocab_size), dice.choice([0, 0, 1, 30, vocab_size]))
    return SamplingParams(
        **chosen,
        sampler_order=tuple(dice.sample(DEFAULT_ORDER, dice.randint(0, len(DEFAULT_ORDER)))),
        dry_sequence_breakers=tuple(dice.sample(PHRASES, dice.randint(0, 3))),
        logit_bias=tuple((token, dice.choice(biases)) for token in tokens),
        seed=dice.choice([None, 0, 2**64 - 1, dice.getrandbits(64)]),
        logprobs=dice.choice([None, None, 0, 1, 20]),
        logprobs_after=dice.random() < 0.5,
    )


def text(dice: random.Random) -> str:
    length = dice.choice([1, 3, 20, 60, CONTEXT - 10])
    return "".join(dice.choice("abc e\n灯é<") for _ in range(length))[: CONTEXT // 4]


def thinking(dice: random.Random) -> Thinking:
    limit = dice.choice([None, 0, 1, 5])
    return Thinking("<t>", "</t>", "</t>\n", dice.random() < 0.7, limit)


def few(dice: random.Random, items: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dice.sample(items, dice.choice([0, 0, 0, 1, 2])))


async def prompt(engine: LocalEngine, dice: random.Random) -> str:
    return (await engine.encode(Source((Text(text(dice)),)))).id


async def request(engine: LocalEngine, dice: random.Random, name: str) -> Request[Any]:
    """Anything that may be asked for."""
    wanted = sampling(dice, engine.info.vocab_size)
    return Request(
        name,
        await prompt(engine, dice),
        dice.choice([1, 2, 9, 30, 10**6]),
        wanted,
        stop=few(dice, PHRASES),
        keep_stop=dice.random() < 0.5,
        ban_eos=dice.random() < 0.3,
        ignore_eos=dice.random() < 0.5,
        special=dice.random() < 0.5,
        constraint=dice.choice([None, None, None, *CONSTRAINTS]),
        banned_phrases=few(dice, PHRASES),
        banned_patterns=few(dice, ("[a-f]+g", ".", "\\b灯")),
        thinking=thinking(dice) if dice.random() < 0.2 else None,
        speculates=dice.random() < 0.5,
        min_tokens=dice.choice([0, 0, 1, 5, 10**6]),
        stop_tokens=few(dice, (2, 70, 100)),
        negative=await prompt(engine, dice) if wanted.is_guided else None,
    )


async def answer(engine: LocalEngine, asked: Request[Any], *, leaves: bool) -> str:
    """What became of a request; all numbers of its tokens are numbers."""
    ends, num_tokens = [], 0
    events = engine.generate(asked)
    try:
        async for event in events:
            if isinstance(event, Delta):
                num_tokens += len(event.tokens)
                for token in event.tokens:
                    logprobs = [token.logprob, *(each.logprob for each in token.top)]
                    assert not any(each is not None and math.isnan(each) for each in logprobs)
                if leaves:
                    await events.aclose()  # type: ignore[attr-defined]
                    return "left"
            elif isinstance(event, Finish | Failed):
                ends.append(event)
    except CoblynError as error:
        assert not ends
        return error.code
    (end,) = ends
    if isinstance(end, Failed):
        return end.code
    assert num_tokens <= end.stats.num_generated <= CONTEXT
    return end.reason


async def plain(engine: LocalEngine) -> str:
    """What the model writes where nothing is asked for."""
    encoded = await engine.encode(Source((Text("Who knocks in the mine?"),)))
    asked = Request("plain", encoded.id, 40, SamplingParams(temperature=0.0), speculates=False)
    pieces = [e.text async for e in engine.generate(asked) if isinstance(e, Delta)]
    return "".join(pieces)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> EngineConfig:
    folder: Path = tmp_path_factory.mktemp("extremes")
    path = family_model(replace(FAMILIES[0], marks=("<t>", "</t>"))).write(folder / "model.gguf")
    return EngineConfig(
        str(path),
        str(bundle.lib_dir),
        context=CONTEXT,
        threads=1,
        max_running=RUNNING,
        kernels=False,
        speculation=True,
    )


@pytest.mark.parametrize("num_requests", [80, pytest.param(MANY, marks=pytest.mark.slow)])
async def test_every_request_gets_one_answer_and_the_engine_lives(
    config: EngineConfig, num_requests: int
) -> None:
    dice = random.Random(num_requests)
    engine = LocalEngine(
        lambda: LlamaRunner(config), max_running=RUNNING, max_waiting=WAVE, speculates=True
    )
    outcomes: dict[str, int] = {}
    try:
        before = await plain(engine)
        for start in range(0, num_requests, WAVE):
            asked = [await request(engine, dice, str(start + index)) for index in range(WAVE)]
            jobs = [answer(engine, each, leaves=dice.random() < 0.05) for each in asked]
            async with asyncio.timeout(SECONDS):
                for outcome in await asyncio.gather(*jobs):
                    outcomes[outcome] = outcomes.get(outcome, 0) + 1
        async with asyncio.timeout(SECONDS):
            assert await plain(engine) == before
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS):
                await engine.close()
    assert sum(outcomes.values()) == num_requests
    assert {"eos", "length", "stop", "left"} <= set(outcomes)
    assert set(outcomes) - {"eos", "length", "stop", "left"} <= ALLOWED_ERRORS, outcomes
