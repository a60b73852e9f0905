"""The command line: one file a verb. It parses, prints and sets exit codes; policy lives in other rooms.

Nothing heavy is imported here or at the top of a verb's file, and the answers that need no parser are given without it.
"""

from __future__ import annotations

import os
import sys

__all__ = ["main"]


def main() -> None:
    """Run the program that the arguments ask for, and end with its exit code."""
    try:
        if not _answer_at_once(sys.argv[1:]):
            _run()
    except KeyboardInterrupt:
        print("coblyn: stopped.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # the program that read our output has enough
        sys.stderr.close()
        sys.exit(141)


def _answer_at_once(arguments: list[str]) -> bool:
    """Answer ``--help`` and ``--version`` if nothing else is asked; whether that was so."""
    if arguments in (["--help"], ["-h"]):
        from coblyn.cli.verbs import overview

        print(overview(), end="", flush=True)
    elif arguments == ["--version"]:
        from coblyn import __version__

        print(f"coblyn {__version__}", flush=True)
    else:
        return False
    return True


def _run() -> None:
    from coblyn.cli.text import shown
    from coblyn.errors import CoblynError

    try:
        if (
            sys.argv[1:] or "_COBLYN_COMPLETE" in os.environ
        ):  # a shell asks so for the end of a word
            _begin_engine(sys.argv[1:])
            from coblyn.cli.app import make_app

            make_app()()
        else:
            from coblyn.cli.desk import open_desk

            open_desk()
    except CoblynError as error:
        print(shown(f"coblyn: {error}"), file=sys.stderr)
        sys.exit(error.exit_code)


def _begin_engine(arguments: list[str]) -> None:
    """Start the process of the engine before the arguments are parsed: both have a core of their own to import on."""
    wants_one = arguments[:1] == ["serve"] or arguments[:1] == ["run"]
    if wants_one and not {"-h", "--help", "--fake"} & {*arguments}:
        from coblyn.engine import process

        process.begin()
