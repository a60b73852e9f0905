"""What makes input for a model of images and sounds: a projector's file beside the model's, through libmtmd."""

from __future__ import annotations

import ctypes
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from coblyn.errors import BadRequest, EngineError, ModelBroken, ModelUnsupported
from coblyn.llama import bindings
from coblyn.llama.handle import Handle
from coblyn.llama.load_error import reason_of
from coblyn.llama.model import Model

__all__ = ["Chunk", "Projector", "ProjectorOptions"]

_POSITION_PARTS = 4
"""Numbers of a position where a model has M-RoPE: time, row, column, and one that is not used."""

# llama.cpp 0.5.0, tools/mtmd/clip.cpp: "load_hparams: projector:          gemma3".
_KIND = re.compile(r"projector:\s+(\S+)")

_DEPENDS_ON_PLACE = ("deepseek4v",)
"""Projectors for which an image has more or fewer cells by what stands before it, so that it cannot be shared."""

_NUMBERED = "hunyuanvl"
"""The projector that numbers a prompt's images, from 0, in one part of their positions."""


@dataclass(frozen=True, slots=True)
class ProjectorOptions:
    """How a projector runs.

    Attributes:
        threads: Threads that encode.
        uses_gpu: On the accelerator, if there is one.
        max_tokens: Maximum number of tokens of an image, where its size decides; 0 for the file's own.
        flash_attention: None lets the library decide.
    """

    threads: int
    uses_gpu: bool = True
    max_tokens: int = 0
    flash_attention: bool | None = None


class Chunk(Handle):
    """A part of an image or a sound that a model takes as a whole, ready to be encoded.

    Attributes:
        num_cells: Embeddings that it becomes.
        num_positions: Positions by which what follows it is later.
        is_whole: Every one of its cells sees all others, those behind it too.
    """

    def __init__(self, projector: Projector, chunk: int) -> None:
        library = projector.library
        super().__init__(library.mtmd_input_chunk_free)
        self.pointer = library.mtmd_input_chunk_copy(chunk)
        self.num_cells = int(library.mtmd_input_chunk_get_n_tokens(chunk))
        self.num_positions = int(library.mtmd_input_chunk_get_n_pos(chunk))
        self.is_whole = bool(library.mtmd_decode_use_non_causal(projector.pointer, chunk))
        self._library = library
        self._has_parts = projector.has_parts
        self._is_numbered = projector.numbers_images

    def positions(self, start: int, num_before: int = 0) -> NDArray[np.int32]:
        """Where its cells stand if the first is at ``start``: an array of (parts of a position, cells).

        Args:
            start: Position of the first cell.
            num_before: Number of images before it in the prompt.
        """
        cells = self.num_cells
        if not self._has_parts:
            return np.arange(start, start + cells, dtype=np.int32)[None]
        found = np.zeros((_POSITION_PARTS, cells), np.int32)
        image = self._library.mtmd_input_chunk_get_tokens_image(self.pointer)
        if not image:
            found[:3] = np.arange(start, start + cells)
            return found
        places = (bindings.mtmd_decoder_pos * cells)()
        self._library.mtmd_helper_image_get_decoder_pos(image, start, places)
        columns = np.frombuffer(bytes(places), np.uint32).reshape(cells, _POSITION_PARTS)
        found[:] = columns[:, (0, 2, 1, 3)].T  # a position is time, row, column
        if self._is_numbered:
            found[3, 1:-1] = num_before  # the first and the last cell are marks
        return found


Piece = tuple[int, ...] | Chunk
"""Token ids, or what is encoded."""


