"""LoRA adapters and control vectors on a real engine: what they compute is what merged weights compute."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from coblyn.engine.adapter import adapter_set
from coblyn.engine.config import EngineConfig
from coblyn.engine.encoded import Source, Text
from coblyn.engine.events import Delta, Finish, TokenText
from coblyn.engine.local import LocalEngine
from coblyn.engine.params import SamplingParams
from coblyn.engine.plan import Plan
from coblyn.engine.prompt import Adapter
from coblyn.engine.request import Request
from coblyn.engine.runner import LlamaRunner
from coblyn.errors import BadRequest, ModelUnsupported, SettingsError
from coblyn.native.bundle import Bundle
from gguf_file import GgufWriter, control_of, lora_of, merged, random_model, steered

pytestmark = pytest.mark.native

MODEL = random_model()
FIRST, SECOND = lora_of(MODEL, seed=2), lora_of(MODEL, seed=3, rank=2)
CONTROL = control_of(MODEL, [1, 2])
PROMPT = "The old miner put down his lamp"


class Watched(LlamaRunner):
    """Counts the sets of adapters in a step."""

    most_sets = 0

    def run(self, plan: Plan):  # type: ignore[no-untyped-def]
        sets = {self._requests[row.request_id].prompt.namespace.adapters for row in plan.rows}
        self.most_sets = max(self.most_sets, len(sets))
        return super().run(plan)


def load(bundle: Bundle, model: Path, **settings: object) -> LocalEngine:
    config = EngineConfig(str(model), str(bundle.lib_dir), context=512, **settings)  # type: ignore[arg-type]
    return LocalEngine(partial(Watched, config), speculates=config.speculation)


async def write(
    engine: LocalEngine,
    name: str,
    *chosen: tuple[str, float],
    prompt: str = PROMPT,
    length: int = 24,
) -> tuple[list[TokenText], Finish]:
    """The tokens that a model finds likeliest, with adapters of given names and scales."""
    infos = {info.name: info for info in engine.info.adapters}
    wanted = adapter_set(
        Adapter(infos[each].digest, scale, infos[each].kind) for each, scale in chosen
    )
    encoded = await engine.encode(Source((Text(prompt),), adapters=wanted))
    sampling = SamplingParams(temperature=0, logprobs=3)
    tokens: list[TokenText] = []
    async for event in engine.generate(
        Request(name, encoded.id, length, sampling, ignore_eos=True)
    ):
        if isinstance(event, Delta):
            tokens += event.tokens
        if isinstance(event, Finish):
            return tokens, event
    raise AssertionError("it has an end")


def assert_same(some: list[TokenText], others: list[TokenText]) -> None:
    assert [token.token for token in some] == [token.token for token in others]
    expected = [top.logprob for token in others for top in token.top]
    assert [top.logprob for token in some for top in token.top] == pytest.approx(
        expected, rel=1e-2, abs=2e-2
    )


async def alone(bundle: Bundle, path: Path, model: GgufWriter) -> list[TokenText]:
    engine = load(bundle, model.write(path))
    tokens, _ = await write(engine, "alone")
    await engine.close()
    return tokens


async def test_adapters_compute_what_merged_weights_do(bundle: Bundle, tmp_path: Path) -> None:
    files = {
        "one": FIRST.write(tmp_path / "one.gguf"),
        "two": SECOND.write(tmp_path / "two.gguf"),
        "calm": CONTROL.write(tmp_path / "calm.gguf"),
    }
    engine = load(
        bundle,
        MODEL.write(tmp_path / "model.gguf"),
        adapters=tuple(f"{name}={path}" for name, path in files.items()),
    )
    cases: list[tuple[tuple[tuple[str, float], ...], GgufWriter]] = [
        ((), MODEL),
        ((("one", 1.0),), merged(MODEL, FIRST)),
        ((("one", 0.5),), merged(MODEL, FIRST, 0.5)),
        ((("one", 1.0), ("two", -0.75)), merged(merged(MODEL, FIRST), SECOND, -0.75)),
        ((("calm", 1.5),), steered(MODEL, CONTROL, 1.5)),
        ((("calm", 1.0), ("two", 1.0)), steered(merged(MODEL, SECOND), CONTROL)),
    ]
    expected = [
        await alone(bundle, tmp_path / f"merged {index}.gguf", model)
        for index, (_, model) in enumerate(cases)
    ]
    assert len({tuple(token.token for token in tokens) for tokens in expected}) == len(cases)
    for index, (chosen, _) in enumerate(cases):
        tokens, _ = await write(engine, str(index), *chosen)
        assert_same(tokens, expected[index])
    # All at once, twice each, so that some end earlier: with nothing of each other's.
    jobs = [
        write(engine, f"{name} {index}", *chosen, length=length - 2 * index)
        for name, length in (("short", 14), ("long", 24))
        for index, (chosen, _) in enumerate(cases)
    ]
    for index, (tokens, finish) in enumerate(await asyncio.gather(*jobs)):
        assert_same(tokens, expected[index % len(cases)][: finish.stats.num_generated])
    runner = engine._core.runner
    assert isinstance(runner, Watched)
    assert runner.most_sets == (4 if runner.mixes_adapters else 1)
    await engine.close()


async def test_what_was_computed_is_found_again_for_equal_sets_only(
    bundle: Bundle, tmp_path: Path
) -> None:
    one, two = FIRST.write(tmp_path / "one.gguf"), SECOND.write(tmp_path / "two.gguf")
    engine = load(bundle, MODEL.write(tmp_path / "model.gguf"), adapters=(f"one={one}",))
    prompt = PROMPT + ", and listened. " * 8

    async def cached(name: str, *chosen: tuple[str, float]) -> int:
        _, finish = await write(engine, name, *chosen, prompt=prompt)
        return finish.stats.num_cached

    assert await cached("a") == 0
    assert await cached("b", ("one", 1.0)) == 0
    assert await cached("c", ("one", 0.5)) == 0
    length = (await engine.encode(Source((Text(prompt),)))).num_tokens
    assert await cached("d", ("one", 1.0)) == await cached("e") == length
    await engine.add_adapter(f"late={two}:0.5")
    assert [info.name for info in engine.info.adapters] == ["one", "late"]
    assert await cached("f", ("late", 0.5)) == 0
    await engine.close()


async def test_layers_of_control_vectors_can_be_chosen(bundle: Bundle, tmp_path: Path) -> None:
    path = CONTROL.write(tmp_path / "calm.gguf")
    engine = load(
        bundle,
        MODEL.write(tmp_path / "model.gguf"),
        control_vectors=(f"{path}:0.5",),
        control_layers="2-9",
    )
    (info,) = engine.info.adapters
    assert (info.name, info.scale, info.kind, info.is_on) == ("calm", 0.5, "control", True)
    only = GgufWriter(
        CONTROL.metadata, [each for each in CONTROL.tensors if each[0] == "direction.2"]
    )
    tokens, _ = await write(engine, "a", ("calm", 0.5))
    assert_same(tokens, await alone(bundle, tmp_path / "steered.gguf", steered(MODEL, only, 0.5)))
    await engine.close()


async def test_what_does_not_fit_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    model = MODEL.write(tmp_path / "model.gguf")
    path = FIRST.write(tmp_path / "one.gguf")
    foreign = GgufWriter({**FIRST.metadata, "general.architecture": "gemma3"}, FIRST.tensors)
    wrong = foreign.write(tmp_path / "foreign.gguf")
    with pytest.raises(ModelUnsupported, match=r"'gemma3', and model.gguf is one of 'llama'"):
        load(bundle, model, adapters=(f"x={wrong}",))
    with pytest.raises(SettingsError, match="not a range of layers"):
        load(bundle, model, control_layers="9-2")
    engine = load(bundle, model, adapters=(f"one={path}",))
    with pytest.raises(ModelUnsupported, match="and no adapter"):
        await engine.add_adapter(f"x={model}")
    with pytest.raises(BadRequest, match="two adapters 'one'"):
        await engine.add_adapter(f"one={SECOND.write(tmp_path / 'two.gguf')}")
    encoded = await engine.encode(Source((Text(PROMPT),), adapters=(Adapter("unknown"),)))
    with pytest.raises(BadRequest, match="has not loaded an adapter"):
        async for _ in engine.generate(Request("a", encoded.id, 4)):
            pass
    assert len((await write(engine, "b", ("one", 1.0)))[0]) == 24
    await engine.close()
