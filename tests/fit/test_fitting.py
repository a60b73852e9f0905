"""What is measured is what is taken, and what cannot be measured is estimated."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import psutil
import pytest
from typer.testing import CliRunner

from coblyn.cli.app import make_app
from coblyn.engine.config import EngineConfig
from coblyn.engine.eagle import eagle_of, open_eagle
from coblyn.engine.shape import context_options, open_model
from coblyn.errors import Cancelled, ModelTooLarge
from coblyn.fit import fitting
from coblyn.fit.estimate import SHARE_OF_MEMORY, estimate
from coblyn.fit.header import facts_of
from coblyn.fit.ladder import changed, ladder, wished
from coblyn.fit.need import MAIN, Room, Space
from coblyn.llama.context import Context
from coblyn.llama.heads import HeadContext
from coblyn.llama.library import open_library
from coblyn.llama.memory_use import MemoryUse, memory_uses
from coblyn.models.gguf import read_header
from coblyn.models.sources.offer import Variant
from coblyn.models.sources.peek import peeked
from coblyn.models.sources.take import RemoteFile
from coblyn.native.bundle import Bundle
from coblyn.proof.gguf import write_gguf
from coblyn.proof.tiny import TinyModel, tiny_models
from coblyn.run import Finished
from head_models import eagle_head, headed_model, plain_model

MEGABYTE = 2**20


def write(tiny: TinyModel, directory: Path) -> Path:
    path = directory / "tiny.gguf"
    write_gguf(path, tiny.metadata, tiny.stored)
    return path


@pytest.fixture
def dense(tmp_path: Path) -> Path:
    return write(tiny_models()[0], tmp_path)


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def to(megabytes: int) -> None:
        space = Space(MAIN, megabytes * MEGABYTE, megabytes * MEGABYTE)
        monkeypatch.setattr(fitting, "main_memory", lambda: space)

    return to


def config_of(path: Path, bundle: Bundle, **settings: Any) -> EngineConfig:
    return EngineConfig(
        str(path), str(bundle.lib_dir), bundle.id, chosen=frozenset(settings), **settings
    )


@pytest.mark.native
@pytest.mark.parametrize("tiny", tiny_models(), ids=lambda tiny: tiny.architecture)
def test_what_is_told_is_what_is_taken(tiny: TinyModel, bundle: Bundle, tmp_path: Path) -> None:
    config = config_of(write(tiny, tmp_path), bundle, context=512, cache_type="q8_0")
    told = fitting.survey(config, "check").wish.on(MAIN)
    with (
        open_model(config, open_library(bundle.lib_dir)) as model,
        Context(model, context_options(config, model)) as context,
    ):
        taken = sum(memory_uses(context), MemoryUse(MAIN))
    assert told.cache == taken.cache
    assert told.compute == pytest.approx(taken.compute + taken.output, rel=0.001)
    assert told.weights == taken.weights
    # The library maps the file from the first to the last weight that it uses there, with all that is between.
    assert told.mapped <= taken.mappable <= (told.mapped + told.weights) * 1.01


@pytest.mark.native
def test_prediction_heads_take_memory_until_it_is_short(bundle: Bundle, tmp_path: Path) -> None:
    path = headed_model().write(tmp_path / "model.gguf")
    config = config_of(path, bundle, context=512)
    told = fitting.survey(config, "check").wish.on(MAIN)
    with open_model(config, open_library(bundle.lib_dir)) as model:
        options = context_options(config, model)
        with Context(model, options) as context, HeadContext(model, options) as heads:
            own = sum(memory_uses(context), MemoryUse(MAIN))
            further = sum(memory_uses(heads), MemoryUse(MAIN))
    assert told.cache == own.cache + further.cache > own.cache
    assert told.mapped <= own.mappable
    without = fitting.survey(replace(config, draft_heads=False), "check").wish.on(MAIN)
    assert without.cache == own.cache
    assert without.mapped < told.mapped
    wish = wished(config, facts_of(config, [read_header(path)]))
    lost = [changed(wish, rung) for rung in ladder(wish, facts_of(config, [read_header(path)]))]
    assert {"cache_memory": (2048, 0), "draft_heads": (True, False)} in lost


@pytest.mark.native
def test_an_eagle_head_is_measured(bundle: Bundle, tmp_path: Path) -> None:
    writer = plain_model("llama")
    path = writer.write(tmp_path / "model.gguf")
    head = eagle_head(writer).write(tmp_path / "head.gguf")
    config = config_of(path, bundle, context=512, draft_model=str(head))
    eagle = eagle_of(config)
    assert eagle
    told = fitting.survey(config, "check").wish.on(MAIN)
    with open_model(config, open_library(bundle.lib_dir)) as model:
        options = context_options(config, model)
        with Context(model, options) as context:
            own = sum(memory_uses(context), MemoryUse(MAIN))
            with open_eagle(config, eagle, context, options) as heads:
                further = sum(memory_uses(heads), MemoryUse(MAIN))
    assert told.cache == own.cache + further.cache > own.cache
    assert told.weights + told.mapped == pytest.approx(
        own.weights + own.mappable + further.weights + further.mappable, rel=0.01
    )


@pytest.mark.native
def test_less_memory_gives_up_more(
    dense: Path, bundle: Bundle, limit: Callable[[int], None]
) -> None:
    config = config_of(dense, bundle)
    limit(10_000)
    assert fitting.fitted(config) == fitting.Fitted(config)
    assert fitting.has_room(config)
    limit(1000)
    assert not fitting.has_room(config)
    found = fitting.fitted(config)
    assert found.config.cache_memory == 512
    assert found.config.context == 0, "what was not given up stays as it was wished"
    assert "cache_memory 2048 → 512 (--cache-memory 2048)" in found.told


@pytest.mark.native
def test_what_the_user_chose_is_refused_with_what_would_fit(
    dense: Path, bundle: Bundle, limit: Callable[[int], None]
) -> None:
    limit(1000)
    with pytest.raises(ModelTooLarge) as caught:
        fitting.fitted(config_of(dense, bundle, cache_memory=2048))
    assert "main memory" in caught.value.message
    assert caught.value.hint == "It fits with --cache-memory 512."
    assert fitting.fitted(config_of(dense, bundle, cache_memory=2048, fit=False)).told == ""


@pytest.mark.native
def test_where_nothing_helps_that_is_said(
    dense: Path, bundle: Bundle, limit: Callable[[int], None]
) -> None:
    limit(20)
    with pytest.raises(ModelTooLarge, match="needs") as caught:
        fitting.fitted(config_of(dense, bundle))
    assert "smaller quantization" in caught.value.hint


@pytest.mark.native
def test_what_the_library_refuses_is_estimated(
    bundle: Bundle, tmp_path: Path, limit: Callable[[int], None]
) -> None:
    tiny = tiny_models()[0]
    tiny.metadata["general.architecture"] = "nonesuch"
    limit(1000)
    answer = fitting.survey(config_of(write(tiny, tmp_path), bundle))
    assert "nonesuch" in answer.problem
    assert answer.wish.is_estimate
    assert answer.room is Room.NONE
    assert answer.config


def test_a_process_that_dies_is_no_harm(
    dense: Path, monkeypatch: pytest.MonkeyPatch, limit: Callable[[int], None]
) -> None:
    monkeypatch.setattr(
        fitting, "stream", lambda *_, **__: Finished(("python",), -11, "last words", 0.1)
    )
    limit(1000)
    config = EngineConfig(str(dense), "libraries")
    answer = fitting.survey(config)
    assert "-11" in answer.problem
    assert answer.wish.is_estimate
    assert fitting.fitted(config).config.cache_memory < 2048


def test_what_nobody_waits_for_is_not_estimated_either(
    dense: Path, limit: Callable[[int], None]
) -> None:
    limit(1000)
    ended = Event()
    ended.set()
    with pytest.raises(Cancelled):
        fitting.fitted(EngineConfig(str(dense), "libraries"), ended=ended)
    assert fitting.has_room(EngineConfig(str(dense), "libraries"), ended=ended)


@pytest.mark.native
@pytest.mark.parametrize("tiny", tiny_models(), ids=lambda tiny: tiny.architecture)
def test_estimates_are_no_less_than_what_is_taken(
    tiny: TinyModel, bundle: Bundle, tmp_path: Path
) -> None:
    path = write(tiny, tmp_path)
    config = config_of(path, bundle)
    told = fitting.survey(config, "check").wish.total
    header = read_header(path)
    facts = facts_of(config, [header])
    guessed = estimate(wished(config, facts), [header]).total
    assert told <= guessed * 1.02
    machine = psutil.virtual_memory().total
    assert told <= estimate(wished(config, facts), [header], machine).total * 1.02


@pytest.mark.native
def test_a_header_alone_is_measured_as_the_file_is(
    dense: Path, bundle: Bundle, tmp_path: Path
) -> None:
    size = dense.stat().st_size
    variant = Variant("F32", (RemoteFile(dense.as_uri(), dense.name, size=size),))
    whole = fitting.survey(config_of(dense, bundle), "check").wish.on(MAIN)
    with peeked(variant) as (header,):
        holes = fitting.survey(config_of(header.path, bundle), "check").wish
    assert not holes.is_estimate
    assert replace(holes.on(MAIN), process=whole.process) == whole


@pytest.mark.parametrize(("context", "shares"), [(2048, False), (1 << 20, True)])
def test_estimates_know_that_cells_are_shared_where_they_are_many(
    dense: Path, context: int, shares: bool
) -> None:
    config = replace(EngineConfig(str(dense)), context=context, max_context=context)
    machine, headers = 4 * 2**30, [read_header(dense)]
    facts = facts_of(config, headers)
    own = estimate(wished(config, facts), headers).on(MAIN).cache
    told = estimate(wished(config, facts), headers, machine).on(MAIN).cache
    shared = estimate(replace(wished(config, facts), shared_cells=True), headers).on(MAIN).cache
    assert told == (max(shared, machine // SHARE_OF_MEMORY) if shares else own)


def test_the_scripted_engine_needs_no_room() -> None:
    config = EngineConfig("a name that is not a file")
    assert fitting.fitted(config) == fitting.Fitted(config)
    assert fitting.has_room(config)


def test_a_file_that_is_gone_is_for_its_loading_to_tell(tmp_path: Path) -> None:
    assert fitting.has_room(EngineConfig(str(tmp_path / "none.gguf"), "libraries"))


@pytest.mark.native
def test_the_verb_shows_a_table(
    dense: Path, bundle: Bundle, limit: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(dense, bundle)
    monkeypatch.setattr("coblyn.cli.fit.configure", lambda *_, **__: config)
    limit(1000)
    shown = CliRunner().invoke(make_app(), ["fit", str(dense)])
    assert shown.exit_code == 0, shown.output
    assert "As it would be loaded:" in shown.output
    assert "cache_memory 2048 → 512" in shown.output
    answer = CliRunner().invoke(make_app(), ["fit", str(dense), "--json"])
    report = json.loads(answer.output)
    assert report["fits"] == "none"
    assert report["given_up"]["cache_memory"]["flag"] == "--cache-memory 2048"
    assert report["wished"]["devices"][0]["total"] == report["wished"]["total"]
    assert {cell["cache_type"] for cell in report["others"]} == {"f16", "q8_0"}
    assert not any(cell["shares_cells"] for cell in report["others"])


@pytest.mark.native
@pytest.mark.parametrize("is_shared", [True, False])
def test_the_table_tells_where_requests_share_the_cells(
    dense: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch, is_shared: bool
) -> None:
    config = replace(config_of(dense, bundle), shared_cells=is_shared)
    monkeypatch.setattr("coblyn.cli.fit.configure", lambda *_, **__: config)
    shown = CliRunner().invoke(make_app(), ["fit", str(dense)]).output.splitlines()
    rows = [line for line in shown if " f16 " in line or " q8_0 " in line]
    assert rows
    assert {line.endswith("fits, requests share the cells") for line in rows} == {is_shared}


def test_settings_that_a_source_has_are_chosen() -> None:
    from coblyn.settings import Settings

    settings = Settings.load(flags={"context": 4096})
    assert settings.chosen == {"context"}
    config = EngineConfig.from_settings(settings)
    assert config.chosen == {"context"}
    assert fitting._kept(config) == {"context"}
    assert fitting._kept(replace(config, context=0)) == frozenset()
