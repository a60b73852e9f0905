"""The task of the process that compares two models: both read the same text, chunk by chunk."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from coblyn.engine.config import EngineConfig
from coblyn.errors import BadRequest
from coblyn.llama.library import Library
from coblyn.workshop.protocol import Tell
from coblyn.workshop.quality import Comparison
from coblyn.workshop.reading import Reader
from coblyn.workshop.text import open_text

__all__ = ["compare"]

_ROWS = 32


def compare(library: Library, request: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Compare two models on a text.

    Args:
        library: The opened bundle.
        request: ``models``, two files; ``text``, a file; ``length`` of a chunk in tokens; ``max_chunks``; ``config``
            as ``EngineConfig`` has it, for the kernels and the layers on accelerators.
        tell: Receives the progress.

    Returns:
        ``quality`` as ``Quality`` has it, and ``speeds``: tokens per second that each model read and wrote.
    """
    text = open_text(Path(request["text"]))
    with ExitStack() as stack:
        config, length = msgspec.convert(request["config"], EngineConfig), request["length"]
        readers = [
            stack.enter_context(Reader(library, Path(path), config, length))
            for path in request["models"]
        ]
        chunks, others = (each.chunks(text, request["max_chunks"]) for each in readers)
        if chunks != others or readers[0].model.vocab_size != readers[1].model.vocab_size:
            raise BadRequest(
                "The two models have different tokens, and cannot be compared token by token."
            )
        comparison = Comparison()
        for number, chunk in enumerate(chunks):
            _tell_progress(tell, number, len(chunks))
            _compare_chunk(readers, chunk, comparison)
        _tell_progress(tell, len(chunks), len(chunks))
        speeds = [each.speeds() for each in readers]
    return {"quality": asdict(comparison.quality()), "speeds": speeds}


def _compare_chunk(
    readers: Sequence[Reader], chunk: tuple[int, ...], comparison: Comparison
) -> None:
    for each in readers:
        each.read(chunk, len(chunk) // 2)
    for start in range(len(chunk) // 2, len(chunk) - 1, _ROWS):
        rows = range(start, min(start + _ROWS, len(chunk) - 1))
        following = np.array(chunk[rows.start + 1 : rows.stop + 1], np.int64)
        comparison.add(readers[0].logits(rows), readers[1].logits(rows), following)


def _tell_progress(tell: Tell, done: int, total: int) -> None:
    tell("progress", phase="Comparing", done=done, total=total, unit="chunks", detail="")
