"""Projectors of several kinds: what they make of images and sounds is what the library's own path computes with."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from coblyn.errors import ModelBroken, ModelUnsupported
from coblyn.llama import bindings
from coblyn.llama.context import Batch, Context, ContextOptions
from coblyn.llama.library import Library, open_library
from coblyn.llama.model import Model
from coblyn.llama.projector import Chunk, Piece, Projector, ProjectorOptions
from coblyn.native.bundle import Bundle
from gguf_file import whole_model
from media_models import KINDS, write_media_model
from projector_models import FAMILY_KINDS, write_family_media_model

QUICK_KINDS = tuple(kind for kind in FAMILY_KINDS if kind != "deepseekocr")
AFTER = b"What is it?"
OPTIONS = ProjectorOptions(threads=2)
WIDTH, HEIGHT = 150, 100
PIXELS = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8).tobytes()
SOUND = np.sin(np.arange(8000, dtype=np.float32) / 20)


@pytest.fixture
def library(bundle: Bundle) -> Library:
    return open_library(bundle.lib_dir)


def files(directory: Path, kind: str) -> tuple[Path, Path]:
    """A model and its projector."""
    write = write_media_model if kind in KINDS else write_family_media_model
    return write(directory, kind)


@pytest.fixture(params=(*KINDS, *QUICK_KINDS))
def opened(
    request: pytest.FixtureRequest, library: Library, tmp_path: Path
) -> Iterator[tuple[Model, Projector]]:
    model_file, projector_file = files(tmp_path, request.param)
    with (
        Model(library, model_file) as model,
        Projector(model, projector_file, OPTIONS) as projector,
    ):
        yield model, projector


def prepared(projector: Projector) -> list[Piece]:
    if projector.sees:
        return projector.prepare_image(WIDTH, HEIGHT, PIXELS)
    return projector.prepare_sound(SOUND)


def context_of(model: Model, max_batch: int) -> Context:
    return Context(model, ContextOptions(1024, max_batch, 2, threads=2))


def ours(
    model: Model, projector: Projector, pieces: list[Piece], max_batch: int
) -> NDArray[np.float32]:
    """The logits behind all pieces."""
    batch = Batch(max_batch)
    with context_of(model, max_batch) as context:
        place = num_media = 0
        for piece in pieces:
            if isinstance(piece, Chunk):
                embeddings, positions = projector.encode(piece), piece.positions(place, num_media)
                num_media += 1
                context.decode_media(embeddings, positions, 0, output=True, is_whole=piece.is_whole)
                place, last = place + piece.num_positions, (piece.num_cells - 1) % max_batch
            else:
                batch.fill(0, piece, place, 0, output=True)
                context.decode(batch, len(piece))
                place, last = place + len(piece), len(piece) - 1
        return context.logits(last)


def theirs(
    model: Model, projector: Projector, max_batch: int, *, num_shown: int = 1
) -> NDArray[np.float32]:
    """The same by the library's own loop, behind one image or several that are equal."""
    library = model.library
    if projector.sees:
        bitmap = library.mtmd_bitmap_init(WIDTH, HEIGHT, PIXELS)
    else:
        samples = SOUND.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        bitmap = library.mtmd_bitmap_init_from_audio(len(SOUND), samples)
    text = bindings.mtmd_input_text(AFTER, len(AFTER), False, False)
    shown = bindings.mtmd_input_part(text=None, bitmap=bitmap)
    said = bindings.mtmd_input_part(text=ctypes.pointer(text), bitmap=None)
    parts = (ctypes.POINTER(bindings.mtmd_input_part) * (num_shown + 1))(
        *[ctypes.pointer(shown)] * num_shown, ctypes.pointer(said)
    )
    chunks = library.mtmd_input_chunks_init()
    assert (
        library.mtmd_tokenize_from_parts(projector.pointer, chunks, parts, num_shown + 1, False)
        == 0
    )
    end = ctypes.c_int32()
    with context_of(model, max_batch) as context:
        code = library.mtmd_helper_eval_chunks(
            projector.pointer, context.pointer, chunks, 0, 0, max_batch, True, end
        )
        assert code == 0
        found = library.llama_get_logits_ith(context.pointer, -1)
        logits = np.ctypeslib.as_array(found, (model.vocab_size,)).copy()
    library.mtmd_input_chunks_free(chunks)
    library.mtmd_bitmap_free(bitmap)
    return logits


def test_what_follows_an_image_is_computed_as_the_library_itself_does(
    opened: tuple[Model, Projector],
) -> None:
    model, projector = opened
    said = model.tokenize(AFTER.decode(), add_special=False, parse_special=False)
    pieces = [*prepared(projector), tuple(said)]
    np.testing.assert_allclose(
        ours(model, projector, pieces, 1024), theirs(model, projector, 1024), rtol=0.02, atol=0.02
    )


