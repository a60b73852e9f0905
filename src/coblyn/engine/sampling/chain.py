"""The stages of a request in order, and the logits after each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from coblyn.engine.params import SamplingParams
from coblyn.engine.plan import ALL_FORBIDDEN, NO_NUMBERS
from coblyn.engine.sampling.adaptive import Adaptive
from coblyn.engine.sampling.bias import apply_bias
from coblyn.engine.sampling.distribution import Logits
from coblyn.engine.sampling.draw import coin, draw, random_number
from coblyn.engine.sampling.dry import penalize_repeats
from coblyn.engine.sampling.mirostat import Mirostat
from coblyn.engine.sampling.penalties import apply_penalties, penalize
from coblyn.engine.sampling.temperature import dynamic_temperature, scale, smooth
from coblyn.engine.sampling.truncation import (
    keep_min_p,
    keep_tail_free,
    keep_top_a,
    keep_top_k,
    keep_top_n_sigma,
    keep_top_p,
    keep_typical,
)
from coblyn.engine.sampling.xtc import exclude_top_choices
from coblyn.llama.stage import Stage, StageKind

__all__ = ["Chain", "choose"]

_TRUNCATIONS = {
    StageKind.TOP_A: keep_top_a,
    StageKind.TOP_P: keep_top_p,
    StageKind.MIN_P: keep_min_p,
    StageKind.TAIL_FREE: keep_tail_free,
    StageKind.TYPICAL: keep_typical,
    StageKind.TOP_N_SIGMA: keep_top_n_sigma,
}


@dataclass(slots=True)
class Chain:
    """The stages of one request, and their state.

    Attributes:
        stages: In the order in which they are applied, after the bias.
        seed: Seed of the draws.
        history: All tokens of the context.
        bias: Pairs of a token id and the value added to its logit.
        breakers: Sequence breakers of DRY.
    """

    stages: Sequence[Stage]
    seed: int
    history: list[int]
    bias: tuple[tuple[int, float], ...] = ()
    breakers: Sequence[Sequence[int]] = ()
    _states: dict[StageKind, Mirostat | Adaptive] = field(default_factory=dict)
    _seen: dict[StageKind, Logits] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind, values in self.stages:
            if kind is StageKind.MIROSTAT:
                self._states[kind] = Mirostat.start(int(values[0]), values[1], values[2])
            elif kind is StageKind.ADAPTIVE_P:
                self._states[kind] = Adaptive.start(values[0], values[1])

    def apply(self, logits: Logits) -> list[Logits]:
        """Logits after the bias, and after each stage."""
        out = [apply_bias(logits, self.bias)]
        for stage in self.stages:
            out.append(self._apply(stage, out[-1]))
        return out

    def draw(self, logits: Logits) -> int:
        """Draw the next token and remember it; or give the reason why there is none, as in ``plan``."""
        if not np.isfinite(logits.max()):  # NaN, if there is one
            return NO_NUMBERS
        if apply_bias(logits, self.bias).max() == -np.inf:
            return ALL_FORBIDDEN
        token = draw(self.apply(logits)[-1], random_number(self.seed, len(self.history)))
        self.history.append(token)
        for kind, state in self._states.items():
            self._states[kind] = state.remember(self._seen[kind], token)
        return token

    def _apply(self, stage: Stage, logits: Logits) -> Logits:
        kind, values = stage
        if kind in _TRUNCATIONS:
            return _TRUNCATIONS[kind](logits, values[0])
        if kind is StageKind.TOP_K:
            return keep_top_k(logits, int(values[0]))
        if kind is StageKind.TEMPERATURE:
            return _apply_temperature(logits, *values)
        if kind is StageKind.XTC:
            number = coin(self.seed, len(self.history))
            return exclude_top_choices(logits, values[0], values[1], number)
        if kind is StageKind.PENALTIES:
            return penalize(logits, self.history, values[0], int(values[1]), *values[2:])
        if kind is StageKind.DRY:
            return self._apply_dry(logits, *values)
        return self._apply_state(kind, logits)

    def _apply_dry(
        self, logits: Logits, multiplier: float, base: float, allowed: float, last_n: float
    ) -> Logits:
        return penalize_repeats(
            logits,
            self.history,
            multiplier=multiplier,
            base=base,
            allowed_length=int(allowed),
            last_n=int(last_n),
            breakers=self.breakers,
        )

    def _apply_state(self, kind: StageKind, logits: Logits) -> Logits:
        state = self._states[kind]
        if isinstance(state, Adaptive):
            self._seen[kind] = logits
            return state.reshape(logits)
        self._seen[kind] = state.truncate(logits)
        return self._seen[kind]


def _apply_temperature(
    logits: Logits,
    temperature: float,
    spread: float = 0.0,
    exponent: float = 1.0,
    factor: float = 0.0,
    curve: float = 1.0,
) -> Logits:
    if spread != 0:
        temperature = dynamic_temperature(logits, temperature, spread, exponent)
    return smooth(scale(logits, temperature), factor, curve)


def choose(logits: Logits, history: list[int], params: SamplingParams) -> int:
    """Draw the next token with all samplers in order; or give the reason why there is none, as in ``plan``."""
    if not np.isfinite(logits.max()):  # NaN, if there is one
        return NO_NUMBERS
    logits = apply_bias(logits, params.logit_bias)
    logits = apply_penalties(logits, history, params)
    if logits.max() == -np.inf:
        return ALL_FORBIDDEN
    logits = keep_top_k(logits, params.top_k)
    logits = keep_top_p(logits, params.top_p)
    logits = keep_min_p(logits, params.min_p)
    logits = scale(logits, params.temperature)
    return draw(logits, random_number(params.seed or 0, len(history)))
