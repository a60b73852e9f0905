"""The engine's settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal, get_args

from msgspec import Meta

from coblyn.errors import SettingsError
from coblyn.settings.rule import INTERNAL, rules

__all__ = ["CacheType", "EngineSettings", "Knob"]

CacheType = Literal["f16", "bf16", "q8_0", "q5_1", "q4_0"]

Knob = Literal[
    "cache_memory",
    "draft_heads",
    "shared_cells",
    "max_running",
    "batch",
    "cache_type",
    "context",
    "cpu_experts",
    "gpu_layers",
]
"""A setting that affects how much memory a model takes."""

_MAX_INT = 2**31 - 1

_GIVE_UP: tuple[Knob, ...] = get_args(Knob)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """The engine's settings. Each field has a working default, a range and a meaning."""

    context: Annotated[
        int,
        Meta(
            ge=0,
            le=_MAX_INT,
            description="Tokens of context; 0 for the model's own, at most 8192.",
        ),
    ] = 0
    batch: Annotated[int, Meta(ge=32, le=2**16, description="Maximum tokens per step.")] = 512
    busy_batch: Annotated[
        int,
        Meta(ge=16, le=2**16, description="Maximum tokens per step while any request is decoding."),
    ] = 128
    threads: Annotated[
        int, Meta(ge=0, le=512, description="Threads; 0 for all cores that may be used.")
    ] = 0
    gpu_layers: Annotated[
        int, Meta(description="Number of layers on the accelerator; negative for all.")
    ] = -1
    cpu_experts: Annotated[
        int,
        Meta(
            description="Layers, from the first, whose experts stay in main memory; a negative number for all."
        ),
    ] = 0
    fit: Annotated[
        bool,
        Meta(
            description="If a model does not fit in memory, give up the settings in `give_up` until it does."
        ),
    ] = True
    give_up: Annotated[
        tuple[Knob, ...],
        Meta(
            description="Settings to give up to save memory, in this order and as far as needed, "
            "except those that you chose."
        ),
    ] = _GIVE_UP
    memory_margin: Annotated[
        float,
        Meta(ge=0, le=90, description="Percentage of each device's memory to keep free."),
    ] = 5.0
    min_context: Annotated[
        int,
        Meta(
            ge=64,
            le=_MAX_INT,
            description="Minimum context in tokens that is kept when saving memory.",
        ),
    ] = 2048
    flash_attention: Annotated[
        bool | None, Meta(description="Flash attention; omit it to let the engine decide.")
    ] = None
    cache_type: Annotated[CacheType, Meta(description="Type of the KV cache.")] = "f16"
    shared_cells: Annotated[
        bool | None,
        Meta(
            description="Whether all requests share the cells of one context, which saves memory, or "
            "each has its own, which is faster on a CPU; omit it to choose by machine."
        ),
    ] = None
    cache_memory: Annotated[
        int,
        Meta(
            ge=0,
            le=_MAX_INT,
            description="Megabytes of memory in which the results of earlier requests are kept.",
        ),
    ] = 2048
    speculation: Annotated[
        bool,
        Meta(
            description="Guess tokens ahead from earlier text, where that is measured to be faster. "
            "Requests with a seed go without, so that they are repeatable."
        ),
    ] = True
    draft_model: Annotated[
        str,
        Meta(
            description="A small model of the same family, or an EAGLE-3 head made for the model, by name or path, "
            "that guesses tokens ahead for it; empty for none."
        ),
    ] = ""
    draft_heads: Annotated[
        bool,
        Meta(
            description="Guess tokens ahead with the prediction heads (MTP) that some models' files have, where that "
            "is measured to be faster. They take memory; a draft model takes their place."
        ),
    ] = True
    adapters: Annotated[
        tuple[str, ...],
        Meta(
            description="LoRA adapters and control vectors for the model: NAME=FILE or NAME=FILE:SCALE each. "
            "Requests use one by naming the model MODEL+NAME."
        ),
    ] = ()
    adapters_on: Annotated[
        bool, Meta(description="Whether requests that choose no adapters use all of `adapters`.")
    ] = False
    control_vectors: Annotated[
        tuple[str, ...],
        Meta(
            description="Control vectors for requests that choose no adapters: FILE, FILE:SCALE or "
            "NAME=FILE:SCALE each."
        ),
    ] = ()
    control_layers: Annotated[
        str,
        Meta(
            description="Layers that control vectors work on, FIRST-LAST, counted from 1; empty for all."
        ),
    ] = ""
    projector: Annotated[
        str,
        Meta(
            description="File that lets the model take images or sounds (mmproj); auto for the one in the model's "
            "folder, if there is one, empty for none."
        ),
    ] = "auto"
    chat_template: Annotated[
        str,
        Meta(
            description="Chat template in place of the model's own: a file with Jinja text, or the text itself; "
            "empty for the model's own."
        ),
    ] = ""
    image_tokens: Annotated[
        int,
        Meta(
            ge=0,
            le=2**16,
            description="Maximum tokens per image, where its size decides; 0 for the model's own limit.",
        ),
    ] = 0
    media_memory: Annotated[
        int,
        Meta(
            ge=1,
            le=_MAX_INT,
            description="Megabytes that keep prepared images and sounds, and as many for encoded ones.",
        ),
    ] = 512
    kernels: Annotated[
        bool,
        Meta(
            description="Use Coblyn's own CPU kernels where they are faster. There is one "
            "CPU per process: with several engines in one process, the first one's value holds for all."
        ),
    ] = True
    memory_map: Annotated[bool, Meta(description="Map the model file instead of reading it.")] = (
        True
    )
    memory_lock: Annotated[bool, Meta(description="Lock the model into memory.")] = False
    max_running: Annotated[
        int, Meta(ge=1, le=128, description="Requests generated concurrently.")
    ] = 8
    max_waiting: Annotated[
        int,
        Meta(
            ge=0,
            le=100_000,
            description="Maximum number of waiting requests; further ones are refused and may try again.",
        ),
    ] = 64
    hang_seconds: Annotated[
        float,
        Meta(
            ge=2,
            le=3600,
            description="Seconds without an answer from the engine after which it is restarted.",
        ),
    ] = 15.0
    step_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=86400,
            description="Seconds that one step of the engine, or a load without progress, may take "
            "before the engine is restarted.",
        ),
    ] = 1800.0
    constraint_seconds: Annotated[
        float,
        Meta(
            ge=0.1,
            le=3600,
            description="Seconds that reading a constraint, or computing what it allows for one token, may take "
            "before its request ends.",
        ),
    ] = 5.0

    chosen: frozenset[str] = field(default=frozenset(), compare=False, metadata={INTERNAL: True})
    """Names of the settings that the user chose, which are not changed automatically."""

    flags: frozenset[str] = field(default=frozenset(), compare=False, metadata={INTERNAL: True})
    """Names of those that the command line has, which hold for all models."""

    def __post_init__(self) -> None:
        """Check every value against its range.

        Raises:
            SettingsError: A value is out of range, or has a wrong type.
        """
        for rule in rules(type(self)):
            problem = rule.problem(getattr(self, rule.name))
            if problem:
                raise SettingsError(
                    f"{rule.name} is {getattr(self, rule.name)!r}: {problem}.", hint=rule.hint
                )