def test_images_are_numbered_where_the_model_counts_them(library: Library, tmp_path: Path) -> None:
    model_file, projector_file = files(tmp_path, "hunyuanvl")
    with (
        Model(library, model_file) as model,
        Projector(model, projector_file, OPTIONS) as projector,
    ):
        said = tuple(model.tokenize(AFTER.decode(), add_special=False, parse_special=False))
        pieces = [*prepared(projector), *prepared(projector), said]
        first, second = (piece for piece in pieces if isinstance(piece, Chunk))
        assert set(first.positions(5)[3, 1:-1]) == {0}
        assert set(second.positions(5, 1)[3, 1:-1]) == {1}
        right = theirs(model, projector, 1024, num_shown=2)
        np.testing.assert_allclose(ours(model, projector, pieces, 1024), right, atol=1e-4)
        projector.numbers_images = False
        pieces = [*prepared(projector), *prepared(projector), said]
        assert np.abs(ours(model, projector, pieces, 1024) - right).max() > 1e-3


def test_a_projector_that_looks_twice_and_cuts_large_images_into_tiles(
    library: Library, tmp_path: Path
) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (700, 1300, 3), dtype=np.uint8)
    model_file, projector_file = files(tmp_path, "deepseekocr")
    with (
        Model(library, model_file) as model,
        Projector(model, projector_file, OPTIONS) as projector,
    ):
        said = tuple(model.tokenize(AFTER.decode(), add_special=False, parse_special=False))
        np.testing.assert_allclose(
            ours(model, projector, [*prepared(projector), said], 1024),
            theirs(model, projector, 1024),
            rtol=0.02,
            atol=0.02,
        )
        pieces = projector.prepare_image(1300, 700, pixels.tobytes())
        chunks = [piece for piece in pieces if isinstance(piece, Chunk)]
        assert [chunk.num_cells for chunk in chunks] == [210, 273]
        assert all(np.isfinite(projector.encode(chunk)).all() for chunk in chunks)


def test_a_large_one_is_computed_in_parts(opened: tuple[Model, Projector]) -> None:
    model, projector = opened
    pieces = prepared(projector)
    if any(isinstance(piece, Chunk) and piece.is_whole for piece in pieces):
        pytest.skip("its cells see each other")
    at_once, in_parts = (ours(model, projector, pieces, most) for most in (1024, 32))
    np.testing.assert_allclose(in_parts, at_once, rtol=0.02, atol=0.02)


def test_cells_and_positions(library: Library, tmp_path: Path) -> None:
    model_file, projector_file = write_media_model(tmp_path, "qwen")
    with (
        Model(library, model_file) as model,
        Projector(model, projector_file, OPTIONS) as projector,
    ):
        before, chunk, after = projector.prepare_image(WIDTH, HEIGHT, PIXELS)
        assert isinstance(chunk, Chunk)
        assert (chunk.num_cells, chunk.num_positions, chunk.is_whole) == (54, 9, False)
        time, rows, columns, unused = chunk.positions(7)
    assert (before, after) == ((260,), (261,))
    assert set(time) == {7}
    assert rows.tolist() == [7 + cell // 9 for cell in range(54)]
    assert columns.tolist() == [7 + cell % 9 for cell in range(54)]
    assert not unused.any()


def test_the_same_image_has_the_same_embeddings(opened: tuple[Model, Projector]) -> None:
    _, projector = opened
    first, second = (
        [projector.encode(piece) for piece in prepared(projector) if isinstance(piece, Chunk)]
        for _ in range(2)
    )
    for one, other in zip(first, second, strict=True):
        assert np.isfinite(one).all()
        np.testing.assert_array_equal(one, other)


class TestFilesThatAreNone:
    def test_a_model(self, library: Library, tmp_path: Path) -> None:
        file = whole_model().write(tmp_path / "model.gguf")
        with (
            Model(library, file) as model,
            pytest.raises(ModelBroken, match="cannot be loaded as a projector"),
        ):
            Projector(model, file, OPTIONS)

    def test_one_that_is_cut(self, library: Library, tmp_path: Path) -> None:
        model_file, projector_file = write_media_model(tmp_path, "llava")
        projector_file.write_bytes(projector_file.read_bytes()[:-1000])
        with (
            Model(library, model_file) as model,
            pytest.raises(ModelBroken, match="cannot be loaded as a projector"),
        ):
            Projector(model, projector_file, OPTIONS)

    def test_that_of_another_model(self, library: Library, tmp_path: Path) -> None:
        file = whole_model().write(tmp_path / "model.gguf")
        _, projector_file = write_media_model(tmp_path, "llava")
        with (
            Model(library, file) as model,
            pytest.raises(ModelBroken, match="was made for another model"),
        ):
            Projector(model, projector_file, OPTIONS)

    def test_a_kind_that_is_not_known(self, library: Library, tmp_path: Path) -> None:
        model_file, projector_file = write_media_model(tmp_path, "llava")
        data = projector_file.read_bytes().replace(
            b"\x03\0\0\0\0\0\0\0mlp", b"\x03\0\0\0\0\0\0\0xyz"
        )
        projector_file.write_bytes(data)
        with Model(library, model_file) as model, pytest.raises(ModelUnsupported, match="xyz"):
            Projector(model, projector_file, OPTIONS)
