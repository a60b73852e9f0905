from __future__ import annotations

import os
import struct
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coblyn.errors import ModelBroken, ModelError, ModelNotFound, ModelUnsupported
from coblyn.models.gguf import read_header
from coblyn.models.quantization import TENSOR_TYPES
from gguf_file import F32, GgufWriter, tiny_gguf


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "model.gguf"


class TestFacts:
    def test_of_a_sound_file(self, file: Path) -> None:
        writer = tiny_gguf()
        header = read_header(writer.write(file))
        assert (header.version, header.is_big_endian, header.size) == (3, False, len(writer.data))
        assert (header.architecture, header.name, header.kind) == ("llama", "Tiny", "model")
        assert (header.context_length, header.block_count) == (128, 1)
        assert header.quantization == "F16"
        assert header.num_parameters == 4 * 2 + 3
        assert "tokenizer.ggml.tokens" not in header.metadata
        weight, bias = header.tensors
        assert (weight.name, weight.shape, weight.type, weight.size) == (
            "weight",
            (4, 2),
            "F32",
            32,
        )
        assert writer.data[bias.offset : bias.offset + bias.size] == b"\2" * 12

    def test_all_kinds_of_values(self, file: Path) -> None:
        values: dict[str, object] = {
            "a": 7,
            "b": 0.5,
            "c": True,
            "d": "text ü",
            "e": [],
            "f": [[1]],
        }
        values.pop("f")
        header = read_header(GgufWriter(values, [("t", (1,), F32, b"1234")]).write(file))
        assert dict(header.metadata) == {"a": 7, "b": 0.5, "c": True, "d": "text ü"}

    def test_other_byte_order(self, file: Path) -> None:
        tensors = [("t", (2,), F32, b"12345678")]
        writer = GgufWriter({"general.architecture": "llama"}, tensors, order=">")
        header = read_header(writer.write(file))
        assert header.is_big_endian
        assert header.version == 3
        assert header.architecture == "llama"

    def test_alignment(self, file: Path) -> None:
        tensors = [("a", (1,), F32, b"aaaa"), ("b", (1,), F32, b"bbbb")]
        writer = GgufWriter({"general.alignment": 64}, tensors, alignment=64)
        header = read_header(writer.write(file))
        offset = header.tensors[1].offset
        assert writer.data[offset : offset + 4] == b"bbbb"

    def test_the_last_padding_may_be_missing(self, file: Path) -> None:
        writer = tiny_gguf()
        file.write_bytes(writer.data.rstrip(b"\0"))
        assert len(read_header(file).tensors) == 2

    def test_quantization_without_a_file_type(self, file: Path) -> None:
        tensors = [("a", (256,), 12, b"\0" * 144), ("b", (2,), F32, b"\0" * 8)]
        assert read_header(GgufWriter({}, tensors).write(file)).quantization == "Q4_K"

    def test_wrong_types_of_values_are_no_facts(self, file: Path) -> None:
        header = read_header(tiny_gguf(general__name=5, llama__block_count="x").write(file))
        assert (header.name, header.block_count) == ("", 0)

    def test_large_vocabulary_is_quick(self, file: Path) -> None:
        """The reader of the gguf package takes 19 seconds for such a file."""
        tokens = [f"token number {number}" for number in range(262144)]
        tiny_gguf(tokenizer__ggml__tokens=tokens).write(file)
        started = time.process_time()
        read_header(file)
        assert time.process_time() - started < 1.0


class TestDamage:
    def test_missing(self, file: Path) -> None:
        with pytest.raises(ModelNotFound, match=r"model\.gguf"):
            read_header(file)

    def test_directory(self, tmp_path: Path) -> None:
        with pytest.raises(ModelNotFound, match="directory"):
            read_header(tmp_path)

    def test_cut_at_every_byte(self, file: Path) -> None:
        """Each beginning of a file is told from a whole one, without a crash."""
        whole = GgufWriter(
            {"a": "b", "c": [1, 2], "d": ["x"]}, [("t", (2,), F32, b"12345678")]
        ).data
        whole = whole.rstrip(b"\0")
        for size in range(len(whole)):
            file.write_bytes(whole[:size])
            with pytest.raises(ModelBroken):
                read_header(file)

    def test_cut_in_the_weights_says_how_much_is_missing(self, file: Path) -> None:
        writer = tiny_gguf()
        end = writer.data_start + 32 + 12
        file.write_bytes(writer.data[: end - 20])
        with pytest.raises(ModelBroken, match=f"20 of {end} bytes") as caught:
            read_header(file)
        assert "again" in caught.value.hint

    def test_cut_in_the_header_names_the_key(self, file: Path) -> None:
        data = tiny_gguf().data
        file.write_bytes(data[: data.index(b"token120")])
        with pytest.raises(ModelBroken, match=r"key 'tokenizer\.ggml\.tokens'"):
            read_header(file)

    @pytest.mark.parametrize(("version", "error"), [(1, ModelUnsupported), (4, ModelUnsupported)])
    def test_versions(self, file: Path, version: int, error: type[ModelError]) -> None:
        with pytest.raises(error, match=f"version {version}"):
            read_header(GgufWriter({}, version=version).write(file))

    @pytest.mark.parametrize("version", [0, 65536, 77777])
    def test_impossible_versions(self, file: Path, version: int) -> None:
        with pytest.raises(ModelError):
            read_header(GgufWriter({}, version=version).write(file))

    @pytest.mark.parametrize(
        ("tensors", "why"),
        [
            ([("t", (1,) * 5, F32, b"1234")], "5 dimensions"),
            ([("t", (2**62, 4), F32, b"1234")], "shape"),
            ([("t", (33,), 2, b"\0" * 18)], "multiple of 32"),
            ([("t", (1,), F32, b"1234"), ("t", (1,), F32, b"1234")], "twice"),
            ([("t" * 99, (1,), F32, b"1234")], "99 bytes"),
            ([("t", (1,), F32, b"\0" * 64), ("u", (1,), F32, b"1234")], "tensor 'u'.*instead of"),
        ],
    )
    def test_tensors(
        self, file: Path, tensors: list[tuple[str, tuple[int, ...], int, bytes]], why: str
    ) -> None:
        with pytest.raises(ModelBroken, match=why):
            read_header(GgufWriter({}, tensors).write(file))

    def test_unknown_tensor_type(self, file: Path) -> None:
        with pytest.raises(ModelUnsupported, match="type 99"):
            read_header(GgufWriter({}, [("t", (1,), 99, b"1234")]).write(file))

    @pytest.mark.parametrize("alignment", [0, 3, "x"])
    def test_alignments(self, file: Path, alignment: object) -> None:
        with pytest.raises(ModelBroken, match=r"general\.alignment"):
            read_header(tiny_gguf(general__alignment=alignment).write(file))

    def test_key_twice(self, file: Path) -> None:
        writer = GgufWriter({"aa": 1, "ab": 2})
        file.write_bytes(writer.data.replace(b"ab", b"aa"))
        with pytest.raises(ModelBroken, match=r"'aa'.*twice"):
            read_header(file)

    def test_unknown_value_type(self, file: Path) -> None:
        data = GgufWriter({"key": 1}).data
        file.write_bytes(data.replace(struct.pack("<II", 4, 1), struct.pack("<II", 99, 1)))
        with pytest.raises(ModelBroken, match=r"'key'.*type 99"):
            read_header(file)

    @pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need rights there")
    def test_unreadable(self, file: Path) -> None:
        file.symlink_to(file)
        with pytest.raises(ModelError):
            read_header(file)


