"""The protocols of the engine: the runner, the vocabulary, and the client that answers requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from coblyn.engine.adapter import AdapterInfo
from coblyn.engine.content import Content
from coblyn.engine.death import Death
from coblyn.engine.encoded import Encoded, PromptId, Source
from coblyn.engine.events import Event
from coblyn.engine.infill import InfillTokens
from coblyn.engine.media import Kind, MediaReader, RawMedia
from coblyn.engine.params import SamplingParams
from coblyn.engine.plan import DraftWish, Plan, Sampled
from coblyn.engine.prompt import Namespace, Prompt
from coblyn.engine.request import Request
from coblyn.engine.stage_view import StageView
from coblyn.engine.state import Buffers, StateInfo, StateOrder
from coblyn.engine.window import Window
from coblyn.llama.placement import NOWHERE, Placement

__all__ = ["NO_MODEL", "EngineClient", "EngineStatus", "ModelInfo", "Prepared", "Runner", "Vocab"]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Facts about a loaded model and its context.

    Attributes:
        name: Short name: the file's name without its suffix.
        description: Architecture, size and quantization in the library's words.
        path: The file.
        size: Size of its tensors in bytes.
        num_parameters: Number of weights.
        vocab_size: Number of tokens in the vocabulary.
        context_train: Context length it was trained with, in tokens.
        context: Maximum number of tokens per request, prompt and completion together.
        max_running: Maximum number of requests generated concurrently.
        devices: Devices that compute, best first, such as ``("CPU",)``.
        accelerator: One phrase that tells users what accelerates it.
        chat_template: Jinja text of the model's own chat template, or empty.
        tool_template: The template for conversations with tools, if the model has a separate one; or empty.
        bos, eos: Text of these tokens, or empty.
        adds_bos: Whether the tokenizer adds the BOS token to prompts.
        is_rewindable: Whether a sequence can be truncated (false for recurrent models).
        bundle: Name of the engine bundle.
        placement: Where the model is placed, as reported by llama.cpp.
        infill: Its tokens for fill-in-the-middle; None if it was not trained for that.
        width: Length of a token's embedding.
        vocab_type: The library's number for the kind of vocabulary.
        writes: Whether it generates text. All models turn texts into vectors; some do only that.
        ranks: Whether it is a reranker, whose vectors are scores.
        media: Kinds of media that it accepts besides text.
        sample_rate: Samples per second of the sounds that it accepts; 0 if it accepts none.
        pair: Token ids that a reranker needs before a query, between it and a document, and after the document.
        adapters: Adapters that requests may use.
        overrides: Metadata that replaces what its file says.
    """

    name: str
    description: str
    path: str
    size: int
    num_parameters: int
    vocab_size: int
    context_train: int
    context: int
    max_running: int
    devices: tuple[str, ...]
    accelerator: str
    chat_template: str
    bos: str
    eos: str
    adds_bos: bool
    is_rewindable: bool
    bundle: str
    tool_template: str = ""
    placement: Placement = NOWHERE
    infill: InfillTokens | None = None
    width: int = 0
    vocab_type: int = 0
    writes: bool = True
    ranks: bool = False
    pair: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]] = ((), (), ())
    media: tuple[Kind, ...] = ()
    sample_rate: int = 0
    adapters: tuple[AdapterInfo, ...] = ()
    overrides: tuple[str, ...] = ()


NO_MODEL = ModelInfo(
    name="",
    description="",
    path="",
    size=0,
    num_parameters=0,
    vocab_size=0,
    context_train=0,
    context=0,
    max_running=0,
    devices=(),
    accelerator="",
    chat_template="",
    bos="",
    eos="",
    adds_bos=False,
    is_rewindable=False,
    bundle="",
)
"""Used while no model is loaded."""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What the engine is doing now.

    Attributes:
        state: ``ready``, ``loading``, ``restarting``, ``not responding``, ``stopping``, ``stopped`` or
            ``unloaded``.
        num_running: Number of requests in the batch.
        num_waiting: Number of requests in the queue.
        num_restarts: How many times the engine process was restarted.
        death: The last unexpected end of the process.
        failure: Why it is stopped, as a message to users.
        pid: Process id of the engine; 0 if it has no separate process now.
        loaded: Loaded fraction of the model, 0 to 1, as the library counts it.
        coming: File of the model being loaded in place of the last one, or of none, if requests wait for it.
    """

    state: str
    num_running: int
    num_waiting: int
    num_restarts: int = 0
    death: Death | None = None
    failure: str = ""
    pid: int = 0
    loaded: float = 1.0
    coming: str = ""


class Vocab(Protocol):
    """Converts between text and tokens. Any thread may call every method.

    Attributes:
        end_tokens: Ids of the tokens that end a generation.
        size: Number of tokens.
    """

    end_tokens: frozenset[int]
    size: int

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        """Token ids of a text; ``add_special`` adds BOS if the model wants it."""
        ...

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Bytes of a token; empty for special tokens unless ``special``."""
        ...

    def is_end(self, token: int) -> bool:
        """Whether the token ends a generation."""
        ...

    def containing(self, text: str) -> tuple[int, ...]:
        """Ids of the tokens whose text contains a text, ignoring case; the first call reads the whole vocabulary."""
        ...


