from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coblyn.models.gguf import read_header
from coblyn.proof.gguf import write_gguf
from coblyn.proof.reference import logits
from coblyn.proof.tiny import VOCABULARY, TinyModel, tiny_models


@pytest.mark.parametrize("model", tiny_models(), ids=lambda model: model.name)
def test_a_tiny_model_is_a_sound_file(model: TinyModel, tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    write_gguf(path, model.metadata, model.stored)
    header = read_header(path)
    assert len(header.tensors) == len(model.stored)
    for tensor in header.tensors:
        stored = model.stored[tensor.name]
        assert tensor.shape == stored.shape[::-1]
        data = path.read_bytes()[tensor.offset : tensor.offset + tensor.size]
        assert data == stored.data


@pytest.mark.parametrize("model", tiny_models(), ids=lambda model: model.name)
def test_what_comes_later_changes_nothing_before(model: TinyModel) -> None:
    tokens = np.random.default_rng(1).integers(0, VOCABULARY, 30).tolist()
    whole = logits(model, tokens)
    assert np.isfinite(whole).all()
    assert np.allclose(logits(model, tokens[:20]), whole[:20])
    other = logits(model, [*tokens[:10], (tokens[10] + 1) % VOCABULARY, *tokens[11:]])
    assert np.allclose(other[:10], whole[:10])
    assert not np.allclose(other[10:12], whole[10:12], atol=0.01)
