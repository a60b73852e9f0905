"""Decides which requests run in the next step: takes counters, gives a frozen plan, and touches no context.

There is no prefill phase and no decode phase. Every generation counts the tokens that are *computed* and the tokens
that it *has*; each step assigns tokens so that the first number catches up with the second. (The idea is vLLM's,
``vllm/v1/core/sched``.) A generation with one pending token decodes; one with many prefills, in chunks that fit beside
the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from types import MappingProxyType

from coblyn.constraints.token_list import known_tokens
from coblyn.engine.banned import banned_of
from coblyn.engine.cache import MIN_SHARED, Claim, SequenceCache
from coblyn.engine.content import Content, common_prefix
from coblyn.engine.events import Event
from coblyn.engine.generation import Generation
from coblyn.engine.interface import Vocab
from coblyn.engine.limits import Limits
from coblyn.engine.plan import DraftWish, Plan, Row, Sampled
from coblyn.engine.prompt import Prompt
from coblyn.engine.request import Request
from coblyn.engine.results import Results
from coblyn.engine.roster import Roster
from coblyn.engine.speculation import MAX_DRAFTS, Candidate, Speculation
from coblyn.engine.text import TextStream
from coblyn.engine.thinking import Thought
from coblyn.engine.track import Guide, Track
from coblyn.engine.turns import Group, Turns

__all__ = ["Scheduler"]

_BY_SEQUENCE = attrgetter("sequence")


class Scheduler:
    """Decides each step.

    Args:
        cache: The context's sequences.
        vocab: Gives the bytes of tokens, and which of them end a generation.
        limits: Limits of a step and of a request.
        clock: Gives seconds, for statistics and for the cost of steps.

    Attributes:
        mixes_adapters: Whether rows of one token may have different LoRA adapters.
    """

    def __init__(
        self, cache: SequenceCache, vocab: Vocab, limits: Limits, clock: Callable[[], float]
    ) -> None:
        self._cache = cache
        self._limits = limits
        self._clock = clock
        self._end_tokens = tuple(vocab.end_tokens)
        self._roster = Roster(cache)
        self.mixes_adapters = False
        self._turns = Turns()
        self._speculation = Speculation(clock, splits=not cache.shares_cells)
        self._results = Results(self._roster, cache, vocab, self._speculation, clock)

    @property
    def num_running(self) -> int:
        """Number of requests that have a sequence."""
        return len(self._roster.running)

    @property
    def num_waiting(self) -> int:
        """Number of requests in the queue."""
        return len(self._roster.waiting)

    @property
    def has_work(self) -> bool:
        """Whether a step would do something."""
        return bool(self._roster.running or self._roster.waiting or self._cache.has_operations)

    def add(self, request: Request[Prompt]) -> None:
        """Put a request at the end of the queue. Its prompt must be shorter than the context."""
        content = Content.of(request.prompt)
        guide = Guide(Content.of(request.negative)) if request.negative else None
        end = min(len(content) + request.max_tokens, self._room(content, guide))
        banned = banned_of(request.banned_phrases, request.banned_patterns)
        text = TextStream(request.stop, keep_stop=request.keep_stop, banned=banned)
        generation = Generation(request, content, text, end, self._clock(), guide=guide)
        if self._may_speculate(request):
            generation.guesses = self._speculation.begin(content.cells)
        if self._cache.is_rewindable and not request.negative:
            generation.known = known_tokens(request.constraint)
        if request.thinking:
            generation.thought = Thought(request.thinking)
        self._roster.waiting.append(generation)

    def _room(self, content: Content, guide: Guide | None) -> int:
        """The maximum length of a content, given the length of its guide."""
        context = self._limits.context
        if not guide:
            return context
        longer = len(guide.content) - len(content)
        return min(context, context - longer, (self._cache.num_cells - longer) // 2)

    def foresee(self, prompt: Prompt) -> int:
        """Number of tokens of a prompt that are in memory now and need no computing."""
        return self._cache.foresee(Content.of(prompt))

    def at_end(self, prompt: Prompt) -> int | None:
        """The sequence that keeps the logits after a prompt; None if there is none."""
        return self._cache.at_end(Content.of(prompt))

    def cancel(self, request_id: str) -> list[Event]:
        """Cancel a request; its sequence is free at once. An unknown id gives no events."""
        generation = self._roster.find(request_id)
        return self._results.cancel(generation) if generation else []

    def end_thinking(self, request_id: str) -> None:
        """End a request's reasoning at once and let none begin. An unknown id is not an error."""
        generation = self._roster.find(request_id)
        if generation and generation.thought:
            generation.thought.end()

    def request_ids(self) -> list[str]:
        """The ids of all active requests, running ones first."""
        return self._roster.ids()

    def drain(self) -> list[str]:
        """Remove all requests after a failed step, and give their ids."""
        ids = self._roster.ids()
        self._roster.clear()
        return ids

    def observe(self, starts: Sequence[int]) -> None:
        """Record the starts of the sequences' windows, before a step is decided."""
        self._cache.observe(starts)

    @property
    def cache(self) -> SequenceCache:
        """The context's sequences."""
        return self._cache

    def draft_wishes(self) -> list[DraftWish]:
        """The texts for which a draft model should guess, before the next step is decided."""
        self._speculation.begin_step()
        if self._may_admit or self._max_drawn() == 1:
            return []
        group = next(iter(self._groups()), None)
        if group is None or group.is_mixed:
            return []
        num_rows = sum(len(generation.tracks) for generation in group.members)
        candidates = self._candidates(group.members, MAX_DRAFTS)
        wanted = self._speculation.num_wanted(
            candidates, num_rows, self._limits.max_batch - num_rows
        )
        return [
            DraftWish(each.request.id, each.sequence, each.content.cells, wanted[each.request.id])
            for each in group.members
            if wanted.get(each.request.id)
        ]

    def schedule(
        self, drafts: Mapping[str, tuple[int, ...]] = MappingProxyType({})
    ) -> tuple[Plan, list[Event]]:
        """Decide the next step, and give events for admitted prompts.

        Args:
            drafts: Guesses of the draft model, by request.
        """
        self._speculation.take(drafts)
        events = self._admit()
        rows = self._rows()
        while self._roster.running and not rows:
            # Prompts admitted together hold all cells: the youngest is preempted.
            self._roster.preempt(self._roster.running[-1])
            rows = self._rows()
        operations, rewinds = self._cache.take_operations(), self._results.take_rewinds()
        self._speculation.begin_run()
        return Plan(operations, tuple(rows), rewinds), events

    def rest(self) -> Plan:
        """A plan of cache operations for idle time."""
        self._cache.save_idle()
        return Plan(self._cache.take_operations(), ())

    def apply(self, plan: Plan, result: Sequence[Sequence[Sampled]]) -> list[Event]:
        """Record the results of a plan, and give its events."""
        return self._results.apply(plan, result)

    def _admit(self) -> list[Event]:
        events: list[Event] = []
        for generation in tuple(self._roster.waiting):
            if len(self._roster.running) >= self._limits.max_running:
                break
            if self._is_being_read(generation):
                continue
            if not self._claim(generation):
                break
            self._roster.waiting.remove(generation)
            self._roster.running.append(generation)
            if not generation.admitted:
                generation.admitted = self._clock()
                generation.cached = generation.computed
            events.append(generation.progress())
        return events

    @property
    def _may_admit(self) -> bool:
        """Whether one that waits may be read in the next step."""
        return bool(self._roster.waiting) and self._cache.num_idle > 0

    def _claim(self, generation: Generation) -> bool:
        """Claim a sequence for each track of a generation, or for none."""
        tracks = generation.tracks
        if self._cache.num_idle < len(tracks):
            return False
        running = (track for other in self._roster.running for track in other.tracks)
        reserved = sum(track.num_pending for track in running)
        claimed: list[Claim] = []
        for track in tracks:
            claim = self._cache.claim(track.content, reserved=reserved)
            if claim is None:
                for earlier in claimed:
                    self._cache.release(earlier.sequence)
                return False
            claimed.append(claim)
            reserved += len(track.content) - claim.length
        for track, claim in zip(tracks, claimed, strict=True):
            track.sequence, track.computed = claim.sequence, claim.length
            track.replays = claim.replays
        return True

    def _is_being_read(self, generation: Generation) -> bool:
        """Whether a prompt being prefilled shares its next chunk, so that waiting avoids computing it twice."""
        for other in self._roster.running:
            for track in other.tracks:
                if track.num_pending > 1 and any(
                    common_prefix(track.content, mine.content) - track.computed >= MIN_SHARED
                    for mine in generation.tracks
                ):
                    return True
        return False

    def _rows(self) -> list[Row]:
        """The rows of the group whose turn it is; if cells are short, of the first group that can get some."""
        ready = self._ready_to_decode()
        groups = self._groups()
        for group in groups:
            if rows := self._rows_of(group, is_busy=bool(ready)):
                self._turns.take(group, groups)
                return rows
        return []

    def _groups(self) -> list[Group]:
        return self._turns.order(self._roster.running, mixes=self.mixes_adapters)

    def _rows_of(self, group: Group, *, is_busy: bool) -> list[Row]:
        ready = [each for each in group.members if each.most_pending <= 1]
        rows = self._decode_rows(ready, guesses=not group.is_mixed)
        if len(ready) < len(group.members):
            rows += self._prefill_rows(group.members, is_busy=is_busy, num_taken=len(rows))
        if len(rows) > 1:
            # Without shared cells, the library splits a batch wherever sequence ids are not consecutive.
            rows.sort(key=_BY_SEQUENCE)
        return rows

    def _decode_rows(self, ready: Sequence[Generation], *, guesses: bool) -> list[Row]:
        most = self._max_drawn()
        all_drafts = self._drafts(ready, most - 1) if guesses and most > 1 else {}
        rows: list[Row] = []
        for generation in ready:
            row, *guide = self._chunk(
                generation, [track.num_pending for track in generation.tracks]
            )
            if most > 1 and self._may_draw_more(generation):
                drafts = all_drafts.get(generation.request.id, ())
                is_bound = generation.request.constraint is not None
                further = 1 if is_bound else min(most, generation.num_left)
                max_drawn = 1 + len(drafts) if drafts else further
                row = row._replace(max_drawn=max_drawn, drafts=drafts)
            rows += (row, *guide)
        return rows

    def _drafts(self, ready: Sequence[Generation], most: int) -> dict[str, tuple[int, ...]]:
        """Drafts of generations, at most ``most`` for each."""
        num_rows = sum(len(generation.tracks) for generation in ready)
        room = self._limits.max_batch - num_rows
        drafts: dict[str, tuple[int, ...]] = {}
        for generation in ready:
            if generation.known and self._may_draw_more(generation):
                start = generation.num_generated
                count = min(most, MAX_DRAFTS, generation.num_left - 1, room)
                drafts[generation.request.id] = generation.known[start : start + max(count, 0)]
                room -= max(count, 0)
        candidates = self._candidates(ready, most)
        return drafts | self._speculation.drafts(candidates, num_rows, max(room, 0))

    def _candidates(self, generations: Sequence[Generation], most: int) -> list[Candidate]:
        """The generations whose tokens may be guessed."""
        return [
            Candidate(each.request.id, each.guesses, min(most, each.num_left - 1))
            for each in generations
            if each.guesses and not each.known and each.num_left > 1 and self._may_draw_more(each)
        ]

    def _ready_to_decode(self) -> list[Generation]:
        """Generations with at most one pending token; the youngest are preempted when cells run out."""
        while True:
            ready = [g for g in self._roster.running if g.most_pending <= 1]
            if self._cache.make_room(sum(len(generation.tracks) for generation in ready)):
                return ready
            self._roster.preempt(self._roster.running[-1])

    def _prefill_rows(
        self, group: Sequence[Generation], *, is_busy: bool, num_taken: int
    ) -> list[Row]:
        limits = self._limits
        budget = (limits.busy_batch if is_busy else limits.max_batch) - num_taken
        behind = [generation for generation in group if generation.most_pending > 1]
        pending = (track.num_pending for generation in behind for track in generation.tracks)
        wanted = min(budget, sum(pending))
        self._cache.make_room(num_taken + wanted)
        rows: list[Row] = []
        for generation in behind:
            most = budget
            media = generation.content.media_at(generation.computed)
            if media and not rows:
                # Media are computed as a whole, even if the others have to wait.
                most = max(budget, media.cells)
                self._cache.make_room(num_taken + media.cells)
            counts = _counts(generation, min(most, self._cache.free_cells - num_taken))
            if not any(counts):
                break
            rows += self._chunk(generation, counts)
            budget -= sum(counts)
            num_taken += sum(counts)
        return rows

    def _chunk(self, generation: Generation, counts: Sequence[int]) -> list[Row]:
        """Rows of the given number of tokens per track. If all tracks reach their ends, rows draw and may be empty."""
        tracks = list(zip(generation.tracks, counts, strict=True))
        draws = all(track.num_pending == count for track, count in tracks)
        return [self._row(generation, track, count) for track, count in tracks if count or draws]

    def _row(self, generation: Generation, track: Track, count: int) -> Row:
        content, start = track.content, track.computed
        end = start + count
        is_guide = track is generation.guide
        is_end = end == len(content.cells)
        draws = is_end and not is_guide
        return Row(
            generation.request.id,
            track.sequence,
            content.position(start),
            content.cells[start:end],
            max_drawn=int(draws),
            keeps_logits=is_end and end == track.num_prompt and not track.replays,
            media=content.media_at(start),
            num_media_before=content.num_media_before(start),
            banned=self._banned(generation) if draws else (),
            is_guide=is_guide,
            is_followed=not is_guide and generation.is_guessed_soon,
        )

    def _banned(self, generation: Generation) -> tuple[int, ...]:
        """Tokens that it must not draw next: they wrote a banned phrase there, or would end it too early."""
        request = generation.request
        banned = generation.banned if generation.bans else ()
        if generation.num_generated >= request.min_tokens or request.constraint:
            return banned
        return (*banned, *self._end_tokens, *request.stop_tokens)

    def _may_speculate(self, request: Request[Prompt]) -> bool:
        is_wanted = self._limits.speculates and request.speculates
        return is_wanted and self._cache.is_rewindable and not request.negative

    def _max_drawn(self) -> int:
        """Maximum number of tokens a row may draw without a new plan: 1 while any request prefills.

        A request that is not admitted waits for another to end, and each end needs a new plan.
        """
        running = self._roster.running
        if any(generation.most_pending > 1 for generation in running):
            return 1
        num_tracks = sum(len(generation.tracks) for generation in running)
        return max(1, self._cache.free_cells // max(1, num_tracks))

    def _may_draw_more(self, generation: Generation) -> bool:
        """Whether it decodes, and can remove what it computes after a stop string."""
        request = generation.request
        is_decoding = generation.num_generated > 0 and all(
            track.num_pending == 1 for track in generation.tracks
        )
        ends = request.stop or request.stop_tokens
        is_watched = ends or request.has_bans or request.thinking
        is_open = is_decoding and not self._banned(generation)
        return is_open and (self._cache.is_rewindable or not is_watched)


def _counts(generation: Generation, most: int) -> list[int]:
    """Number of cells of each track's next row.

    All tracks reach their ends in the same step, in which the token is drawn.
    """
    counts: list[int] = []
    for track in generation.tracks:
        counts.append(_count(track, most - sum(counts)))
    pairs = list(zip(generation.tracks, counts, strict=True))
    if all(track.num_pending == count for track, count in pairs):
        return counts
    counts = []
    for track in generation.tracks:
        counts.append(_short_of_end(track, _count(track, most - sum(counts))))
    return counts


def _short_of_end(track: Track, count: int) -> int:
    """Limit a number of cells so that the end is not reached; media are computed as a whole."""
    if count < track.num_pending or not count:
        return count
    return 0 if track.content.media_at(track.computed) else count - 1


def _count(track: Track, most: int) -> int:
    """Number of cells of its next row: tokens up to the next media item, or that item as a whole.

    0 if it does not fit.
    """
    content, start = track.content, track.computed
    media = content.media_at(start)
    if media:
        return media.cells if media.cells <= most else 0
    return max(0, min(content.next_media(start) - start, most))
