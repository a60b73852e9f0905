from __future__ import annotations

import math
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from coblyn.errors import ModelBroken, ModelError, ModelNotFound, ModelUnsupported
from coblyn.models.check import check_model, examine_model, require_writer
from coblyn.models.splits import first_part, part_names, plain_name
from gguf_file import F32, GgufWriter, tiny_gguf, whole_model


def split_model(folder: Path, count: int = 3) -> list[Path]:
    files = []
    for number in range(count):
        keys: dict[str, object] = {"split.no": number, "split.count": count}
        if number == 0:
            keys["general.architecture"] = "llama"
        writer = GgufWriter(keys, [(f"t{number}", (1,), F32, b"1234")])
        files.append(writer.write(folder / f"big-{number + 1:05}-of-{count:05}.gguf"))
    return files


def test_a_sound_model(tmp_path: Path) -> None:
    path = tiny_gguf().write(tmp_path / "model.gguf")
    assert check_model(path).path == path


@pytest.mark.parametrize("number", [0, 1, 2])
def test_any_part_stands_for_the_whole(tmp_path: Path, number: int) -> None:
    files = split_model(tmp_path)
    assert check_model(files[number]).path == files[0]


def test_missing_parts_are_named(tmp_path: Path) -> None:
    files = split_model(tmp_path)
    files[1].unlink()
    with pytest.raises(ModelNotFound, match=r"big-00002-of-00003\.gguf"):
        check_model(files[0])


def test_a_cut_part_is_named(tmp_path: Path) -> None:
    files = split_model(tmp_path)
    files[2].write_bytes(files[2].read_bytes()[:-40])
    with pytest.raises(ModelBroken, match="big-00003-of-00003"):
        check_model(files[0])


def test_a_renamed_part(tmp_path: Path) -> None:
    path = split_model(tmp_path)[0].rename(tmp_path / "model.gguf")
    with pytest.raises(ModelBroken, match="one of 3 files"):
        check_model(path)


@pytest.mark.parametrize(
    "name", ["x-00001-of-00013.gguf", "x-00003-of-00013.gguf", "x-00001-of-00001.gguf"]
)
def test_a_whole_file_is_whole_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    path = tiny_gguf().write(tmp_path / name)
    assert check_model(path).path == path


def test_files_that_were_appended_to_each_other(tmp_path: Path) -> None:
    files = split_model(tmp_path, 2)
    joined = tmp_path / "joined.gguf"
    joined.write_bytes(b"".join(file.read_bytes() for file in files))
    with pytest.raises(ModelBroken, match="one appended to the other"):
        check_model(joined)
    joined.replace(files[0])
    with pytest.raises(ModelBroken, match="one appended to the other"):
        check_model(files[0])


def test_a_piece_of_a_file_that_was_cut_up(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf.part1of2"
    path.write_bytes(tiny_gguf().data[:200])
    with pytest.raises(ModelBroken, match="piece 1 of 2") as caught:
        check_model(path)
    assert caught.value.hint.endswith("such as model.gguf.")


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ({"general.architecture": "bert", "bert.attention.causal": False}, "an embedding model"),
        ({"general.architecture": "qwen3", "qwen3.pooling_type": 3}, "an embedding model"),
        ({"general.architecture": "qwen3", "qwen3.pooling_type": 4}, "a reranker"),
        ({"general.architecture": "llama", "general.type": "adapter"}, "LoRA"),
        ({"general.architecture": "controlvector"}, "a control vector"),
        ({"general.architecture": "clip"}, "projector"),
        ({"general.architecture": "llama", "general.type": "mmproj"}, "projector"),
        ({"general.type": "imatrix"}, "importance"),
    ],
)
def test_files_that_write_no_text(tmp_path: Path, keys: dict[str, object], what: str) -> None:
    path = GgufWriter(keys, [("t", (1,), F32, b"1234")]).write(tmp_path / "model.gguf")
    with pytest.raises(ModelUnsupported, match=what):
        require_writer(check_model(path))


def test_vocabulary_only(tmp_path: Path) -> None:
    path = GgufWriter({"general.architecture": "llama"}).write(tmp_path / "vocab.gguf")
    with pytest.raises(ModelUnsupported, match="vocabulary"):
        check_model(path)


def test_no_architecture(tmp_path: Path) -> None:
    path = GgufWriter({}, [("t", (1,), F32, b"1234")]).write(tmp_path / "model.gguf")
    with pytest.raises(ModelBroken, match=r"general\.architecture"):
        check_model(path)


