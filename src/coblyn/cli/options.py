"""Options shared by several verbs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = [
    "Batch",
    "CacheMemory",
    "CacheType",
    "ChatTemplate",
    "Config",
    "Context",
    "CpuExperts",
    "DraftHeads",
    "Fit",
    "FlashAttention",
    "GpuLayers",
    "Kernels",
    "Model",
    "ModelOrSettings",
    "Projector",
    "SharedCells",
    "Threads",
    "Yes",
    "settings_among",
]

Model = Annotated[
    str | None,
    typer.Argument(help="A GGUF file, or a name from `coblyn models`. Without it: the newest."),
]
ModelOrSettings = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL",
        help="A GGUF file, a name from `coblyn models`, or settings of KoboldCPP. Without it: the newest.",
    ),
]
Config = Annotated[Path | None, typer.Option("--config", help="Settings file (TOML).")]
Context = Annotated[int | None, typer.Option("--context", "-c", help="Tokens of context.")]
Threads = Annotated[
    int | None, typer.Option("--threads", "-t", help="Threads; 0 for all usable cores.")
]
GpuLayers = Annotated[
    int | None,
    typer.Option("--gpu-layers", help="Number of layers on the accelerator; -1 for all."),
]
CacheType = Annotated[
    str | None, typer.Option("--cache-type", help="KV cache: f16, bf16, q8_0, q5_1 or q4_0.")
]
FlashAttention = Annotated[
    bool | None, typer.Option("--flash-attention/--no-flash-attention", help="Default: automatic.")
]
Fit = Annotated[
    bool | None,
    typer.Option(
        "--fit/--no-fit", help="Give up settings until the model fits in memory. Default: on."
    ),
]
Batch = Annotated[int | None, typer.Option("--batch", help="Maximum tokens per step.")]
CacheMemory = Annotated[
    int | None,
    typer.Option("--cache-memory", help="Megabytes for the results of earlier requests."),
]
SharedCells = Annotated[
    bool | None,
    typer.Option("--shared-cells/--no-shared-cells", help="Requests share one KV memory."),
]
DraftHeads = Annotated[
    bool | None,
    typer.Option("--draft-heads/--no-draft-heads", help="Prediction heads (MTP). Default: on."),
]
CpuExperts = Annotated[
    int | None,
    typer.Option("--cpu-experts", help="Layers whose experts stay in main memory; -1 for all."),
]
Kernels = Annotated[
    bool | None,
    typer.Option("--kernels/--no-kernels", help="Coblyn's own CPU kernels. Default: on."),
]
Projector = Annotated[
    str | None,
    typer.Option(
        "--projector",
        "--mmproj",
        help="File that lets the model take images or sounds. Default: the one beside the model.",
    ),
]
ChatTemplate = Annotated[
    str | None,
    typer.Option(help="File with a chat template (Jinja) in place of the model's own."),
]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Do not ask: build and fetch what is missing.")
]


def settings_among(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a verb that are named like settings, with repeated values converted."""
    from coblyn.settings import Settings, rules

    names = {rule.name for rule in rules(Settings)}
    found = {name: value for name, value in arguments.items() if name in names}
    return {n: (tuple(v) or None) if isinstance(v, list) else v for n, v in found.items()}
