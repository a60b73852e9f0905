"""The chooser on a model whose need is a formula."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coblyn.engine.config import EngineConfig
from coblyn.fit.choose import choose
from coblyn.fit.ladder import Facts, changed, ladder, wished

FACTS = Facts(32, 8192, trained=32768)
WITH_DEVICE = replace(FACTS, has_accelerator=True, has_experts=True)
WISH = wished(EngineConfig("model.gguf"), FACTS)

_ORDER = (
    "cache_memory",
    "shared_cells",
    "max_running",
    "batch",
    "cache_type",
    "context",
    "cpu_experts",
    "gpu_layers",
)


def need(config: EngineConfig) -> int:
    """Megabytes: weights of 1000, and what the knobs add."""
    sequences = 1 if config.shared_cells else config.max_running
    bits = 9 if config.cache_type == "q8_0" else 16
    cache = config.context * sequences * bits // 512
    return 1000 + cache + config.batch + config.cache_memory + config.max_sequences


def need_of_device(config: EngineConfig) -> int:
    layers = config.gpu_layers * 100
    experts = min(config.cpu_experts, config.gpu_layers) * 80
    return layers - experts


def chosen(free: int, config: EngineConfig = WISH, **kwargs: Any) -> EngineConfig | None:
    return choose(config, FACTS, lambda each: need(each) <= free, **kwargs)


def test_what_fits_stays_as_it_is() -> None:
    assert chosen(10**6) == WISH


def test_nothing_more_is_given_up_than_is_missing() -> None:
    found = chosen(need(WISH) - 1)
    assert found
    assert changed(WISH, found) == {"cache_memory": (2048, 1024)}


def test_what_is_behind_in_the_order_is_kept_longest() -> None:
    for free in range(1400, need(WISH), 50):
        found = chosen(free)
        assert found
        lost = list(changed(WISH, found))
        last = max(_ORDER.index(name) for name in lost)
        without_last = ladder(replace(WISH, give_up=_ORDER[:last]), FACTS)[-1]
        assert need(without_last) > free, "the last knob was touched without need"


def test_earlier_knobs_are_turned_back_where_later_ones_give_enough() -> None:
    least = ladder(replace(WISH, give_up=_ORDER[:1]), FACTS)[-1]
    found = chosen(need(least) - 1)
    assert found
    assert found.shared_cells
    assert found.cache_memory > 0


def test_the_order_is_the_users() -> None:
    config = replace(WISH, give_up=("context", "cache_type"))
    found = chosen(need(WISH) - 100, config)
    assert found
    assert list(changed(config, found)) == ["context"]


def test_what_the_user_chose_is_not_touched() -> None:
    kept = frozenset({"cache_memory", "context"})
    found = chosen(4000, kept=kept)
    assert found
    assert not kept & set(changed(WISH, found))


def test_nothing_fits_nowhere() -> None:
    assert chosen(999) is None
    assert choose(replace(WISH, give_up=()), FACTS, lambda _: False) is None


def test_the_context_keeps_its_least() -> None:
    config = replace(WISH, min_context=5000)
    contexts = {rung.context for rung in ladder(config, FACTS)}
    assert contexts == {8192, 6144, 5000}
    assert min(rung.context for rung in ladder(WISH, FACTS)) == 2048


def test_a_context_that_is_small_already_stays() -> None:
    config = replace(WISH, context=512)
    assert {rung.context for rung in ladder(config, FACTS)} == {512}


def test_experts_go_to_main_memory_before_layers_do() -> None:
    wish = wished(EngineConfig("model.gguf", give_up=("cpu_experts", "gpu_layers")), WITH_DEVICE)
    assert wish.gpu_layers == 33
    found = choose(wish, WITH_DEVICE, lambda each: need_of_device(each) <= 2000)
    assert found
    assert (found.gpu_layers, found.cpu_experts) == (33, 17)
    found = choose(wish, WITH_DEVICE, lambda each: need_of_device(each) <= 500)
    assert found
    assert found.gpu_layers < 33


def test_without_an_accelerator_its_knobs_are_not_turned() -> None:
    for rung in ladder(WISH, replace(FACTS, has_experts=True)):
        assert (rung.gpu_layers, rung.cpu_experts) == (WISH.gpu_layers, WISH.cpu_experts)


def test_values_in_blocks_need_flash_attention() -> None:
    config = replace(WISH, flash_attention=False)
    assert {rung.cache_type for rung in ladder(config, FACTS)} == {"f16"}


@pytest.mark.parametrize("num_layers", [1, 2, 61, 500])
def test_a_ladder_is_short(num_layers: int) -> None:
    facts = replace(WITH_DEVICE, num_layers=num_layers)
    rungs = ladder(wished(EngineConfig("model.gguf"), facts), facts)
    assert len(rungs) < 200
    assert rungs[-1].gpu_layers == 0


@settings(deadline=None, max_examples=40)
@given(
    free=st.integers(900, 8000),
    order=st.permutations(_ORDER),
    kept=st.frozensets(st.sampled_from(_ORDER)),
    context=st.sampled_from([256, 2048, 5000, 8192, 131072]),
    max_running=st.integers(1, 64),
)
def test_what_is_chosen_fits(
    free: int, order: list[Any], kept: frozenset[str], context: int, max_running: int
) -> None:
    config = replace(WISH, give_up=tuple(order), context=context, max_running=max_running)
    asked: list[EngineConfig] = []

    def fits(each: EngineConfig) -> bool:
        asked.append(each)
        return need(each) <= free

    found = choose(config, FACTS, fits, kept=kept)
    assert len(asked) < 60
    if found is None:
        assert all(need(rung) > free for rung in ladder(config, FACTS, kept=kept)[-1:])
    else:
        assert need(found) <= free
        assert not kept & set(changed(config, found))
