"""The parser of the command line; a verb's file is imported when the verb is used."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from itertools import zip_longest
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

import coblyn
from coblyn.cli.verbs import ALONE, DESCRIPTION, SAME, VERBS

__all__ = ["make_app"]

# Plain help does not import rich, and takes half the time.
_STYLE: dict[str, Any] = {
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


class _Verbs(TyperGroup):
    """The verbs as a group of commands that are created on demand."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Names of the verbs."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """The command of a verb; None if there is no such verb."""
        if cmd_name not in VERBS:
            return None
        app = typer.Typer(add_completion=False, **_STYLE)
        app.command(cmd_name, cls=_Verb)(getattr(import_module(f"coblyn.cli.{cmd_name}"), cmd_name))
        return typer.main.get_command(app)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb that the first argument names, by our word or by that of another program."""
        ours = SAME.get(args[0], args[:1])
        if args[1:2] in (["-h"], ["--help"]):
            ours = ours[:1]  # an option that needs a value would take it for one
        return super().resolve_command(ctx, [*ours, *args[1:]])

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the table of verbs."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


class _Verb(TyperCommand):
    """A verb whose option ``--lite`` may have no value, which typer does not support."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give a bare ``--lite`` its implied value."""
        return super().parse_args(ctx, [*_with_values(args)])


def _with_values(args: list[str]) -> Iterator[str]:
    """An argument after ``--lite`` is its value only if it can be a page, since it may also be the model."""
    for arg, following in zip_longest(args, args[1:], fillvalue=""):
        is_page = "://" in following or following.lower().endswith((".html", ".htm"))
        yield "--lite=fetch" if arg == "--lite" and not is_page else arg


def make_app() -> typer.Typer:
    """The command line as a callable."""
    app = typer.Typer(cls=_Verbs, help=f"{DESCRIPTION}\n\n{ALONE}", no_args_is_help=True, **_STYLE)
    app.callback()(_options)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"coblyn {coblyn.__version__}")
        raise typer.Exit


def _options(
    version: Annotated[  # noqa: ARG001
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show what the engine and the builds log.")
    ] = False,
) -> None:
    from coblyn.cli.log import show_log

    show_log(verbose=verbose)
