"""``coblyn serve``: the page and all APIs over one model."""

from __future__ import annotations

import gc
import os
import signal
import sys
from threading import Event, Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coblyn.cli import options
from coblyn.cli.engine import NO_BUNDLE, NOTHING, causes_named, configure, fitted_aloud
from coblyn.cli.log import log_requests
from coblyn.cli.text import shown
from coblyn.engine.loop import run_loop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coblyn.cli.foreign import Foreign
    from coblyn.cli.front import Front
    from coblyn.cli.listen import Server
    from coblyn.cli.several import Several
    from coblyn.cli.stop import Stop
    from coblyn.engine.config import EngineConfig
    from coblyn.engine.exchange import EngineExchange
    from coblyn.proof.machine import Machine
    from coblyn.settings import Settings

__all__ = ["run_server", "serve"]


def serve(
    model: options.ModelOrSettings = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", "-p", help="Port; 0 for any.")] = None,
    listen: Annotated[
        list[str] | None,
        typer.Option(help="Further addresses: HOST, HOST:PORT, [IPV6]:PORT or unix:PATH."),
    ] = None,
    on_demand: Annotated[
        bool | None,
        typer.Option(
            "--on-demand/--no-on-demand",
            help="Load models on demand when requests name them. Default: on.",
        ),
    ] = None,
    ollama_port: Annotated[
        int | None,
        typer.Option(help="Additional port on which to answer as Ollama: usually 11434."),
    ] = None,
    tls_cert: Annotated[
        str | None, typer.Option(help="Certificate and its chain (PEM), for HTTPS.")
    ] = None,
    tls_key: Annotated[str | None, typer.Option(help="The certificate's private key.")] = None,
    require_key: Annotated[
        bool | None,
        typer.Option(
            "--require-key/--no-require-key",
            help="Require an API key from programs on this machine too. Default: off.",
        ),
    ] = None,
    log_format: Annotated[
        str | None,
        typer.Option(help="text, or json: an object per line, with every request and generation."),
    ] = None,
    log_texts: Annotated[
        bool | None,
        typer.Option(
            "--log-texts/--no-log-texts", help="Write prompts and answers to the log as well."
        ),
    ] = None,
    drain: Annotated[
        float | None,
        typer.Option(
            help="Seconds that running requests have to finish when the server is stopped."
        ),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            "--origin", help="Web origin that may call the API from a browser; * for all."
        ),
    ] = None,
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
    adapter: Annotated[
        list[str] | None,
        typer.Option(
            "--adapter",
            metavar="NAME=FILE[:SCALE]",
            help="LoRA or control vector; requests use it as the model MODEL+NAME.",
        ),
    ] = None,
    control_vector: Annotated[
        list[str] | None,
        typer.Option(
            "--control-vector",
            metavar="FILE[:SCALE]",
            help="Control vector for requests that choose no adapters.",
        ),
    ] = None,
    control_layers: Annotated[
        str | None,
        typer.Option(metavar="FIRST-LAST", help="Layers that control vectors apply to."),
    ] = None,
    projector: options.Projector = None,
    chat_template: options.ChatTemplate = None,
    max_running: Annotated[
        int | None, typer.Option("--max-running", help="Maximum number of running requests.")
    ] = None,
    max_waiting: Annotated[
        int | None, typer.Option("--max-waiting", help="Maximum number of waiting requests.")
    ] = None,
    slot_save_path: Annotated[
        str | None,
        typer.Option(help="Directory in which clients save the states of texts."),
    ] = None,
    data_slots: Annotated[
        bool | None,
        typer.Option("--data-slots", help="Keep stories that pages save on this server."),
    ] = None,
    multiplayer: Annotated[
        bool | None, typer.Option("--multiplayer", help="Let pages share one story.")
    ] = None,
    web_search: Annotated[
        bool | None,
        typer.Option("--web-search", help="Let pages search the web through this server."),
    ] = None,
    fetch_media: Annotated[
        bool | None,
        typer.Option("--fetch-media", help="Fetch images that requests name by their addresses."),
    ] = None,
    admin_dir: Annotated[
        str | None, typer.Option(help="Models and settings that may be loaded at run time.")
    ] = None,
    mcp_file: Annotated[
        str | None,
        typer.Option(help="File of tool servers (MCP) whose tools models may call."),
    ] = None,
    lite: Annotated[
        str | None,
        typer.Option(
            "--lite",
            metavar="[FILE|ADDRESS]",
            help="Serve KoboldAI Lite under /lite; fetched if needed.",
        ),
    ] = None,
    preset: Annotated[
        str | None, typer.Option("--preset", help="Preset for requests that name none.")
    ] = None,
    config: options.Config = None,
    yes: options.Yes = False,
    fake: Annotated[
        bool, typer.Option("--fake", help="Serve a scripted engine: no model, no build.")
    ] = False,
) -> None:
    """Serve a model: the writing page, and KoboldAI's, OpenAI's, Anthropic's and Ollama's API."""
    given = options.settings_among(locals())
    from functools import partial

    from coblyn.cli.choose import resolve_model
    from coblyn.cli.foreign import read_foreign
    from coblyn.settings import Settings

    foreign = read_foreign(model, partial(resolve_model, yes=yes, any_kind=True))
    if foreign.told:
        print(shown(foreign.told), file=sys.stderr)
    settings = Settings.load(
        config,
        {
            **given,
            "drain_seconds": drain,
            "origins": tuple(origin) if origin else None,
            "adapters": tuple(adapter) if adapter else None,
            "control_vectors": tuple(control_vector) if control_vector else None,
        },
        others=foreign.settings,
    )
    run_server(
        settings,
        config,
        lambda: _engine_config(settings, foreign, fake=fake, yes=yes),
        several=foreign.several,
    )


