"""One file for each finding: the right one is found, and what is written beside the file sets it right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from coblyn.chat.families import CHATML
from coblyn.checkup.examine import examine, set_right
from coblyn.checkup.finding import known
from coblyn.cli.app import make_app
from coblyn.engine.config import EngineConfig
from coblyn.engine.shape import open_model
from coblyn.errors import ModelBroken, SettingsError
from coblyn.llama.library import open_library
from coblyn.models.overrides import NONE, Overrides, path_of, read_overrides, write_overrides
from coblyn.native.bundle import Bundle
from gguf_file import F32, GgufWriter, Signed, whole_model
from head_models import headed_model

_TOKENS = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "\u2581", "a"]
_ENDING = [*_TOKENS[:-2], "<turn>", "b"]
_NO_OPENING = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
)
_NO_SYSTEM = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"
)
_WITH_TURN = (
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}<turn>{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)


def model(**metadata: Any) -> GgufWriter:
    keys: dict[str, Any] = {
        "llama__context_length": 2048,
        "llama__rope__freq_base": 10000.0,
        "tokenizer__chat_template": CHATML,
    }
    return whole_model(**(keys | metadata))


def without(key: str) -> GgufWriter:
    """A model without a key: it has another name of the same length."""
    writer = model()
    writer.data = writer.data.replace(key.encode(), b"x" * len(key))
    return writer


FILES: dict[str, GgufWriter] = {
    "no-end-token": without("tokenizer.ggml.eos_token_id"),
    "end-token-outside": model(tokenizer__ggml__eos_token_id=9999),
    "token-outside": model(tokenizer__ggml__padding_token_id=9999),
    "turn-end-no-end": model(tokenizer__ggml__tokens=_ENDING, tokenizer__chat_template=_WITH_TURN),
    "turn-end-is-text": model(
        tokenizer__ggml__tokens=[*_TOKENS[:-2], "<|im_end|>", "b"],
    ),
    "no-template": model(tokenizer__chat_template=""),
    "template-broken": model(tokenizer__chat_template="{% for m in %}"),
    "no-generation-prompt": model(tokenizer__chat_template=_NO_OPENING),
    "template-refuses-system": model(tokenizer__chat_template=_NO_SYSTEM),
    "no-pre-tokenizer": model(tokenizer__ggml__model="gpt2"),
    "repeated-token": model(tokenizer__ggml__tokens=[*_TOKENS[:-1], _TOKENS[5]]),
    "vocabulary-size": model(tokenizer__ggml__tokens=_TOKENS[:-1]),
    "no-context-length": model(llama__context_length=0),
    "context-length-absurd": model(llama__context_length=2**31),
    "rope-base-impossible": model(llama__rope__freq_base=-1.0),
    "rope-base-small": model(llama__context_length=131072),
    "rope-scaling-incomplete": model(llama__rope__scaling__type="yarn"),
    "tied-and-coarse": model(
        tensors=[("token_embd.weight", (256, len(_TOKENS)), 10, bytes(84 * len(_TOKENS)))]
    ),
    "not-a-number": model(
        tensors=[("output_norm.weight", (32,), F32, np.full(32, np.nan, "<f4").tobytes())]
    ),
    "prediction-heads": headed_model(),
    "all-zero": model(tensors=[("output_norm.weight", (32,), F32, bytes(128))]),
}

_FIXED = {
    "no-end-token",
    "end-token-outside",
    "turn-end-no-end",
    "turn-end-is-text",
    "template-broken",
    "no-generation-prompt",
    "no-context-length",
    "rope-base-impossible",
}


def found(path: Path) -> set[str]:
    return {each.id for each in examine(path, deep=True).findings}


def test_every_finding_has_a_file() -> None:
    assert set(FILES) == set(known())


def test_a_sound_model_has_no_findings(tmp_path: Path) -> None:
    path = model().write(tmp_path / "model.gguf")
    checkup = examine(path, deep=True)
    assert checkup.findings == ()
    assert checkup.is_sound
    assert not checkup.can_fix


@pytest.mark.parametrize("name", FILES)
def test_each_is_found_and_set_right(name: str, tmp_path: Path) -> None:
    path = FILES[name].write(tmp_path / "model.gguf")
    before = path.read_bytes()
    checkup = examine(path, deep=True)
    assert name in {each.id for each in checkup.findings}
    (one,) = [each for each in checkup.findings if each.id == name]
    assert "{" not in one.cause.replace("{%", "").replace("{{", "")
    assert bool(one.fix) == (name in _FIXED)
    if one.fix:
        set_right(checkup)
        assert name not in found(path)
    assert path.read_bytes() == before, "the file itself is never changed"


def test_a_missing_beginning_of_answers_is_taken_from_earlier_ones(tmp_path: Path) -> None:
    path = FILES["no-generation-prompt"].write(tmp_path / "model.gguf")
    checkup = examine(path)
    assert "'<|im_start|>assistant\\n'" in checkup.findings[0].fix


def test_a_pre_tokenizer_is_named_where_the_architecture_tells(tmp_path: Path) -> None:
    writer = model(tokenizer__ggml__model="gpt2")
    writer.data = writer.data.replace(b"llama.", b"qwen2.").replace(
        b"\5\0\0\0\0\0\0\0llama", b"\5\0\0\0\0\0\0\0qwen2", 1
    )
    checkup = examine(writer.write(tmp_path / "model.gguf"))
    assert checkup.fix.metadata["tokenizer.ggml.pre"] == "qwen2"


def test_what_is_beside_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    assert read_overrides(path) == NONE
    overrides = Overrides(
        {"a.b": 3, "c": 2.5, "d": True, "e": 'x "y" \\ \n \x7f \U0001f600'}, "{{ 'a' }}\n\u2581"
    )
    assert write_overrides(path, overrides) == path_of(path)
    assert read_overrides(path) == overrides


@pytest.mark.parametrize(
    "text",
    ["[", "x = 1", "metadata = 3", "[metadata]\na = [1]", f'[metadata]\na = "{"x" * 128}"', "\0"],
)
def test_what_is_wrong_beside_a_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "model.gguf"
    path_of(path).write_text(text)
    with pytest.raises(SettingsError, match=r"coblyn\.toml"):
        read_overrides(path)


@pytest.mark.native
def test_the_engine_loads_what_is_set_right(bundle: Bundle, tmp_path: Path) -> None:
    path = model(llama__context_length=256).write(tmp_path / "model.gguf")
    write_overrides(
        path,
        Overrides({"llama.context_length": 512, "tokenizer.ggml.eot_token_id": 260}, _NO_OPENING),
    )
    config = EngineConfig(str(path), str(bundle.lib_dir), bundle.id)
    with open_model(config, open_library(bundle.lib_dir)) as loaded:
        assert loaded.context_train == 512
        assert 260 in loaded.end_tokens
        assert loaded.chat_template == _NO_OPENING


def test_the_verb_shows_and_sets_right(tmp_path: Path) -> None:
    path = FILES["no-end-token"].write(tmp_path / "model.gguf")
    shown = CliRunner().invoke(make_app(), ["doctor", str(path)])
    assert shown.exit_code == 1
    assert "error: The file names no token that ends a text. [no-end-token]" in shown.output
    assert "fix: Take '</s>' (token 2)." in shown.output
    fixed = CliRunner().invoke(make_app(), ["doctor", str(path), "--fix"])
    assert str(path_of(path)) in fixed.output
    answer = json.loads(CliRunner().invoke(make_app(), ["doctor", str(path), "--json"]).output)
    assert answer["is_sound"]
    assert answer["overrides"] == ["tokenizer.ggml.eos_token_id = 2"]
    assert answer["findings"] == []


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    path = tmp_path / "page.gguf"
    path.write_text("<!DOCTYPE html>")
    with pytest.raises(ModelBroken, match="web page"):
        examine(path)


def test_types_of_tokens_may_be_missing(tmp_path: Path) -> None:
    writer = model(tokenizer__ggml__token_type=[Signed(1)])
    assert isinstance(found(writer.write(tmp_path / "model.gguf")), set)
