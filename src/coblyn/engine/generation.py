"""The state of a request in the engine: its tokens, how many are computed, and its text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from coblyn.engine.content import Content
from coblyn.engine.events import Prefill, Stats
from coblyn.engine.interface import Vocab
from coblyn.engine.prompt import Prompt
from coblyn.engine.request import Request
from coblyn.engine.speculation import Guesses
from coblyn.engine.survey import PATIENCE, Survey
from coblyn.engine.text import TextStream
from coblyn.engine.thinking import Thought
from coblyn.engine.track import Guide, Track

__all__ = ["Generation"]


@dataclass(slots=True, eq=False)
class Generation:
    """The state of a request in the engine.

    Attributes:
        request: The request.
        content: Its tokens: those of the prompt, and those drawn.
        text: Turns drawn tokens into text that may be sent.
        end: Maximum length of its content in cells.
        arrived: Time of arrival, by the scheduler's clock.
        guesses: Source of its drafts; None for no drafts.
        thought: Its reasoning; None where the marks of reasoning are not known.
        guide: Its negative prompt's sequence; None without guidance.
        known: The tokens of the whole text, if its constraint prescribes them; used as drafts.
        sequence: Sequence id that it is computed in.
        computed: Number of cells of its content that are computed.
        cached: Number of cells of its prompt that were in memory when it was admitted.
        replays: Whether the logits at the end of its prompt are kept from an earlier request.
        bans: Banned tokens, by the place for which they are banned.
        survey: What is known about the place that was last taken back to, if tokens are looked for there.
        num_rewinds: How many times tokens were taken back.
        num_drafts: Number of drafted tokens.
        num_right: Number of drafted tokens that were accepted.
        admitted: Time at which it was first admitted.
        first_token: Time of its first token.
        num_prompt: Length of its prompt in cells.
    """

    request: Request[Prompt]
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
    survey: Survey | None = None
    num_rewinds: int = 0
    num_drafts: int = 0
    num_right: int = 0
    admitted: float = 0.0
    first_token: float = 0.0
    num_prompt: int = field(init=False)

    def __post_init__(self) -> None:
        self.num_prompt = len(self.content)

    @property
    def num_pending(self) -> int:
        """Number of its cells that are not computed yet."""
        return len(self.content.cells) - self.computed

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The tracks computed for it: its own sequence, and that of its guide."""
        return (self, self.guide) if self.guide else (self,)

    @property
    def most_pending(self) -> int:
        """Largest number of cells not computed yet, over its tracks."""
        guide = self.guide
        return max(self.num_pending, guide.num_pending) if guide else self.num_pending

    @property
    def num_generated(self) -> int:
        """Number of tokens drawn."""
        return len(self.content.cells) - self.num_prompt

    @property
    def num_left(self) -> int:
        """Number of tokens that it may still draw."""
        return self.end - len(self.content.cells)

    @property
    def banned(self) -> tuple[int, ...]:
        """Tokens banned for the next place, because they wrote a banned phrase there."""
        return tuple(self.bans.get(len(self.content), ()))

    @property
    def must_answer(self) -> bool:
        """Whether its reasoning has to end here."""
        return self.thought is not None and self.thought.is_spent

    def append(self, token: int) -> None:
        """Append a token."""
        self.content.cells.append(token)
        if self.guide:
            self.guide.content.cells.append(token)

    @property
    def is_guessed_soon(self) -> bool:
        """Whether a draft model's guesses are used now, or will be tried soon."""
        return bool(self.guesses and self.guesses.model.is_near and not self.known)

    def learn(self, num_drafts: int, num_right: int) -> None:
        """Record the number of drafted tokens, and of those accepted."""
        self.num_drafts += num_drafts
        self.num_right += num_right
        if self.guesses:
            self.guesses.learn(num_drafts, num_right)

    def rewind(self, count: int, alike: Iterable[int] = ()) -> None:
        """Take back the last tokens, and ban the first of them at its place, together with tokens like it."""
        cells = self.content.cells
        first = len(cells) - count
        self.bans = {place: tokens for place, tokens in self.bans.items() if place <= first}
        self.bans.setdefault(first, set()).update((cells[first], *alike))
        for track in self.tracks:
            track.content.truncate(len(track.content) - count)
        if self.thought:
            self.thought.rewind(count)
        self.num_rewinds += 1

    def look_around(self, vocab: Vocab) -> bool:
        """After tokens were taken back: ban others that would be too, if it has happened often at this place.

        Returns:
            Whether everything that has a text is banned here.
        """
        place, banned = len(self.content), self.bans[len(self.content)]
        if len(banned) < PATIENCE:
            return False
        if self.survey is None or self.survey.place != place:
            self.survey = Survey(place)
        banned.update(self.survey.read_on(self.text, vocab))
        return self.survey.is_dead_end(banned, vocab)

    def progress(self) -> Prefill:
        """Progress of its prefill."""
        total = self.num_prompt
        return Prefill(self.request.id, total, self.cached, min(self.computed, total))

    def stats(self, now: float) -> Stats:
        """Its statistics up to now."""
        admitted = self.admitted or now
        first = self.first_token or now
        return Stats(
            num_prompt=self.num_prompt,
            num_cached=self.cached,
            num_generated=self.num_generated,
            queue_seconds=admitted - self.arrived,
            prefill_seconds=first - admitted,
            decode_seconds=now - first,
            num_drafts=self.num_drafts,
            num_right=self.num_right,
        )