def run_server(
    settings: Settings,
    file: Path | None,
    engine_config: Callable[[], EngineConfig],
    on_ready: Callable[[str], None] | None = None,
    several: Several | None = None,
) -> None:
    """Serve until told to stop.

    Args:
        settings: The settings.
        file: The chosen settings file.
        engine_config: Makes the engine's configuration; may take long.
        on_ready: Called with the first address when the server listens.
        several: Models that a file declares.

    Raises:
        CoblynError: A port, the engine or the model is not available.
    """
    gc.disable()  # nothing that is made until it listens is garbage: looking for some takes a tenth of a second
    # Its plugins are looked for in all packages that are installed, and there are none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from coblyn.cli.front import opened
    from coblyn.cli.lite import with_page

    log_requests(settings.log_format, with_texts=settings.log_texts)
    settings = with_page(settings)
    # The port is taken first: who waits for a build and a load must not learn at the end that it was in use.
    with opened(settings, file) as front:
        stopped_by = run_loop(_serve(settings, engine_config(), front, on_ready, several))
    gc.unfreeze()  # or modules of a build that only the collector can take apart are reported as leaks at the exit
    if stopped_by == signal.SIGINT:
        raise KeyboardInterrupt


def _engine_config(settings: Settings, foreign: Foreign, *, fake: bool, yes: bool) -> EngineConfig:
    """The configuration of the first model; of a file with several only if it says which is loaded at the start."""
    from coblyn.engine.config import EngineConfig

    several = foreign.several
    if not fake and [*several.models] and not several.models.first:
        return EngineConfig.from_settings(settings, bundle=NO_BUNDLE)
    if not fake:
        first = several.models.first
        declared = first.settings if first else NOTHING
        return configure(settings, foreign.model, yes=yes, any_kind=True, declared=declared)
    return EngineConfig.from_settings(settings)


async def _serve(
    settings: Settings,
    config: EngineConfig,
    front: Front,
    on_ready: Callable[[str], None] | None,
    several: Several | None,
) -> int:
    """Serve until told to stop; the signal that did."""
    import asyncio

    from coblyn.cli.loader import promised_by
    from coblyn.cli.stop import Stop
    from coblyn.engine.client import ProcessEngine
    from coblyn.engine.exchange import EngineExchange
    from coblyn.engine.fleet import Fleet
    from coblyn.fit.fitting import has_room
    from coblyn.native.explain import explain_crash

    def make(config: EngineConfig) -> ProcessEngine:
        return ProcessEngine(config, explain=explain_crash, fit=fit)

    def fit(config: EngineConfig, ended: Event) -> EngineConfig:
        return fitted_aloud(config, promised_by(fleet), ended)

    def fits(config: EngineConfig) -> bool:
        return has_room(config, promised_by(fleet), fleet.ending)

    fleet = Fleet(make)
    is_empty = config.bundle == NO_BUNDLE
    engine = EngineExchange(config, fleet, fits=fits, is_empty=is_empty)
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task, "runs on a loop"
    with Stop(loop, task.cancel, fleet.kill) as stop:
        try:
            with causes_named(config):
                await _load_and_listen(settings, config, engine, front, stop, on_ready, several)
        except asyncio.CancelledError:
            if not stop.signal:
                raise
        finally:
            await engine.close()
            await fleet.close()
        return stop.signal


