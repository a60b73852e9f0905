"""The table of verbs."""

from __future__ import annotations

from typing import Annotated

import typer

import coblyn
from coblyn.cli.bench import bench
from coblyn.cli.build import build
from coblyn.cli.doctor import doctor
from coblyn.cli.models import models
from coblyn.cli.pull import pull
from coblyn.cli.run import run
from coblyn.cli.serve import serve

__all__ = ["make_app"]

_VERBS = (serve, run, pull, models, build, doctor, bench)


def make_app() -> typer.Typer:
    """The command line as a callable."""
    app = typer.Typer(
        help="Run GGUF language models at the full speed of your own machine.",
        # Plain help needs no rich, and is there in half the time.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for verb in _VERBS:
        app.command()(verb)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"coblyn {coblyn.__version__}")
        raise typer.Exit


def _options(
    version: Annotated[  # noqa: ARG001
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Say the version."),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show what the engine and the builds log.")
    ] = False,
) -> None:
    if verbose:
        import logging

        logging.basicConfig(level=logging.DEBUG, format="%(name)s: %(message)s")