class Prepared(Protocol):
    """What a runner prepared for a request, before it is opened."""

    def close(self) -> None:
        """Free it: the request will not run."""
        ...


class Runner(Protocol):
    """Runs plans on a context. One thread owns it."""

    @property
    def info(self) -> ModelInfo:
        """Facts about the model and the context."""
        ...

    @property
    def vocab(self) -> Vocab:
        """Its vocabulary."""
        ...

    @property
    def media(self) -> MediaReader:
        """Its reader of images and sounds."""
        ...

    @property
    def namespace(self) -> Namespace:
        """What the numbers in its KV memory depend on, apart from requests' adapters."""
        ...

    @property
    def max_batch(self) -> int:
        """Maximum number of tokens per plan."""
        ...

    @property
    def max_sequences(self) -> int:
        """Sequence ids are 0 to this, exclusive."""
        ...

    @property
    def num_cells(self) -> int:
        """Total number of KV cells; each token of a sequence takes one."""
        ...

    @property
    def shelf_tokens(self) -> int:
        """Number of tokens that it can keep in main memory; 0 for none."""
        ...

    @property
    def window(self) -> Window:
        """The sliding window of the model."""
        ...

    @property
    def shares_cells(self) -> bool:
        """Whether sequences share cells, so that a prefix can be copied without computing or saving it."""
        ...

    @property
    def mixes_adapters(self) -> bool:
        """Whether rows of one token may have different LoRA adapters in one step."""
        ...

    def window_starts(self) -> Sequence[int]:
        """For each sequence, the first position from which all cells of its window are present."""
        ...

    def add_adapter(self, text: str) -> None:
        """Load another adapter, ``NAME=FILE[:SCALE]``; ``info`` lists it from then on.

        Raises:
            BadRequest: The text is malformed, or the name is in use for another file.
            ModelError: The file is not an adapter, or one for another model.
        """
        ...

    def prepare(self, request: Request[Prompt]) -> Prepared:
        """Prepare what a request needs for sampling. Any thread may call, concurrently with steps."""
        ...

    def open(self, prepared: Prepared) -> None:
        """Accept what ``prepare`` gave: from now on plans may contain rows of its request."""
        ...

    def forget(self, request_id: str) -> None:
        """Free a request's resources; an unknown id is not an error."""
        ...

    @property
    def can_draft(self) -> bool:
        """Whether it has a draft model."""
        ...

    def draft(self, wishes: Sequence[DraftWish]) -> Mapping[str, tuple[int, ...]]:
        """Guesses of the draft model, by request; there may be fewer tokens than wanted, or none."""
        ...

    @property
    def state_shape(self) -> tuple[int, ...]:
        """The shape that another context must have to take copies.

        Whether cells are shared (0 or 1), the number of sequences, and the window's size in positions.
        """
        ...

    def take_copy(self, key: int) -> Buffers:
        """The buffers of the copy saved under a key."""
        ...

    def put_copy(self, key: int, buffers: Buffers, content: Content) -> None:
        """Store a copy under an unused key, from buffers of the same namespace and shape."""
        ...

    def run(self, plan: Plan) -> Sequence[Sequence[Sampled]]:
        """Run one step, or as many as the plan and ``FRAME`` allow.

        Returns:
            For each row that draws, in order, the tokens that it drew; none if its mask is late.

        Raises:
            EngineError: The step failed and the content of the sequences is unknown; the runner must be replaced.
        """
        ...

    def embed(self, texts: Sequence[Sequence[int]]) -> list[bytes]:
        """Vectors of whole texts, computed outside all sequences.

        Args:
            texts: Token ids, at most ``texts.MAX_TEXTS`` of one token to ``info.context_train`` each.

        Returns:
            One float32 vector per text, not normalized; a reranker's first number is the score.

        Raises:
            EngineError: The library failed.
        """
        ...

    def look(self, sequence: int, request: Request[Prompt], max_count: int) -> list[StageView]:
        """Candidates for the next token after each sampler of a request, from the logits kept with a sequence.

        Args:
            sequence: A sequence that holds exactly the request's prompt.
            request: Gives the samplers; it is not started.
            max_count: Maximum number of candidates listed per stage.

        Raises:
            BadRequest: No candidate is left.
        """
        ...

    def interrupt(self, wanted: bool) -> None:
        """Set or clear the request to end consecutive steps after the current one, and ``rest`` soon.

        Any thread may call.
        """
        ...

    def rest(self) -> float | None:
        """Do background work while there are no requests; ``interrupt`` ends it early.

        Returns:
            Seconds until there is more to do; None if nothing is left.
        """
        ...

    def close(self) -> None:
        """Free everything."""
        ...


