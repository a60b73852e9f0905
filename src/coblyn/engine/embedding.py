"""A runner for models that only embed: texts become vectors, and there are no sequences to decode."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from coblyn.engine.config import EngineConfig
from coblyn.engine.content import Content
from coblyn.engine.facts import model_info
from coblyn.engine.interface import Prepared
from coblyn.engine.kernels import KernelsInUse
from coblyn.engine.media import NoMedia
from coblyn.engine.plan import DraftWish, Plan, Sampled
from coblyn.engine.prompt import PLAIN, Prompt
from coblyn.engine.request import Request
from coblyn.engine.shape import embedding_options, open_model
from coblyn.engine.stage_view import StageView
from coblyn.engine.state import Buffers
from coblyn.engine.vocab import ModelVocab
from coblyn.engine.window import NO_WINDOW
from coblyn.errors import BadRequest
from coblyn.llama.embedder import Embedder
from coblyn.llama.library import open_library

__all__ = ["EmbeddingRunner"]


class EmbeddingRunner:
    """An embedding model or a reranker.

    Args:
        config: What to load, and how.
        advance: Called with the loaded fraction, 0 to 1; returning False stops the load.

    Raises:
        CoblynError: The library or the model cannot be loaded.
    """

    namespace = PLAIN
    media = NoMedia()
    window = NO_WINDOW
    shares_cells = True
    max_sequences = 1
    shelf_tokens = 0
    can_draft = False
    mixes_adapters = False
    state_shape = ()

    def __init__(
        self, config: EngineConfig, advance: Callable[[float], bool] | None = None
    ) -> None:
        with ExitStack() as stack:
            model = stack.enter_context(
                open_model(config, open_library(Path(config.library)), advance=advance)
            )
            options = embedding_options(config)
            self._kernels = KernelsInUse(config, model, options)
            stack.enter_context(self._kernels.in_use())
            self._embedder = stack.enter_context(closing(Embedder(model, options)))
            self.vocab = ModelVocab(model)
            self.max_batch = self.num_cells = model.context_train
            set_name = self._kernels.instruction_set
            self.info = model_info(config, model, self._embedder.context, set_name)
            self._stack = stack.pop_all()

    def embed(self, texts: Sequence[Sequence[int]]) -> list[bytes]:
        """Vectors of whole texts; see ``Runner.embed``."""
        return [vector.tobytes() for vector in self._embedder.embed(texts)]

    def add_adapter(self, text: str) -> None:  # noqa: ARG002 - the protocol's
        """Refuse it.

        Raises:
            BadRequest: Always.
        """
        raise BadRequest(
            "Adapters change the text that a model generates, and this model generates none.",
            field="adapter",
        )

    def take_copy(self, key: int) -> Buffers:  # noqa: ARG002 - the protocol's
        """Never called: there is no shelf."""
        raise AssertionError("it has no shelf")

    def put_copy(self, key: int, buffers: Buffers, content: Content) -> None:  # noqa: ARG002 - the protocol's
        """Never called: there is no shelf."""
        raise AssertionError("it has no shelf")

    def prepare(self, request: Request[Prompt]) -> Prepared:  # noqa: ARG002 - whatever it is
        """Refuse a request.

        Raises:
            BadRequest: Always.
        """
        what, path = (
            ("rates texts", "/v1/rerank")
            if self.info.ranks
            else ("turns texts into vectors", "/v1/embeddings")
        )
        raise BadRequest(
            f"{self.info.name} {what} and generates no text.",
            field="model",
            hint=f"Use another model, or use this one at {path}.",
        )

    def open(self, prepared: Prepared) -> None:  # noqa: ARG002 - there is none
        """Never called, since ``prepare`` refuses every request."""
        raise AssertionError("requests are refused when they are prepared")

    def forget(self, request_id: str) -> None:
        """There is nothing to forget."""

    def window_starts(self) -> Sequence[int]:
        """There is no window."""
        return (0,)

    def draft(self, wishes: Sequence[DraftWish]) -> Mapping[str, tuple[int, ...]]:
        """There is no text to go on with."""
        assert not wishes, "requests are refused when they are prepared"
        return {}

    def run(self, plan: Plan) -> Sequence[Sequence[Sampled]]:
        """There are no rows to run."""
        assert not plan.rows, "requests are refused when they are prepared"
        return ()

    def look(self, sequence: int, request: Request[Prompt], max_count: int) -> list[StageView]:  # noqa: ARG002
        """It draws no tokens."""
        raise AssertionError("requests are refused when they are prepared")

    def interrupt(self, wanted: bool) -> None:
        """End ``rest`` soon."""
        self._kernels.interrupt(wanted)

    def rest(self) -> float | None:
        """Repeat measurements that were disturbed; see ``Runner.rest``."""
        return self._kernels.rest()

    def close(self) -> None:
        """Free everything."""
        self._stack.close()
