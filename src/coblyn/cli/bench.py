"""``coblyn bench``: the engine's speed compared with the bare C loop of the same bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from coblyn.cli import options
from coblyn.cli.engine import causes_named, configure
from coblyn.cli.text import shown

if TYPE_CHECKING:
    from coblyn.engine.config import EngineConfig
    from coblyn.engine.interface import ModelInfo
    from coblyn.proof.benchmark import Figures, Shape
    from coblyn.proof.verdict import Verdict

__all__ = ["bench"]


def bench(
    model: options.Model = None,
    prompt: Annotated[int, typer.Option("--prompt", min=1, help="Tokens of the prompt.")] = 512,
    generate: Annotated[int, typer.Option("--generate", min=16, help="Tokens to generate.")] = 128,
    streams: Annotated[
        int, typer.Option("--streams", min=1, max=64, help="Concurrent generations.")
    ] = 8,
    repeats: Annotated[
        int, typer.Option("--repeats", min=1, help="Number of rounds; medians are shown.")
    ] = 5,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    threads: options.Threads = None,
    gpu_layers: options.GpuLayers = None,
    cache_type: options.CacheType = None,
    flash_attention: options.FlashAttention = None,
    kernels: options.Kernels = None,
    config: options.Config = None,
    yes: options.Yes = False,
) -> None:
    """Measure prefill and decode through the engine, compared with the bare C loop."""
    from coblyn.cli.verdict import look, show
    from coblyn.proof.benchmark import Shape
    from coblyn.proof.verdict import judge_load
    from coblyn.settings import Settings

    shape = Shape(prompt, generate, streams, repeats)
    flags = {
        "context": prompt + generate * (streams + 2),
        "threads": threads,
        "gpu_layers": gpu_layers,
        "cache_type": cache_type,
        "flash_attention": flash_attention,
        "kernels": kernels,
        "max_running": streams,
    }
    engine_config = configure(Settings.load(config, flags), model, yes=yes)
    figures, info = _measure(engine_config, shape)
    verdict = judge_load(info.placement, look(engine_config.bundle))
    title = f"{info.name} on {info.accelerator}"
    if json:
        _print_json(figures, shape, title, verdict)
    else:
        _print_table(figures, shape, title)
        print(shown(verdict.text))
        show(verdict)


def _measure(config: EngineConfig, shape: Shape) -> tuple[Figures, ModelInfo]:
    from coblyn.cli.bar import bar
    from coblyn.native.explain import explain_crash
    from coblyn.proof import bench

    with causes_named(config), bar() as report:
        return bench.bench(config, shape, report, explain_crash)


def _print_json(figures: Figures, shape: Shape, title: str, verdict: Verdict) -> None:
    import json
    from dataclasses import asdict

    print(
        json.dumps(
            {"what": title, **asdict(shape), **asdict(figures)} | {"verdict": verdict.to_json()}
        )
    )


def _print_table(figures: Figures, shape: Shape, title: str) -> None:
    rows = (
        (
            f"prefill {shape.num_prompt}",
            figures.prefill,
            figures.bare_prefill,
            figures.prefill_ratio,
        ),
        (f"decode {shape.num_generate}", figures.decode, figures.bare_decode, figures.decode_ratio),
    )
    print(f"{shown(title)}\n\n{'':14}{'engine t/s':>12}{'bare t/s':>12}{'ratio':>8}")
    for name, engine, bare, ratio in rows:
        print(f"{name:14}{engine:>12.1f}{bare:>12.1f}{ratio:>8.3f}")
    print(f"{f'{shape.num_streams} streams':14}{figures.streams_decode:>12.1f}")
    print(
        f"\nThe engine's own part of a step: {figures.overhead:.1%} with one stream, "
        f"{figures.streams_overhead:.1%} with {shape.num_streams}."
    )
