"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "CacheType",
    "Config",
    "Context",
    "FlashAttention",
    "GpuLayers",
    "Kernels",
    "Model",
    "ModelOrSettings",
    "Projector",
    "Threads",
    "Yes",
]

Model = Annotated[
    str | None,
    typer.Argument(
        help="A GGUF file, or a name that `coblyn models` lists. Without it: the newest."
    ),
]
ModelOrSettings = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL",
        help="A GGUF file, a name that `coblyn models` lists, or settings of KoboldCPP. Without it: the newest.",
    ),
]
Config = Annotated[Path | None, typer.Option("--config", help="Settings file (TOML).")]
Context = Annotated[int | None, typer.Option("--context", "-c", help="Tokens of context.")]
Threads = Annotated[
    int | None, typer.Option("--threads", "-t", help="Threads; 0 for all cores that may be used.")
]
GpuLayers = Annotated[
    int | None, typer.Option("--gpu-layers", help="Layers on the accelerator; -1 for all.")
]
CacheType = Annotated[
    str | None, typer.Option("--cache-type", help="KV cache: f16, bf16, q8_0, q5_1 or q4_0.")
]
FlashAttention = Annotated[
    bool | None, typer.Option("--flash-attention/--no-flash-attention", help="Default: automatic.")
]
Kernels = Annotated[
    bool | None,
    typer.Option(
        "--kernels/--no-kernels", help="Coblyn's own matrix products on the CPU. Default: on."
    ),
]
Projector = Annotated[
    str | None,
    typer.Option(
        "--projector",
        "--mmproj",
        help="File that lets the model take images or sounds. Default: the one beside the model.",
    ),
]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Ask nothing: build and fetch what is missing.")
]
