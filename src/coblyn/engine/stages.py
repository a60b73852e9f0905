"""The samplers as stages of a chain: the parameters that each takes, and the order of a request's stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from coblyn.engine.params import PARAMETERS, SamplingParams
from coblyn.llama.stage import Stage, StageKind

__all__ = ["REPLACED_BY_MIROSTAT", "STAGES", "StageRow", "chain"]


@dataclass(frozen=True, slots=True)
class StageRow:
    """A sampler.

    Attributes:
        kind: The native sampler.
        parameters: Fields of ``SamplingParams`` that it takes, in this order.
        keeps_best: Whether the most likely candidate stays the most likely, so that it has no effect in greedy mode.
    """

    kind: StageKind
    parameters: tuple[str, ...]
    keeps_best: bool = False

    def is_on(self, params: SamplingParams) -> bool:
        """Whether it changes anything."""
        rows = (PARAMETERS[name] for name in self.parameters)
        return any(
            row.off is not None and not row.is_off(getattr(params, row.name)) for row in rows
        )


STAGES: Mapping[str, StageRow] = {
    "penalties": StageRow(
        StageKind.PENALTIES,
        (
            "repetition_penalty",
            "repetition_range",
            "repetition_slope",
            "presence_penalty",
            "frequency_penalty",
        ),
    ),
    "dry": StageRow(
        StageKind.DRY, ("dry_multiplier", "dry_base", "dry_allowed_length", "dry_range")
    ),
    "max_candidates": StageRow(StageKind.TOP_K, ("max_candidates",), keeps_best=True),
    "top_k": StageRow(StageKind.TOP_K, ("top_k",), keeps_best=True),
    "top_a": StageRow(StageKind.TOP_A, ("top_a",), keeps_best=True),
    "top_p": StageRow(StageKind.TOP_P, ("top_p",), keeps_best=True),
    "min_p": StageRow(StageKind.MIN_P, ("min_p",), keeps_best=True),
    "tail_free": StageRow(StageKind.TAIL_FREE, ("tail_free",), keeps_best=True),
    "typical": StageRow(StageKind.TYPICAL, ("typical_p",)),
    "temperature": StageRow(
        StageKind.TEMPERATURE,
        (
            "temperature",
            "dynatemp_range",
            "dynatemp_exponent",
            "smoothing_factor",
            "smoothing_curve",
        ),
    ),
    "top_n_sigma": StageRow(StageKind.TOP_N_SIGMA, ("top_n_sigma",), keeps_best=True),
    "xtc": StageRow(StageKind.XTC, ("xtc_threshold", "xtc_probability")),
    "adaptive_p": StageRow(StageKind.ADAPTIVE_P, ("adaptive_target", "adaptive_decay")),
    "mirostat": StageRow(StageKind.MIROSTAT, ("mirostat", "mirostat_tau", "mirostat_eta")),
}
"""All samplers by name."""

_OF_NUMBER = (
    ("top_k",),
    ("top_a",),
    ("top_p", "min_p"),
    ("tail_free",),
    ("typical",),
    ("temperature", "top_n_sigma"),
    ("penalties",),
)
"""The samplers that KoboldCPP's numbers 0 to 6 select; min-p and top-n-sigma have no numbers."""

_FIRST = ("dry", "max_candidates")
_LAST = ("xtc", "adaptive_p")
_WITH_MIROSTAT = (*_FIRST, "penalties", "temperature", "mirostat")
"""With mirostat, KoboldCPP applies these, in this order, and no others."""

REPLACED_BY_MIROSTAT = frozenset(
    parameter
    for name, row in STAGES.items()
    if name not in _WITH_MIROSTAT
    for parameter in row.parameters
) | {"dynatemp_range"}
"""Parameters that have no effect with mirostat."""


def chain(params: SamplingParams) -> tuple[Stage, ...]:
    """The samplers of a request that have an effect, in order.

    DRY and the candidate limit, then ``sampler_order``, XTC and adaptive-p; with mirostat, penalties, a temperature
    that is not dynamic, and mirostat in place of these. Greedy requests leave out samplers that cannot change which
    token is the most likely.
    """
    if params.mirostat:
        params = replace(params, dynatemp_range=0.0)
    in_order = (name for code in params.sampler_order for name in _OF_NUMBER[code])
    names = _WITH_MIROSTAT if params.mirostat else (*_FIRST, *in_order, *_LAST)
    rows = [(name, STAGES[name]) for name in names if STAGES[name].is_on(params)]
    if params.is_greedy:
        rows = _without_idle(rows)
    is_limit_idle = _is_limit_idle(params)
    return tuple(
        Stage(row.kind, tuple(float(getattr(params, field)) for field in row.parameters))
        for name, row in rows
        if not (name == "max_candidates" and is_limit_idle)
    )


def _without_idle(rows: list[tuple[str, StageRow]]) -> list[tuple[str, StageRow]]:
    """The samplers of a greedy request: those that affect which token ranks first when temperature takes it."""
    names = [name for name, _ in rows]
    if "temperature" not in names:
        return rows
    end = names.index("temperature")
    decides = [place for place in range(end) if not rows[place][1].keeps_best]
    return [*rows[: max(decides, default=-1) + 1], rows[end]]


def _is_limit_idle(params: SamplingParams) -> bool:
    """Whether top-k makes the candidate limit, the most expensive stage of a usual chain, superfluous.

    Only penalties that lower logits may come before it; the best of that many more candidates are then the same.
    """
    top_k, penalties = 0, 6
    first = tuple(code for code in params.sampler_order if code != penalties)[:1]
    only_lowers = (
        params.repetition_penalty >= 1
        and params.presence_penalty >= 0
        and params.frequency_penalty >= 0
    )
    is_near = params.repetition_range > 0 or not STAGES["penalties"].is_on(params)
    reach = params.top_k + max(0, params.repetition_range)
    cuts = params.top_k > 0 and first == (top_k,) and not params.mirostat
    return cuts and only_lowers and is_near and reach <= params.max_candidates