class Projector(Handle):
    """Makes embeddings of images and sounds. Free it with ``close`` or a ``with`` block, before its model.

    Preparing may happen on any thread, and encoding too, one after the other.

    Args:
        model: The model that reads what it makes.
        path: Its own GGUF file.
        options: How it runs.

    Attributes:
        name: What its numbers depend on: its file, and how large images may be.
        sees: Whether it takes images.
        hears: Whether it takes sounds.
        sample_rate: Samples a second that sounds must have; 0 if it takes none.
        has_parts: Whether positions have several parts (M-RoPE).
        numbers_images: Whether positions also say which image of the prompt it is.
        width: Numbers of an embedding.

    Raises:
        ModelBroken: The file is not a projector, or not one for this model; it says why.
        ModelUnsupported: Its kind is not known here.
    """

    def __init__(self, model: Model, path: Path, options: ProjectorOptions) -> None:
        self.library = library = model.library
        super().__init__(library.mtmd_free)
        self._turn = threading.Lock()
        params = library.mtmd_context_params_default()
        params.use_gpu = options.uses_gpu
        params.n_threads = options.threads
        params.print_timings = params.warmup = False
        params.image_max_tokens = options.max_tokens or -1
        params.flash_attn_type = _FLASH[options.flash_attention]
        with library.log.alone():
            library.log.hear_media()
            self.pointer = library.mtmd_init_from_file(os.fsencode(path), model.pointer, params)
            errors = library.log.take_errors()
            kinds = _KIND.findall("\n".join(library.log.take_lines()))
        if not self.pointer:
            raise _load_error(path, errors)
        if found := [kind for kind in kinds if kind in _DEPENDS_ON_PLACE]:
            raise ModelUnsupported(
                f"Projectors of the kind {found[0]}, as in {path}, are not supported yet."
            )
        self.name = f"{path.name} {path.stat().st_size} {options.max_tokens}"
        self.sees = bool(library.mtmd_support_vision(self.pointer))
        self.hears = bool(library.mtmd_support_audio(self.pointer))
        rate = int(library.mtmd_get_audio_sample_rate(self.pointer)) if self.hears else 0
        self.sample_rate = max(0, rate)
        self.has_parts = bool(library.mtmd_decode_use_mrope(self.pointer))
        self.numbers_images = _NUMBERED in kinds
        self.width = int(library.llama_model_n_embd_inp(model.pointer))

    def prepare_image(self, width: int, height: int, pixels: bytes) -> list[Piece]:
        """Cut and scale an image as the model wants it, with the tokens that stand around its parts.

        Args:
            width: Pixels in a row.
            height: Rows.
            pixels: Red, green and blue of each pixel, row by row.

        Raises:
            BadRequest: The projector cannot take it.
        """
        assert len(pixels) == width * height * 3, "three bytes a pixel"
        return self._prepare(self.library.mtmd_bitmap_init(width, height, pixels), "image")

    def prepare_sound(self, samples: NDArray[np.float32]) -> list[Piece]:
        """Make ready a sound of ``sample_rate``, one channel; see ``prepare_image``."""
        pointer = samples.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        return self._prepare(
            self.library.mtmd_bitmap_init_from_audio(len(samples), pointer), "sound"
        )

    def encode(self, chunk: Chunk) -> NDArray[np.float32]:
        """The embeddings of a chunk, of shape (cells, ``width``).

        Raises:
            EngineError: The library failed.
        """
        with self._turn:
            if self.library.mtmd_encode_chunk(self.pointer, chunk.pointer) != 0:
                reason = "; ".join(self.library.log.take_errors())
                raise EngineError(
                    f"An image or a sound could not be encoded: {reason or 'no reason'}."
                )
            found = self.library.mtmd_get_output_embd(self.pointer)
            return np.ctypeslib.as_array(found, (chunk.num_cells, self.width)).copy()

    def _prepare(self, bitmap: int, word: str) -> list[Piece]:
        part = bindings.mtmd_input_part(text=None, bitmap=bitmap)
        parts = (ctypes.POINTER(bindings.mtmd_input_part) * 1)(ctypes.pointer(part))
        with _owned(self.library.mtmd_bitmap_free, bitmap), self._chunks() as chunks:
            code = self.library.mtmd_tokenize_from_parts(self.pointer, chunks, parts, 1, False)
            if code != 0:
                raise BadRequest(f"The model cannot take this {word}.", hint="Send another one.")
            count = self.library.mtmd_input_chunks_size(chunks)
            return [
                self._piece(self.library.mtmd_input_chunks_get(chunks, i)) for i in range(count)
            ]

    @contextmanager
    def _chunks(self) -> Iterator[int]:
        chunks = self.library.mtmd_input_chunks_init()
        with _owned(self.library.mtmd_input_chunks_free, chunks):
            yield chunks

    def _piece(self, chunk: int) -> Piece:
        kind = self.library.mtmd_input_chunk_get_type(chunk)
        if kind != bindings.MTMD_INPUT_CHUNK_TYPE_TEXT:
            return Chunk(self, chunk)
        count = ctypes.c_size_t()
        ids = self.library.mtmd_input_chunk_get_tokens_text(chunk, count)
        return tuple(ids[: count.value])


_FLASH = {
    None: bindings.LLAMA_FLASH_ATTN_TYPE_AUTO,
    True: bindings.LLAMA_FLASH_ATTN_TYPE_ENABLED,
    False: bindings.LLAMA_FLASH_ATTN_TYPE_DISABLED,
}


@contextmanager
def _owned(free: Callable[[int], object], pointer: int) -> Iterator[None]:
    try:
        yield
    finally:
        free(pointer)


def _load_error(path: Path, errors: list[str]) -> ModelBroken | ModelUnsupported:
    reason = reason_of(errors)
    if "unknown projector type" in reason:
        return ModelUnsupported(
            f"{path} holds a projector of a kind that this engine does not know: {reason}."
        )
    if "mismatch between text model" in reason:
        return ModelBroken(
            f"{path} was made for another model.",
            hint="Use the projector that comes with the model, of the same size.",
        )
    return ModelBroken(
        f"{path} cannot be loaded as a projector: {reason}.",
        hint="A projector's file is mostly named mmproj-….gguf and comes with the model.",
    )
