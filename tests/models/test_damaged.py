"""200 damaged and odd files: each is called what it is, and none crashes or hangs the reader."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coblyn.checkup.examine import examine
from coblyn.engine.config import EngineConfig
from coblyn.errors import ModelBroken, ModelError, ModelUnsupported
from coblyn.fit.fitting import survey
from coblyn.models.check import check_model, examine_model, require_writer
from coblyn.native.bundle import Bundle
from gguf_file import F32, whole_model

SOUND = whole_model().data
_LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4900000000\n"

_NO_MODELS: tuple[tuple[str, bytes, str], ...] = (
    ("nothing", b"", "empty"),
    ("pointer", _LFS, "Git LFS pointer (the model has 4.9 GB)"),
    ("pointer-without-size", _LFS.partition(b"size")[0], "Git LFS pointer"),
    ("page", b"<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
    ("page-after-spaces", b"\xef\xbb\xbf \n<HTML>", "web page"),
    ("error-of-a-service", b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "web"),
    ("json", b'{"error": "Repository not found"}', "JSON"),
    ("list", b"[1, 2]", "JSON"),
    ("zip", b"PK\x03\x04" + bytes(60), "ZIP"),
    ("pickle", b"\x80\x02}q\x00." + bytes(30), "pickle"),
    ("gzip", b"\x1f\x8b\x08" + bytes(30), "gzip"),
    ("xz", b"\xfd7zXZ\x00" + bytes(30), "xz"),
    ("bzip2", b"BZh91AY" + bytes(30), "bzip2"),
    ("7z", b"7z\xbc\xaf\x27\x1c" + bytes(30), "7-Zip"),
    ("zstd", b"\x28\xb5\x2f\xfd" + bytes(30), "Zstandard"),
    ("hdf5", b"\x89HDF\r\n\x1a\n" + bytes(30), "HDF5"),
    ("safetensors", struct.pack("<Q", 30) + b'{"a": {}}' + bytes(60), "safetensors"),
    ("program", b"\x7fELF" + bytes(60), "program for Linux"),
    ("program-of-windows", b"MZ" + bytes(60), "program for Windows"),
    ("ggml", b"lmgg" + bytes(60), "GGML"),
    ("ggjt", b"tjgg" + bytes(60), "GGJT"),
    ("zeros", bytes(4096), "unfinished download"),
    ("noise", bytes(range(7, 200)), "not a GGUF file"),
    ("two-bytes", b"GG", "not a GGUF file"),
    ("only-the-magic", b"GGUF", "cut short"),
    ("version-1", b"GGUF" + struct.pack("<I", 1) + bytes(16), "version 1"),
    ("version-9", b"GGUF" + struct.pack("<I", 9) + bytes(16), "version 9"),
)

_ODD: tuple[tuple[str, Callable[[], bytes], str], ...] = (
    ("projector", lambda: whole_model(general__type="mmproj").data, "projector"),
    ("adapter", lambda: whole_model(general__type="adapter").data, "LoRA adapter"),
    ("importances", lambda: whole_model(general__type="imatrix").data, "importance matrix"),
    ("embedding", lambda: whole_model(llama__pooling_type=1).data, "embedding model"),
    ("reranker", lambda: whole_model(llama__pooling_type=4).data, "reranker"),
    ("no-vocabulary", lambda: whole_model(tokenizer__ggml__model="no_vocab").data, "no vocabulary"),
    ("scores-of-bytes", lambda: _with_list("scores", [True] * 261), "scores"),
    ("types-of-numbers", lambda: _with_list("token_type", [0.5] * 261), "token_type"),
    ("tokens-of-numbers", lambda: _with_list("tokens", [7] * 261), "tokens"),
    ("too-many-layers", lambda: whole_model(llama__block_count=1000).data, "1000 layers"),
    ("no-layers", lambda: whole_model(llama__block_count=0).data, "block_count"),
    ("experts", lambda: whole_model(llama__expert_used_count=3).data, "expert_used_count"),
    (
        "epsilon",
        lambda: whole_model(llama__attention__layer_norm_rms_epsilon=float("nan")).data,
        "epsilon",
    ),
    ("split", lambda: whole_model(split__count=3).data, "one of 3 files"),
    ("joined", lambda: whole_model(split__count=2).data + SOUND, "several files"),
    (
        "empty-key",
        lambda: SOUND.replace(b"\x0c\0\0\0\0\0\0\0general.name", bytes(20), 1),
        "damaged",
    ),
    ("half", lambda: SOUND[: len(SOUND) // 2], "cut short"),
    ("last-byte", lambda: SOUND[:-200], "cut short"),
    ("token-twice", lambda: SOUND.replace(b"<0x41>", b"<0x42>"), "twice"),
    ("other-order", lambda: whole_model().data[:4] + b"\0\0\0\3" + bytes(16), "big-endian"),
    ("zero-dimension", lambda: _with_dimension(0), "no elements"),
    ("huge-dimension", lambda: _with_dimension(2**62), "impossible shape"),
)


def _with_list(name: str, values: list[object]) -> bytes:
    return whole_model(**{f"tokenizer__ggml__{name}": values}).data


def _with_dimension(size: int) -> bytes:
    tensors = [("token_embd.weight", (32, 2), F32, bytes(256))]
    data = whole_model(tensors=tensors).data
    name = data.index(b"token_embd.weight") + len("token_embd.weight") + 4
    return data[:name] + struct.pack("<Q", size) + data[name + 8 :]


def _changed() -> Iterator[tuple[str, bytes]]:
    """Sound files with numbers of their header changed, and cut ones: the same each time."""
    dice = random.Random(7)
    head = SOUND.index(bytes(64)) if bytes(64) in SOUND else 9000
    for number in range(100):
        data = bytearray(SOUND)
        at = dice.randrange(8, min(head, len(data) - 8))
        data[at : at + 8] = struct.pack("<Q", dice.choice((0, 1, 2**31, 2**63 - 1, 2**64 - 1)))
        yield f"number-{number}", bytes(data)
    for number in range(60):
        data = bytearray(SOUND)
        for _ in range(dice.randrange(1, 20)):
            data[dice.randrange(4, len(data))] = dice.randrange(256)
        yield f"bytes-{number}", bytes(data[: dice.randrange(4, len(data))])


def look(path: Path) -> None:
    """All that looks at a file before the engine does."""
    examine_model(path)
    require_writer(check_model(path))
    examine(path, deep=True)


@pytest.mark.parametrize(("name", "data", "words"), _NO_MODELS, ids=lambda value: str(value)[:24])
def test_what_is_no_model_is_called_what_it_is(
    name: str, data: bytes, words: str, tmp_path: Path
) -> None:
    path = tmp_path / f"{name}.gguf"
    path.write_bytes(data)
    with pytest.raises(ModelError) as caught:
        look(path)
    assert words in caught.value.message
    assert str(path) in caught.value.message


@pytest.mark.parametrize(("name", "make", "words"), _ODD, ids=lambda value: str(value)[:24])
def test_odd_models_are_called_what_they_are(
    name: str, make: Callable[[], bytes], words: str, tmp_path: Path
) -> None:
    path = tmp_path / f"{name}.gguf"
    path.write_bytes(make())
    with pytest.raises((ModelBroken, ModelUnsupported)) as caught:
        look(path)
    assert words in caught.value.message


def test_there_are_200() -> None:
    assert len(_NO_MODELS) + len(_ODD) + len(list(_changed())) >= 200


def test_changed_files_are_refused_or_sound(tmp_path: Path) -> None:
    path = tmp_path / "changed.gguf"
    messages = []
    for _, data in _changed():
        path.write_bytes(data)
        try:
            look(path)
        except ModelError as error:
            messages.append(error.message)
    assert len(messages) > 100
    assert all(str(path) in message for message in messages)


@pytest.mark.native
def test_what_only_the_library_sees_happens_in_a_process_of_its_own(
    bundle: Bundle, tmp_path: Path
) -> None:
    """Of those that our own reader lets through, some: the library refuses them, or dies of them, and we go on."""
    path = tmp_path / "changed.gguf"
    num_asked = 0
    for _, data in _changed():
        path.write_bytes(data)
        try:
            check_model(path)
        except ModelError:
            continue
        answer = survey(EngineConfig(str(path), str(bundle.lib_dir), bundle.id), "check")
        assert answer.wish.total > 0
        num_asked += 1
        if num_asked == 3:
            return
    raise AssertionError("too few are let through")
