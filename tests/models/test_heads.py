"""What is told of the prediction heads of a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from coblyn.models.heads import find_heads, kind_of_other_heads
from gguf_file import F32, GgufWriter

_BLOCK = ("blk.2.nextn.eh_proj.weight", (8, 4), F32, bytes(128))


def write(path: Path, architecture: str, count: int, *, is_whole: bool = True) -> Path:
    keys: dict[str, object] = {
        "general.architecture": architecture,
        f"{architecture}.block_count": 2 + count,
        f"{architecture}.nextn_predict_layers": count,
    }
    return GgufWriter(keys, [_BLOCK] if is_whole else []).write(path / "model.gguf")


@pytest.mark.parametrize(("architecture", "count"), [("glm4moe", 1), ("hy_v3", 1), ("step35", 3)])
def test_those_that_can_be_used_have_a_size(architecture: str, count: int, tmp_path: Path) -> None:
    heads = find_heads(write(tmp_path, architecture, count))
    assert heads
    assert (heads.count, heads.size, heads.problem) == (count, 128, "")
    assert f"{count} (MTP, 128 bytes), used" in heads.told


@pytest.mark.parametrize(
    ("architecture", "count", "is_whole", "problem"),
    [
        ("glm4moe", 1, False, "the file lacks their weights"),
        ("glm4moe", 2, True, "runs only one"),
        ("qwen35", 1, True, "cannot be removed"),
        ("mimo2", 1, True, "not been tried"),
        ("exaone-moe", 1, True, "llama.cpp does not run those of exaone-moe"),
    ],
)
def test_others_are_told_with_the_reason(
    architecture: str, count: int, is_whole: bool, problem: str, tmp_path: Path
) -> None:
    heads = find_heads(write(tmp_path, architecture, count, is_whole=is_whole))
    assert heads
    assert not heads.are_usable
    assert problem in heads.problem
    assert f"not used: {heads.problem}" in heads.told


@pytest.mark.parametrize(
    ("architecture", "kind"), [("eagle3", "EAGLE-3"), ("gemma4-assistant", "Gemma 4's assistant")]
)
def test_heads_in_a_file_of_their_own_are_told_from_models(
    architecture: str, kind: str, tmp_path: Path
) -> None:
    assert kind_of_other_heads(write(tmp_path, architecture, 0)) == kind
    named = GgufWriter({"general.architecture": "llama", "general.name": architecture})
    assert kind_of_other_heads(named.write(tmp_path / "named.gguf")) == ""
    assert kind_of_other_heads(tmp_path / "missing.gguf") == ""


def test_most_files_have_none(tmp_path: Path) -> None:
    assert find_heads(write(tmp_path, "glm4moe", 0)) is None
    assert find_heads(tmp_path / "missing.gguf") is None
