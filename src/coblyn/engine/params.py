"""The table of generation parameters, which is also the dataclass of one request's parameters.

Each field is a row: default, range, names in requests, meaning and source (``parameter.py``). The reading of requests,
the options of the native samplers, the documentation and the page's controls are generated from these rows.
``stages.py`` says which sampler takes which parameters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields

from coblyn.engine.parameter import LARGEST, LARGEST_INT, Parameter, number, whole
from coblyn.errors import BadRequest

__all__ = ["DEFAULT_ORDER", "MAX_TOP_LOGPROBS", "PARAMETERS", "SamplingParams"]

MAX_TOP_LOGPROBS = 20
"""Maximum number of alternatives per token that can be requested (OpenAI's limit)."""

MAX_SEED = 2**64 - 1

DEFAULT_ORDER = (6, 0, 1, 3, 4, 2, 5)
"""KoboldCPP's numbers of samplers, in its default order."""

_MIN_TEMPERATURE = 1e-30
"""Dividing a logit by less may overflow; the most likely token is always drawn at far higher temperatures already."""

_OFF_AT_ZERO = (-math.inf, 0.0)
_OFF_AT_ONE = (1.0, math.inf)
_OFF_BELOW_ZERO = (-math.inf, math.nextafter(0.0, -1.0))


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """Sampling parameters of one request; the defaults draw from the model's own distribution.

    ``stages.chain`` gives the order of the samplers. The rows of the table give the meaning of each number.

    Attributes:
        sampler_order: KoboldCPP's numbers of the samplers to apply, in order. Samplers left out are not applied; those
            without a number keep their place.
        dry_sequence_breakers: Texts that end a repetition for DRY.
        logit_bias: Pairs of a token id and the value added to its logit; minus infinity forbids the token.
        seed: 0 to 2**64 - 1; None for a random one. The random number of a step depends only on (seed, position).
        logprobs: None for no log-probabilities, otherwise the number of alternatives per token, 0 to 20.
        logprobs_after: Whether they describe the distribution after all samplers and constraints; otherwise the model's
            own distribution.
    """

    temperature: float = number(
        1.0,
        off=(1.0, 1.0),
        kobold_default=0.7,
        names=("temperature",),
        meaning="Divides the logits: higher is more random; 0 or less always takes the most likely token.",
        source="Ackley, Hinton and Sejnowski, 1985",
    )
    max_candidates: int = whole(
        0,
        range=(-LARGEST_INT - 1, LARGEST_INT),
        off=_OFF_AT_ZERO,
        kobold_default=3000,
        names=("max_candidates",),
        meaning="Considers only this many of the most likely tokens, before any sampler except DRY.",
        source="KoboldCPP",
    )
    top_k: int = whole(
        0,
        range=(-LARGEST_INT - 1, LARGEST_INT),
        off=_OFF_AT_ZERO,
        kobold_default=100,
        names=("top_k",),
        meaning="Keeps this many of the most likely tokens.",
        source="Fan et al., Hierarchical Neural Story Generation, 2018",
    )
    top_p: float = number(
        1.0,
        range=(0.0, LARGEST),
        off=_OFF_AT_ONE,
        kobold_default=0.9,
        names=("top_p",),
        meaning="Keeps the smallest set of most likely tokens whose probability reaches this.",
        source="Holtzman et al., The Curious Case of Neural Text Degeneration, 2019",
    )
    min_p: float = number(
        0.0,
        range=(0.0, 1.0),
        off=_OFF_AT_ZERO,
        names=("min_p",),
        meaning="Keeps tokens whose probability is at least this fraction of the most likely one's.",
        source="Nguyen et al., Turning Up the Heat, 2024",
    )
    top_a: float = number(
        0.0,
        range=(0.0, LARGEST),
        off=_OFF_AT_ZERO,
        names=("top_a",),
        meaning="Keeps tokens whose probability is at least this times the square of the largest one.",
        source="RWKV-LM, 2022",
    )
    typical_p: float = number(
        1.0,
        range=(0.0, LARGEST),
        off=_OFF_AT_ONE,
        names=("typical",),
        openai=("typical_p",),
        meaning="Keeps the tokens whose surprise is nearest to the expected surprise, up to this total probability.",
        source="Meister et al., Locally Typical Sampling, 2022",
    )
    tail_free: float = number(
        1.0,
        range=(0.0, LARGEST),
        off=_OFF_AT_ONE,
        names=("tfs",),
        openai=("tfs_z",),
        meaning="Cuts where the sorted probabilities flatten; lower cuts more.",
        source="Phénix and Egan, Tail Free Sampling, 2019",
    )
    top_n_sigma: float = number(
        0.0,
        off=_OFF_AT_ZERO,
        names=("nsigma",),
        openai=("top_n_sigma",),
        meaning="Keeps tokens whose logits are at most this many standard deviations below the best one.",
        source="Tang et al., Top-n-sigma: Not All Logits Are You Need, 2024",
    )
    repetition_penalty: float = number(
        1.0,
        range=(1 / LARGEST, LARGEST),
        off=(1.0, 1.0),
        outside="default",
        takes_largest=True,
        names=("rep_pen", "repetition_penalty", "repeat_penalty"),
        meaning="Divides positive and multiplies negative logits of tokens that occurred.",
        source="Keskar et al., CTRL, 2019",
    )
    repetition_range: int = whole(
        0,
        range=(-LARGEST_INT - 1, LARGEST_INT),
        kobold_default=320,
        kobold_low=1,
        names=("rep_pen_range",),
        openai=("repeat_last_n",),
        meaning="Tokens at the end of the context that the penalties see; 0 or less sees all.",
        source="KoboldAI",
    )
    repetition_slope: float = number(
        1.0,
        range=(1 / LARGEST, 1.0),
        outside="default",
        names=("rep_pen_slope",),
        meaning="Weight of the repetition penalty in the older half of its range.",
        source="KoboldAI",
    )
    presence_penalty: float = number(
        0.0,
        off=(0.0, 0.0),
        names=("presence_penalty",),
        meaning="Subtracted from the logits of tokens that occurred.",
        source="OpenAI's API",
    )
    frequency_penalty: float = number(
        0.0,
        off=(0.0, 0.0),
        names=("frequency_penalty",),
        meaning="Subtracted from the logits of tokens once per occurrence.",
        source="OpenAI's API",
    )
    dynatemp_range: float = number(
        0.0,
        off=(0.0, 0.0),
        names=("dynatemp_range",),
        meaning="Varies the temperature with the entropy, from this much below to this much above.",
        source="KoboldCPP's pull request 570, 2023",
    )
    dynatemp_exponent: float = number(
        1.0,
        range=(0.0, LARGEST),
        names=("dynatemp_exponent",),
        meaning="How the temperature rises with the entropy; 1 is linear.",
        source="KoboldCPP's pull request 570, 2023",
    )
    smoothing_factor: float = number(
        0.0,
        range=(0.0, LARGEST),
        off=_OFF_AT_ZERO,
        names=("smoothing_factor",),
        meaning="Lowers the logits with the square of their distance from the best one.",
        source="kalomaze's quadratic sampling, 2024",
    )
    smoothing_curve: float = number(
        1.0,
        names=("smoothing_curve",),
        meaning="Adds a cubic term to smoothing; 1 adds none.",
        source="text-generation-webui's pull request 5551, 2024",
    )
    xtc_threshold: float = number(
        0.2,
        range=(0.0, 1.0),
        names=("xtc_threshold",),
        meaning="Tokens at least this likely are top choices; above 0.5 there cannot be two.",
        source="text-generation-webui's pull request 6335, 2024",
    )
    xtc_probability: float = number(
        0.0,
        range=(0.0, 1.0),
        off=_OFF_AT_ZERO,
        names=("xtc_probability",),
        meaning="How often all top choices except the least likely one are excluded.",
        source="text-generation-webui's pull request 6335, 2024",
    )
    dry_multiplier: float = number(
        0.0,
        range=(0.0, LARGEST),
        off=_OFF_AT_ZERO,
        names=("dry_multiplier",),
        meaning="Penalty on the token that would continue a repetition.",
        source="text-generation-webui's pull request 5677, 2024",
    )
    dry_base: float = number(
        1.75,
        range=(0.0, LARGEST),
        names=("dry_base",),
        meaning="What the penalty is multiplied by for each further token of the repetition.",
        source="text-generation-webui's pull request 5677, 2024",
    )
    dry_allowed_length: int = whole(
        2,
        range=(0, LARGEST_INT),
        names=("dry_allowed_length",),
        meaning="Repetitions shorter than this are not penalized.",
        source="text-generation-webui's pull request 5677, 2024",
    )
    dry_range: int = whole(
        0,
        range=(-LARGEST_INT - 1, LARGEST_INT),
        kobold_default=320,
        names=("dry_penalty_last_n",),
        openai=("dry_range",),
        meaning="Tokens at the end of the context that DRY sees; 0 or less sees all.",
        source="KoboldCPP's pull request 982, 2024",
    )
    mirostat: int = whole(
        0,
        range=(0, 2),
        off=(0, 0),
        names=("mirostat",),
        openai=("mirostat_mode",),
        meaning="Version of the algorithm that keeps the surprise at a target, in place of all truncation; 0 for off.",
        source="Basu et al., Mirostat, 2020",
    )
    mirostat_tau: float = number(
        5.0,
        range=(0.0, LARGEST),
        names=("mirostat_tau",),
        meaning="The target of mirostat, in bits.",
        source="Basu et al., Mirostat, 2020",
    )
    mirostat_eta: float = number(
        0.1,
        range=(0.0, LARGEST),
        names=("mirostat_eta",),
        meaning="How fast mirostat follows its target.",
        source="Basu et al., Mirostat, 2020",
    )
    adaptive_target: float = number(
        -1.0,
        range=(-LARGEST, 1.0),
        off=_OFF_BELOW_ZERO,
        names=("adaptive_target",),
        meaning="The mean probability that drawn tokens should have.",
        source="llama.cpp's pull request 17927, 2025",
    )
    adaptive_decay: float = number(
        0.9,
        range=(0.0, 1.0),
        names=("adaptive_decay",),
        meaning="Weight of the past in that mean, clamped to 0.01 to 0.99.",
        source="llama.cpp's pull request 17927, 2025",
    )
    guidance_scale: float = number(
        1.0,
        off=(1.0, 1.0),
        names=("guidance_scale",),
        meaning="Scales the difference between the prompt's and the negative prompt's logits by this factor.",
        source="Sanchez et al., Stay on topic with Classifier-Free Guidance, 2023",
    )
    sampler_order: tuple[int, ...] = DEFAULT_ORDER
    dry_sequence_breakers: tuple[str, ...] = ()
    logit_bias: tuple[tuple[int, float], ...] = ()
    seed: int | None = None
    logprobs: int | None = None
    logprobs_after: bool = False

    def __post_init__(self) -> None:
        """Check all values.

        Raises:
            BadRequest: A value is out of range or not a number; ``field`` names it.
        """
        for name, parameter in PARAMETERS.items():
            parameter.require(getattr(self, name))
        _require(0 <= (self.seed or 0) <= MAX_SEED, "seed", "between 0 and 2**64 - 1")
        is_order = set(self.sampler_order) <= set(DEFAULT_ORDER)
        is_order = is_order and len(set(self.sampler_order)) == len(self.sampler_order)
        _require(is_order, "sampler_order", "numbers from 0 to 6, each at most once")
        for token, bias in self.logit_bias:
            _require(0 <= token < 2**31, "logit_bias", "about token ids: 0 to 2**31 - 1")
            is_sane = bias == -math.inf or abs(bias) <= LARGEST
            _require(
                is_sane, "logit_bias", f"numbers between -{LARGEST:g} and {LARGEST:g}, or -inf"
            )
        top = self.logprobs
        _require(
            top is None or 0 <= top <= MAX_TOP_LOGPROBS,
            "logprobs",
            f"between 0 and {MAX_TOP_LOGPROBS}",
        )

    @property
    def is_guided(self) -> bool:
        """Whether guidance is on."""
        return self.guidance_scale != 1

    @property
    def is_greedy(self) -> bool:
        """Whether the most likely token is always taken."""
        return self.temperature < _MIN_TEMPERATURE and self.dynatemp_range == 0


def _require(holds: bool, field: str, rule: str) -> None:
    if not holds:
        raise BadRequest(f"{field} must be {rule}.", field=field)


def _row(row: Field[object]) -> Parameter:
    return Parameter(name=row.name, default=row.default, **row.metadata)  # type: ignore[arg-type]


PARAMETERS: Mapping[str, Parameter] = {
    row.name: _row(row) for row in fields(SamplingParams) if row.metadata
}
"""The rows of the table, by field name."""
