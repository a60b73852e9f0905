"""KoboldCPP's settings files: what its launcher writes, as settings of ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from coblyn.errors import SettingsError
from coblyn.models.kcpps import Kcpps, is_kcpps, read_kcpps
from coblyn.settings import Settings

# As v1.115 writes them where nobody changed anything, but for what the machine has.
UNTOUCHED: dict[str, Any] = {
    "model": [],
    "model_param": None,
    "port": 5001,
    "port_param": 5001,
    "host": "",
    "launch": False,
    "contextsize": 16384,
    "gpulayers": -1,
    "threads": 4,
    "batchthreads": 0,
    "usecuda": None,
    "usevulkan": None,
    "usecpu": False,
    "tensor_split": None,
    "splitmode": "layer",
    "maingpu": -1,
    "ropeconfig": [0.0, 10000.0],
    "overridenativecontext": 0,
    "batchsize": 512,
    "noflashattention": False,
    "quantkv": "f16",
    "usemmap": False,
    "usemlock": False,
    "moeexperts": -1,
    "autofitpadding": 1024,
    "draftmodel": "",
    "draftamount": 8,
    "draftgpulayers": 999,
    "parallelrequests": 1,
    "lora": None,
    "loramult": 1.0,
    "mmproj": "",
    "visionmaxres": 1024,
    "visionmintokens": -1,
    "visionmaxtokens": -1,
    "multiuser": 10,
    "ratelimit": 0,
    "maxrequestsize": 32,
    "reqtimeout": 600,
    "password": None,
    "adminpassword": None,
    "ssl": None,
    "chatcompletionsadapter": "AutoGuess",
    "jinja": False,
    "jinjathink": "default",
    "reasoningeffort": "default",
    "gendefaults": {},
    "gendefaultsoverwrite": False,
    "defaultgenamt": 2048,
    "genlimit": 0,
    "preloadstory": None,
    "savedatafile": None,
    "multiplayer": False,
    "websearch": False,
    "admin": False,
    "admindir": "",
    "sdmodel": "",
    "sdquant": 0,
    "whispermodel": "",
    "ttsmodel": "",
    "embeddingsmaxctx": 4096,
    "debugmode": 0,
    "rpcmode": "disabled",
    "rpcport": 5551,
    "rpchost": "0.0.0.0",
}


def read(tmp_path: Path, **changes: Any) -> Kcpps:
    path = tmp_path / "my.kcpps"
    path.write_text(json.dumps(UNTOUCHED | changes))
    return read_kcpps(path)


def test_what_nobody_changed_is_not_mentioned(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert found.settings == {"context": 16384, "threads": 4}
    assert found.kept == {}
    assert found.pointless == {}
    assert found.model == ""


@pytest.mark.parametrize(
    ("changes", "settings"),
    [
        ({"contextsize": 8192}, {"context": 8192}),
        ({"gpulayers": 0}, {"gpu_layers": 0}),
        ({"threads": -1}, {"threads": 0}),
        ({"batchsize": -1}, {"batch": 32}),
        ({"blasbatchsize": 1024}, {"batch": 1024}),
        ({"flashattention": True}, {"flash_attention": True}),
        ({"noflashattention": True}, {"flash_attention": False}),
        ({"quantkv": 1}, {"cache_type": "q8_0"}),
        ({"quantkv": "q5_1"}, {"cache_type": "q5_1"}),
        ({"nommap": True}, {"memory_map": False}),
        ({"usemmap": True}, {"memory_map": True}),
        ({"usemlock": True}, {"memory_lock": True}),
        ({"parallelrequests": 4}, {"max_running": 4}),
        ({"multiuser": 5}, {"max_waiting": 4}),
        ({"multiuser": 1}, {}),
        ({"maxrequestsize": 8}, {"max_body": 8 << 20}),
        ({"ssl": ["c.pem", "k.pem"]}, {"tls_cert": "c.pem", "tls_key": "k.pem"}),
        ({"savedatafile": "my.jsondb"}, {"data_slots": True}),
        ({"multiplayer": True}, {"multiplayer": True}),
        ({"preloadstory": "story.json"}, {"preload_story": "story.json"}),
        ({"preloadstory": {"prompt": "Once"}}, {"preload_story": '{"prompt": "Once"}'}),
        ({"gendefaults": {"min_p": 0.1}}, {"generation_defaults": {"min_p": 0.1}}),
        ({"gendefaults": '{"min_p": 0.1}'}, {"generation_defaults": {"min_p": 0.1}}),
        (
            {"gendefaults": {"min_p": 0.1}, "jinja_kwargs": '{"a": 1}', "jinjathink": "false"},
            {
                "generation_defaults": {
                    "min_p": 0.1,
                    "chat_template_kwargs": {"a": 1},
                    "enable_thinking": False,
                }
            },
        ),
        (
            {"reasoningeffort": "low"},
            {"generation_defaults": {"reasoning_effort": "low"}},
        ),
        ({"gendefaultsoverwrite": True}, {"defaults_win": True}),
        ({"moecpu": 3}, {"cpu_experts": 3}),
        ({"usemtp": True}, {"draft_heads": True}),
        ({"adminunloadtimeout": 60}, {"sleep_seconds": 60}),
        ({"jinjatemplate": "t.jinja"}, {"chat_template": "t.jinja"}),
        ({"defaultgenamt": 300}, {"default_max_tokens": 300}),
        ({"websearch": True}, {"web_search": True}),
        ({"lora": "x/poet.gguf"}, {"adapters": ("poet=x/poet.gguf:1.0",), "adapters_on": True}),
        (
            {"lora": ["a b.gguf", "c.gguf"], "loramult": 0.5},
            {"adapters": ("a-b=a b.gguf:0.5", "c=c.gguf:0.5"), "adapters_on": True},
        ),
        ({"genlimit": 100}, {"max_completion": 100}),
        ({"port_param": 6000}, {"port": 6000}),
        ({"host": "127.0.0.2"}, {"host": "127.0.0.2"}),
    ],
)
def test_a_key_becomes_a_setting(
    changes: dict[str, Any], settings: dict[str, Any], tmp_path: Path
) -> None:
    found = read(tmp_path, **changes)
    assert found.settings == {"context": 16384, "threads": 4} | settings
    assert found.kept == {}
    assert found.pointless == {}
    assert set(found.settings) == {
        name for names in found.understood.values() for name in names.split(" and ")
    }
    Settings.load(others=(str(found.path), found.settings))


def test_every_other_key_is_told(tmp_path: Path) -> None:
    changes = {
        "draftmodel": "small.gguf",
        "draftamount": 4,
        "usecuda": ["0", "mmq"],
        "sdmodel": "x",
        "newest": 1,
    }
    found = read(tmp_path, **changes)
    assert found.settings["draft_model"] == "small.gguf"
    assert found.kept == {"draftamount": "tokens of a draft"}
    assert set(found.pointless) == {"usecuda", "sdmodel", "newest"}
    assert "no such key" in found.pointless["newest"]


def test_passwords_are_told_of_and_not_shown(tmp_path: Path) -> None:
    found = read(tmp_path, password="pw-1", adminpassword="pw-2")
    assert (found.password, found.admin_password) == ("pw-1", "pw-2")
    assert found.understood["password"] == "keys"
    assert "pw-1" not in repr(found)


def test_the_model_may_lie_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").touch()
    assert read(tmp_path, model="a.gguf").model == str(tmp_path / "a.gguf")
    assert read(tmp_path, model=[], model_param="b.gguf").model == "b.gguf"
    address = "https://models.example/c.gguf"
    assert read(tmp_path, model=[address]).model == address


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[]", "object"),
        ("{", "cannot be read"),
        ('{"batchsize": "many"}', "batchsize"),
        ('{"quantkv": 9}', "quantkv"),
        ('{"ssl": ["one"]}', "ssl"),
        ('{"gendefaults": "x"}', "gendefaults"),
        ('{"jinja_kwargs": "[1"}', "jinja_kwargs"),
        ('{"jinja_kwargs": "{\\"a\\": NaN}"}', "jinja_kwargs"),
        ('{"gendefaults": "{\\"min_p\\": -Infinity}"}', "gendefaults"),
        ('{"jinja_kwargs": {"a": NaN}}', "cannot be read"),
        ('{"jinjathink": "perhaps"}', "jinjathink"),
    ],
)
def test_a_wrong_file_is_refused_by_name(text: str, named: str, tmp_path: Path) -> None:
    path = tmp_path / "my.kcpps"
    path.write_text(text)
    with pytest.raises(SettingsError, match=named):
        read_kcpps(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.kcpps"):
        read_kcpps(tmp_path / "none.kcpps")


def test_files_are_known_by_their_endings() -> None:
    assert is_kcpps("a/B.KCPPS")
    assert is_kcpps("t.kcppt")
    assert not is_kcpps("model.gguf")
