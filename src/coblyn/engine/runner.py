"""Runs plans on a real context; the only file of the engine that calls the library."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from coblyn.engine.config import EngineConfig
from coblyn.engine.content import Content
from coblyn.engine.copies import Copies
from coblyn.engine.draft_heads import DraftHeads, draft_heads_of
from coblyn.engine.draft_model import DraftModel, draft_model_of
from coblyn.engine.eagle import eagle_of
from coblyn.engine.facts import model_info
from coblyn.engine.interface import Prepared
from coblyn.engine.kept_logits import KeptLogits
from coblyn.engine.kernels import KernelsInUse
from coblyn.engine.loaded_adapters import LoadedAdapters
from coblyn.engine.masks import BoundText, Masks
from coblyn.engine.media import MediaReader
from coblyn.engine.media_rows import MediaRows
from coblyn.engine.plan import (
    END_REFUSED,
    FRAME,
    NOT_FOLLOWED,
    DraftWish,
    Plan,
    Rewind,
    Row,
    Sampled,
)
from coblyn.engine.projection import Encoded
from coblyn.engine.prompt import Prompt
from coblyn.engine.request import Request
from coblyn.engine.samplers import Samplers, sampled
from coblyn.engine.shape import context_options, namespace_of, open_model, window_of
from coblyn.engine.stage_view import StageView
from coblyn.engine.state import Buffers
from coblyn.engine.texts import MAX_TEXTS
from coblyn.engine.views import views_of
from coblyn.engine.vocab import ModelVocab, constraint_vocabulary
from coblyn.errors import EngineError
from coblyn.llama.context import Batch, Context
from coblyn.llama.embedder import Embedder
from coblyn.llama.library import open_library
from coblyn.llama.sampler import Away, Draw, Sampler
from coblyn.llama.steps import Steps

__all__ = ["LlamaRunner"]

log = logging.getLogger(__name__)

_NOT_FOLLOWED = Sampled(NOT_FOLLOWED)
_END_REFUSED = Sampled(END_REFUSED)

_PATIENCE = 0.1
"""Fraction of the decode time for which all rows wait for a late mask."""

_MAX_WAIT = 0.05
"""Seconds to wait before the inbox is checked, if all rows wait for masks."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A request's sampler, its text under a constraint if it has one, and its encoded media."""

    request: Request[Prompt]
    sampler: Sampler
    text: BoundText | None
    media: Mapping[bytes, Encoded]

    def close(self) -> None:
        """Free it."""
        self.sampler.close()


