"""The log on the terminal: warnings, or all of it, with nothing raw from outside."""

from __future__ import annotations

import logging
from typing import TextIO

from coblyn.cli.text import shown

__all__ = ["show_log"]


class _Shown(logging.Formatter):
    """Escapes whole records, tracebacks too."""

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        return shown(super().format(record))


class _Terminal(logging.StreamHandler[TextIO]):
    """The one handler of the command line."""


def show_log(*, verbose: bool) -> logging.Handler:
    """Write warnings, or everything, to standard error from now on, in place of what an earlier call wrote to."""
    handler = _Terminal()
    handler.setFormatter(_Shown("%(name)s: %(message)s" if verbose else "coblyn: %(message)s"))
    root = logging.getLogger()
    for earlier in [each for each in root.handlers if isinstance(each, _Terminal)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG if verbose else logging.WARNING)
    return handler
