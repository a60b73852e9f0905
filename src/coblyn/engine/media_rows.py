"""Images and sounds of requests: encoded before a request runs, and computed by the context as rows of a step."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from coblyn.engine.beside import AUTO, projector_of
from coblyn.engine.config import EngineConfig
from coblyn.engine.media import MediaReader, NoMedia
from coblyn.engine.plan import Row
from coblyn.engine.projection import Encoded, Projection
from coblyn.engine.prompt import Prompt
from coblyn.engine.request import Request
from coblyn.errors import ModelError
from coblyn.llama.context import Context
from coblyn.llama.cores import usable_cores
from coblyn.llama.model import Model
from coblyn.llama.projector import Projector, ProjectorOptions

__all__ = ["MediaRows"]

log = logging.getLogger(__name__)


class MediaRows:
    """The projector of a model, and its encoded media for active requests.

    Args:
        config: Names the projector, or asks to search for it.
        model: The model; close it after this.
        context: Computes the rows.

    Attributes:
        projector: The encoder; None for a model that accepts text only.

    Raises:
        ModelError: The projector that the configuration names cannot be used.
    """

    def __init__(self, config: EngineConfig, model: Model, context: Context) -> None:
        self._context = context
        self.projector = _projector(config, model)
        self._projection = (
            Projection(
                self.projector,
                max_whole=context.max_batch,
                capacity=config.media_memory * 2**20,
            )
            if self.projector
            else None
        )
        self._encoded: dict[str, Mapping[bytes, Encoded]] = {}
        self._logits: dict[str, NDArray[np.float32]] = {}

    @property
    def reader(self) -> MediaReader:
        """The reader of images and sounds."""
        return self._projection or NoMedia()

    @property
    def name(self) -> str:
        """Name of the projector, which the KV numbers of media depend on."""
        return self.projector.name if self.projector else ""

    def encode(self, request: Request[Prompt]) -> Mapping[bytes, Encoded]:
        """Encode the images and sounds of a prompt. Any thread may call.

        Raises:
            PromptForgotten: One is no longer kept.
        """
        return self._projection.encode(request.prompt.media) if self._projection else {}

    def open(self, request_id: str, encoded: Mapping[bytes, Encoded]) -> None:
        """Keep a request's encoded media."""
        if encoded:
            self._encoded[request_id] = encoded

    def forget(self, request_id: str) -> None:
        """Free a request's encoded media."""
        self._encoded.pop(request_id, None)

    def compute(self, rows: Sequence[Row]) -> float:
        """Compute the images and sounds of a step, and keep the logits after them. Gives the seconds it took.

        Raises:
            EngineError: It failed.
        """
        began = time.perf_counter()
        self._logits.clear()
        for row in rows:
            if row.media:
                self._compute(row, self._encoded[row.request_id][row.media.digest])
        return time.perf_counter() - began

    def logits(self, row: Row) -> NDArray[np.float32]:
        """The logits after a row of this step: a vector over the vocabulary, not normalized."""
        return self._logits[row.request_id]

    def close(self) -> None:
        """Free the projector."""
        if self.projector:
            self.projector.close()

    def _compute(self, row: Row, encoded: Encoded) -> None:
        self._context.decode_media(
            encoded.embeddings,
            encoded.chunk.positions(row.position, row.num_media_before),
            row.sequence,
            output=row.max_drawn > 0,
            is_whole=encoded.chunk.is_whole,
        )
        if row.max_drawn:
            last = (encoded.chunk.num_cells - 1) % self._context.max_batch
            self._logits[row.request_id] = self._context.logits(last)


def _projector(config: EngineConfig, model: Model) -> Projector | None:
    path = projector_of(config)
    if path is None:
        return None
    options = ProjectorOptions(
        config.threads or usable_cores(),
        uses_gpu=config.gpu_layers != 0,
        max_tokens=config.image_tokens,
        flash_attention=config.flash_attention,
    )
    try:
        return Projector(model, path, options)
    except ModelError as error:
        if config.projector != AUTO:
            raise
        log.warning("%s is left out: %s", path.name, error.message)
        return None
