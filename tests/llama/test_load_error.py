"""What the library says when it loads nothing, and what is said of the file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coblyn.errors import ModelBroken, ModelError, ModelNotFound, ModelUnsupported
from coblyn.llama.load_error import load_error

# Lines as llama.cpp 0.5.0 writes them.
LOADING = "llama_model_load: error loading model: "


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    return path


@pytest.mark.parametrize(
    ("line", "kind", "what", "hint"),
    [
        (f"{LOADING}unknown model architecture: 'new'", ModelUnsupported, "'new'", "newer"),
        (
            "llama_model_load: error loading model vocabulary: unknown pre-tokenizer type: 'odd'",
            ModelUnsupported,
            "pre-tokenizer 'odd'",
            "newer",
        ),
        (f"{LOADING}unknown tokenizer: 'odd'", ModelUnsupported, "kind 'odd'", "newer"),
        (
            "gguf_init_from_file_ptr: tensor 'x' has invalid ggml type 77. should be in [0, 43)",
            ModelUnsupported,
            "tensor 'x'",
            "newer",
        ),
        (
            f"{LOADING}done_getting_tensors: wrong number of tensors; expected 12, got 11",
            ModelUnsupported,
            "expected 12, got 11",
            "newer",
        ),
        (f"{LOADING}missing tensor 'token_embd.weight'", ModelBroken, "no tensor", "part"),
        (
            f"{LOADING}check_tensor_dims: tensor 'blk.0.ffn_up.weight' not found",
            ModelBroken,
            "no tensor 'blk.0.ffn_up.weight'",
            "part",
        ),
        (
            f"{LOADING}check_tensor_dims: tensor 'a' has wrong shape; expected 1, got 2",
            ModelBroken,
            "tensor 'a' has wrong shape; expected 1, got 2",
            "conversion",
        ),
        (
            "llama_model_load: error loading model hyperparameters: key not found in model: a.b",
            ModelBroken,
            "no key 'a.b'",
            "conversion",
        ),
        (f"{LOADING}mmap failed: Cannot allocate memory", ModelError, "memory", "quantization"),
        (
            "ggml_aligned_malloc: insufficient memory (attempted to allocate 9.0 MB)",
            ModelError,
            "memory",
            "quantization",
        ),
        (
            "alloc_tensor_range: failed to allocate CPU buffer of size 99",
            ModelError,
            "memory",
            "quantization",
        ),
        (
            f"{LOADING}tensor 'x' data is not within the file bounds, model is corrupted or incomplete",
            ModelBroken,
            "cut short",
            "fetch it again",
        ),
        (f"{LOADING}invalid n_rot: 16, expected 6", ModelBroken, ": invalid n_rot", "Try another"),
    ],
)
def test_it_is_said_what_it_is(
    path: Path, line: str, kind: type[ModelError], what: str, hint: str
) -> None:
    error = load_error(path, [line, "llama_model_load_from_file_impl: failed to load model"])
    assert type(error) is kind
    assert error.message.startswith(str(path))
    assert what in error.message
    assert hint in error.hint
    assert ("fetch it again" in error.hint) == ("file bounds" in line)


def test_a_file_that_was_deleted_meanwhile(path: Path) -> None:
    path.unlink()
    with pytest.raises(ModelNotFound, match="There is no model file"):
        raise load_error(path, [f"{LOADING}llama_model_loader: failed to load model from {path}"])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_file_that_may_not_be_read(path: Path) -> None:
    path.chmod(0)
    assert "may not be read" in load_error(path, []).message


def test_a_library_that_says_nothing(path: Path) -> None:
    assert "gave no reason" in load_error(path, []).message
