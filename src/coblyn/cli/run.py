"""``coblyn run``: one answer, or a conversation, in the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coblyn.cli import options
from coblyn.cli.attach import content_with
from coblyn.cli.engine import causes_named, configure, fitted_aloud
from coblyn.cli.text import shown

if TYPE_CHECKING:
    from coblyn.library import Completion, Engine, Options

__all__ = ["run"]

_HELP = "/retry answers again, /reset starts over, /exit or Ctrl-D leaves; Ctrl-C stops an answer."


def run(
    model: options.Model = None,
    prompt: Annotated[
        str | None,
        typer.Argument(help="The prompt; - reads it from standard input. Without it: a chat."),
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Continue the text as it is, without the chat template.")
    ] = False,
    system: Annotated[str | None, typer.Option("--system", help="System message.")] = None,
    max_tokens: Annotated[
        int | None,
        typer.Option("--max-tokens", "-n", min=1, help="Maximum number of tokens to write."),
    ] = None,
    temperature: Annotated[float | None, typer.Option("--temperature", help="0 is greedy.")] = None,
    top_p: Annotated[
        float | None,
        typer.Option("--top-p", help="Keep the most likely tokens up to this total probability."),
    ] = None,
    top_k: Annotated[
        int | None, typer.Option("--top-k", help="Keep this many of the most likely tokens.")
    ] = None,
    min_p: Annotated[
        float | None,
        typer.Option(
            "--min-p", help="Keep tokens at least this likely relative to the most likely one."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Makes the answer repeatable.")
    ] = None,
    stop: Annotated[
        list[str] | None, typer.Option("--stop", help="Text that ends the answer.")
    ] = None,
    image: Annotated[
        list[Path] | None,
        typer.Option("--image", help="File of an image or a sound that the prompt is about."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
    context: options.Context = None,
    threads: options.Threads = None,
    gpu_layers: options.GpuLayers = None,
    cpu_experts: options.CpuExperts = None,
    cache_type: options.CacheType = None,
    cache_memory: options.CacheMemory = None,
    shared_cells: options.SharedCells = None,
    draft_heads: options.DraftHeads = None,
    batch: options.Batch = None,
    fit: options.Fit = None,
    flash_attention: options.FlashAttention = None,
    kernels: options.Kernels = None,
    projector: options.Projector = None,
    chat_template: options.ChatTemplate = None,
    config: options.Config = None,
    yes: options.Yes = False,
) -> None:
    """Answer a prompt in the terminal, or chat."""
    flags = options.settings_among(locals())
    if image and (raw or prompt is None):
        raise typer.BadParameter(
            "An image needs a PROMPT, and a chat template.", param_hint="--image"
        )
    chosen = {
        "max_tokens": max_tokens,
        "temperature": temperature,
        "top_p": top_p,
        "top_k": top_k,
        "min_p": min_p,
        "seed": seed,
        "stop": tuple(stop) if stop else None,
    }
    given: Any = {name: value for name, value in chosen.items() if value is not None}
    with _open(model, config, flags, yes=yes) as engine:
        opening = [{"role": "system", "content": system}] if system else []
        if prompt is None and sys.stdin.isatty() and not json:
            _chat(engine, opening, given)
            return
        text = sys.stdin.read() if prompt in (None, "-") else prompt
        said = content_with(text or "", image or [])
        question: Any = text if raw else [*opening, {"role": "user", "content": said}]
        _answer_once(engine, question, given, as_json=json)


@contextmanager
def _open(model: str | None, config: Any, flags: dict[str, Any], *, yes: bool) -> Iterator[Engine]:
    from coblyn.library import Engine
    from coblyn.settings import Settings

    # In a separate process, so that a crash by the model can be reported with its name.
    chosen = fitted_aloud(configure(Settings.load(config, flags), model, yes=yes))
    with causes_named(chosen):
        engine = Engine.open(chosen, own_process=True)
    with engine:
        yield engine


def _answer_once(engine: Engine, prompt: Any, given: Options, *, as_json: bool) -> None:
    if as_json:
        _print_json(engine, engine.generate(prompt, **given))
        return
    _say(engine, prompt, given)


def _say(engine: Engine, prompt: Any, given: Options) -> Completion:
    """Print an answer as it is made."""
    stream = engine.stream(prompt, **given)
    is_terminal = sys.stdout.isatty()  # a file gets the model's text unchanged
    for delta in stream:
        print(shown(delta.text) if is_terminal else delta.text, end="", flush=True)
    print()
    return stream.completion


def _print_json(engine: Engine, completion: Completion) -> None:
    import json

    print(
        json.dumps(
            {
                "model": engine.info.name,
                "text": completion.text,
                "reason": completion.reason,
                **completion.stats.named(),
            }
        )
    )


def _chat(engine: Engine, opening: list[dict[str, str]], given: Options) -> None:
    """Chat until the user leaves. The conversation so far is never computed twice."""
    import contextlib

    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 - line editing and history for input(); not there on Windows

    print(shown(f"{engine.info.name} on {engine.info.accelerator}\n{_HELP}"), file=sys.stderr)
    messages = list(opening)
    while True:
        try:
            line = input("> ").strip()
        except EOFError:
            print()
            return
        if line in ("/exit", "/quit", "/bye"):
            return
        if not _follow(line, messages, opening):
            continue
        try:
            answer = _say(engine, messages, given).text
        except KeyboardInterrupt:
            print("\n(stopped)", file=sys.stderr)
            messages.pop()
            continue
        messages.append({"role": "assistant", "content": answer})


def _follow(line: str, messages: list[dict[str, str]], opening: list[dict[str, str]]) -> bool:
    """Apply a line to the conversation. Gives whether there is something to answer."""
    if line == "/reset":
        messages[:] = opening
        return False
    if line == "/retry":
        if messages and messages[-1]["role"] == "assistant":
            messages.pop()
        return bool(messages) and messages[-1]["role"] == "user"
    if line in ("", "/help", "/?"):
        print(_HELP, file=sys.stderr)
        return False
    messages.append({"role": "user", "content": line})
    return True
