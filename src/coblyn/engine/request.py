"""A request to the engine: continue one prompt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from coblyn.constraints.constraint import Constraint
from coblyn.engine.encoded import PromptId
from coblyn.engine.params import SamplingParams
from coblyn.engine.prompt import Prompt
from coblyn.engine.thinking import Thinking

__all__ = ["Request"]

P_co = TypeVar("P_co", Prompt, PromptId, covariant=True)


@dataclass(frozen=True, slots=True)
class Request(Generic[P_co]):
    """One generation.

    A client sends it with the ids of its prompts; in the engine it has the prompts themselves (``Encoder.look_up``).

    Attributes:
        id: Unique among the engine's active requests.
        prompt: The prompt, at least one token.
        max_tokens: Maximum number of tokens to generate, at least 1.
        sampling: Sampling parameters.
        stop: Texts that end the generation wherever they appear, even across tokens. The text that is sent ends before
            them unless ``keep_stop``.
        keep_stop: Whether to send the stop text too.
        ban_eos: Whether end-of-generation tokens are never chosen.
        ignore_eos: Whether the generation continues after an end-of-generation token.
        special: Whether to send the text of special tokens, such as ``<|im_end|>``.
        kept: Texts of special tokens that are always sent, except when the token ends the generation.
        constraint: Constraint on the whole generated text, which ends where nothing may follow.
        min_tokens: Minimum number of tokens before an end-of-generation token may be chosen; a constraint may end
            earlier.
        stop_tokens: Token ids that end the generation; their text is not sent.
        speculates: Whether drafts may be used, which changes the speed and the rounding of steps.
        banned_phrases: Texts that must not be generated, ignoring case. When one appears, its tokens are taken back and
            a different first token is drawn.
        banned_patterns: The same, as regular expressions (``pattern_reader.py``).
        negative: The negative prompt of guidance; ``sampling.guidance_scale`` is its strength. None for no guidance.
        thinking: The marks and the limit of reasoning; None if they are not known.
    """

    id: str
    prompt: P_co = field(repr=False)
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
    negative: P_co | None = field(default=None, repr=False)

    @property
    def has_bans(self) -> bool:
        """Whether it has banned phrases or patterns."""
        return bool(self.banned_phrases or self.banned_patterns)

    @property
    def may_leap(self) -> bool:
        """Whether tokens that a constraint forces may be accepted without being drawn."""
        return not self.has_bans and self.sampling.logprobs is None
