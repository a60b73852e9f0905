"""The command line: one file a verb. It parses, prints and sets exit codes; policy lives in other rooms.

Nothing heavy is imported here or at the top of a verb's file, so that ``--help`` is instant.
"""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the program that the arguments ask for, and end with its exit code."""
    from coblyn.cli.app import make_app
    from coblyn.errors import CoblynError

    try:
        make_app()()
    except CoblynError as error:
        print(f"coblyn: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("coblyn: stopped.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # whoever read our output has enough
        sys.stderr.close()
        sys.exit(141)