@pytest.mark.parametrize(
    ("model", "what"),
    [
        ({"llama__block_count": 0}, "llama.block_count is 0"),
        ({"llama__block_count": 513}, "has 513 layers"),
        ({"llama__expert_count": 2, "llama__expert_used_count": 3}, "expert_used_count is 3"),
        ({"llama__expert_used_count": 1}, "there are 0 experts"),
        ({"llama__attention__layer_norm_rms_epsilon": math.nan}, "epsilon is nan"),
        ({"llama__attention__layer_norm_rms_epsilon": -1.0}, "epsilon is -1.0"),
        ({"alignment": 1}, "general.alignment is 1"),
        ({"tokenizer__ggml__model": "none"}, "has no vocabulary"),
        ({"general__architecture": "rwkv7", "rwkv7__wkv__head_size": 32}, "heads of 32 numbers"),
        (
            {"general__architecture": "arwkv7", "arwkv7__wkv__head_size": 0},
            "arwkv7.wkv.head_size is 0",
        ),
        ({"weights": 26}, "token_embd.weight in I32"),
        ({"weights": 28}, "token_embd.weight in F64"),
    ],
)
def test_what_the_library_dies_of(tmp_path: Path, model: Any, what: str) -> None:
    path = whole_model(**model).write(tmp_path / "model.gguf")
    with pytest.raises(ModelError, match=re.escape(what)) as caught:
        check_model(path)
    assert str(path) in caught.value.message


def test_a_whole_model(tmp_path: Path) -> None:
    for number, writer in enumerate(
        (whole_model(), whole_model(experts=2), whole_model(alignment=64))
    ):
        examine_model(writer.write(tmp_path / f"{number}.gguf"))


def test_a_token_that_is_there_twice(tmp_path: Path) -> None:
    tokens = ["<unk>", "", "", "knock", "rock", "knock"]
    path = whole_model(tokenizer__ggml__tokens=tokens).write(tmp_path / "model.gguf")
    check_model(path)
    with pytest.raises(ModelBroken, match="the token 'knock' twice"):
        examine_model(path)


def test_other_byte_order(tmp_path: Path) -> None:
    order, word = (">", "big") if sys.byteorder == "little" else ("<", "little")
    keys = {"general.architecture": "llama"}
    path = GgufWriter(keys, [("t", (1,), F32, b"1234")], order=order).write(tmp_path / "m.gguf")
    with pytest.raises(ModelUnsupported, match=f"{word}-endian"):
        check_model(path)


class TestNames:
    def test_parts(self) -> None:
        assert part_names("a-00002-of-00002.gguf") == (
            "a-00001-of-00002.gguf",
            "a-00002-of-00002.gguf",
        )
        assert part_names("a.gguf") == ("a.gguf",)
        assert first_part(Path("x/a-00002-of-00002.gguf")) == Path("x/a-00001-of-00002.gguf")

    @pytest.mark.parametrize(
        "name",
        [
            "a-00000-of-00002.gguf",
            "a-00003-of-00002.gguf",
            "a-1-of-2.gguf",
            "a-00001-of-01001.gguf",
        ],
    )
    def test_no_parts(self, name: str) -> None:
        assert part_names(name) == (name,)

    @pytest.mark.parametrize(
        "name", ["a.gguf", "a.GGUF", "a-00001-of-00002.gguf", "a-00001-of-00002", "a"]
    )
    def test_plain_name(self, name: str) -> None:
        assert plain_name(name) == "a"


@pytest.mark.parametrize("architecture", ["falcon-h1", "granitehybrid", "nemotron_h"])
def test_a_convolution_without_the_bias_that_the_library_dies_of(
    tmp_path: Path, architecture: str
) -> None:
    keys = {"general.architecture": architecture, f"{architecture}.block_count": 1}
    names = ("blk.0.ssm_conv1d.weight", "blk.0.ssm_conv1d.bias")
    tensors = [(name, (4,), F32, bytes(16)) for name in names]
    assert check_model(GgufWriter(keys, tensors).write(tmp_path / "whole.gguf"))
    cut = GgufWriter(keys, tensors[:1]).write(tmp_path / "cut.gguf")
    with pytest.raises(ModelUnsupported, match=r"no tensor 'blk\.0\.ssm_conv1d\.bias'"):
        check_model(cut)
    keys["general.architecture"] = "mamba3"
    assert check_model(GgufWriter(keys, tensors[:1]).write(tmp_path / "other.gguf"))


def test_a_count_of_experts_below_zero(tmp_path: Path) -> None:
    path = whole_model(llama__expert_count=-1.0).write(tmp_path / "model.gguf")
    with pytest.raises(ModelBroken, match=r"expert_used_count is 0, but there are -1\.0 experts"):
        check_model(path)
