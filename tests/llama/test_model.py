"""What a loaded model says of itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from coblyn.llama.library import open_library
from coblyn.llama.model import Model
from coblyn.native.bundle import Bundle
from family_models import FAMILIES, family_model
from more_family_models import MORE_FAMILIES


@pytest.mark.native
def test_the_end_of_one_message_ends_no_reply_of_several(tmp_path: Path, bundle: Bundle) -> None:
    (muse,) = (tiny for tiny in MORE_FAMILIES if tiny.format == "muse")
    path = family_model(muse).write(tmp_path / "model.gguf")
    library = open_library(bundle.lib_dir)
    with Model(library, path) as model:
        (message_end,) = model.tokenize("<|eom|>", add_special=False, parse_special=True)[-1:]
        (turn_end,) = model.tokenize("<|eot|>", add_special=False, parse_special=True)[-1:]
    ends = {"tokenizer.ggml.eom_token_id": message_end, "tokenizer.ggml.eot_token_id": turn_end}
    with Model(library, path, metadata=ends) as model:
        assert turn_end in model.end_tokens
        assert message_end not in model.end_tokens


@pytest.mark.native
@pytest.mark.parametrize("mark", ["<|eot_id|>", "<|eom_id|>", "<|eom|>", "<|im_end|>", "<|call|>"])
def test_the_end_of_a_message_ends_a_reply(tmp_path: Path, bundle: Bundle, mark: str) -> None:
    path = family_model(replace(FAMILIES[0], marks=(mark,))).write(tmp_path / "model.gguf")
    with Model(open_library(bundle.lib_dir), path) as model:
        (end,) = model.tokenize(mark, add_special=False, parse_special=True)[-1:]
        assert {end, model.eos} <= model.end_tokens
        assert model.piece(end) == b""


@pytest.mark.native
@pytest.mark.parametrize("name", ["eot", "eom"])
def test_what_a_file_names_as_an_end_is_one(tmp_path: Path, bundle: Bundle, name: str) -> None:
    path = family_model(replace(FAMILIES[0], marks=("<done>",))).write(tmp_path / "model.gguf")
    library = open_library(bundle.lib_dir)
    with Model(library, path) as model:
        (end,) = model.tokenize("<done>", add_special=False, parse_special=True)[-1:]
        assert end not in model.end_tokens
    with Model(library, path, metadata={f"tokenizer.ggml.{name}_token_id": end}) as model:
        assert model.end_tokens == {end, model.eos}
