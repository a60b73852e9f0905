"""``coblyn show``: what a model is."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from coblyn import paths
from coblyn.checkup.portrait import portray
from coblyn.cli.choose import resolve_model
from coblyn.cli.loader import Configurer
from coblyn.cli.show import show
from coblyn.engine.config import EngineConfig
from coblyn.errors import ModelNotFound, ModelUnsupported
from coblyn.fit.estimate import estimate
from coblyn.models import created, digests, store
from coblyn.models.check import check_model
from coblyn.models.created import Name
from coblyn.models.modelfile import Modelfile
from coblyn.models.overrides import Overrides, write_overrides
from coblyn.models.setup import Setup
from gguf_file import GgufWriter, whole_model
from head_models import eagle_head, plain_model
from media_models import write_media_model

Shown = pytest.CaptureFixture[str]

HERMES = "{% for m in messages %}{{ m }}{% endfor %}{{ tools }}<tool_call></tool_call><think>"


def here(name: str = "mine", **metadata: Any) -> Path:
    keys = {"general__license": "mit", "llama__context_length": 256} | metadata
    return whole_model(**keys).write(paths.models() / f"{name}.gguf")


def told(capsys: Shown, model: str) -> dict[str, Any]:
    show(model, as_json=True)
    facts: dict[str, Any] = json.loads(capsys.readouterr().out)
    return facts


def test_a_head_is_told_with_what_it_adds_to_its_model(capsys: Shown) -> None:
    eagle_head(plain_model("llama")).write(paths.models() / "head.gguf")
    facts = told(capsys, "head")
    assert facts["heads"].startswith("EAGLE-3, ")
    assert not facts["capabilities"]
    assert not facts["template"]
    assert 0 < facts["memory"]["needed"] <= facts["size"]
    assert "beside its model, and 256 bytes a token of context" in facts["memory"]["told"]


def test_a_model_is_told_in_words(capsys: Shown) -> None:
    path = here(tokenizer__chat_template=HERMES)
    digests.remember(path, "ab" * 32, "https://example.org/mine.gguf")
    show("mine")
    out = capsys.readouterr().out
    lines = dict(line.split(None, 1) for line in out.splitlines())
    assert lines["name"] == "mine"
    assert lines["from"] == "https://example.org/mine.gguf"
    assert lines["digest"] == "ab" * 32
    assert lines["license"] == "mit"
    assert lines["parameters"].endswith(" in F32")
    assert lines["shape"] == "1 layers of width 32, 261 tokens in the vocabulary"
    assert lines["context"] == "256 tokens"
    assert lines["can"] == "completion, tools, thinking"
    assert lines["template"].startswith("the file's own; calls of tools: hermes; reasons behind <")
    assert "256 tokens" in lines["memory"]


def test_what_is_set_right_beside_it_counts(capsys: Shown) -> None:
    path = here()
    assert told(capsys, "mine")["template"]["origin"] == "family"
    write_overrides(path, Overrides({"llama.context_length": 99}, chat_template=HERMES))
    facts = told(capsys, "mine")
    assert (facts["context"], facts["template"]["origin"]) == (99, "beside")
    assert facts["overrides"] == ["llama.context_length = 99", "chat_template"]
    assert "tools" in facts["capabilities"]


def test_what_it_can_follows_what_is_set_right(capsys: Shown) -> None:
    path = here(llama__pooling_type=1)
    assert told(capsys, "mine")["capabilities"] == ["embedding"]
    write_overrides(path, Overrides({"llama.pooling_type": 0, "general.name": "Other"}))
    facts = told(capsys, "mine")
    assert "completion" in facts["capabilities"]
    assert facts["title"] == "Other"


def test_a_model_that_writes_when_set_right_is_loaded_as_one_that_writes() -> None:
    path = here(llama__pooling_type=4)
    with pytest.raises(ModelUnsupported, match="reranker"):
        resolve_model("mine")
    assert store.newest() is None
    write_overrides(path, Overrides({"llama.pooling_type": 0}))
    assert resolve_model("mine") == path
    assert store.newest() == path
    config = Configurer(EngineConfig(""), lambda config, _: config).config_for(Setup(path))
    assert not config.embeds
    write_overrides(path, Overrides({"llama.pooling_type": 1}))
    assert Configurer(EngineConfig(""), lambda config, _: config).config_for(Setup(path)).embeds


def test_memory_is_that_of_the_corrected_model(capsys: Shown) -> None:
    path = here()
    assert told(capsys, "mine")["memory"]["context"] > 48
    write_overrides(path, Overrides({"llama.context_length": 48}))
    assert told(capsys, "mine")["memory"]["context"] == 48


def test_a_made_model_is_told_with_its_settings(capsys: Shown) -> None:
    here()
    created.save(Name.of("pirate"), Modelfile("mine", {"top_k": 3}, system="Arr."))
    made = told(capsys, "pirate")["made"]
    assert made == {"made from": "mine", "parameters set": {"top_k": 3}, "system": "Arr."}


def test_what_is_set_for_the_model_alone_is_told_and_counts(capsys: Shown) -> None:
    here()
    paths.own_settings().parent.mkdir(parents=True, exist_ok=True)
    paths.own_settings().write_text("[mine]\ncontext = 64\n")
    facts = told(capsys, "mine")
    assert facts["settings"] == {"context": 64}
    assert facts["memory"]["context"] == 64


@pytest.mark.parametrize(
    ("metadata", "capabilities"),
    [
        ({"llama__pooling_type": 1}, ["embedding"]),
        ({"llama__pooling_type": 4}, ["reranking"]),
        ({"tokenizer__ggml__fim_pre_token_id": 5}, ["completion", "insert"]),
    ],
)
def test_other_kinds_of_models_say_what_they_can(
    capsys: Shown, metadata: dict[str, Any], capabilities: list[str]
) -> None:
    here(**metadata)
    assert told(capsys, "mine")["capabilities"] == capabilities


def test_a_projector_beside_it_adds_what_it_takes(capsys: Shown, tmp_path: Path) -> None:
    model, projector = write_media_model(tmp_path, "gemma")
    facts = told(capsys, str(model))
    assert "vision" in facts["capabilities"]
    assert facts["projector"] == str(projector)


def test_what_is_no_model_is_named() -> None:
    with pytest.raises(ModelNotFound, match="no model mime"):
        show("mime")
    adapter = GgufWriter({"general.type": "adapter", "general.architecture": "llama"}, [])
    with pytest.raises(ModelUnsupported, match="LoRA adapter"):
        show(str(adapter.write(paths.models() / "a.gguf")))


@pytest.mark.parametrize("value", [math.inf, math.nan])
@pytest.mark.parametrize(
    "key", ["context_length", "embedding_length", "block_count", "pooling_type"]
)
def test_numbers_that_are_none_are_told_as_none(key: str, value: float) -> None:
    path = here(**{f"llama__{key}": value})
    portrait = portray(path)
    assert portrait.template is not None
    facts = (portrait.context, portrait.width, portrait.num_layers)
    keys = ("context_length", "embedding_length", "block_count")
    assert [name for name, fact in zip(keys, facts, strict=True) if fact == 0] == [
        name for name in keys if name == key
    ]
    config = EngineConfig(model=str(path), context=256)
    assert estimate(config, [check_model(path)]).total > 0
