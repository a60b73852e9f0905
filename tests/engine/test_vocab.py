"""The vocabulary that constraints see, of real models."""

from __future__ import annotations

from pathlib import Path

import pytest

from coblyn.engine.vocab import ModelVocab, constraint_vocabulary
from coblyn.llama.library import open_library
from coblyn.llama.model import Model
from coblyn.native.bundle import Bundle
from family_models import FAMILIES, family_model
from more_family_models import MORE_FAMILIES

TEXTS = ["weather", " weather", '{"city": ', "\n", "  two", "é→", ""]


@pytest.mark.native
def test_tokens_of_a_text_that_goes_on_are_just_that_text(tmp_path: Path, bundle: Bundle) -> None:
    """SentencePiece's begin with a space otherwise, which a constraint that forces a text does not allow."""
    path = family_model(FAMILIES[0]).write(tmp_path / "model.gguf")
    with Model(open_library(bundle.lib_dir), path) as model:
        vocab = ModelVocab(model)
        assert vocab.piece(vocab.tokenize("a", add_special=False, parse_special=False)[0]) == b" "
        tokenize = constraint_vocabulary(model, vocab).tokenize
        for text in TEXTS:
            assert b"".join(map(vocab.piece, tokenize(text))) == text.encode()


@pytest.mark.native
def test_a_mark_that_is_an_ordinary_token_puts_no_space_after_it(
    tmp_path: Path, bundle: Bundle
) -> None:
    """llama.cpp makes ordinary tokens of the marks of some families."""
    (tiny,) = (each for each in MORE_FAMILIES if each.architecture == "gpt-oss")
    path = family_model(tiny).write(tmp_path / "model.gguf")
    with Model(open_library(bundle.lib_dir), path) as model:
        vocab = ModelVocab(model)
        tokenize = constraint_vocabulary(model, vocab).tokenize
        text = "<|end|><|start|>assistant<|channel|>commentary to=functions."
        ids = tokenize(text)
        assert b"".join(map(vocab.piece, ids)) == text.encode()
        assert len(model.marks & set(ids)) == 3


@pytest.mark.native
def test_others_are_read_as_they_are(bundle: Bundle, starter_model: Path) -> None:
    with Model(open_library(bundle.lib_dir), starter_model) as model:
        vocab = ModelVocab(model)
        tokenize = constraint_vocabulary(model, vocab).tokenize
        for text in TEXTS:
            assert tokenize(text) == vocab.tokenize(text, add_special=False, parse_special=False)
