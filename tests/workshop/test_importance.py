from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest

from coblyn.errors import ModelBroken, ModelNotFound
from coblyn.models.gguf import read_header
from coblyn.workshop.importance import Importance, Sums, read_importance, write_importance


def written(path: Path, importance: Importance) -> Path:
    with path.open("wb") as file:
        write_importance(file, importance)
    return path


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    dense = Sums(np.array([[1, 2, 3]], np.float32), np.array([2], np.float32))
    experts = Sums(np.array([[4, 8], [9, 9]], np.float32), np.array([4, 0], np.float32))
    path = written(
        tmp_path / "a.gguf",
        Importance({"blk.0.b.weight": experts, "blk.0.a.weight": dense}, ["text.txt"], 7, 512),
    )
    found = read_importance(path)
    assert (found.num_chunks, found.chunk_size) == (7, 512)
    assert list(found.means()["blk.0.a.weight"]) == [0.5, 1, 1.5]
    # An expert that saw nothing counts as if all its inputs mattered alike.
    assert list(found.means()["blk.0.b.weight"]) == [1, 2, 1, 1]


def test_the_file_has_the_tensors_and_shapes_of_llama_imatrix(tmp_path: Path) -> None:
    experts = Sums(np.ones((4, 3), np.float32), np.ones(4, np.float32))
    header = read_header(written(tmp_path / "a.gguf", Importance({"x.weight": experts})))
    assert header.kind == "imatrix"
    shapes = {tensor.name: tensor.shape for tensor in header.tensors}
    assert shapes == {"x.weight.in_sum2": (3, 4), "x.weight.counts": (1, 4)}


def test_the_older_format_is_read(tmp_path: Path) -> None:
    name = b"blk.0.a.weight"
    entry = struct.pack("<i", len(name)) + name + struct.pack("<ii3f", 4, 3, 4, 8, 12)
    path = tmp_path / "old.dat"
    path.write_bytes(struct.pack("<i", 1) + entry + struct.pack("<i", 9))
    found = read_importance(path)
    assert list(found.means()["blk.0.a.weight"]) == [1, 2, 3]
    assert found.num_chunks == 9


def test_every_cut_of_an_older_file_is_refused(tmp_path: Path) -> None:
    whole = struct.pack("<ii", 1, 1) + b"x" + struct.pack("<ii2f", 1, 2, 1, 1)
    for length in range(len(whole)):
        path = tmp_path / "cut.dat"
        path.write_bytes(whole[:length])
        with pytest.raises(ModelBroken):
            read_importance(path)


def test_what_is_no_importance_matrix_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"no importance matrix .*none"):
        read_importance(tmp_path / "none")
    broken = io.BytesIO()
    sums = Sums(np.array([[np.inf]], np.float32), np.array([1], np.float32))
    write_importance(broken, Importance({"x": sums}))
    (tmp_path / "inf").write_bytes(broken.getvalue())
    with pytest.raises(ModelBroken, match="not numbers"):
        read_importance(tmp_path / "inf")
