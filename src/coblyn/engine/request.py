"""What the engine is asked to do: continue one prompt."""

from __future__ import annotations

from dataclasses import dataclass, field

from coblyn.constraints.constraint import Constraint
from coblyn.engine.params import SamplingParams
from coblyn.engine.prompt import Prompt
from coblyn.engine.thinking import Thinking

__all__ = ["Request"]


@dataclass(frozen=True, slots=True)
class Request:
    """One generation.

    Attributes:
        id: Unique among the requests that are in the engine.
        prompt: What is continued, at least one token; or the id of what ``encode`` gave, which the engine knows.
        max_tokens: Maximum number of tokens to generate, at least 1.
        sampling: How to choose each token.
        stop: Texts that end the generation where they appear, also across tokens. The text that is sent ends
            before them, unless ``keep_stop``.
        keep_stop: Send the stop text too.
        ban_eos: Never choose an end-of-generation token.
        ignore_eos: An end-of-generation token does not end the generation.
        special: Send the text of special tokens too, such as ``<|im_end|>``.
        kept: Special tokens whose text is sent in any case, by that text; never that of one which ends the generation.
        constraint: What the whole generated text has to be; it ends where nothing may follow.
        min_tokens: No token that ends the generation is chosen before there are so many; a constraint ends anyway.
        stop_tokens: Token ids that end the generation; they have no text.
        speculates: Tokens may be guessed ahead, which changes the time, and the rounding of steps.
        banned_phrases: Texts that must not be written, in whatever case. Where one was, the tokens are taken back, and
            another one is drawn in place of the first.
        banned_patterns: The same as regular expressions (``pattern_reader.py``).
        negative: What the text is guided away from, by ``sampling.guidance_scale``: a prompt in place of the other, or
            the id of one. None for nothing.
        thinking: How reasoning is marked, and how much of it there may be; None where neither is known.
    """

    id: str
    prompt: Prompt | str = field(repr=False)
    max_tokens: int
    sampling: SamplingParams = field(default_factory=SamplingParams)
    stop: tuple[str, ...] = ()
    keep_stop: bool = False
    ban_eos: bool = False
    ignore_eos: bool = False
    special: bool = False
    kept: tuple[str, ...] = ()
    constraint: Constraint | None = None
    banned_phrases: tuple[str, ...] = ()
    banned_patterns: tuple[str, ...] = ()
    thinking: Thinking | None = None
    speculates: bool = True
    min_tokens: int = 0
    stop_tokens: tuple[int, ...] = ()
    negative: Prompt | str | None = field(default=None, repr=False)

    @property
    def has_bans(self) -> bool:
        """Whether something must not be written."""
        return bool(self.banned_phrases or self.banned_patterns)

    @property
    def may_leap(self) -> bool:
        """Whether tokens that a constraint forces may be taken without being drawn."""
        return not self.has_bans and self.sampling.logprobs is None

    @property
    def guide(self) -> Prompt | None:
        """The prompt that the text is guided away from, once it was looked up; None if nothing is."""
        assert not isinstance(self.negative, str), (
            "clients look prompts up before the engine thread gets them"
        )
        return self.negative if self.sampling.is_guided else None

    @property
    def content(self) -> Prompt:
        """The prompt itself, once it was looked up."""
        assert isinstance(self.prompt, Prompt), (
            "clients look prompts up before the engine thread gets them"
        )
        return self.prompt
