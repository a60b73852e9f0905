"""A request on its way: the tokens that it has, those that are computed, and its text."""

from __future__ import annotations

from dataclasses import dataclass, field

from coblyn.engine.content import Content
from coblyn.engine.events import Prefill, Stats
from coblyn.engine.request import Request
from coblyn.engine.speculation import Guesses
from coblyn.engine.text import TextStream
from coblyn.engine.thinking import Thought
from coblyn.engine.track import Guide, Track

__all__ = ["Generation"]


@dataclass(slots=True, eq=False)
class Generation:
    """A request on its way.

    Attributes:
        request: What is asked for.
        content: Its tokens: those of the prompt, and those that were drawn.
        text: The text of what was drawn, as far as it may be sent.
        end: Maximum number of tokens that its content may come to.
        arrived: When it came, by the scheduler's clock.
        guesses: What its drafts come from; None where there are none.
        thought: Its reasoning; None where it is not known how that is marked.
        guide: What it is guided away from; None for nothing.
        known: The tokens that it has to write, where its constraint is a list of them.
        sequence: Where it is computed.
        computed: Tokens of its content that are.
        cached: Tokens of its prompt that were computed when it was taken up.
        replays: Whether the logits at the end of its prompt are kept from before.
        bans: Tokens that are not drawn, by where they would stand.
        num_rewinds: How often tokens were given back.
        num_drafts: Tokens that were guessed.
        num_right: Those of them that were right.
        admitted: When it was taken up first.
        first_token: When its first token was there.
        prompt_length: Tokens of its prompt.
    """

    request: Request
    content: Content
    text: TextStream
    end: int
    arrived: float
    guesses: Guesses | None = None
    thought: Thought | None = None
    guide: Guide | None = None
    known: tuple[int, ...] = ()
    sequence: int = -1
    computed: int = 0
    cached: int = 0
    replays: bool = False
    bans: dict[int, set[int]] = field(default_factory=dict)
    num_rewinds: int = 0
    num_drafts: int = 0
    num_right: int = 0
    admitted: float = 0.0
    first_token: float = 0.0
    prompt_length: int = field(init=False)

    def __post_init__(self) -> None:
        self.prompt_length = len(self.content)

    @property
    def num_pending(self) -> int:
        """Tokens that it has and that are not computed."""
        return len(self.content.cells) - self.computed

    @property
    def tracks(self) -> tuple[Track, ...]:
        """What is computed for it: its own sequence, and that of its guide."""
        return (self, self.guide) if self.guide else (self,)

    @property
    def most_pending(self) -> int:
        """Tokens that are not computed, where these are most."""
        guide = self.guide
        return max(self.num_pending, guide.num_pending) if guide else self.num_pending

    @property
    def num_generated(self) -> int:
        """Tokens that were drawn."""
        return len(self.content.cells) - self.prompt_length

    @property
    def num_left(self) -> int:
        """Tokens that it may still draw."""
        return self.end - len(self.content.cells)

    @property
    def banned(self) -> tuple[int, ...]:
        """Tokens that wrote a banned phrase where the next one goes."""
        return tuple(self.bans.get(len(self.content), ()))

    @property
    def must_answer(self) -> bool:
        """Whether its reasoning has to end here, which is between two characters."""
        return self.thought is not None and self.thought.is_spent and not self.text.is_partial

    def append(self, token: int) -> None:
        """Go on with a token."""
        self.content.cells.append(token)
        if self.guide:
            self.guide.content.cells.append(token)

    def learn(self, num_drafts: int, num_right: int) -> None:
        """So many tokens were guessed, and so many of them right."""
        self.num_drafts += num_drafts
        self.num_right += num_right
        if self.guesses:
            self.guesses.learn(num_drafts, num_right)

    def rewind(self, count: int) -> None:
        """Give back the last tokens, and ban the first of them where it stood."""
        cells = self.content.cells
        first = len(cells) - count
        self.bans = {place: tokens for place, tokens in self.bans.items() if place <= first}
        self.bans.setdefault(first, set()).add(cells[first])
        for track in self.tracks:
            track.content.truncate(len(track.content) - count)
        if self.thought:
            self.thought.rewind(count)
        self.num_rewinds += 1

    def progress(self) -> Prefill:
        """How far its prompt was read."""
        total = self.prompt_length
        return Prefill(self.request.id, total, self.cached, min(self.computed, total))

    def stats(self, now: float) -> Stats:
        """Its figures, if it ended now."""
        admitted = self.admitted or now
        first = self.first_token or now
        return Stats(
            prompt_tokens=self.prompt_length,
            cached_tokens=self.cached,
            completion_tokens=self.num_generated,
            queue_seconds=admitted - self.arrived,
            prefill_seconds=first - admitted,
            decode_seconds=now - first,
            draft_tokens=self.num_drafts,
            right_drafts=self.num_right,
        )