class EngineClient(Protocol):
    """An engine as services see it, in this process or in another."""

    @property
    def info(self) -> ModelInfo:
        """Facts about the model."""
        ...

    @property
    def capacity(self) -> int:
        """Maximum number of requests that it accepts at a time, running and waiting."""
        ...

    def status(self) -> EngineStatus:
        """What it is doing now; never blocks."""
        ...

    def generate(self, request: Request[PromptId]) -> AsyncIterator[Event]:
        """Start a request and give its events as they happen; closing the iterator cancels it.

        The iterator ends after ``Finish`` and raises what ``Failed`` carries.

        Raises:
            Busy: The queue is full.
            EngineRestarted, EngineStopped: The engine process died.
            PromptForgotten: The id of its prompt is no longer known, for instance after a restart.
        """
        ...

    async def cancel(self, request_id: str) -> None:
        """End a request early: it finishes with the reason ``cancelled``. An unknown id is not an error."""
        ...

    async def end_thinking(self, request_id: str) -> None:
        """End a request's reasoning at once, so that it answers.

        An unknown id is not an error, and neither is a text without reasoning.
        """
        ...

    async def encode(self, source: Source) -> Encoded:
        """Tokenize, and keep the prompt for ``generate`` for a while.

        Raises:
            BadRequest: It is empty, and the model has no BOS token.
        """
        ...

    async def unknown_media(self, digests: Sequence[bytes]) -> list[bytes]:
        """Which of these images and sounds it does not have; ``show`` them before a prompt uses them."""
        ...

    async def show(self, media: RawMedia) -> int:
        """Send it an image or a sound, which it keeps for a while. Gives the number of tokens it takes in a prompt.

        Raises:
            BadRequest: The model cannot take it.
        """
        ...

    async def foresee(self, prompt_id: PromptId) -> int:
        """Number of tokens of an encoded prompt that are in memory now and need no computing.

        Raises:
            PromptForgotten: The id is no longer known.
        """
        ...

    async def look(
        self, prompt_id: PromptId, sampling: SamplingParams, max_count: int
    ) -> list[StageView]:
        """Candidates for the token after an encoded prompt, after each sampler.

        Returns:
            The model's own candidates, then those that each sampler leaves; nothing if the prompt was not computed, or
            its logits are no longer kept. Generating from a prompt keeps them.

        Raises:
            PromptForgotten: The id is no longer known.
            BadRequest: No candidate is left.
        """
        ...

    async def detokenize(self, tokens: Sequence[int], *, special: bool) -> bytes:
        """Bytes of tokens.

        Raises:
            BadRequest: An id is outside the vocabulary.
        """
        ...

    async def embed(self, prompts: Sequence[Encoded]) -> list[bytes]:
        """Vectors of texts, computed between the steps of running requests; see ``Runner.embed``.

        Raises:
            PromptTooLong: A text has more tokens than the model was trained with.
            PromptForgotten: The id of one is no longer known.
        """
        ...

    async def handle_state(self, order: StateOrder) -> StateInfo:
        """Inspect, save, restore or erase the states of texts.

        Raises:
            NotFound: There is no such text, slot or file.
            BadRequest: The saved state does not fit this model or context, or is damaged.
            SettingsError, DiskFull: It cannot be stored.
        """
        ...

    async def add_adapter(self, text: str) -> None:
        """Load another adapter between two steps; see ``Runner.add_adapter``."""
        ...

    async def close(self) -> None:
        """Stop; running requests end as cancelled."""
        ...