async def _load_and_listen(
    settings: Settings,
    config: EngineConfig,
    engine: EngineExchange,
    front: Front,
    stop: Stop,
    on_ready: Callable[[str], None] | None,
    several: Several | None,
) -> None:
    import asyncio

    from coblyn.chat.client import shared_renderers
    from coblyn.cli.verdict import look, show
    from coblyn.proof.verdict import judge_load

    # While the engine loads, the web framework is imported, and the machine is looked at.
    _, (Server, make_app, import_dialects), machine = await asyncio.gather(  # noqa: N806 - a class
        engine.start(), asyncio.to_thread(_import_app), asyncio.to_thread(look, config.bundle)
    )
    app = make_app(engine, settings, machine, front, several)
    gc.freeze()  # modules and routes stay to the end; the collector need not look at them
    gc.enable()

    def greet() -> None:
        print(shown(_greeting(front, engine)), flush=True)
        if engine.info.overrides:
            told = ", ".join(engine.info.overrides)
            print(shown(f"note: set right beside the model's file: {told}"), file=sys.stderr)
        show(judge_load(engine.info.placement, machine))
        if on_ready:
            on_ready(front.addresses[0])
        # What the first requests would have to wait for.
        Thread(target=shared_renderers().warm_up, daemon=True).start()
        Thread(target=import_dialects, daemon=True).start()

    server = Server(
        app,
        engine.fleet,
        drain_seconds=settings.drain_seconds,
        header_seconds=settings.header_seconds,
        write_seconds=settings.write_seconds,
        tls=front.tls,
        on_ready=greet,
    )
    stop.ask = server.end
    await server.serve(sockets=list(front.listeners))


def _import_app() -> tuple[type[Server], Any, Callable[[], None]]:
    from coblyn.api.app import create_app, import_dialects
    from coblyn.api.state import ApiOptions
    from coblyn.cli.admin import admin_of
    from coblyn.cli.engine import with_engine
    from coblyn.cli.kobold import kobold_options
    from coblyn.cli.listen import Server
    from coblyn.cli.loader import Configurer, FleetLoader, FleetSwitch
    from coblyn.cli.tool_servers import tool_options

    def make_app(
        engine: EngineExchange,
        settings: Settings,
        machine: Machine,
        front: Front,
        several: Several | None,
    ) -> Any:
        options = ApiOptions(
            origins=settings.origins,
            is_strict=settings.strict_models,
            machine=machine,
            **kobold_options(settings),
            **tool_options(settings),
            keep_seconds=settings.keep_seconds,
            sleep_seconds=settings.sleep_seconds,
            ollama_port=settings.ollama_port,
            keys=front.keys,
            requires_key=settings.require_key,
            max_body=settings.max_body,
            body_seconds=settings.body_seconds,
            logs_texts=settings.log_texts,
            keep_alive=settings.keep_alive_seconds,
        )
        configurer = Configurer(_general(settings, engine.config), with_engine)
        loads = settings.on_demand and bool(engine.config.library or engine.config.bundle)
        return create_app(
            engine,
            options,
            admin=admin_of(settings, engine),
            loader=FleetLoader(engine, configurer) if loads else None,
            switch=FleetSwitch(engine, configurer) if settings.on_demand else None,
            declared=several.models if several else None,
        )

    return Server, make_app, import_dialects


def _general(settings: Settings, first: EngineConfig) -> EngineConfig:
    """What is set for all models, with the one that the server begins with and its engine."""
    from dataclasses import fields, replace

    from coblyn.settings import EngineSettings

    chosen = {each.name: getattr(settings, each.name) for each in fields(EngineSettings)}
    return replace(first, **(chosen | {"draft_model": first.draft_model}))


def _greeting(front: Front, engine: EngineExchange) -> str:
    addresses = ", ".join(front.addresses)
    if not engine.info.name:
        return f"Coblyn is at {addresses}  (no model is loaded yet)"
    return f"Coblyn serves {engine.info.name} at {addresses}  ({engine.info.accelerator})"
