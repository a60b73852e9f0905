"""A runner without a model: scripted, deterministic, and as fast or slow as configured.

It ships with the package, so that the engine, the services and the page can be tried in milliseconds (``coblyn serve
--fake``). Its vocabulary is the 256 bytes and an end token.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from coblyn.engine.adapter import AdapterInfo
from coblyn.engine.content import Content
from coblyn.engine.fake_media import SAMPLE_RATE, FakeMedia, entries_of
from coblyn.engine.fake_rows import following_row, wants_more
from coblyn.engine.fake_views import fake_views
from coblyn.engine.fake_vocab import BOS, END, FakeVocab, vocabulary
from coblyn.engine.infill import InfillTokens
from coblyn.engine.interface import ModelInfo, Prepared
from coblyn.engine.masks import BoundText, Masks, Words
from coblyn.engine.media import Kind
from coblyn.engine.plan import (
    ALL_FORBIDDEN,
    END_REFUSED,
    NOT_FOLLOWED,
    Copy,
    DraftWish,
    Plan,
    Remove,
    Restore,
    Row,
    Sampled,
    Save,
)
from coblyn.engine.prompt import PLAIN, Namespace, Prompt
from coblyn.engine.request import Request
from coblyn.engine.stage_view import StageView
from coblyn.engine.state import Buffers
from coblyn.engine.texts import MAX_TEXTS
from coblyn.engine.window import NO_WINDOW, Window
from coblyn.errors import EngineError
from coblyn.models.adapter import AdapterSpec

__all__ = ["BOS", "END", "FakeRunner", "FakeVocab"]

STORY = (
    "The lamp went out on the third level, and for a while there was only the sound of water. "
    "Then, from behind the rock, came three knocks. "
)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A request, and its text under a constraint if it has one."""

    request: Request[Prompt]
    text: BoundText | None = None

    def close(self) -> None:
        """Do nothing: there is nothing to free."""


@dataclass(frozen=True, slots=True)
class _Saved:
    """A copy: its tokens, the length at which logits were kept, the starts of its windows, and its namespace."""

    tokens: list[int]
    kept: int
    start: int
    marks: dict[int, int]
    space: Namespace


