"""Headers of models that are elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from coblyn import paths
from coblyn.errors import FetchError, ModelError
from coblyn.models.gguf import read_header
from coblyn.models.sources.offer import Variant
from coblyn.models.sources.peek import peeked, without_place
from coblyn.models.sources.take import RemoteFile
from file_server import FileServer, serve_files
from gguf_file import F32, GgufWriter

pytestmark = pytest.mark.usefixtures("direct")

TOKENS = [f"a token with a long name {number}" for number in range(20_000)]
WEIGHTS = 8 * 2**20


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy", "COBLYN_OFFLINE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files() as files:
        yield files


def model(**keys: object) -> GgufWriter:
    """A model whose header is longer than what is looked at first, and whose weights are much longer."""
    metadata = {"general.architecture": "llama", "tokenizer.ggml.tokens": TOKENS, **keys}
    return GgufWriter(metadata, [("weight", (WEIGHTS // 4,), F32, b"\1" * WEIGHTS)])


def variant(*files: RemoteFile) -> Variant:
    return Variant("F32", files)


def remote(url: str, name: str, size: int) -> RemoteFile:
    return RemoteFile(url, name, size=size)


def test_the_header_comes_and_the_weights_do_not(server: FileServer, tmp_path: Path) -> None:
    data = model().data
    whole = tmp_path / "whole.gguf"
    whole.write_bytes(data)
    url = server.add("/model.gguf", data, delay=0.002)
    with peeked(variant(remote(url, "sub/model.gguf", len(data)))) as (header,):
        expected = read_header(whole)
        assert header.path.name == "model.gguf"
        assert (header.metadata, header.tensors) == (expected.metadata, expected.tensors)
        assert header.path.stat().st_size == len(data)
        if os.name == "posix":
            assert header.path.stat().st_blocks * 512 < WEIGHTS // 2, "the weights are a hole"
        folder = header.path.parent
    assert not folder.exists()
    assert list(paths.cache().iterdir()) == []


def test_errors_do_not_name_a_place_that_is_gone(server: FileServer) -> None:
    data = model().data
    url = server.add("/model.gguf", b"<html>" + data)
    with pytest.raises(ModelError) as caught, peeked(variant(remote(url, "m.gguf", len(data)))):
        pass
    assert str(paths.cache()) in caught.value.message
    assert without_place(caught.value.message).startswith("m.gguf ")
    assert without_place("a/b is wrong") == "a/b is wrong"


def test_a_file_on_this_machine_is_looked_at_as_well(tmp_path: Path) -> None:
    path = tmp_path / "here.gguf"
    path.write_bytes(model().data)
    with peeked(variant(remote(path.as_uri(), "here.gguf", path.stat().st_size))) as (header,):
        assert header.tensors == read_header(path).tensors


@pytest.mark.parametrize("cut", [100, 300_000, 700_000])
def test_a_header_that_is_cut_is_none(server: FileServer, cut: int) -> None:
    data = model().data
    url = server.add("/model.gguf", data, cuts=[cut], has_length=False)
    with pytest.raises(ModelError), peeked(variant(remote(url, "model.gguf", len(data)))):
        pass


def test_what_cannot_be_fetched_is_said(server: FileServer) -> None:
    file = remote(server.url + "/none.gguf", "none.gguf", 100)
    with pytest.raises(FetchError, match="404"), peeked(variant(file)):
        pass
    page = server.add("/page.gguf", b"<html>not here</html>")
    with pytest.raises(ModelError, match="web page"), peeked(variant(remote(page, "p.gguf", 99))):
        pass
