from __future__ import annotations

import gzip
import json
import pickle
import zipfile
from pathlib import Path

import pytest

from coblyn.errors import ModelBroken
from coblyn.models.formats import describe_start
from coblyn.models.gguf import read_header


def safetensors() -> bytes:
    head = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return len(head).to_bytes(8, "little") + head + b"1234"


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 123456789\n"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "empty"),
        (safetensors(), "safetensors"),
        (pickle.dumps({"a": 1}, protocol=2), "pickle"),
        (gzip.compress(b"x", mtime=0), "gzip"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"\n <HTML><body>Not found", "web page"),
        (POINTER, r"Git LFS pointer \(the model has 123.5 MB\)"),
        (b"version https://git-lfs.github.com/spec/v1\nsize x\n", "Git LFS pointer"),
        (b"lmgg" + b"\0" * 9, "GGML"),
        (b"tjgg\x03\0\0\0", "GGJT"),
        (b'{"error": "no"}', "JSON"),
        (b"\0" * 4096, "zeros"),
        (b"\x7fELF", "Linux"),
        (b"plain text", r"not a GGUF file\.$"),
        (b"GG", r"not a GGUF file\.$"),
    ],
)
def test_says_what_it_is(tmp_path: Path, data: bytes, what: str) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(data)
    with pytest.raises(ModelBroken, match=what) as caught:
        read_header(file)
    assert str(file) in caught.value.message


def test_zip(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", "b")
    with pytest.raises(ModelBroken, match="ZIP"):
        read_header(file)


def test_a_hint_goes_with_each_model_format() -> None:
    assert "convert" in describe_start(safetensors(), 99)[1]
