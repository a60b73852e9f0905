"""Nothing in silence: each key of other programs' settings files becomes a setting, or is reported."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from coblyn import paths
from coblyn.api.fields import unknown_fields
from coblyn.cli.create import create
from coblyn.cli.foreign import read_foreign
from coblyn.engine.params import PARAMETERS
from coblyn.settings import Settings
from gguf_file import tiny_gguf

KCPPS = tomllib.loads(files("coblyn.models").joinpath("kcpps.toml").read_text("utf-8"))
PRESET = tomllib.loads(files("coblyn.models").joinpath("llama_preset.toml").read_text("utf-8"))

# Keys whose values have to be of a kind, with one.
KOBOLDS: dict[str, Any] = {
    "threads": 3,
    "batchsize": 64,
    "blasbatchsize": 64,
    "flashattention": True,
    "noflashattention": True,
    "usemmap": True,
    "nommap": True,
    "quantkv": 1,
    "parallelrequests": 4,
    "multiuser": 3,
    "maxrequestsize": 8,
    "ssl": ["cert.pem", "key.pem"],
    "savedatafile": "slots.json",
    "gendefaults": {"top_k": 3},
    "jinja_kwargs": {"a": 1},
    "jinjathink": "false",
    "reasoningeffort": "low",
    "jinjatemplate": "mine.jinja",
    "lora": "poet.gguf",
    "preloadstory": {"prompt": "a"},
    "password": "secret",
    "adminpassword": "hidden",
    "host": "127.0.0.2",
    "admindir": "admin",
    "draftmodel": "small.gguf",
    "mcpfile": "mcp.json",
    "mmproj": "mmproj.gguf",
    "multiplayer": True,
    "websearch": True,
    "usemlock": True,
    "usemtp": True,
    "gendefaultsoverwrite": True,
    "sdmodel": "a.safetensors",
    "whispermodel": "a.bin",
    "newest": 1,
}
KOBOLD_KEYS = sorted({*KCPPS["used"], *KCPPS["later"], *KCPPS["pointless"], *KOBOLDS})

LLAMAS: dict[str, str] = {
    "ctx-size": "512",
    "threads": "2",
    "parallel": "4",
    "n-gpu-layers": "all",
    "flash-attn": "on",
    "cache-type-k": "q8_0",
    "cpu-moe": "on",
    "n-predict": "20",
    "lora": "poet.gguf",
    "lora-scaled": "poet.gguf:0.5",
    "lora-init-without-apply": "on",
    "control-vector": "mood.gguf",
    "control-vector-scaled": "mood.gguf:0.5",
    "control-vector-layer-range": "1 2",
    "chat-template": "zephyr",
    "chat-template-kwargs": "{}",
    "reasoning-budget": "5",
    "samplers": "top_k;temperature",
    "sampling-seq": "kt",
    "alias": "other",
    "api-key": "secret",
    "api-key-file": "keys.txt",
    "host": "127.0.0.2",
    "newest": "1",
}
LLAMA_KEYS = sorted(
    {key for name, table in PRESET.items() if name != "aliases" for key in table} | {*LLAMAS}
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "keys.txt").write_text("secret\n")
    return tmp_path


def words(told: str) -> set[str]:
    return {word.strip(" ,:()") for word in told.replace(",", " ").split()}


@pytest.mark.parametrize("key", KOBOLD_KEYS)
def test_each_key_of_koboldcpp_is_told(key: str, folder: Path) -> None:
    file = folder / "my.kcpps"
    file.write_text(json.dumps({key: KOBOLDS.get(key, 7)}))
    foreign = read_foreign(str(file))
    assert key in words(foreign.told)
    understood = f"{key} as " in foreign.told
    assert understood == bool(foreign.settings[1])
    assert "secret" not in foreign.told
    Settings.load(others=foreign.settings)


@pytest.mark.parametrize("key", LLAMA_KEYS)
def test_each_key_of_llama_servers_presets_is_told(key: str, folder: Path) -> None:
    file = folder / "my.ini"
    value = LLAMAS.get(key, "64" if key not in PRESET["switches"] else "on")
    file.write_text(f"[a]\n{key} = {value}\n")
    foreign = read_foreign(str(file))
    assert key in words(foreign.told)
    assert (f"{key} as " in foreign.told) == bool(foreign.settings[1] or key == "alias")
    Settings.load(others=foreign.settings)


def test_defaults_without_a_field_in_any_api_are_told(folder: Path) -> None:
    file = folder / "my.kcpps"
    known = {"temperature": 0.5, "stop": ["a"], "max_length": 5, "adapter": {}, "min_p": 0.1}
    file.write_text(json.dumps({"gendefaults": {**known, "tempreature": 2}}))
    told = read_foreign(str(file)).told
    assert "gendefaults.tempreature (no API has such a field)" in told
    assert not any(f"gendefaults.{name}" in told for name in known)


def test_each_parameter_is_a_field() -> None:
    names = [name for row in PARAMETERS.values() for name in row.names + row.openai]
    assert unknown_fields(names) == []


def test_what_a_modelfile_sets_without_effect_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_gguf().write(paths.models() / "base.gguf")
    file = folder / "Modelfile"
    file.write_text(
        "FROM base\nREQUIRES 0.6\nRENDERER x\nPARSER y\nTEMPLATE {{ .Prompt }}\n"
        "PARAMETER num_ctx 4096\nPARAMETER num_gpu 3\nPARAMETER wrong 3\nPARAMETER top_k 3\n"
    )
    create("mine", file)
    told = capsys.readouterr().err
    for name in ("REQUIRES", "RENDERER", "PARSER", "TEMPLATE", "num_gpu", "wrong"):
        assert name in told
    assert not any(name in told for name in ("top_k", "num_ctx"))
