"""The seams of the engine: what runs a plan, what knows the vocabulary, what answers requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from coblyn.engine.adapter import AdapterInfo
from coblyn.engine.content import Content
from coblyn.engine.death import Death
from coblyn.engine.encoded import Encoded, Source
from coblyn.engine.events import Event
from coblyn.engine.infill import InfillTokens
from coblyn.engine.media import Kind, MediaReader, RawMedia
from coblyn.engine.params import SamplingParams
from coblyn.engine.plan import DraftWish, Plan, Sampled
from coblyn.engine.prompt import Namespace
from coblyn.engine.request import Request
from coblyn.engine.stage_view import StageView
from coblyn.engine.state import Buffers, StateInfo, StateOrder
from coblyn.engine.window import Window
from coblyn.llama.placement import NOWHERE, Placement

__all__ = ["NO_MODEL", "EngineClient", "EngineStatus", "ModelInfo", "Prepared", "Runner", "Vocab"]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Facts of a loaded model and of the context around it.

    Attributes:
        name: Short name, the file's name without its ending.
        description: Architecture, size and quantization in the library's words.
        path: The file.
        size: Bytes of its tensors.
        num_parameters: Weights.
        vocab_size: Tokens in the vocabulary.
        context_train: Tokens of context that it was trained with.
        context: Tokens that one request may use, prompt and completion together.
        max_running: Requests that run at the same time.
        devices: What computes, best first, such as ``("CPU",)``.
        accelerator: One phrase that says what accelerates it, for people.
        chat_template: Jinja text of the model's own chat template, or empty.
        tool_template: The one for conversations with tools, where the model has a second; or empty.
        bos, eos: Text of these tokens, or empty.
        adds_bos: Whether a prompt starts with the BOS token by itself.
        is_rewindable: Whether a part of a sequence can be forgotten (not so for recurrent models).
        bundle: Name of the engine bundle.
        placement: Where the model is, as llama.cpp reported it.
        infill: The tokens by which it fills a gap in a text; None where it was not taught to.
        width: Numbers in a token's embedding.
        vocab_type: The library's number of the kind of vocabulary.
        writes: Whether it generates text. If not, it turns texts into vectors, as the others can too.
        ranks: Whether it rates texts: its vectors are scores.
        media: Kinds of media that it takes besides text.
        sample_rate: Samples per second of the sounds that it takes; 0 if it takes none.
        pair: Token ids that a reranker wants before a query, between it and a document, and behind that.
        adapters: What requests may change it by.
        overrides: What counts in place of what its file says.
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
"""Where none is loaded yet."""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What the engine is doing now.

    Attributes:
        state: ``ready``, ``loading``, ``restarting``, ``not responding``, ``stopping``, ``stopped`` or
            ``unloaded``.
        num_running: Requests in the batch.
        num_waiting: Requests in the queue.
        num_restarts: How often the engine process had to be started again.
        death: The last end of the process that nobody asked for.
        failure: Why it is stopped, for people.
        pid: Process of the engine; 0 if it has none of its own now.
        loaded: Fraction of the model that is loaded, 0 to 1, as the library counts it.
    """

    state: str
    num_running: int
    num_waiting: int
    num_restarts: int = 0
    death: Death | None = None
    failure: str = ""
    pid: int = 0
    loaded: float = 1.0


