"""Constraints and banned phrases on a real model, in one batch with requests that have none."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from coblyn.constraints.constraint import Constraint
from coblyn.engine.config import EngineConfig
from coblyn.engine.events import Delta, Finish
from coblyn.engine.local import LocalEngine
from coblyn.engine.params import SamplingParams
from coblyn.engine.prompt import Prompt
from coblyn.engine.request import Request
from coblyn.engine.runner import LlamaRunner
from coblyn.engine.thinking import Thinking
from coblyn.errors import BadRequest, CoblynError, ConstraintRefused
from coblyn.native.bundle import Bundle
from factories import events_of, tokens_of

pytestmark = pytest.mark.native

PERSON = Constraint(
    "json_schema",
    json.dumps(
        {
            "type": "object",
            "properties": {
                "name": {"type": "string", "maxLength": 12},
                "age": {"type": "integer", "minimum": 0, "maximum": 120},
                "mood": {"enum": ["calm", "afraid"]},
            },
            "required": ["name", "age", "mood"],
            "additionalProperties": False,
        }
    ),
)
GREEDY = SamplingParams(temperature=0)


@pytest.fixture(scope="module")
def config(bundle: Bundle, starter_model: Path) -> EngineConfig:
    # Kernels are chosen by measurements, which may change between two texts.
    return EngineConfig(str(starter_model), str(bundle.lib_dir), context=1024, kernels=False)


@pytest.fixture(scope="module")
def runner_engine(config: EngineConfig) -> Iterator[LocalEngine]:
    engine = LocalEngine(partial(LlamaRunner, config), max_running=config.max_running)
    yield engine
    asyncio.run(engine.close())


@pytest.fixture
async def engine(runner_engine: LocalEngine) -> LocalEngine:
    return runner_engine


@pytest.fixture
async def hasty(config: EngineConfig) -> AsyncIterator[LocalEngine]:
    """Gives a constraint a second, which is little on a busy machine."""
    hasty = replace(config, constraint_seconds=1)
    engine = LocalEngine(partial(LlamaRunner, hasty), max_running=config.max_running)
    yield engine
    await engine.close()


async def ask(engine: LocalEngine, name: str, **options: object) -> tuple[str, Finish]:
    ids = await tokens_of(engine, "The old miner said: ", add_special=True, parse_special=False)
    given = {"max_tokens": 80, "sampling": GREEDY} | options
    text = ""
    async for event in events_of(engine, Request(name, Prompt.of(ids), **given)):  # type: ignore[arg-type]
        if isinstance(event, Delta):
            text += event.text
        elif isinstance(event, Finish):
            return text, event
    raise AssertionError("it has no end")


async def test_a_batch_of_all_kinds(engine: LocalEngine) -> None:
    alone, _ = await ask(engine, "alone", max_tokens=40)
    word = alone.split()[1]
    results = await asyncio.gather(
        ask(engine, "schema", constraint=PERSON),
        ask(engine, "warm", constraint=PERSON, sampling=SamplingParams(temperature=1.5, seed=7)),
        ask(engine, "choice", constraint=Constraint("choice", '["iron ore", "gold"]')),
        ask(engine, "gbnf", constraint=Constraint("gbnf", 'root ::= [a-z]{3} " " [0-9]{1,3} "!"')),
        ask(engine, "phrases", max_tokens=40, banned_phrases=(word.upper(),)),
        ask(engine, "plain", max_tokens=40),
    )
    texts = [text for text, _ in results]
    for text in texts[:2]:
        person = json.loads(text)
        assert set(person) == {"name", "age", "mood"}
        assert 0 <= person["age"] <= 120
    assert texts[2] in ("iron ore", "gold")
    assert texts[3].endswith("!")
    assert word.lower() not in texts[4].lower()
    assert [finish.reason for _, finish in results] == ["eos"] * 4 + ["length"] * 2


async def test_bans_that_leave_a_constraint_nothing_are_no_fault_of_the_model(
    engine: LocalEngine,
) -> None:
    ids = await tokens_of(engine, "The old miner said: ", add_special=True, parse_special=False)
    constraint = Constraint("choice", '["gold"]')
    request = Request(
        "none", Prompt.of(ids), 9, GREEDY, constraint=constraint, banned_phrases=("g",)
    )
    with pytest.raises(BadRequest, match="banned phrase"):
        async for _ in events_of(engine, request):
            pass


async def test_a_lazy_constraint_holds_from_its_trigger_on(engine: LocalEngine) -> None:
    free, _ = await ask(engine, "free", max_tokens=60)
    words = free.split()
    trigger = f"{words[3]} {words[4]}"
    number = Constraint("regex", " [0-9]{2,4} tons", triggers=(trigger,))
    (text, finish), (other, _) = await asyncio.gather(
        ask(engine, "lazy", constraint=number, max_tokens=60),
        ask(engine, "beside", max_tokens=60),
    )
    before, _, after = text.partition(trigger)
    assert free.startswith(before + trigger), "until then it is the text of a free request"
    assert re.fullmatch(r" [0-9]{2,4} tons", after), text
    assert finish.reason == "eos"
    assert other == free


async def test_a_text_that_is_cut_says_so(engine: LocalEngine) -> None:
    text, finish = await ask(engine, "cut", constraint=PERSON, max_tokens=5)
    assert finish.reason == "length"
    assert text.startswith("{")


async def test_a_wrong_constraint_fails_alone(engine: LocalEngine) -> None:
    good = asyncio.create_task(ask(engine, "good", constraint=PERSON))
    with pytest.raises(ConstraintRefused, match="uniqueItems"):
        await ask(engine, "bad", constraint=Constraint("json_schema", '{"uniqueItems": true}'))
    json.loads((await good)[0])


async def test_reasoning_that_ends_early_is_as_if_the_model_had_ended_it(
    engine: LocalEngine,
) -> None:
    thinking = Thinking("<think>", "</think>", "</think>\n\n", is_open=True, max_tokens=6)
    sampling = SamplingParams(temperature=0, repetition_penalty=1.3)
    (text, _), (other, _) = await asyncio.gather(
        ask(engine, "thinks", thinking=thinking, sampling=sampling, max_tokens=40),
        ask(engine, "plain", max_tokens=40),
    )
    thought, _, answer = text.partition("</think>\n\n")
    assert other
    assert thought
    assert answer
    prompt = "The old miner said: "
    ids = await tokens_of(engine, prompt, add_special=True, parse_special=False)
    free, _ = await ask(engine, "free", sampling=sampling, max_tokens=6)
    assert thought == free, "until its end nothing is different"
    ids += await tokens_of(engine, thought, add_special=False, parse_special=False)
    ids += await tokens_of(engine, "</think>\n\n", add_special=False, parse_special=True)
    request = Request("again", Prompt.of(ids), 12, sampling)
    again = "".join(
        [event.text async for event in events_of(engine, request) if isinstance(event, Delta)]
    )
    assert answer.startswith(again)


@pytest.mark.parametrize(
    "grammar",
    [
        "start: x{1,2000}\nx: y{0,50}\ny: /[a-z ]/ | x",
        "start: a\na: b b?\nb: c c?\nc: d d?\nd: e e?\ne: f f?\nf: a a? | /[a-z ]/ | ",
    ],
    ids=["loops in loops", "a circle"],
)
async def test_a_hostile_grammar_fails_alone(hasty: LocalEngine, grammar: str) -> None:
    other = asyncio.create_task(ask(hasty, "other", max_tokens=100))
    with pytest.raises(CoblynError, match="constraint"):
        await ask(hasty, "hostile", constraint=Constraint("lark", grammar), max_tokens=400)
    assert (await other)[1].stats.num_generated > 0


async def test_log_probabilities_are_the_models_own(engine: LocalEngine) -> None:
    sampling = SamplingParams(temperature=0, logprobs=2)
    ids = await tokens_of(engine, "The old miner said: ", add_special=True, parse_special=False)
    request = Request(
        "logs", Prompt.of(ids), 4, sampling, constraint=Constraint("choice", '["zzz zz"]')
    )
    tokens = [
        token
        async for event in events_of(engine, request)
        if isinstance(event, Delta)
        for token in event.tokens
    ]
    first = tokens[0]
    assert first.logprob is not None
    assert first.logprob < min(each.logprob for each in first.top), "it was forced, and unlikely"


async def test_tokens_that_are_known_are_as_likely_as_when_they_were_drawn(
    engine: LocalEngine,
) -> None:
    prompt = await tokens_of(engine, "The old miner said: ", parse_special=False)
    drawn = await tokens_with_logprobs(engine, "draws", prompt, max_tokens=12)
    end = (await tokens_of(engine, "<|im_end|>", add_special=False))[0]
    ids = [*prompt, *(token for token, _ in drawn), end, drawn[0][0]]
    known = Constraint("tokens", json.dumps(ids[1:]))
    (told, other) = await asyncio.gather(
        tokens_with_logprobs(
            engine, "knows", ids[:1], constraint=known, ignore_eos=True, max_tokens=len(ids)
        ),
        ask(engine, "beside", constraint=PERSON),
    )
    assert [token for token, _ in told] == ids[1:], "also what would end a generation"
    start = len(prompt) - 1
    again = told[start : start + len(drawn)]
    assert [logprob for _, logprob in again] == pytest.approx([p for _, p in drawn], abs=0.25)
    assert any(logprob < -1 for _, logprob in told[:start]), "nobody drew these"
    json.loads(other[0])


async def tokens_with_logprobs(
    engine: LocalEngine, name: str, ids: list[int], **options: object
) -> list[tuple[int, float]]:
    sampling = SamplingParams(temperature=0, logprobs=1)
    request = Request(name, Prompt.of(ids), sampling=sampling, **options)  # type: ignore[arg-type]
    deltas = [event async for event in events_of(engine, request) if isinstance(event, Delta)]
    return [(t.token, t.logprob or 0.0) for delta in deltas for t in delta.tokens]
