"""llama-server's preset files: what its router reads, as settings of ours."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coblyn.cli.foreign import read_foreign
from coblyn.errors import SettingsError
from coblyn.keys.key import find as find_key
from coblyn.models.llama_preset import (
    LlamaPreset,
    is_llama_preset,
    read_llama_preset,
    read_llama_presets,
)
from coblyn.settings import Settings

PRESETS = """\
version = 1

[*]
c = 8192
n-gpu-layers = all
jinja = true

; a comment
[ggml-org/SmolLM2-GGUF:Q8_0]
LLAMA_ARG_CTX_SIZE = 4096
flash-attn = on
temp = 0.7
top-k = 20
no-mmap = true
cache-type-k = q8_0
np = 4
t = -1

[custom]
model = here.gguf
--ubatch-size = 256
chat-template = chatml
frobnicate = 3
"""


@pytest.fixture
def presets(tmp_path: Path) -> Path:
    file = tmp_path / "models.ini"
    file.write_text(PRESETS)
    (tmp_path / "here.gguf").write_bytes(b"GGUF")
    return file


def only(tmp_path: Path, text: str) -> LlamaPreset:
    file = tmp_path / "one.ini"
    file.write_text(text)
    return read_llama_preset(str(file))


def test_a_section_has_its_own_keys_and_those_of_all(presets: Path) -> None:
    found = read_llama_preset(f"{presets}#ggml-org/SmolLM2-GGUF:Q8_0")
    assert found.model == "hf:ggml-org/SmolLM2-GGUF:Q8_0"
    assert found.settings == {
        "context": 4096,
        "gpu_layers": -1,
        "flash_attention": True,
        "memory_map": False,
        "cache_type": "q8_0",
        "max_running": 4,
        "threads": 0,
        "generation_defaults": {"temperature": 0.7, "top_k": 20},
    }
    assert found.understood["ctx-size"] == "context"
    assert found.pointless == {"jinja": "the model's chat template is always used"}
    assert Settings(**found.settings).cache_type == "q8_0"


def test_a_file_beside_the_presets_and_keys_that_mean_nothing(presets: Path) -> None:
    found = read_llama_preset(f"{presets}#custom")
    assert found.model == str(presets.parent / "here.gguf")
    assert (found.settings["context"], found.settings["batch"]) == (8192, 256)
    assert found.template == "chatml"
    assert found.pointless["frobnicate"] == "no option of this name is known here"


def test_what_is_said_at_the_start(presets: Path) -> None:
    foreign = read_foreign(f"{presets}#custom")
    assert foreign.settings[1]["batch"] == 256
    assert "Presets of llama-server" in foreign.told
    assert "ubatch-size as batch" in foreign.told
    assert "chat-template as chat_template" in foreign.told
    assert "<|im_start|>" in foreign.settings[1]["chat_template"]
    assert "frobnicate" in foreign.told


def test_a_built_in_template_that_is_not_here_is_named(tmp_path: Path) -> None:
    file = tmp_path / "one.ini"
    file.write_text("[a]\nchat-template = zephyr\n")
    foreign = read_foreign(str(file))
    assert "chat_template" not in foreign.settings[1]
    assert "not yet here: chat-template (zephyr of llama.cpp" in foreign.told


def test_adapters_lie_beside_the_file_and_work_for_all_requests(tmp_path: Path) -> None:
    (tmp_path / "poet.gguf").touch()
    found = only(
        tmp_path,
        "[a]\nlora = poet.gguf\nlora-scaled = x.gguf:0.5\n"
        "control-vector-scaled = poet.gguf:2\ncontrol-vector-layer-range = 3 9\n",
    )
    assert found.settings == {
        "adapters": (str(tmp_path / "poet.gguf"), "x.gguf:0.5"),
        "adapters_on": True,
        "control_vectors": (f"{tmp_path / 'poet.gguf'}:2",),
        "control_layers": "3-9",
    }
    assert not found.kept
    later = only(tmp_path, "[a]\nlora-init-without-apply = on\nlora = poet.gguf\n")
    assert later.settings["adapters_on"] is False


def test_templates_and_fields_of_requests(tmp_path: Path) -> None:
    (tmp_path / "mine.jinja").write_text("{{ messages }}")
    found = only(
        tmp_path,
        '[a]\nchat-template-file = mine.jinja\nchat-template-kwargs = {"x": true}\n'
        "reasoning-budget = 64\nsamplers = top_k;temperature\nalias = one, two\n",
    )
    assert found.settings["chat_template"] == str(tmp_path / "mine.jinja")
    assert found.settings["generation_defaults"] == {
        "chat_template_kwargs": {"x": True},
        "reasoning_budget": 64,
        "samplers": ["top_k", "temperature"],
    }
    assert found.aliases == ("one", "two")
    own = only(
        tmp_path, "[a]\nchat-template = {% for m in messages %}{{ m.content }}{% endfor %}\n"
    )
    assert own.settings["chat_template"].startswith("{% for")


def test_keys_are_required_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "keys.txt").write_text("third\n\n")
    file = tmp_path / "one.ini"
    file.write_text("[a]\napi-key = first, second\napi-key-file = keys.txt\n")
    foreign = read_foreign(str(file))
    settings = Settings.load(others=foreign.settings)
    assert [key.name for key in settings.keys] == ["preset-1", "preset-2", "preset-3"]
    assert find_key(settings.keys, b"third") == settings.keys[2]
    assert settings.require_key
    assert "first" not in foreign.told + repr(read_llama_preset(str(file)))
    file.write_text("[a]\napi-key-file = gone.txt\n")
    with pytest.raises(SettingsError, match="api-key-file"):
        read_foreign(str(file))


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such files")
def test_keys_are_not_read_from_a_device_without_end(tmp_path: Path) -> None:
    file = tmp_path / "models.ini"
    file.write_text("[a]\napi-key-file = /dev/zero\n")
    with pytest.raises(SettingsError, match=r"api-key-file.*not a regular file"):
        read_llama_preset(str(file))


def test_all_sections_are_read_with_what_counts_for_all(presets: Path) -> None:
    first, second = read_llama_presets(presets)
    assert (first.name, second.name) == ("ggml-org/SmolLM2-GGUF:Q8_0", "custom")
    assert (first.settings["context"], second.settings["context"]) == (4096, 8192)
    assert not first.starts


@pytest.mark.parametrize("wanted", ["", "#gone"])
def test_a_section_must_be_clear(presets: Path, wanted: str) -> None:
    with pytest.raises(SettingsError) as error:
        read_llama_preset(f"{presets}{wanted}")
    assert "custom" in (error.value.hint or "")


def test_the_section_that_is_loaded_at_the_start_is_meant(presets: Path) -> None:
    presets.write_text(PRESETS + "load-on-startup = true\n")
    assert read_llama_preset(str(presets)).model.endswith("here.gguf")


def test_a_file_without_sections(tmp_path: Path) -> None:
    found = only(tmp_path, "hf-repo = user/main\nhf-file = q4.gguf\ntemp = 0.5\nn = -1\n")
    assert found.model == "hf:user/main:q4.gguf"
    assert found.settings == {"generation_defaults": {"temperature": 0.5}}


@pytest.mark.parametrize(
    "line",
    [
        "c = much",
        "mlock = perhaps",
        "temp = nan",
        "n = x",
        "lora-scaled = a.gguf",
        "chat-template-kwargs = [1]",
        'chat-template-kwargs = {"x": NaN}',
        'chat-template-kwargs = {"x": [1e999]}',
        pytest.param(f"chat-template-kwargs = {'[' * 100_000}", id="too deep"),
    ],
)
def test_a_value_that_means_nothing_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(SettingsError, match=r"means nothing|cannot be read"):
        only(tmp_path, f"[a]\n{line}\n")


@pytest.mark.parametrize("key", ["model", "mmproj", "lora"])
def test_a_name_that_is_too_long_for_a_file_is_none(tmp_path: Path, key: str) -> None:
    found = only(tmp_path, f"[a]\n{key} = {'x' * 5000}\n")
    assert "x" * 5000 in repr(found)


@pytest.mark.parametrize("name", ["gone.ini", "~nobody-of-that-name/a.ini"])
def test_a_file_that_is_not_there(tmp_path: Path, name: str) -> None:
    for read in (read_llama_preset, read_foreign):
        with pytest.raises(SettingsError, match="cannot be read"):
            read(str(tmp_path / name) if name[0] != "~" else name)


def test_names_of_files() -> None:
    assert is_llama_preset("a.ini")
    assert is_llama_preset("a.INI#b/c:Q8_0")
    assert not is_llama_preset("a.gguf")


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.mktemp("any") / "any.ini"
    file.write_text(text, encoding="utf-8", newline="")
    with contextlib.suppress(SettingsError):
        read_llama_preset(str(file))
