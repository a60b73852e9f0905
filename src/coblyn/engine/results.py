"""Applies the results of a step: records tokens, releases text, and takes tokens back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from coblyn.engine.cache import SequenceCache
from coblyn.engine.content import MEDIA
from coblyn.engine.events import (
    Delta,
    Event,
    Failed,
    Finish,
    FinishReason,
    TokenLogprob,
    TokenText,
)
from coblyn.engine.generation import Generation
from coblyn.engine.interface import Vocab
from coblyn.engine.no_token import no_token
from coblyn.engine.plan import ALL_FORBIDDEN, NO_NUMBERS, Plan, Rewind, Row, Sampled, num_drawn
from coblyn.engine.prompt import Prompt
from coblyn.engine.request import Request
from coblyn.engine.roster import Roster
from coblyn.engine.speculation import Speculation
from coblyn.engine.text import Chunk
from coblyn.engine.track import Track

__all__ = ["Results"]

_MAX_REWINDS = 1000
"""Number of times text is taken back before the request fails, as it cannot avoid what is banned."""


class Results:
    """Turns the results of a step into events, and into rewinds for the next step.

    Args:
        roster: The active requests.
        cache: The context's sequences.
        vocab: Gives the bytes of tokens, and which of them end a generation.
        speculation: Learns from accepted and rejected drafts.
        clock: Gives seconds, for statistics.
    """

    def __init__(
        self,
        roster: Roster,
        cache: SequenceCache,
        vocab: Vocab,
        speculation: Speculation,
        clock: Callable[[], float],
    ) -> None:
        self._roster = roster
        self._cache = cache
        self._vocab = vocab
        self._speculation = speculation
        self._clock = clock
        self._rewinds: list[Rewind] = []

    def apply(self, plan: Plan, result: Sequence[Sequence[Sampled]]) -> list[Event]:
        """Record the results of a plan, and give its events."""
        if not plan.operations and len(result) == len(plan.rows) > 0:
            self._speculation.note(plan, result)
        by_id = {generation.request.id: generation for generation in self._roster.running}
        drawn = iter(result)
        events: list[Event] = []
        for row in plan.rows:
            generation = by_id[row.request_id]
            track = generation.guide if row.is_guide else generation
            assert track, "a request with a guide's row has a guide"
            self._book(track, len(row.tokens))
            if row.keeps_logits:
                self._cache.keep_prompt_logits(row.sequence)
        for row in plan.rows:
            generation = by_id[row.request_id]
            if row.max_drawn:
                events += self._take_all(generation, row, next(drawn))
            elif not row.is_guide:
                events.append(generation.progress())
        return events

    def cancel(self, generation: Generation) -> list[Event]:
        """Cancel a request; its sequence is free at once."""
        return self._finish(generation, "cancelled", generation.text.flush())

    def take_rewinds(self) -> tuple[Rewind, ...]:
        """The rewinds that samplers and constraints have to apply before the next step."""
        rewinds = tuple(self._rewinds)
        self._rewinds.clear()
        return rewinds

    def _book(self, track: Track, count: int) -> None:
        track.computed += count
        track.replays = False
        self._cache.append(track.sequence, track.content, track.computed)

    def _book_all(self, generation: Generation) -> None:
        for track in generation.tracks:
            self._book(track, 1)

    def _take_all(self, generation: Generation, row: Row, drawn: Sequence[Sampled]) -> list[Event]:
        """Apply the tokens that a row drew, up to the one that ends the generation."""
        if not drawn:  # its mask is late
            self._take_back(generation, row, drawn, 0)
            return []
        request, taken, reason = generation.request, Chunk(""), None
        if not generation.first_token:
            generation.first_token = self._clock()
        num_booked = 0
        for place, sampled in enumerate(drawn):
            if place > 0 and not sampled.is_forced:
                self._book_all(generation)
                num_booked += 1
            if sampled.token < 0:
                break
            chunk, reason = self._take(generation, sampled)
            if chunk.rewind:
                return [*_delta(request, taken), *self._rewind(generation, chunk)]
            taken = _joined(taken, chunk) if place > 0 else chunk
            if reason or generation.must_answer:
                break
        self._take_back(generation, row, drawn, num_booked)
        if sampled.token < 0:
            return [*_delta(request, taken), *self._fail(generation, sampled.token)]
        if not reason and generation.must_answer:
            return [*_delta(request, taken), *self._answer(generation, len(drawn) - 1 - place)]
        return self._finish(generation, reason, taken) if reason else _delta(request, taken)

    def _take_back(
        self, generation: Generation, row: Row, drawn: Sequence[Sampled], num_booked: int
    ) -> None:
        """Remove cells computed in vain: wrong drafts, and tokens after the end."""
        if num_booked < max(len(row.drafts), num_drawn(drawn) - 1):
            for track in generation.tracks:
                self._cache.take_back(track.sequence)
        if row.drafts and drawn:
            generation.learn(len(row.drafts), num_drawn(drawn) - 1)

    def _take(
        self, generation: Generation, sampled: Sampled, *, is_mark: bool = False
    ) -> tuple[Chunk, FinishReason | None]:
        """The text that a token releases, and the finish reason if it is the last one.

        Marks of reasoning are never banned, and neither is what may become one.
        """
        request = generation.request
        generation.append(sampled.token)
        if generation.thought:
            generation.thought.push(self._vocab.piece(sampled.token, special=True))
        if self._vocab.is_end(sampled.token) and _ends_at_eos(request):
            return generation.text.flush(), "eos"
        if sampled.token in request.stop_tokens:
            return generation.text.flush(), "stop"
        is_mark = is_mark or (generation.thought is not None and generation.thought.is_mark)
        chunk = generation.text.push(self._token_text(request, sampled), is_allowed=is_mark)
        if chunk.rewind:
            return chunk, None
        if chunk.stop:
            return chunk, "stop"
        if sampled.is_last:
            return _joined(chunk, generation.text.flush()), "eos"
        if generation.num_left <= 0:
            return _joined(chunk, generation.text.flush()), "length"
        return chunk, None

    def _answer(self, generation: Generation, num_dropped: int) -> list[Event]:
        """End reasoning: append the closing text as if it had been drawn, and continue after it.

        Args:
            generation: A generation within reasoning.
            num_dropped: Number of tokens drawn after this place, which are dropped.
        """
        request, taken = generation.request, Chunk("")
        assert request.thinking, "it has a limit"
        end = self._vocab.tokenize(request.thinking.ending, add_special=False, parse_special=True)
        for token in end:
            chunk, reason = self._take(generation, Sampled(token), is_mark=True)
            taken = _joined(taken, chunk)
            if reason:
                return self._finish(generation, reason, taken)
        self._tell_sampler(generation, num_dropped, end)
        return _delta(request, taken)

    def _tell_sampler(
        self, generation: Generation, num_given_back: int, forced: Sequence[int] = ()
    ) -> None:
        history = tuple(token for token in generation.content.cells if token != MEDIA)
        self._rewinds.append(Rewind(generation.request.id, num_given_back, history, tuple(forced)))

    def _rewind(self, generation: Generation, chunk: Chunk) -> list[Event]:
        """Go back to where a banned phrase began; the token that began it is banned there.

        If it contains the whole phrase, so are all others that contain it: each would be taken back too. What a pattern
        bans depends on the text before it, and is looked for in the vocabulary where many tokens were taken back.
        """
        alike = self._vocab.containing(chunk.phrase) if chunk.phrase else ()
        generation.rewind(chunk.rewind, alike)
        is_stuck = chunk.is_pattern and generation.look_around(self._vocab)
        if is_stuck or generation.num_rewinds > _MAX_REWINDS:
            for track in generation.tracks:
                self._cache.take_back(track.sequence)
            return self._fail(generation, ALL_FORBIDDEN)
        self._tell_sampler(generation, chunk.rewind)
        # The last token is computed again, for its logits.
        lengths = [min(track.computed, len(track.content) - 1) for track in generation.tracks]
        cuts = list(zip(generation.tracks, lengths, strict=True))
        if all(self._cache.can_cut(track.sequence, length) for track, length in cuts):
            for track, length in cuts:
                self._cache.cut(track.sequence, length)
                track.computed = length
        else:
            self._roster.preempt(generation)
        return []

    def _token_text(self, request: Request[Prompt], sampled: Sampled) -> TokenText:
        piece = self._vocab.piece
        text = piece(sampled.token, special=request.special)
        if not text and request.kept and not self._vocab.is_end(sampled.token):
            name = piece(sampled.token, special=True)
            text = name if name.decode(errors="replace") in request.kept else b""
        if not sampled.top:
            return TokenText(sampled.token, text, sampled.logprob)
        top = tuple(
            TokenLogprob(token, piece(token, special=True), logprob)
            for token, logprob in sampled.top
        )
        return TokenText(sampled.token, text, sampled.logprob, top)

    def _fail(self, generation: Generation, reason: int) -> list[Event]:
        self._leave(generation)
        error = no_token(reason, generation.request)
        if reason == NO_NUMBERS:  # no other request may continue from what was computed
            for track in generation.tracks:
                self._cache.drop(track.sequence)
        return [Failed.by(generation.request.id, error)]

    def _finish(self, generation: Generation, reason: FinishReason, chunk: Chunk) -> list[Event]:
        self._leave(generation)
        request, stats = generation.request, generation.stats(self._clock())
        return [*_delta(request, chunk), Finish(request.id, reason, stats, chunk.stop)]

    def _leave(self, generation: Generation) -> None:
        gone = generation.request.id  # its rewinds are no longer needed
        self._rewinds = [rewind for rewind in self._rewinds if rewind.request_id != gone]
        if generation.guesses and generation in self._roster.running:
            self._speculation.end(generation.guesses)
        self._roster.remove(generation)


def _joined(earlier: Chunk, later: Chunk) -> Chunk:
    return Chunk(earlier.text + later.text, earlier.tokens + later.tokens, later.stop)


def _delta(request: Request[Prompt], chunk: Chunk) -> list[Event]:
    if not chunk.text and not chunk.tokens:
        return []
    return [Delta(request.id, chunk.text, chunk.tokens)]


def _ends_at_eos(request: Request[Prompt]) -> bool:
    """Whether an end-of-generation token ends this generation. If a constraint allows it, the text is complete."""
    constraint = request.constraint
    is_over = constraint is not None and not constraint.holds_ends
    return is_over or not request.ignore_eos
