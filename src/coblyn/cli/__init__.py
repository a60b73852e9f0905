"""The command line, one file per verb. It parses, prints and sets exit codes; decisions are made in other packages.

Heavy imports are deferred, here and in the verbs' files, and help and version are answered without the parser.
"""

from __future__ import annotations

import os
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line, and exit with its code."""
    try:
        if not _answer_at_once(sys.argv[1:]):
            _run()
    except KeyboardInterrupt:
        print("coblyn: stopped.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has closed the pipe
        sys.stderr.close()
        sys.exit(141)


def _answer_at_once(arguments: list[str]) -> bool:
    """Answer a lone ``--help`` or ``--version``. Gives whether it did."""
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
        if sys.argv[1:] or "_COBLYN_COMPLETE" in os.environ:  # a shell requests completion this way
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
