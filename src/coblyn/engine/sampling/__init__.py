"""The definition of each sampler in numpy, as one short function.

Functions take and return logits: a float64 array with one value per token of the vocabulary, where minus infinity means
that the token is no longer a candidate. Of equal logits the lower id ranks first. Finite logits stay finite.

The shim (``native/shim/``) implements the same fast; property tests compare the two. Nothing at run time calls these.
"""

from coblyn.engine.sampling.adaptive import Adaptive
from coblyn.engine.sampling.bias import apply_bias, ban
from coblyn.engine.sampling.chain import Chain, choose
from coblyn.engine.sampling.distribution import (
    Logits,
    entropy,
    log_probabilities,
    probabilities,
)
from coblyn.engine.sampling.draw import coin, draw, random_number
from coblyn.engine.sampling.dry import (
    longest_repeats,
    penalize_repeats,
    tokens_since_breaker,
)
from coblyn.engine.sampling.guidance import guide
from coblyn.engine.sampling.mirostat import Mirostat, keep_surprise, keep_zipf
from coblyn.engine.sampling.penalties import apply_penalties, penalize
from coblyn.engine.sampling.temperature import (
    dynamic_temperature,
    scale,
    smooth,
)
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

__all__ = [
    "Adaptive",
    "Chain",
    "Logits",
    "Mirostat",
    "apply_bias",
    "apply_penalties",
    "ban",
    "choose",
    "coin",
    "draw",
    "dynamic_temperature",
    "entropy",
    "exclude_top_choices",
    "guide",
    "keep_min_p",
    "keep_surprise",
    "keep_tail_free",
    "keep_top_a",
    "keep_top_k",
    "keep_top_n_sigma",
    "keep_top_p",
    "keep_typical",
    "keep_zipf",
    "log_probabilities",
    "longest_repeats",
    "penalize",
    "penalize_repeats",
    "probabilities",
    "random_number",
    "scale",
    "smooth",
    "tokens_since_breaker",
]