class Vocab(Protocol):
    """Text and tokens. Every method may be called from any thread.

    Attributes:
        end_tokens: Ids of the tokens that end a generation.
    """

    end_tokens: frozenset[int]

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        """Token ids of a text; ``add_special`` puts BOS before it where the model wants it."""
        ...

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Bytes of a token; those of special tokens are empty unless ``special``."""
        ...

    def is_end(self, token: int) -> bool:
        """Whether the token ends a generation."""
        ...


class Prepared(Protocol):
    """What a runner prepared for a request, and has not opened yet."""

    def close(self) -> None:
        """Free it: the request will not run."""
        ...


class Runner(Protocol):
    """Runs plans on a context. One thread owns it."""

    @property
    def info(self) -> ModelInfo:
        """Facts of the model and context."""
        ...

    @property
    def vocab(self) -> Vocab:
        """Its vocabulary."""
        ...

    @property
    def media(self) -> MediaReader:
        """What takes images and sounds apart for it."""
        ...

    @property
    def namespace(self) -> Namespace:
        """What the numbers in its KV memory depend on, whatever the request."""
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
        """KV cells of all sequences together; one token of a sequence takes one."""
        ...

    @property
    def shelf_tokens(self) -> int:
        """Tokens of sequences that it can keep in main memory; 0 for none."""
        ...

    @property
    def window(self) -> Window:
        """The sliding window of a model that can be rewound."""
        ...

    @property
    def shares_cells(self) -> bool:
        """Whether sequences share cells, so that a prefix can be copied as it is."""
        ...

    @property
    def mixes_adapters(self) -> bool:
        """Whether rows of one token each may have LoRA adapters of their own, so that no turns have to be taken."""
        ...

    def window_starts(self) -> Sequence[int]:
        """For each sequence, the first position from which on the cells of its window are all there."""
        ...

    def add_adapter(self, text: str) -> None:
        """Load a further adapter, ``NAME=FILE[:SCALE]``; from then on ``info`` tells of it.

        Raises:
            BadRequest: The text means nothing, or the name stands for another file.
            ModelError: The file is not an adapter, or one for another model.
        """
        ...

    def prepare(self, request: Request) -> Prepared:
        """Make ready what sampling for a request needs. Any thread may call, while others run."""
        ...

    def open(self, prepared: Prepared) -> None:
        """Take up what ``prepare`` gave: from here on plans may have rows of its request."""
        ...

    def forget(self, request_id: str) -> None:
        """Forget a request; one that is unknown is not an error."""
        ...

    @property
    def can_draft(self) -> bool:
        """Whether it has a draft model."""
        ...

    def draft(self, wishes: Sequence[DraftWish]) -> Mapping[str, tuple[int, ...]]:
        """What a draft model guesses, by request; fewer tokens than were wished for, or none, is not an error."""
        ...

    @property
    def state_shape(self) -> tuple[int, ...]:
        """What a context has in common with those that can take its copies."""
        ...

    def take_copy(self, key: int) -> Buffers:
        """The numbers of a copy that was saved under a key."""
        ...

    def put_copy(self, key: int, buffers: Buffers, content: Content) -> None:
        """Have a copy under a key that was not used yet, from the numbers of one of the same namespace and shape."""
        ...

    def run(self, plan: Plan) -> Sequence[Sequence[Sampled]]:
        """Run one step, or as many as the plan allows and time permits.

        Returns:
            For each row that has outputs, in their order, the tokens that it drew; none where it waits for its mask.

        Raises:
            EngineError: The step failed and what the sequences hold is unknown: the runner must be renewed.
        """
        ...

    def embed(self, texts: Sequence[Sequence[int]]) -> list[bytes]:
        """What the model makes of whole texts, apart from all sequences.

        Args:
            texts: Token ids, at most ``texts.MAX_TEXTS`` of one token to ``info.context_train`` each.

        Returns:
            For each text a vector of float32 numbers, not normalized; of a reranker the first number is its score.

        Raises:
            EngineError: The library failed.
        """
        ...

    def look(self, sequence: int, request: Request, max_count: int) -> list[StageView]:
        """What could be drawn next, after each sampler of a request, from the logits that were kept with a sequence.

        Args:
            sequence: One that ends its prompt, which is that of the request.
            request: It is not begun.
            max_count: Maximum number of candidates listed for each.

        Raises:
            BadRequest: Nothing is left to choose.
        """
        ...

    def interrupt(self, wanted: bool) -> None:
        """Whether steps in a row should end after the one in hand, and ``rest`` soon, now and until said otherwise.

        Any thread may call.
        """
        ...

    def rest(self) -> float | None:
        """Use the time while there are no requests; what ``interrupt`` ends is left undone.

        Returns:
            Seconds until there is something to do again; None if there is nothing.
        """
        ...

    def close(self) -> None:
        """Free everything."""
        ...


class EngineClient(Protocol):
    """An engine as services see it, in this process or in another."""

    @property
    def info(self) -> ModelInfo:
        """Facts of the model."""
        ...

    @property
    def capacity(self) -> int:
        """Maximum number of requests that it takes at a time, running and waiting."""
        ...

    def status(self) -> EngineStatus:
        """What it is doing now; never blocks."""
        ...

    def generate(self, request: Request) -> AsyncIterator[Event]:
        """Start a request and give its events as they happen; closing the iterator cancels it.

        The iterator ends after ``Finish`` and raises what ``Failed`` carries.

        Raises:
            Busy: The queue is full.
            EngineRestarted, EngineStopped: The engine process died.
            PromptForgotten: The id of its prompt is no longer known, or not in a process that was started since.
        """
        ...

    async def cancel(self, request_id: str) -> None:
        """End a request early: it finishes with the reason ``cancelled``. An unknown id is not an error."""
        ...

    async def end_thinking(self, request_id: str) -> None:
        """Let a request answer: its reasoning ends where it is.

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
        """Which of these images and sounds it does not keep: they have to be shown before a prompt may have them."""
        ...

    async def show(self, media: RawMedia) -> int:
        """Let it take an image or a sound apart and keep it for a while; tokens of a prompt that it takes.

        Raises:
            BadRequest: The model cannot take it.
        """
        ...

    async def foresee(self, prompt_id: str) -> int:
        """Tokens of a prompt that ``encode`` made that would not have to be read if it were asked for now.

        Raises:
            PromptForgotten: The id is no longer known.
        """
        ...

    async def look(
        self, prompt_id: str, sampling: SamplingParams, max_count: int
    ) -> list[StageView]:
        """What could be drawn behind a prompt that ``encode`` made, after each sampler.

        Returns:
            The model's own candidates, then those that each sampler leaves; nothing if that prompt was not computed, or
            its logits are not kept any more. A generation keeps them.

        Raises:
            PromptForgotten: The id is not known any more.
            BadRequest: Nothing is left to choose.
        """
        ...

    async def detokenize(self, tokens: Sequence[int], *, special: bool) -> bytes:
        """Bytes of tokens.

        Raises:
            BadRequest: An id is outside the vocabulary.
        """
        ...

    async def embed(self, prompts: Sequence[Encoded]) -> list[bytes]:
        """What the model makes of texts, between the steps of those that generate; see ``Runner.embed``.

        Raises:
            PromptTooLong: One has more tokens than the model was trained with.
            PromptForgotten: One is no longer known.
        """
        ...

    async def handle_state(self, order: StateOrder) -> StateInfo:
        """Look at what was computed for texts, save it, or take it back.

        Raises:
            NotFound: There is no such text, slot or file.
            BadRequest: What was saved does not serve here, or is damaged.
            SettingsError, DiskFull: It cannot be kept.
        """
        ...

    async def add_adapter(self, text: str) -> None:
        """Load a further adapter between two steps; see ``Runner.add_adapter``."""
        ...

    async def close(self) -> None:
        """Stop; requests that run end as cancelled."""
        ...
