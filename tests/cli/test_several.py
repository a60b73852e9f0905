"""One of llama-server's preset files with several models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from coblyn import paths
from coblyn.cli.choose import resolve_model
from coblyn.cli.foreign import Foreign, read_foreign
from coblyn.cli.loader import Configurer
from coblyn.engine.config import EngineConfig
from coblyn.errors import ModelNotFound, SettingsError
from coblyn.files import real_path
from coblyn.models import store
from coblyn.models.digests import remember
from coblyn.settings import Settings
from file_server import FileServer, serve_files
from gguf_file import random_model

PRESETS = """\
[*]
c = 512
port = 6001
api-key = secret

[first]
temp = 0.5

[Long Name]
model = beside.gguf
alias = long, other
c = 1024
chat-template = chatml

[hub/repo:Q8_0]
top-k = 5

[gone]
hf-repo = nobody/nothing

[first again]
model = first
c = 2048
"""


@pytest.fixture
def presets(tmp_path: Path) -> Path:
    folder = paths.models()
    random_model().write(folder / "first.gguf")
    pulled = random_model().write(folder / "repo-Q8_0.gguf")
    remember(pulled, "", "https://huggingface.co/hub/repo/resolve/main/repo-Q8_0.gguf")
    random_model().write(tmp_path / "beside.gguf")
    file = tmp_path / "models.ini"
    file.write_text(PRESETS)
    return file


def read(presets: Path) -> Foreign:
    return read_foreign(str(presets))


def test_each_section_whose_model_is_here_is_a_model(presets: Path) -> None:
    models = read(presets).several.models
    assert [(each.name, each.path.name, each.aliases) for each in models] == [
        ("first", "first.gguf", ()),
        ("Long Name", "beside.gguf", ("long", "other")),
        ("hub/repo:Q8_0", "repo-Q8_0.gguf", ()),
        ("first again", "first.gguf", ()),
    ]
    found = models.named("FIRST")
    assert found
    assert found.defaults == {"temperature": 0.5}
    assert models.named("long") == models.named("long name")


def test_settings_of_engines_are_those_of_the_sections(presets: Path) -> None:
    setups = {each.name: each.setup for each in read(presets).several.models}
    general = EngineConfig.from_settings(Settings(), model=None)
    each = Configurer(general, lambda config, _: config)
    first = each.settings_for(setups["first"])
    again = each.settings_for(setups["first again"])
    beside = each.settings_for(setups["Long Name"])
    assert first.model == again.model
    assert (first.context, again.context, beside.context) == (512, 2048, 1024)
    assert "<|im_start|>" in beside.chat_template
    assert first.chat_template == ""
    flagged = EngineConfig.from_settings(Settings.load(flags={"context": 96}))
    holds = Configurer(flagged, lambda config, _: config)
    assert holds.settings_for(setups["Long Name"]).context == 96


def test_settings_of_the_server_count_once(presets: Path) -> None:
    settings = Settings.load(others=read(presets).settings)
    assert (settings.port, settings.context, settings.require_key) == (6001, 0, True)
    assert settings.strict_models


def test_what_is_not_here_and_what_does_not_count_is_told(presets: Path) -> None:
    told = read(presets).told
    assert "gone: hf:nobody/nothing is not here yet" in told
    assert "first again:" not in told
    assert "secret" not in told


def test_the_one_that_is_loaded_at_the_start(presets: Path) -> None:
    assert read(presets).model is None
    presets.write_text(PRESETS.replace("c = 512", "c = 512\nload-on-startup = true"))
    assert "hub/repo:Q8_0: it is loaded when a request names it" in read(presets).told
    presets.write_text(PRESETS.replace("top-k = 5", "top-k = 5\nload-on-startup = true"))
    assert read(presets).model == str(paths.models() / "repo-Q8_0.gguf")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("[a]\nmodel = none\n[b]\nmodel = nothing\n", "None of the models"),
        ("[first]\nc = -5\n[b]\n", "'first'.*context"),
        ("[first]\ntop-k = 0.5\n[b]\n", "'first'.*top_k"),
    ],
)
def test_what_cannot_be_is_refused(presets: Path, text: str, match: str) -> None:
    presets.write_text(text)
    with pytest.raises(SettingsError, match=match):
        read(presets)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy", "COBLYN_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with serve_files() as files:
        yield files


def test_missing_models_are_pulled_where_that_is_agreed_to(
    presets: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = server.add("/far.gguf", random_model().data)
    presets.write_text(f"[far]\nmodel = {address}\nc = 128\n[gone]\nmodel = {address}x\n[first]\n")
    monkeypatch.delenv("COBLYN_YES", raising=False)
    asked = read_foreign(str(presets), partial(resolve_model, yes=False))
    assert "nobody can be asked" in asked.several.told["far"]
    assert [each.name for each in asked.several.models] == ["first"]
    agreed = read_foreign(str(presets), partial(resolve_model, yes=True))
    far = agreed.several.models.named("far")
    assert far
    assert far.path == paths.models() / "far.gguf"
    assert "404" in agreed.several.told["gone"]
    monkeypatch.setenv("COBLYN_OFFLINE", "1")
    again = read_foreign(str(presets))
    assert again.several.models.named("far") == far
    assert "is not here yet" in again.several.told["gone"]


def test_a_model_that_a_settings_file_names_by_address_is_pulled(
    tmp_path: Path, server: FileServer
) -> None:
    address = server.add("/far.gguf", random_model().data)
    file = tmp_path / "my.kcpps"
    file.write_text(json.dumps({"model_param": address}))
    path = resolve_model(read_foreign(str(file)).model, yes=True)
    assert path == paths.models() / "far.gguf"


def test_one_of_them_can_still_be_served_alone(presets: Path) -> None:
    foreign = read_foreign(f"{presets}#Long Name")
    assert foreign.model == str(presets.parent / "beside.gguf")
    assert not [*foreign.several.models]


def test_a_pulled_model_is_found_by_its_repository(presets: Path) -> None:
    file = paths.models() / "repo-Q8_0.gguf"
    for name in ("hf:hub/repo", "hf:hub/repo:q8_0", "hf:Hub/Repo:repo-Q8_0.gguf"):
        assert real_path(store.find(name)) == real_path(file)
    with pytest.raises(ModelNotFound, match="is not here"):
        store.find("hf:hub/repo:Q4_0")
    with pytest.raises(ModelNotFound, match="is not here"):
        store.find("hf:hub/rep")
