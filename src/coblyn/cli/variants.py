"""What there is to choose from where a reference names no variant: sizes, types, and what this machine has room for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from coblyn.cli.text import shown

if TYPE_CHECKING:
    from coblyn.engine.config import EngineConfig
    from coblyn.fit.need import Measured, Space
    from coblyn.fit.variants import Judgement
    from coblyn.models.gguf import GgufHeader
    from coblyn.models.sources.offer import Variant

__all__ = ["settings_here", "show_variants"]

_REMARKS = ("does not fit", "fits with less", "fits")
_UNKNOWN_SHARE = 1.1
"""Where even the header cannot be fetched: weights, and a tenth more for the context and the computation."""


@dataclass(frozen=True, slots=True)
class _Sample:
    """What one variant takes.

    Attributes:
        wished: With all that the settings wish.
        least: Where all is given up that may be, in several ways.
        spaces: What memory there is.
        problem: Why it is an estimate; empty where it was measured.
    """

    wished: Measured
    least: tuple[Measured, ...]
    spaces: tuple[Space, ...]
    problem: str = ""


def show_variants(variants: Sequence[Variant], *, as_json: bool) -> None:
    """Print them, the smallest first. The header of the smallest one is fetched for it, a few megabytes."""
    from coblyn.fit.variants import judge

    config = replace(settings_here(), draft_model="", projector="")
    sample = _sample(config, variants[0])
    judged = [
        judge(_size(each), sample.wished, sample.least, sample.spaces, config.memory_margin)
        for each in variants
    ]
    if as_json:
        _print_json(variants, judged, sample)
    else:
        _print(variants, judged, sample, config.memory_margin)


def _print(
    variants: Sequence[Variant], judged: Sequence[Judgement], sample: _Sample, margin: float
) -> None:
    from coblyn.files import human_size

    about = "about " if sample.wished.is_estimate else ""
    width = max(len(shown(each.quantization)) for each in variants)
    for each, judgement in zip(variants, judged, strict=True):
        files = f"{len(each.files)} files, " if len(each.files) > 1 else ""
        name = shown(f"{files}{each.files[0].name}")
        need = f"needs {about}{human_size(judgement.total)}"
        size = human_size(each.size)
        remark = _REMARKS[judgement.verdict]
        print(f"{shown(each.quantization):{width}}  {size:>9}  {need:21}  {remark:14}  {name}")
    if sample.problem:
        print(shown(f"What they need is estimated: {sample.problem}"), file=sys.stderr)
    left = ", ".join(
        f"{human_size(space.left(margin))} of {space.description or space.device}"
        for space in sample.spaces
    )
    context = sample.wished.context
    print(
        shown(
            f"Fits: with a context of {context} tokens and this machine's settings, in what is free now: {left}. "
            "With less: with a smaller context and fewer requests at a time."
        ),
        file=sys.stderr,
    )


def _print_json(variants: Sequence[Variant], judged: Sequence[Judgement], sample: _Sample) -> None:
    import json

    from coblyn.fit.variants import Verdict

    rows = [
        {
            "quantization": each.quantization,
            "size": each.size,
            "needs": judgement.total,
            "is_estimate": sample.wished.is_estimate,
            "fits": judgement.verdict is Verdict.ALL,
            "fits_with_less": judgement.verdict is not Verdict.NONE,
            "files": [file.name for file in each.files],
        }
        for each, judgement in zip(variants, judged, strict=True)
    ]
    print(json.dumps(rows))


def settings_here() -> EngineConfig:
    """The user's settings with the engine that is built, if one is."""
    from coblyn.engine.config import EngineConfig
    from coblyn.errors import CoblynError
    from coblyn.native import bundle
    from coblyn.settings import Settings

    try:
        settings = Settings.load(None, {})
    except CoblynError as error:  # they are said to be wrong where they are used
        print(shown(str(error)), file=sys.stderr)
        settings = Settings()
    try:
        found = bundle.current()
    except CoblynError:
        return EngineConfig.from_settings(settings)
    return EngineConfig.from_settings(settings, library=found.lib_dir, bundle=found.id)


def _sample(config: EngineConfig, variant: Variant) -> _Sample:
    from coblyn.errors import CoblynError
    from coblyn.models.sources.peek import peeked, without_place

    try:
        with peeked(variant) as headers:
            found = _measured(replace(config, model=str(headers[0].path)), headers)
    except CoblynError as error:
        found = _guessed(config, _size(variant), error.message)
    return replace(found, problem=without_place(found.problem))


def _measured(config: EngineConfig, headers: Sequence[GgufHeader]) -> _Sample:
    """By the engine's library, which reads headers only; by the headers where there is none."""
    from coblyn.fit.fitting import survey
    from coblyn.fit.header import facts_of
    from coblyn.fit.ladder import ladder, wished
    from coblyn.models.check import writes

    facts = facts_of(config, headers)
    config = wished(replace(config, embeds=not writes(headers[0])), facts)
    answer = survey(config, "check")
    least = ladder(config, facts)[-1]
    on_cpu = replace(least, gpu_layers=0)
    ways = (least, on_cpu) if len(answer.spaces) > 1 else (least,)
    measured = tuple(survey(each, "check").wish for each in ways)
    return _Sample(answer.wish, measured, answer.spaces, answer.problem)


def _guessed(config: EngineConfig, size: int, problem: str) -> _Sample:
    from coblyn.fit.machine import main_memory
    from coblyn.fit.need import MAIN, Measured, Need

    need = Need(MAIN, mapped=size, compute=int(size * (_UNKNOWN_SHARE - 1)), process=2**28)
    kept = replace(need, kept=config.cache_memory * 2**20)
    context = config.context or config.max_context
    return _Sample(
        Measured((kept,), context, is_estimate=True),
        (Measured((need,), context, is_estimate=True),),
        (main_memory(),),
        problem,
    )


def _size(variant: Variant) -> int:
    """Bytes of the weights, with those of what reads images and sounds."""
    return variant.size + ((variant.projector.size or 0) if variant.projector else 0)
