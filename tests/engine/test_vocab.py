"""The vocabulary that constraints see, of real models."""

from __future__ import annotations

from pathlib import Path

import pytest

from coblyn.chat.messages import Message
from coblyn.chat.template import ChatTemplate
from coblyn.engine.encoded import Source, Text
from coblyn.engine.encoder import Encoder
from coblyn.engine.prompt import unpack_ids
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


def ids_of_prompt(model: Model, template: str, talk: list[Message]) -> tuple[str, list[int]]:
    """The text of a conversation, and the ids that the engine is given."""
    names = [model.piece(each, special=True).decode() for each in (model.bos, model.eos)]
    text = ChatTemplate(template, bos=names[0], eos=names[1]).render(talk).text
    encoder = Encoder(ModelVocab(model), names[0])
    encoded = encoder.encode(Source((Text(text),), wants_ids=True))
    return text, unpack_ids(encoded.ids or b"").tolist()


TALK = [Message("system", "Be brief."), Message("user", "Hello."), Message("assistant", "é→?")]


@pytest.mark.native
def test_marks_of_a_rendered_conversation_are_the_models_own_tokens(
    bundle: Bundle, starter_model: Path
) -> None:
    with Model(open_library(bundle.lib_dir), starter_model) as model:
        text, ids = ids_of_prompt(model, model.chat_template, [*TALK, TALK[1]])
        assert b"".join(model.piece(each, special=True) for each in ids).decode() == text
        for mark in ("<|im_start|>", "<|im_end|>"):
            (token,) = model.tokenize(mark, add_special=False, parse_special=True)
            assert ids.count(token) == text.count(mark) > 3
            assert model.piece(token) == b"", "a control token"


@pytest.mark.native
@pytest.mark.parametrize("start", ["", "{{ bos_token }}"], ids=["bare", "with BOS"])
def test_the_first_token_comes_once_whether_or_not_a_template_writes_it(
    start: str, tmp_path: Path, bundle: Bundle
) -> None:
    path = family_model(FAMILIES[0]).write(tmp_path / "model.gguf")
    with Model(open_library(bundle.lib_dir), path) as model:
        assert model.adds_bos
        _, ids = ids_of_prompt(model, start + model.chat_template, TALK)
        assert ids[0] == model.bos
        assert ids.count(model.bos) == 1
        assert len(ids) > 20
