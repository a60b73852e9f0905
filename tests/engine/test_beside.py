"""Which projector belongs to which model, by names alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from coblyn.engine.beside import find_projector


@pytest.mark.parametrize(
    ("model", "others", "found"),
    [
        (
            "gemma-3-4b-it-Q4_K_M.gguf",
            ["mmproj-gemma-3-4b-it-f16.gguf"],
            "mmproj-gemma-3-4b-it-f16.gguf",
        ),
        ("gemma-3-4b-it-Q4_K_M.gguf", ["mmproj-F16.gguf"], "mmproj-F16.gguf"),
        (
            "gemma-3-4b-it-UD-Q4_K_XL.gguf",
            ["mmproj-F32.gguf", "mmproj-BF16.gguf"],
            "mmproj-BF16.gguf",
        ),
        ("gemma-3-4b-it-Q4_K_M.gguf", ["mmproj-model-f16.gguf"], "mmproj-model-f16.gguf"),
        (
            "Qwen2.5-VL-7B-Q8_0.gguf",
            ["Qwen2.5-VL-7B.mmproj-fp16.gguf"],
            "Qwen2.5-VL-7B.mmproj-fp16.gguf",
        ),
        (
            "big-00001-of-00003.gguf",
            ["big-00002-of-00003.gguf", "mmproj-f16.gguf"],
            "mmproj-f16.gguf",
        ),
        ("one-Q4_0.gguf", ["one-Q8_0.gguf", "mmproj-f16.gguf"], "mmproj-f16.gguf"),
        ("one.gguf", ["two.gguf", "mmproj-f16.gguf"], None),
        ("one.gguf", ["two.gguf", "mmproj-two-f16.gguf"], None),
        (
            "one.gguf",
            ["two.gguf", "mmproj-one-f16.gguf", "mmproj-two-f16.gguf"],
            "mmproj-one-f16.gguf",
        ),
        ("one.gguf", [], None),
        ("one.gguf", ["two.gguf"], None),
    ],
)
def test_projector_of(tmp_path: Path, model: str, others: list[str], found: str | None) -> None:
    for name in (model, *others):
        (tmp_path / name).touch()
    path = find_projector(tmp_path / model)
    assert (path.name if path else None) == found