class LlamaRunner:
    """A model and its context.

    Args:
        config: What to load, and how.
        advance: Called with the loaded fraction, 0 to 1; returning False stops the load.

    Attributes:
        decode_seconds: Time spent in ``llama_decode`` so far; the rest of a step is the engine's own.

    Raises:
        CoblynError: The library, the model or the context cannot be loaded.
    """

    def __init__(
        self, config: EngineConfig, advance: Callable[[float], bool] | None = None
    ) -> None:
        with ExitStack() as stack:
            library = open_library(Path(config.library))
            eagle = eagle_of(config)
            model = stack.enter_context(open_model(config, library, advance=advance))
            model.require_decoder()
            options = context_options(config, model)
            self._kernels = KernelsInUse(config, model, options)
            stack.enter_context(self._kernels.in_use())
            self._context = stack.enter_context(Context(model, options))
            self._adapters = LoadedAdapters(model, config)
            stack.callback(self._adapters.close)
            self._embedder = stack.enter_context(
                closing(Embedder(model, replace(options, max_sequences=MAX_TEXTS)))
            )
            self._media = stack.enter_context(closing(MediaRows(config, model, self._context)))
            self._draft_model = None if eagle else draft_model_of(config, model, options)
            if self._draft_model:
                stack.callback(self._draft_model.close)
            self._draft_heads = draft_heads_of(config, self._context, options, eagle)
            if self._draft_heads:
                stack.callback(self._draft_heads.close)
            self._stack = stack.pop_all()
        self._model = model
        self._options = options
        self.decode_seconds = 0.0
        self.vocab = ModelVocab(model)
        self.max_batch = self._context.max_batch
        self.max_sequences = options.max_sequences
        self.num_cells = self._context.num_cells
        set_name = self._kernels.instruction_set
        info = model_info(config, model, self._context, set_name, self._media.projector)
        self.info = replace(info, adapters=self._adapters.infos)
        self.namespace = namespace_of(config, model, self._media.name)
        self._batch = Batch(self.max_batch)
        states = self._draft_heads.states if self._draft_heads else None
        self._steps = Steps(self._context, self._batch, options.max_sequences, states)
        self._samplers: dict[str, Sampler] = {}
        self._new_samplers = Samplers(model.library, self.vocab, model.vocab_size)
        self._requests: dict[str, Request[Prompt]] = {}
        self._masks = Masks(
            partial(constraint_vocabulary, model, self.vocab),
            model.vocab_size,
            config.constraint_seconds,
        )
        self._kept = KeptLogits(model.vocab_size)
        self._copies = Copies(self._context, self._kept, self.info.is_rewindable)
        self.window = window_of(model)
        self.shares_cells = options.is_unified
        self.shelf_tokens = config.cache_memory * 2**20 // model.cell_size(options.cache_kind)

    @property
    def media(self) -> MediaReader:
        """Its reader of images and sounds."""
        return self._media.reader

    def window_starts(self) -> Sequence[int]:
        """The first position of each sequence's window, as reported by the library."""
        return [self._context.window_start(sequence) for sequence in range(self.max_sequences)]

    def add_adapter(self, text: str) -> None:
        """Load another adapter; see ``Runner.add_adapter``."""
        self._adapters.add(text)
        self.info = replace(self.info, adapters=self._adapters.infos)

    def prepare(self, request: Request[Prompt]) -> Prepared:
        """Make the request's sampler, and the first mask of its constraint.

        Raises:
            BadRequest: Its constraint cannot be enforced.
            PromptForgotten: An image or a sound of its prompt is no longer kept.
        """
        media = self._media.encode(request)
        text = self._masks.begin(request.constraint) if request.constraint else None
        sampler = self._new_samplers.make(request, request.prompt.ids)
        return _Prepared(request, sampler, text, media)

    def open(self, prepared: Prepared) -> None:
        """Register the request's sampler and constraint for its rows."""
        assert isinstance(prepared, _Prepared), "it is this runner's own"
        request = prepared.request
        self._requests[request.id] = request
        self._samplers[request.id] = prepared.sampler
        self._media.open(request.id, prepared.media)
        if prepared.text:
            self._masks.open(request.id, prepared.text)

    def forget(self, request_id: str) -> None:
        """Free the request's sampler."""
        self._masks.forget(request_id)
        self._kept.forget_late(request_id)
        self._media.forget(request_id)
        if self._draft_model:
            self._draft_model.forget(request_id)
        self._requests.pop(request_id, None)
        sampler = self._samplers.pop(request_id, None)
        if sampler:
            sampler.close()

    def _rewind(self, rewind: Rewind) -> None:
        """Rewind a request's sampler and constraint by some tokens."""
        if rewind.num_tokens:
            self._samplers[rewind.request_id].close()
            request = self._requests[rewind.request_id]
            self._samplers[rewind.request_id] = self._new_samplers.make(request, rewind.history)
        else:
            self._samplers[rewind.request_id].accept(rewind.forced)
        self._masks.rewind(rewind.request_id, rewind.num_tokens)
        self._masks.force(rewind.request_id, rewind.forced)

    def run(self, plan: Plan) -> Sequence[Sequence[Sampled]]:
        """Execute the cache operations, decode all rows, draw tokens, and continue if the plan allows it."""
        if not self._draft_heads:
            return self._run(plan)
        followed = {row.sequence for row in plan.rows if row.is_followed}
        self._steps.keep_states(bool(followed))
        result = self._run(plan)
        if followed:
            self._draft_heads.note(followed)
        return result

    def _run(self, plan: Plan) -> Sequence[Sequence[Sampled]]:
        for operation in plan.operations:
            self._copies.carry_out(operation)
            if self._draft_heads:
                self._draft_heads.follow(operation)
        for rewind in plan.rewinds:
            self._rewind(rewind)
        if not plan.rows:
            return ()
        is_mixed = self._use_adapters(plan.rows)
        self.decode_seconds += self._media.compute(plan.rows)
        # A further row would move the scales of mixed adapters.
        fills_gaps = not self.shares_cells and not is_mixed
        num_tokens, draws = self._fill(plan.rows)
        drawing = [row for row in plan.rows if row.max_drawn]
        if any(row.request_id in self._masks for row in drawing):
            return self._run_bound(
                num_tokens,
                drawing,
                draws,
                is_busy=len(drawing) < len(plan.rows),
                is_mixed=is_mixed,
                fills_gaps=fills_gaps,
            )
        drawn = self._steps.run(num_tokens, draws, max_seconds=FRAME, fills_gaps=fills_gaps)
        self._adapters.check()
        self.decode_seconds += self._steps.decode_seconds
        return [sampled(tokens, draw.sampler) for tokens, draw in zip(drawn, draws, strict=True)]

    @property
    def mixes_adapters(self) -> bool:
        """Whether rows of one token may have different sets of adapters."""
        return self._adapters.are_mixed

    def _use_adapters(self, rows: Sequence[Row]) -> bool:
        """Set the adapters of all rows. Gives whether they differ between rows."""
        if self._adapters.is_empty:
            return False
        computed = [row for row in rows if row.tokens] or rows[:1]
        sets = [self._requests[row.request_id].prompt.namespace.adapters for row in computed]
        is_mixed = any(each != sets[0] for each in sets)
        self._adapters.use(self._context, sets if is_mixed else sets[:1])
        return is_mixed

    def _run_bound(
        self,
        num_tokens: int,
        rows: Sequence[Row],
        draws: Sequence[Draw],
        *,
        is_busy: bool,
        is_mixed: bool,
        fills_gaps: bool,
    ) -> Sequence[Sequence[Sampled]]:
        """Run a step in which some rows have constraints: their masks are computed during the decode.

        If a mask takes longer, its row's logits are kept for a later step, and the other rows continue until it is
        ready.
        """
        for row in rows:
            if row.drafts and row.request_id in self._masks:
                may_leap = self._requests[row.request_id].may_leap
                self._masks.look_ahead(row.request_id, row.drafts, may_leap=may_leap)
        self._steps.run(num_tokens, (), fills_gaps=fills_gaps)
        self.decode_seconds += self._steps.decode_seconds
        late = self._late_masks(rows, is_busy=is_busy)
        draws = [self._masked(row, draw, late) for row, draw in zip(rows, draws, strict=True)]
        self._masks.when_filled(late, self._end_frame)
        # If a mask is late, further steps have fewer rows than mixed adapters were set for.
        max_seconds = 0.0 if is_mixed else FRAME
        drawn = self._steps.run(0, draws, max_seconds=max_seconds, fills_gaps=fills_gaps)
        self._adapters.check()
        self.decode_seconds += self._steps.decode_seconds
        return [
            self._followed(row.request_id, sampled(tokens, draw.sampler))
            for row, draw, tokens in zip(rows, draws, drawn, strict=True)
        ]

    def _late_masks(self, rows: Sequence[Row], *, is_busy: bool) -> list[str]:
        """Requests whose masks are not ready, after a short wait for masks that will be ready soon."""
        bound = [row.request_id for row in rows if row.request_id in self._masks]
        can_go_on = is_busy or len(bound) < len(rows)
        patience = _PATIENCE * self._steps.decode_seconds if can_go_on else _MAX_WAIT
        return self._masks.late(bound, patience)

    def _masked(self, row: Row, draw: Draw, late: Collection[str]) -> Draw:
        """The tokens that a row draws; none if its mask is late."""
        request_id = row.request_id
        if request_id not in late:
            self._kept.forget_late(request_id)
            if row.drafts and request_id in self._masks and self._masks.wait(request_id):
                masks = self._masks.ahead(request_id)
                return draw._replace(mask=masks, num_drafts=len(masks) - 1, max_drawn=len(masks))
            return draw._replace(mask=self._masks.words_without(row.request_id, row.banned))
        if draw.away and draw.away.logits is None:
            keep = self._kept.room_for_late(request_id, draw.away.keep, is_guide=True)
            draw = draw._replace(away=draw.away._replace(keep=keep))
        if not row.tokens:  # its logits are kept already
            return draw._replace(max_drawn=0, keep=None)
        keep = self._kept.room_for_late(request_id, draw.keep, is_guide=False)
        return draw._replace(max_drawn=0, keep=keep)

    def _end_frame(self) -> None:
        """End the frame because a mask is ready: its row takes part in the next step."""
        self._steps.interrupt(True)

    def _followed(self, request_id: str, drawn: Sequence[Sampled]) -> Sequence[Sampled]:
        """The drawn token; under a constraint, also the forced tokens after it and whether the text is over."""
        if request_id not in self._masks or not drawn:
            return drawn
        if not self._masks.wait(request_id):
            return [_END_REFUSED if self._masks.is_refused(request_id) else _NOT_FOLLOWED]
        *others, last = drawn
        if last.token < 0:
            return drawn
        may_leap = self._requests[request_id].may_leap
        try:
            tokens = [each.token for each in drawn]
            forced, is_last = self._masks.follow_all(request_id, tokens, may_leap=may_leap)
        except EngineError as error:
            log.warning("a constraint cannot be followed: %s", error.message)
            return [_NOT_FOLLOWED]
        if forced:
            self._samplers[request_id].accept(forced)
        return [*others, *last.followed_by(forced, is_last=is_last)]

    @property
    def can_draft(self) -> bool:
        """Whether it has a draft model, or prediction heads."""
        return self._guesser is not None

    @property
    def _guesser(self) -> DraftModel | DraftHeads | None:
        return self._draft_model or self._draft_heads

    def draft(self, wishes: Sequence[DraftWish]) -> Mapping[str, tuple[int, ...]]:
        """Guesses of the draft model, or of prediction heads."""
        return self._guesser.draft(wishes) if self._guesser and wishes else {}

    def embed(self, texts: Sequence[Sequence[int]]) -> list[bytes]:
        """Vectors of whole texts; see ``Runner.embed``."""
        return [vector.tobytes() for vector in self._embedder.embed(texts)]

    def look(self, sequence: int, request: Request[Prompt], max_count: int) -> list[StageView]:
        """Candidates for the token after a sequence's prompt; see ``Runner.look``."""
        logits = self._kept.end(sequence)
        assert logits is not None, "its prompt ends here"
        with self._new_samplers.make(request, request.prompt.ids) as sampler:
            return views_of(sampler, logits, request.sampling, self.vocab, max_count)

    def interrupt(self, wanted: bool) -> None:
        """Set or clear the request to end consecutive steps after the current one, and ``rest`` soon."""
        self._steps.interrupt(wanted)
        self._kernels.interrupt(wanted)

    def rest(self) -> float | None:
        """Repeat measurements that were disturbed."""
        return self._kernels.rest()

    def bare_loop(self, num_prompt: int, num_generate: int) -> tuple[float, float]:
        """Run the bare C loop on a context of the same shape. Gives the seconds for prefill and for decoding."""
        with Context(self._model, self._options) as context:
            return context.bare_loop(num_prompt=num_prompt, num_generate=num_generate)

    def close(self) -> None:
        """Free everything."""
        for request_id in tuple(self._samplers):
            self.forget(request_id)
        self._masks.close()
        self._stack.close()

    @property
    def state_shape(self) -> tuple[int, ...]:
        """The shape that another context must have to take copies."""
        options = self._options
        return (int(options.is_unified), options.max_sequences, self.window.size)

    def take_copy(self, key: int) -> Buffers:
        """The buffers of a copy."""
        return self._copies.take(key)

    def put_copy(self, key: int, buffers: Buffers, content: Content) -> None:  # noqa: ARG002 - the protocol's
        """Store a copy from buffers of another context."""
        self._copies.put(key, buffers)

    def _fill(self, rows: Sequence[Row]) -> tuple[int, list[Draw]]:
        """Write the rows into the batch. Gives the number of tokens, and where each drawing row's logits will be."""
        end, draws = 0, list[Draw]()
        guides: dict[str, Away] = {}
        for row in rows:
            start, end = end, end + len(row.tokens) * (row.media is None)
            has_logits = row.max_drawn > 0 or row.is_guide
            if end - start == 1 and not row.media:
                # The fast path for decode steps, where every microsecond counts per token.
                self._batch.put(start, row.tokens[0], row.position, row.sequence, output=has_logits)
            elif end > start:
                self._batch.fill(start, row.tokens, row.position, row.sequence, output=has_logits)
            if row.max_drawn:
                draws.append(self._draw(row, end - 1))
            elif row.is_guide:
                guides[row.request_id] = self._away(row, end - 1)
            position = row.position + end - start
            for token in row.drafts:
                self._batch.put(end, token, position, row.sequence, output=True)
                position, end = position + 1, end + 1
        if guides:
            names = (row.request_id for row in rows if row.max_drawn)
            pairs = zip(names, draws, strict=True)
            draws = [draw._replace(away=guides.get(name)) for name, draw in pairs]
        return end, draws

    def _away(self, row: Row, output: int) -> Away:
        """The negative logits for a request's row, from its guide's row."""
        return Away(
            self._requests[row.request_id].sampling.guidance_scale,
            row.sequence,
            row.position + len(row.tokens),
            output,
            logits=self._kept.of(row),
            keep=self._kept.room_for(row),
        )

    def _draw(self, row: Row, output: int) -> Draw:
        draw = Draw(
            self._samplers[row.request_id],
            row.sequence,
            row.position + (row.media.positions if row.media else len(row.tokens)),
            output,
            len(row.drafts),
            row.max_drawn,
            logits=self._kept.of(row),
            keep=self._kept.room_for(row),
        )
        if row.banned and row.request_id not in self._masks:
            draw = draw._replace(mask=self._masks.words_without(row.request_id, row.banned))
        if row.media:
            draw = draw._replace(logits=self._media.logits(row))
        return draw