class TestHostile:
    """Numbers that promise more than there is must cost neither time nor memory."""

    @pytest.mark.parametrize("number", [2**16, 2**24, 2**31, 2**32 - 1, 2**40, 2**63, 2**64 - 1])
    @pytest.mark.parametrize(
        "place", ["tensors", "keys", "key", "text", "count", "strings", "string"]
    )
    def test_large_numbers(self, file: Path, place: str, number: int) -> None:
        def q(value: int) -> bytes:
            return struct.pack("<Q", value)

        def i(value: int) -> bytes:
            return struct.pack("<I", value)

        start = b"GGUF" + i(3)
        key = q(1) + b"k"
        data = {
            "tensors": start + q(number) + q(0),
            "keys": start + q(0) + q(number),
            "key": start + q(0) + q(1) + q(number),
            "text": start + q(0) + q(1) + key + i(8) + q(number),
            "count": start + q(0) + q(1) + key + i(9) + i(4) + q(number),
            "strings": start + q(0) + q(1) + key + i(9) + i(8) + q(number),
            "string": start + q(0) + q(1) + key + i(9) + i(8) + q(1) + q(number),
        }[place]
        file.write_bytes(data + b"\0" * 4096)
        started = time.process_time()
        with pytest.raises(ModelError):
            read_header(file)
        assert time.process_time() - started < 2

    def test_header_without_end(self, file: Path) -> None:
        """A sparse file whose one array claims to fill it: it is not read to its end."""
        data = b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<IIQ", 9, 12, 2**24)
        with file.open("wb") as out:
            out.write(data)
            out.truncate(2**31)
        with pytest.raises(ModelBroken, match="that long"):
            read_header(file)

    @settings(
        max_examples=300, deadline=1000, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(data=st.data())
    def test_changed_bytes(self, tmp_path: Path, data: st.DataObject) -> None:
        raw = bytearray(FUZZED)
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(raw) - 1))
            raw[at] = data.draw(st.sampled_from([0, 1, 2, 8, 9, 127, 128, 255]))
        cut = data.draw(st.integers(0, len(raw)))
        file = tmp_path / "fuzzed.gguf"
        file.write_bytes(raw[: cut or len(raw)])
        try:
            header = read_header(file)
        except ModelError:
            return
        assert all(tensor.offset + tensor.size <= header.size for tensor in header.tensors)

    @settings(
        max_examples=200, deadline=1000, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(body=st.binary(max_size=300))
    def test_anything_after_the_magic(self, tmp_path: Path, body: bytes) -> None:
        file = tmp_path / "random.gguf"
        file.write_bytes(b"GGUF\x03\0\0\0" + body)
        with pytest.raises(ModelError):
            read_header(file)


FUZZED = GgufWriter(
    {"general.architecture": "llama", "general.alignment": 32, "t": ["a", "b"], "n": [1, 2]},
    [("weight", (4, 2), F32, b"\1" * 32), ("q", (32,), 2, b"\2" * 18)],
).data


def test_tensor_types_are_whole_bytes() -> None:
    assert all(block.size > 0 and block.elements > 0 for block in TENSOR_TYPES.values())
    assert len({block.name for block in TENSOR_TYPES.values()}) == len(TENSOR_TYPES)


def test_a_header_is_read_again_once_the_file_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    for size in (1, 2, 3):  # at once, within a tick of the file system's clock
        path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 0) + b"\0" * size)
        assert read_header(path).size == 24 + size
    old = path.stat().st_mtime_ns - 10 * 10**9
    os.utime(path, ns=(old, old))
    first = read_header(path)
    assert read_header(path) is first
    path.write_bytes(path.read_bytes() + b"\0")
    assert read_header(path).size == first.size + 1
