"""``coblyn sample``: shows candidates for the next token after each sampler of a chain."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coblyn.cli import options
from coblyn.cli.engine import causes_named, configure
from coblyn.cli.text import shown

if TYPE_CHECKING:
    from coblyn.engine.config import EngineConfig
    from coblyn.engine.params import SamplingParams
    from coblyn.engine.stage_view import StageView

__all__ = ["sample"]


def sample(
    model: Annotated[str, typer.Argument(help="A GGUF file, or a name from `coblyn models`.")],
    prompt: Annotated[
        str | None, typer.Argument(help="The text to continue; - reads it from standard input.")
    ] = None,
    chain: Annotated[
        str,
        typer.Option(
            "--chain",
            help="Parameters as in requests, such as 'top_k=40 min_p=0.05 temperature=0.7'; "
            "sampler_order=6,0,1,3,4,2,5 is their order.",
        ),
    ] = "",
    preset: Annotated[
        str | None,
        typer.Option("--preset", help="Start from a preset of `coblyn presets`."),
    ] = None,
    negative: Annotated[
        str,
        typer.Option("--negative", help="The negative prompt for guidance_scale in the chain."),
    ] = "",
    chat: Annotated[
        bool,
        typer.Option(
            "--chat", help="Format the prompt as a message with the model's chat template."
        ),
    ] = False,
    top: Annotated[
        int, typer.Option("--top", min=1, max=1000, help="Number of candidates to show.")
    ] = 10,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    context: options.Context = None,
    threads: options.Threads = None,
    gpu_layers: options.GpuLayers = None,
    config: options.Config = None,
    yes: options.Yes = False,
) -> None:
    """Show the candidates of the next token after each sampler of a chain."""
    from coblyn.settings import Settings

    params = _params(chain, preset)
    flags = {"context": context, "threads": threads, "gpu_layers": gpu_layers}
    engine_config = configure(Settings.load(config, flags), model, yes=yes)
    text = sys.stdin.read() if prompt in (None, "-") else prompt
    views = _look(engine_config, str(text), params, top, negative, is_chat=chat)
    print(_as_json(views) if json else _table(views))


def _params(chain: str, preset: str | None) -> SamplingParams:
    """Parse the parameters like those of a request.

    Raises:
        BadRequest: One is unknown or out of range.
        CoblynError: There is no such preset.
    """
    from coblyn import paths
    from coblyn.api.parameters import OPENAI_NUMBERS, read_breakers, read_order
    from coblyn.engine.params import SamplingParams
    from coblyn.service.presets import Presets

    body: dict[str, Any] = dict(Presets.load(paths.presets()).find(preset).values) if preset else {}
    body |= _pairs(chain)
    numbers = OPENAI_NUMBERS.read(body, {})
    order = body.get("sampler_order")
    if isinstance(order, str):
        order = [int(each) if each.isdigit() else each for each in order.split(",")]
    return SamplingParams(
        **numbers,
        sampler_order=read_order(order),
        dry_sequence_breakers=read_breakers(body.get("dry_sequence_breakers")),
    )


def _pairs(chain: str) -> dict[str, Any]:
    from coblyn.engine.params import PARAMETERS
    from coblyn.errors import BadRequest

    known = {name for row in PARAMETERS.values() for name in (*row.names, *row.openai)}
    pairs: dict[str, Any] = {}
    for part in chain.split():
        name, sign, value = part.partition("=")
        if not sign or name not in known | {"sampler_order"}:
            raise BadRequest(
                f"{part!r} in --chain is not a parameter with its value.",
                field="chain",
                hint=f"Known parameters: {', '.join(sorted(known))} and sampler_order.",
            )
        pairs[name] = value if name == "sampler_order" else _number(name, value)
    return pairs


def _number(name: str, value: str) -> float:
    from coblyn.errors import BadRequest

    try:
        number = float(value)
    except ValueError:
        raise BadRequest(f"{name} must be a number, and is {value!r}.", field=name) from None
    return int(number) if number.is_integer() else number


def _look(
    config: EngineConfig,
    text: str,
    params: SamplingParams,
    top: int,
    negative: str,
    *,
    is_chat: bool,
) -> list[StageView]:
    from coblyn.chat.messages import Message
    from coblyn.chat.template import ChatTemplate
    from coblyn.engine.insight import Insight

    with causes_named(config):
        insight = Insight(config)
    with insight:
        if is_chat:
            template = ChatTemplate(insight.chat_template, bos=insight.bos, eos=insight.eos)
            text = template.render([Message("user", text)]).text
        return insight.look(text, params, top, negative=negative)


def _as_json(views: Sequence[StageView]) -> str:
    import json

    from coblyn.api.kobold.sample import stage

    return json.dumps({"stages": [stage(view) for view in views]}, indent=2)


def _table(views: Sequence[StageView]) -> str:
    """The table with one row per token and one column per stage, in percent."""
    pieces = {each.token: each.piece for view in views for each in view.candidates}
    labels = {token: shown(repr(piece.decode(errors="replace"))) for token, piece in pieces.items()}
    heads = [view.name for view in views]
    shares = [{each.token: each.probability for each in view.candidates} for view in views]
    rows = [["", *heads], ["", *map(_values, views)]]
    rows += [
        [label, *(_percent(share.get(token)) for share in shares)]
        for token, label in labels.items()
    ]
    rows.append(["candidates", *(f"{view.num_candidates:,}" for view in views)])
    return _aligned(rows)


def _values(view: StageView) -> str:
    return " ".join(f"{value:g}" for value in view.values.values())


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.2%}"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
    return "\n".join(lines)
