"""Fields of KoboldCPP's, llama-server's and vLLM's APIs that OpenAI's routes accept too."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from coblyn.api.biases import Biases, forbidden_tokens
from coblyn.api.later import LaterFields, later
from coblyn.errors import BadRequest

__all__ = ["ForeignInput", "NotObeyed"]


_NOT_ENFORCED = {
    "allowed_token_ids": "Say with `grammar` or `guided_choice` what may be written.",
    "bad_words": "Use `banned_strings`.",
    "grammar_lazy": "A grammar holds for the whole text here.",
}


class ForeignInput(BaseModel):
    """Clients send these beside OpenAI's fields; KoboldCPP's take precedence."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, defer_build=True)

    max_length: int | None = Field(
        None, description="KoboldCPP's max_tokens, which takes precedence."
    )
    n_predict: int | None = Field(None, description="llama-server's max_tokens.")
    max_context_length: int | None = Field(
        None,
        description="Maximum number of tokens of prompt and completion; longer texts are cut.",
    )
    stop_sequence: str | list[str] | None = Field(None, description="KoboldCPP's stop.")
    sampler_seed: int | None = Field(None, lt=2**64, description="KoboldCPP's seed.")
    n_probs: int | None = Field(None, description="llama-server's logprobs.")
    ban_eos_token: bool | None = Field(None, description="Ban end-of-generation tokens.")
    use_default_badwordsids: bool | None = Field(None, description="As ban_eos_token.")
    bypass_eos: bool | None = Field(None, description="As ignore_eos.")
    ignore_eos: bool | None = Field(None, description="Continue after end-of-generation tokens.")
    custom_token_bans: str | list[int] | None = Field(
        None, description="Token ids, separated by commas."
    )
    trim_stop: bool | None = Field(None, description="False sends the stop text too.")
    include_stop_str_in_output: bool | None = Field(None, description="Send the stop text too.")
    render_special: bool | None = Field(None, description="Send the text of special tokens too.")
    skip_special_tokens: bool | None = Field(None, description="False is render_special.")
    samplers: Any = Field(None, description="Names of samplers in their order.")
    min_tokens: int | None = Field(None, description="Minimum number of tokens.")
    stop_token_ids: list[Any] | None = Field(None, description="Token ids that end the text.")
    negative_prompt: str | None = Field(
        None,
        description="The negative prompt for guidance_scale; in conversations a system message.",
    )
    allowed_token_ids: list[Any] | None = Field(None, description="Not supported: refused.")
    bad_words: list[Any] | None = Field(None, description="Not supported: refused.")
    grammar_lazy: bool | None = Field(None, description="Not supported: refused.")

    @property
    def foreign_length(self) -> int | None:
        """Maximum number of tokens from KoboldCPP's fields; None if not given."""
        return self.max_length if (self.max_length or 0) > 0 else None

    @property
    def foreign_seed(self) -> int | None:
        """The seed from KoboldCPP's field."""
        return self.sampler_seed if (self.sampler_seed or 0) > 0 else None

    @property
    def foreign_stops(self) -> list[str]:
        """The stop texts from KoboldCPP's field."""
        stops = self.stop_sequence
        return [stops] if isinstance(stops, str) else stops or []

    @property
    def num_probs(self) -> int | None:
        """Number of alternatives per token from llama-server's field; 0 means none."""
        return self.n_probs or None

    @property
    def bans_eos(self) -> bool:
        """Whether end-of-generation tokens are banned."""
        is_banned = self.ban_eos_token or self.use_default_badwordsids
        return bool(is_banned) and not self.bypass_eos

    @property
    def ignores_eos(self) -> bool:
        """Whether it continues after an end-of-generation token."""
        return bool(self.ignore_eos or self.bypass_eos)

    @property
    def keeps_stop(self) -> bool:
        """Whether the stop text is sent too."""
        return self.trim_stop is False or bool(self.include_stop_str_in_output)

    @property
    def shows_special(self) -> bool:
        """Whether the text of special tokens is sent too."""
        return bool(self.render_special) or self.skip_special_tokens is False

    def require_enforceable(self) -> None:
        """Refuse constraints that are not supported.

        Raises:
            BadRequest: ``field`` names it.
        """
        for name, hint in _NOT_ENFORCED.items():
            if getattr(self, name):
                raise BadRequest(f"{name} is not supported.", field=name, hint=hint)

    @property
    def foreign_bans(self) -> Biases:
        """Banned tokens.

        Raises:
            BadRequest: One is not a token id.
        """
        return forbidden_tokens(self.custom_token_bans, "custom_token_bans")


class NotObeyed(LaterFields):
    """Fields of OpenAI's clients that are not supported yet, each with its neutral value."""

    reasoning_effort: str = ""  # passed to templates
    length_penalty: float = later(1.0)
    use_beam_search: bool = later(False)
    n_indent: int = later(0)
    t_max_predict_ms: int = later(-1)
    prompt_logprobs: int = later(0)
    grammar_retain_state: bool = later(False)
    skew: float = later(0.0)
    min_keep: int = later(0)
    max_tokens_second: int = later(0)
    temperature_last: bool = later(False)
    no_repeat_ngram_size: int = later(0)
    encoder_repetition_penalty: float = later(1.0)
    epsilon_cutoff: float = later(0.0)
    eta_cutoff: float = later(0.0)
    penalty_alpha: float = later(0.0)
    num_beams: int = later(1)
