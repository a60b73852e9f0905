"""The log on the terminal: warnings or everything, with control characters escaped."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from coblyn.cli.text import shown

__all__ = ["log_requests", "show_log"]

_EACH = ("coblyn.access", "coblyn.generation")
"""Loggers of every request and every generation."""


class _Shown(logging.Formatter):
    """Escapes complete records, including tracebacks."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one record, with prompt and answer if it has them."""
        facts = getattr(record, "facts", {})
        texts = "".join(
            f"; {name}: {json.dumps(facts[name])}" for name in ("prompt", "text") if name in facts
        )
        return shown(super().format(record) + texts)


class _Json(logging.Formatter):
    """A JSON object on one line, in ASCII, so that nothing in it can affect a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one record."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry: dict[str, Any] = {
            "time": when,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= getattr(record, "facts", {})
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


class _Terminal(logging.StreamHandler[TextIO]):
    """The one handler of the command line."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record to what is standard error now: what was it at first may be closed."""
        self.stream = sys.stderr
        super().emit(record)


def show_log(*, verbose: bool) -> logging.Handler:
    """Write warnings, or everything, to standard error from now on, replacing an earlier call's output."""
    handler = _Terminal()
    handler.setFormatter(_Shown("%(name)s: %(message)s" if verbose else "coblyn: %(message)s"))
    root = logging.getLogger()
    for earlier in [each for each in root.handlers if isinstance(each, _Terminal)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG if verbose else logging.WARNING)
    return handler


def log_requests(style: Literal["text", "json"], *, with_texts: bool) -> None:
    """Set how a server logs from now on.

    Args:
        style: ``json`` for one object per line, with every request and generation.
        with_texts: Whether to log prompts and answers, which adds lines for every generation in any style.
    """
    root = logging.getLogger()
    if style == "json":
        for handler in root.handlers:
            if isinstance(handler, _Terminal):
                handler.setFormatter(_Json())
    if style == "json" or with_texts:
        for name in _EACH:
            logging.getLogger(name).setLevel(logging.INFO)
