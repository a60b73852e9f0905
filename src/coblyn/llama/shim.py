"""ctypes for the shim's C interfaces; the counterpart of ``native/shim``'s headers, maintained by hand."""

from __future__ import annotations

from ctypes import (
    POINTER,
    Structure,
    c_char_p,
    c_double,
    c_float,
    c_int32,
    c_size_t,
    c_uint64,
    c_void_p,
)
from typing import Any

__all__ = [
    "DECODE_THREW",
    "FUNCTIONS",
    "NO_LOGITS",
    "Drawn",
    "MemoryUse",
    "Row",
    "SamplerParams",
    "Stage",
    "Steps",
]

DECODE_THREW = -100

NO_LOGITS = -1000

MAX_FILLERS = 16

STAGE_VALUES = 5


class Stage(Structure):
    """``coblyn_stage``."""

    _fields_ = (("kind", c_int32), ("values", c_double * STAGE_VALUES))


class SamplerParams(Structure):
    """``coblyn_sampler_params``."""

    _fields_ = (
        ("seed", c_uint64),
        ("n_logprobs", c_int32),
        ("logprobs_after", c_int32),
        ("n_bias", c_int32),
        ("bias_tokens", c_void_p),
        ("bias_values", c_void_p),
        ("n_stages", c_int32),
        ("n_breakers", c_int32),
        ("stages", POINTER(Stage)),
        ("breaker_lengths", c_void_p),
        ("breaker_tokens", c_void_p),
    )


class Drawn(Structure):
    """``coblyn_drawn``."""

    _fields_ = (
        ("token", c_int32),
        ("logprob", c_float),
        ("n_top", c_int32),
        ("top_tokens", c_void_p),
        ("top_logprobs", c_void_p),
    )


class MemoryUse(Structure):
    """``coblyn_memory_use``."""

    _fields_ = (
        ("type", c_void_p),
        ("weights", c_uint64),
        ("context", c_uint64),
        ("compute", c_uint64),
    )


class Row(Structure):
    """``coblyn_row``."""

    _fields_ = (
        ("sampler", c_void_p),
        ("logits", c_void_p),
        ("keep", c_void_p),
        ("mask", c_void_p),
        ("output", c_int32),
        ("n_drafts", c_int32),
        ("sequence", c_int32),
        ("position", c_int32),
        ("max_drawn", c_int32),
        ("n_drawn", c_int32),
        ("drawn", c_void_p),
        ("guide_scale", c_float),
        ("guide_output", c_int32),
        ("guide_sequence", c_int32),
        ("guide_position", c_int32),
        ("guide_logits", c_void_p),
        ("guide_keep", c_void_p),
    )


class States(Structure):
    """``coblyn_states``."""

    _fields_ = (
        ("n", c_int32),
        ("capacity", c_int32),
        ("width", c_int32),
        ("n_layers", c_int32),
        ("layers", c_void_p),
        ("tokens", c_void_p),
        ("positions", c_void_p),
        ("sequences", c_void_p),
        ("values", c_void_p),
    )


class Steps(Structure):
    """``coblyn_steps``."""

    _fields_ = (
        ("n_tokens", c_int32),
        ("max_tokens", c_int32),
        ("n_rows", c_int32),
        ("n_fillers", c_int32),
        ("fillers", c_int32 * (2 * MAX_FILLERS)),
        ("n_done", c_int32),
        ("is_interrupted", c_int32),
        ("max_seconds", c_double),
        ("decode_seconds", c_double),
        ("tokens", c_void_p),
        ("positions", c_void_p),
        ("sequences", c_void_p),
        ("outputs", c_void_p),
        ("rows", POINTER(Row)),
        ("states", POINTER(States)),
    )


FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "coblyn_abi": (c_char_p, ()),
    "coblyn_log_install": (None, ()),
    "coblyn_log_take": (c_int32, (c_void_p, c_size_t)),
    "coblyn_log_receiver": (c_void_p, ()),
    "coblyn_memory_install": (None, ()),
    "coblyn_memory_uses": (c_int32, (c_void_p, POINTER(MemoryUse), c_int32)),
    "coblyn_crash_install": (c_int32, ()),
    "coblyn_decode": (c_int32, (c_void_p, c_int32, c_void_p, c_void_p, c_void_p, c_void_p)),
    "coblyn_decode_media": (
        c_int32,
        (c_void_p, c_int32, c_void_p, c_void_p, c_int32, c_int32, c_int32),
    ),
    "coblyn_keep_states": (None, (c_void_p, c_int32)),
    "coblyn_keep_inputs": (None, (c_void_p, c_void_p, c_int32)),
    "coblyn_encode_inputs": (c_int32, (c_void_p, c_int32, c_void_p, c_int32, c_void_p)),
    "coblyn_decode_heads": (c_int32, (c_void_p, c_int32, *(c_void_p,) * 5)),
    "coblyn_state": (POINTER(c_float), (c_void_p, c_int32)),
    "coblyn_sampler_new": (c_void_p, (POINTER(SamplerParams), c_int32, c_void_p, c_int32)),
    "coblyn_sampler_free": (None, (c_void_p,)),
    "coblyn_sampler_accept": (None, (c_void_p, c_void_p, c_int32)),
    "coblyn_candidates": (
        c_int32,
        (c_void_p, c_void_p, c_int32, c_int32, c_void_p, c_void_p),
    ),
    "coblyn_guide": (None, (c_void_p, c_void_p, c_float, c_int32)),
    "coblyn_run": (c_int32, (c_void_p, POINTER(Steps))),
    "coblyn_random": (c_double, (c_uint64, c_uint64)),
    "coblyn_bare_loop": (
        c_int32,
        (c_void_p, c_int32, c_int32, c_int32, POINTER(c_double), POINTER(c_double)),
    ),
    # kernels/coblyn_kernels.h
    "coblyn_kernels_install": (c_int32, ()),
    "coblyn_kernels_remove": (None, ()),
    "coblyn_kernels_is_installed": (c_int32, ()),
    "coblyn_kernels_isa": (c_char_p, ()),
    "coblyn_kernels_use_isa": (c_int32, (c_char_p,)),
    "coblyn_kernels_min_batch": (c_int32, (c_int32,)),
    "coblyn_kernels_set_min_batch": (None, (c_int32, c_int32)),
    "coblyn_kernels_uses_tiles": (c_int32, (c_int32,)),
    "coblyn_kernels_set_tiles": (None, (c_int32, c_int32)),
    "coblyn_kernels_max_few": (c_int32, (c_int32,)),
    "coblyn_kernels_set_max_few": (None, (c_int32, c_int32)),
    "coblyn_kernels_min_tokens": (c_int32, ()),
    "coblyn_kernels_set_min_tokens": (None, (c_int32,)),
    "coblyn_kernels_single": (c_int32, ()),
    "coblyn_kernels_set_single": (None, (c_int32,)),
    "coblyn_kernels_taken": (c_uint64, ()),
    "coblyn_kernels_measure": (c_double, (c_int32, c_int32, c_int32, c_int32, c_int32, c_double)),
    "coblyn_kernels_find_batch": (c_int32, (c_int32, c_int32, c_int32, c_int32, c_double)),
    "coblyn_kernels_find_tiles": (c_int32, (c_int32, c_int32, c_int32, c_int32, c_double)),
    "coblyn_kernels_find_few": (c_int32, (c_int32, c_int32, c_int32, c_int32, c_double)),
    "coblyn_kernels_measure_attention": (c_double, (*(c_int32,) * 7, c_double)),
    "coblyn_kernels_find_tokens": (c_int32, (*(c_int32,) * 6, c_double)),
    "coblyn_kernels_take_spread": (c_double, ()),
    "coblyn_kernels_watch": (None, (c_void_p,)),
    "coblyn_rows_new": (c_void_p, ()),
    "coblyn_rows_free": (None, (c_void_p,)),
    "coblyn_rows_add": (c_int32, (c_void_p, c_void_p, c_int32)),
    "coblyn_rows_set": (None, (c_void_p, c_int32, c_int32, c_void_p)),
    "coblyn_rows_take": (c_int32, (c_void_p,)),
}
