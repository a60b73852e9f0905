"""The whole engine's answers against recorded ones, which the unmodified library gave: greedy tokens and their chances.

Another processor rounds differently, and our own products and attention do: a token may change where two were as good
as equal. So each answer is compared up to there. ``COBLYN_REGENERATE=1`` records anew.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import statistics
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from coblyn.engine.config import EngineConfig
from coblyn.engine.events import Delta, TokenText
from coblyn.engine.local import LocalEngine
from coblyn.engine.params import SamplingParams
from coblyn.engine.prompt import Prompt
from coblyn.engine.request import Request
from coblyn.engine.runner import LlamaRunner
from coblyn.native.bundle import Bundle
from factories import events_of, tokens_of

pytestmark = pytest.mark.native

REGENERATE = bool(os.environ.get("COBLYN_REGENERATE"))
GOLDEN = Path(__file__).parent / "golden.json"
NUM_TOKENS = 32
TIE = 0.3
"""Nats between the two best tokens below which either may win."""
TOLERANCE = 0.3
"""Nats by which the chance of a token may differ: whatever changes the rounding of activations, such as a batch of
another size, changes single tokens by that much, in the unmodified library as well (docs/decisions.md)."""
TYPICAL = 0.08
"""Root mean square of all these differences at most; 0.024 to 0.035 were seen."""

PROMPTS = {
    "story": (
        "The lamp went out on the third level, and for a while there was only the sound of water. Then, from behind "
        "the rock, came three knocks. The old miner held up his hand, and the others stood still. Nobody had worked "
        "behind that wall for forty years, and the map showed nothing there but stone. He knocked three times with "
        "the handle of his pick, and they waited.\n\n"
    )
    * 2,
    "chat": (
        "<|im_start|>user\nWhat is the capital of France, and what is it known for?<|im_end|>\n"
        "<|im_start|>assistant\n"
    ),
    "code": (
        "def common_prefix(a, b):\n    count = 0\n    for x, y in zip(a, b):\n        if x != y:\n            break\n"
        "        count += 1\n    return count\n\n\ndef test_common_prefix():\n    assert common_prefix("
    ),
    "list": "Ünïcode, 漢字 and 🦙 are handled as well:\n"
    + "".join(f"{n}. item\n" for n in range(1, 40)),
}


class Golden(NamedTuple):
    """A token, its natural-log probability, and that of the runner-up."""

    token: int
    logprob: float
    runner_up: float


async def answer(engine: LocalEngine, name: str) -> list[TokenText]:
    tokens = await tokens_of(engine, PROMPTS[name])
    sampling = SamplingParams(temperature=0.0, logprobs=2)
    request = Request(name, Prompt.of(tokens), NUM_TOKENS, sampling, ignore_eos=True)
    deltas = [event async for event in events_of(engine, request) if isinstance(event, Delta)]
    return [token for delta in deltas for token in delta.tokens]


async def answers(config: EngineConfig, *, together: bool) -> dict[str, list[TokenText]]:
    engine = LocalEngine(partial(LlamaRunner, config), max_running=config.max_running)
    try:
        asked = [answer(engine, name) for name in PROMPTS]
        found = await asyncio.gather(*asked) if together else [await one for one in asked]
        return dict(zip(PROMPTS, found, strict=True))
    finally:
        await engine.close()


def differences(golden: list[Golden], found: list[TokenText]) -> list[float]:
    """By how many nats tokens differ, up to the first where two were as good as equal."""
    differing = []
    for index, (want, got) in enumerate(zip(golden, found, strict=True)):
        if want.token != got.token:
            assert want.logprob - want.runner_up < TIE, f"token {index} is another one"
            break
        assert got.logprob == pytest.approx(want.logprob, abs=TOLERANCE), f"token {index}"
        differing.append(got.logprob - want.logprob)
    return differing


@pytest.mark.parametrize(
    ("kernels", "shared_cells", "together"),
    [
        pytest.param(False, False, False, id="plain"),
        pytest.param(True, False, False, id="accelerated"),
        pytest.param(True, False, True, id="accelerated-together"),
        pytest.param(True, True, True, id="accelerated-together-shared-cells"),
    ],
)
async def test_answers_are_as_recorded(
    bundle: Bundle, starter_model: Path, kernels: bool, shared_cells: bool, together: bool
) -> None:
    config = EngineConfig(
        str(starter_model),
        str(bundle.lib_dir),
        bundle.id,
        context=1024,
        kernels=kernels,
        shared_cells=shared_cells,
    )
    found = await answers(config, together=together)
    if REGENERATE and not kernels:
        recorded = {
            name: [
                (t.token, round(t.top[0].logprob, 4), round(t.top[1].logprob, 4)) for t in tokens
            ]
            for name, tokens in found.items()
        }
        GOLDEN.write_text(json.dumps(recorded) + "\n")
    golden = json.loads(GOLDEN.read_text())
    differing = [
        each
        for name, tokens in found.items()
        for each in differences([Golden(*row) for row in golden[name]], tokens)
    ]
    # Ties are rare enough for a good part of the tokens to be compared.
    assert len(differing) >= 0.25 * NUM_TOKENS * len(PROMPTS), differing
    assert math.sqrt(statistics.fmean(each**2 for each in differing)) < TYPICAL