@dataclass(slots=True)
class FakeRunner:
    """Continues every prompt with ``script``, repeated or followed by the end token.

    It tracks the content of each sequence as a real context does, and asserts the rules that a plan has to keep:
    consecutive positions, an empty target for every copy, no more tokens than fit a batch, no token whose window is
    missing.

    Attributes:
        script: The text of every answer.
        repeats: Whether the script starts again at its end; otherwise the end token follows.
        seconds_a_step: Duration of a step.
        window: The sliding window; a copy has only the part that its end needs.
        shares_cells: If false, sequences are copied by saving, cutting and restoring.
        takes_masked: Whether cells that no window needs any more are reused at once.
        most_steps: Maximum number of consecutive steps it runs for one plan.
        mask_steps: Number of steps by which each constraint's mask is late.
        drafts: Text that the draft model guesses, repeated; empty for no draft model.
        path: A file whose name it reports; it is not read.
        kinds: Kinds of media that it accepts besides text.
        fail_at: Step at which ``run`` raises, counted from 1; 0 for never.
        history: All plans that it ran.
        rests: How many times ``rest`` reports more work.
        mixes_adapters: Whether rows of one token may have different LoRA adapters.
        adapters: Its adapters; those in use write their names and scales before the script.
    """

    script: str = STORY
    repeats: bool = False
    seconds_a_step: float = 0.0
    most_steps: int = 1
    mask_steps: int = 0
    context: int = 4096
    max_batch: int = 512
    max_sequences: int = 16
    num_cells: int = 4096
    max_running: int = 8
    is_rewindable: bool = True
    shelf_tokens: int = 0
    window: Window = NO_WINDOW
    shares_cells: bool = True
    takes_masked: bool = False
    chat_template: str = ""
    tool_template: str = ""
    infill: InfillTokens | None = None
    kinds: tuple[Kind, ...] = ()
    drafts: str = ""
    path: str = ""
    fail_at: int = 0
    history: list[Plan] = field(default_factory=list)
    held: dict[int, list[int]] = field(default_factory=dict)
    interrupted: bool = False
    rests: int = 0
    mixes_adapters: bool = False
    adapters: tuple[AdapterInfo, ...] = ()
    num_rests: int = 0
    closed: bool = False
    vocab: FakeVocab = field(default_factory=FakeVocab)
    media: FakeMedia = field(default_factory=FakeMedia)
    namespace: Namespace = PLAIN
    _requests: dict[str, Request[Prompt]] = field(default_factory=dict)
    _kept: dict[int, int] = field(default_factory=dict)
    _starts: dict[int, int] = field(default_factory=dict)
    _spaces: dict[int, Namespace] = field(default_factory=dict)
    _saved: dict[int, _Saved] = field(default_factory=dict)
    _lateness: dict[str, int] = field(default_factory=dict)
    _masks: Masks = field(default_factory=lambda: Masks(vocabulary, END + 1))

    @property
    def info(self) -> ModelInfo:
        """Facts about the scripted model."""
        return ModelInfo(
            name=Path(self.path).stem if self.path else "fake",
            description="scripted fake model",
            path=self.path,
            size=0,
            num_parameters=0,
            vocab_size=258,
            context_train=self.context,
            context=self.context,
            max_running=self.max_running,
            devices=("script",),
            accelerator="nothing: a script answers",
            chat_template=self.chat_template,
            tool_template=self.tool_template,
            bos="<bos>",
            eos="<end>",
            adds_bos=True,
            is_rewindable=self.is_rewindable,
            bundle="",
            infill=self.infill,
            adapters=self.adapters,
            media=self.kinds,
            sample_rate=SAMPLE_RATE if "sound" in self.kinds else 0,
        )

    def window_starts(self) -> Sequence[int]:
        """The first position of each sequence's window."""
        return [self._starts.get(sequence, 0) for sequence in range(self.max_sequences)]

    def add_adapter(self, text: str) -> None:
        """Add an adapter whose digest is made from its path."""
        spec = AdapterSpec.of(text)
        info = AdapterInfo(spec.name, str(spec.path), f"digest of {spec.path}", spec.scale)
        self.adapters = (*self.adapters, info)

    def prepare(self, request: Request[Prompt]) -> Prepared:
        """Begin the request's text under its constraint, as the real runner does."""
        text = self._masks.begin(request.constraint) if request.constraint else None
        return _Prepared(request, text)

    def open(self, prepared: Prepared) -> None:
        """Remember a request."""
        assert isinstance(prepared, _Prepared), "it is this runner's own"
        self._requests[prepared.request.id] = prepared.request
        if prepared.text:
            self._masks.open(prepared.request.id, prepared.text)

    def forget(self, request_id: str) -> None:
        """Forget a request."""
        self._masks.forget(request_id)
        self._lateness.pop(request_id, None)
        self._requests.pop(request_id, None)

    @property
    def can_draft(self) -> bool:
        """Whether there is something to guess."""
        return bool(self.drafts)

    def draft(self, wishes: Sequence[DraftWish]) -> Mapping[str, tuple[int, ...]]:
        """Continue from ``drafts`` at the text's current length."""
        text, found = self.drafts.encode(), {}
        for wish in wishes:
            request = self._requests[wish.request_id]
            start = len(wish.tokens) - request.prompt.cells
            places = range(start, start + wish.num_wanted)
            found[wish.request_id] = tuple(text[place % len(text)] for place in places)
        return found

    def run(self, plan: Plan) -> Sequence[Sequence[Sampled]]:
        """Check the plan as a context would, and draw from the script."""
        self.history.append(plan)
        if len(self.history) == self.fail_at:
            raise EngineError("The fake step failed as it was told to.")
        for rewind in plan.rewinds:
            assert rewind.num_tokens or rewind.forced, "nothing is given back"
            assert rewind.request_id in self._requests, "nobody gives it back"
            self._masks.rewind(rewind.request_id, rewind.num_tokens)
            self._masks.force(rewind.request_id, rewind.forced)
        self._remember(plan)
        drawn = self._step(plan.rows)
        rows = [row for row in plan.rows if row.max_drawn]
        wanted = [index for index, row in enumerate(rows) if drawn[index]]
        for _ in range(1, self.most_steps):
            if self.interrupted or not all(wants_more(rows[i], drawn[i]) for i in wanted):
                break
            following = [following_row(rows[index], drawn[index]) for index in wanted]
            names = {rows[index].request_id: drawn[index] for index in wanted}
            following += [
                following_row(row, names[row.request_id])
                for row in plan.rows
                if row.is_guide and row.request_id in names
            ]
            for index, more in zip(wanted, self._step(following), strict=True):
                drawn[index] += more
        return drawn

    def embed(self, texts: Sequence[Sequence[int]]) -> list[bytes]:
        """Vectors that count each of sixteen kinds of tokens in a text."""
        assert 0 < len(texts) <= MAX_TEXTS, "too many texts for a step"
        assert all(0 < len(ids) <= self.context for ids in texts), "too long for the model"
        counts = [np.bincount(np.asarray(ids) % 16, minlength=16) for ids in texts]
        return [count.astype(np.float32).tobytes() for count in counts]

    def interrupt(self, wanted: bool) -> None:
        """End consecutive steps after the current one."""
        self.interrupted = wanted

    def rest(self) -> float | None:
        """Count the call; there is more to do until ``rests`` is reached."""
        self.num_rests += 1
        return 0.0 if self.num_rests < self.rests else None

    def close(self) -> None:
        """Record that it was closed."""
        self.closed = True
        self._masks.close()

    def _remember(self, plan: Plan) -> None:
        of_media = sum(row.media.cells for row in plan.rows if row.media)
        assert plan.num_tokens - of_media <= self.max_batch, "the plan is larger than the batch"
        self._check_adapters(plan.rows)
        for operation in plan.operations:
            if isinstance(operation, Remove):
                self._cut(operation.sequence, operation.start)
            elif isinstance(operation, Copy):
                self._copy(operation)
            elif isinstance(operation, Save):
                self._save(operation)
            elif isinstance(operation, Restore):
                self._restore(operation)
            else:
                del self._saved[operation.key]
        assert sum(len(saved.tokens) for saved in self._saved.values()) <= self.shelf_tokens

    @property
    def state_shape(self) -> tuple[int, ...]:
        """The shape that another context must have to take copies."""
        return (int(self.shares_cells), self.max_sequences, self.window.size)

    def take_copy(self, key: int) -> Buffers:
        """The tokens of a copy, and the starts of its windows."""
        saved = self._saved[key]
        windows = {mark: str(start).encode() for mark, start in saved.marks.items()}
        state = msgspec.msgpack.encode((saved.tokens, saved.start))
        return Buffers(state, str(saved.kept).encode(), windows)

    def put_copy(self, key: int, buffers: Buffers, content: Content) -> None:
        """Store a copy that ``take_copy`` gave."""
        tokens, start = msgspec.msgpack.decode(buffers.state)
        marks = {mark: int(begin) for mark, begin in buffers.windows.items()}
        self._saved[key] = _Saved(tokens, int(buffers.logits), start, marks, content.namespace)

    def _check_adapters(self, rows: Sequence[Row]) -> None:
        sets = {self._requests[row.request_id].prompt.namespace.adapters for row in rows}
        if not self.mixes_adapters:
            assert len(sets) <= 1, "a context has one set of adapters at a time"
            return
        are_single = all(len(row.tokens) <= 1 and not row.drafts for row in rows)
        assert len(sets) <= 1 or are_single, "rows of several tokens have the same adapters"
        of_steps = {tuple(each for each in one if not each.is_of_rows) for one in sets}
        assert len(of_steps) <= 1, "a context has one control vector at a time"

    def _cut(self, sequence: int, length: int) -> None:
        del self.held.get(sequence, [])[length:]

    def _copy(self, copy: Copy) -> None:
        tokens, start = self.held[copy.source], self._starts.get(copy.source, 0)
        if not self.shares_cells:
            self._starts[copy.source] = max(start, self.window.saved(len(tokens)))
            start = max(start, self.window.saved(copy.length))
        self._fill(copy.target, tokens[: copy.length], self._kept.get(copy.source, 0), start)
        self._spaces[copy.target] = self._spaces[copy.source]

    def _save(self, save: Save) -> None:
        assert save.key not in self._saved, "keys are used once"
        held, start = self.held[save.sequence], self._starts.get(save.sequence, 0)
        marks = {mark: max(start, self.window.saved(mark)) for mark in save.marks}
        for mark, key in save.taken:
            assert self._saved[key].tokens[:mark] == held[:mark], "that window is another text's"
            marks[mark] = self._saved[key].marks[mark]
        saved_start = max(start, self.window.saved(len(held)))
        kept = self._kept.get(save.sequence, 0)
        self._saved[save.key] = _Saved(
            list(held), kept, saved_start, marks, self._spaces[save.sequence]
        )
        if not self.shares_cells:
            self._starts[save.sequence] = max(start, self.window.saved(save.keep))
        self._cut(save.sequence, save.keep)

    def _restore(self, restore: Restore) -> None:
        saved = self._saved[restore.key]
        is_whole = restore.length == len(saved.tokens)
        start = saved.start if is_whole else saved.marks[restore.length]
        self._fill(restore.sequence, saved.tokens[: restore.length], saved.kept, start)
        self._spaces[restore.sequence] = saved.space
        self._take_masked()

    def _take_masked(self) -> None:
        """Drop cells that no window needs any more, as a full context may."""
        if self.takes_masked:
            for sequence, tokens in self.held.items():
                start = self._starts.get(sequence, 0)
                self._starts[sequence] = max(start, self.window.needed(len(tokens)))

    def _step(self, rows: Sequence[Row]) -> list[list[Sampled]]:
        if self.seconds_a_step and rows:
            time.sleep(self.seconds_a_step)
        for row in rows:
            self._extend(row)
        self._take_masked()
        for row in rows:
            assert not row.drafts or self.is_rewindable, "they could not be taken back"
            self.held[row.sequence].extend(row.drafts)
        self._check_guides(rows)
        return [self._draw(row) for row in rows if row.max_drawn]

    def _check_guides(self, rows: Sequence[Row]) -> None:
        """Assert that guided rows have their guides in the same plan, with the same text after the guide's prompt."""
        guides = {row.request_id: row.sequence for row in rows if row.is_guide}
        for row in rows:
            request = self._requests[row.request_id]
            assert not row.is_guide or (request.negative and not row.max_drawn and not row.drafts)
            if row.max_drawn and request.negative:
                assert row.request_id in guides, "its guide is not computed"
                assert not row.drafts, "nothing guides them"
                drawn = self.held[row.sequence][request.prompt.positions :]
                away = self.held[guides[row.request_id]]
                assert away == [*request.negative.ids, *drawn], "its guide holds another text"

    def _draw(self, row: Row) -> list[Sampled]:
        """Draw a token, and one more for each accepted draft; none while the mask is late."""
        if row.request_id in self._masks and self._is_late(row):
            return []
        if row.request_id in self._masks:
            return self._draw_bound(row)
        drawn = [self._sample(row)]
        for draft in row.drafts:
            if len(drawn) == row.max_drawn or drawn[-1].token != draft or draft == END:
                break
            row = row._replace(tokens=[*row.tokens, draft], banned=())
            drawn.append(self._sample(row))
        return drawn

    def _draw_bound(self, row: Row) -> list[Sampled]:
        """Draw under a constraint, as far as there are masks after accepted drafts."""
        may_leap = self._requests[row.request_id].may_leap
        self._masks.look_ahead(row.request_id, row.drafts, may_leap=may_leap)
        if not self._masks.wait(row.request_id):
            return [
                Sampled(END_REFUSED if self._masks.is_refused(row.request_id) else NOT_FOLLOWED)
            ]
        masks, drawn = self._masks.ahead(row.request_id), list[Sampled]()
        for mask, draft in zip(masks, (*row.drafts, None), strict=False):
            drawn.append(self._sample(row, mask))
            if drawn[-1].token != draft or draft == END or drawn[-1].token < 0:
                break
            row = row._replace(tokens=[*row.tokens, draft], banned=())
        *others, last = drawn
        if last.token < 0:
            return drawn
        tokens = [each.token for each in drawn]
        forced, is_last = self._masks.follow_all(row.request_id, tokens, may_leap=may_leap)
        return [*others, *last.followed_by(forced, is_last=is_last)]

    def _is_late(self, row: Row) -> bool:
        lateness = self._lateness.get(row.request_id, 0)
        self._lateness[row.request_id] = (lateness + 1) % (self.mask_steps + 1)
        return lateness < self.mask_steps

    def _fill(self, sequence: int, tokens: list[int], kept: int, start: int) -> None:
        assert not self.held.get(sequence), "a sequence that is filled must be empty"
        self.held[sequence], self._kept[sequence] = list(tokens), kept
        self._starts[sequence] = start

    def _extend(self, row: Row) -> None:
        held = self.held.setdefault(row.sequence, [])
        assert row.position == len(held), "positions must follow each other"
        is_late = bool(self._lateness.get(row.request_id))
        assert row.tokens or is_late or self._kept.get(row.sequence) == row.position, (
            "no logits are kept there"
        )
        if not held:
            self._starts[row.sequence] = 0
        assert self._starts.get(row.sequence, 0) <= self.window.needed(row.position), (
            "the window is not there"
        )
        request = self._requests[row.request_id]
        prompt = request.negative if row.is_guide else request.prompt
        assert prompt, "it has no guide"
        space = prompt.namespace
        if not held:
            self._spaces[row.sequence] = space
        assert self._spaces[row.sequence] == space, "that was computed in another namespace"
        held.extend(entries_of(row))
        if row.keeps_logits:
            self._kept[row.sequence] = len(held)

    def _sample(self, row: Row, words: Words | None = None) -> Sampled:
        request = self._requests[row.request_id]
        index = row.position + len(entries_of(row)) - request.prompt.positions
        text = (self._signs(request) + self.script).encode()
        token = END if index >= len(text) and not self.repeats else text[index % len(text)]
        if token == END and request.ban_eos:
            token = ord(" ")
        token = self._allowed(row, token, words)
        if request.sampling.logprobs is None:
            return Sampled(token)
        top = ((token, math.log(0.5)), (ord("x"), math.log(0.25)), (ord("y"), math.log(0.125)))
        return Sampled(token, math.log(0.5), top[: request.sampling.logprobs])

    def look(self, sequence: int, request: Request[Prompt], max_count: int) -> list[StageView]:
        """Candidates for the token after a sequence's prompt; see ``Runner.look``."""
        assert sequence in self._kept, "its logits were not kept"
        return fake_views(request, (self._signs(request) + self.script).encode()[0], max_count)

    def _signs(self, request: Request[Prompt]) -> str:
        """Text that shows which adapters a request uses."""
        if not self.adapters:
            return ""
        names = {info.digest: info.name for info in self.adapters}
        chosen = request.prompt.namespace.adapters
        return "".join(f"[{names[each.digest]} {each.scale:g}] " for each in chosen)

    def _allowed(self, row: Row, wanted: int, words: Words | None) -> int:
        """The wanted token, or the first allowed one in its place: the end token, otherwise from the letters on.

        After its script it closes what is open, so that its answers under a schema end.
        """

        def is_followed(token: int) -> bool:
            return words is None or bool(words[token // 32] >> np.uint32(token % 32) & 1)

        def is_allowed(token: int) -> bool:
            return is_followed(token) and token not in row.banned

        letters = range(ord("a"), BOS)
        closing = b'"}]' if wanted == END else b""
        others = letters if is_followed(wanted) else (END, *closing, *letters, *range(ord("a")))
        return next(filter(is_allowed, (wanted, *others)), ALL_FORBIDDEN)
