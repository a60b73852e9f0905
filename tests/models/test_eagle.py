"""What is told of the EAGLE-3 head in a file, and of what would end the process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coblyn.files import human_size
from coblyn.models.eagle import read_eagle
from coblyn.models.gguf import read_header
from gguf_file import GgufWriter, whole_model
from head_models import eagle_head, plain_model

_MODEL = plain_model("llama")


def test_a_sound_head_is_told_with_what_it_is_for(tmp_path: Path) -> None:
    head = read_eagle(eagle_head(_MODEL, is_own=True).write(tmp_path / "head.gguf"))
    assert head
    assert head.layers == (0, 1, 1)
    assert head.model_width == 64
    assert not head.problem
    assert head.told.startswith("EAGLE-3, ")
    assert head.told.endswith("for a model of width 64, from its layers 0, 1, 1")


def test_other_files_have_none(tmp_path: Path) -> None:
    assert read_eagle(whole_model().write(tmp_path / "model.gguf")) is None


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"block_count": 2}, "has 2 layers"),
        ({"target_layers": [1, 2]}, "three layers"),
        ({"target_layers": ["1", "2", "3"]}, "three layers"),
        ({"target_layers": 4}, "three layers"),
        ({"target_layers": "12345678"}, "three layers"),
        ({"attention__key_length": 16}, "unequal lengths"),
    ],
)
def test_numbers_that_the_library_does_not_run(
    keys: dict[str, object], problem: str, tmp_path: Path
) -> None:
    head = read_eagle(eagle_head(_MODEL, **keys).write(tmp_path / "head.gguf"))
    assert head
    assert problem in head.problem
    assert head.told.endswith(f"not used: {head.problem}")


@pytest.mark.parametrize("token", [-1, 2**40, 260])
def test_a_table_of_tokens_that_there_are_not(token: int, tmp_path: Path) -> None:
    writer = eagle_head(_MODEL, is_own=True)
    *others, (name, shape, kind, data) = writer.tensors
    table = np.frombuffer(data, "<i8").copy()
    table[-1] = token
    others.append((name, shape, kind, table.tobytes()))
    head = read_eagle(GgufWriter(writer.metadata, others).write(tmp_path / "head.gguf"))
    assert head
    assert "table of tokens names tokens that do not exist" in head.problem


@pytest.mark.parametrize(
    ("left_out", "problem"),
    [("output.weight", "a table of tokens and no output"), ("blk.0.ffn_up.weight", "")],
)
def test_tensors_without_which_the_library_ends_the_process(
    left_out: str, problem: str, tmp_path: Path
) -> None:
    writer = eagle_head(_MODEL, is_own=True)
    tensors = [each for each in writer.tensors if each[0] != left_out]
    head = read_eagle(GgufWriter(writer.metadata, tensors).write(tmp_path / "head.gguf"))
    assert head
    assert head.problem == (f"its file has {problem}" if problem else "")


@pytest.mark.parametrize(
    ("place", "more", "problem"),
    [
        (70, 0, "it has a different vocabulary"),
        (None, 128, ""),
        (None, 129, "it has a different vocabulary"),
    ],
)
def test_vocabularies_are_compared_in_the_files(
    place: int | None, more: int, problem: str, tmp_path: Path
) -> None:
    head = read_eagle(eagle_head(_MODEL).write(tmp_path / "head.gguf"))
    other = plain_model("llama")
    tokens = other.metadata["tokenizer.ggml.tokens"]
    assert isinstance(tokens, list)
    if place is not None:
        tokens[place] = "other"
    tokens += [f"more {index}" for index in range(more)]
    path = GgufWriter(other.metadata, other.tensors).write(tmp_path / "model.gguf")
    assert head
    assert head.problem_with(read_header(path)) == problem


def test_what_it_adds_to_its_model_is_told(tmp_path: Path) -> None:
    head = read_eagle(eagle_head(_MODEL).write(tmp_path / "head.gguf"))
    assert head
    assert (
        head.told_memory
        == f"{human_size(head.size)} beside its model, and 256 bytes a token of context"
    )
