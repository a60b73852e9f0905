"""Renders a chat template. Untrusted templates are rendered in a process that can be killed."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from coblyn.chat.refusal import TemplateRefusal
from coblyn.errors import ModelBroken

if TYPE_CHECKING:
    from jinja2 import Template

    from coblyn.chat.sandbox import Sandbox

__all__ = ["BeyondLimits", "Run", "broken", "run_here"]


class BeyondLimits(ModelBroken):
    """A template violated the sandbox or a limit; no other form of the conversation is tried."""


Run = Callable[[str, Mapping[str, Any]], str]
"""Renders a template, Jinja text, with some variables.

Raises:
    TemplateRefusal: It refuses the conversation.
    ModelBroken: It is invalid; the message says what and where.
"""


def run_here(source: str, variables: Mapping[str, Any]) -> str:
    """Render in this process, within the limits of the sandbox.

    Args:
        source: The template, Jinja text.
        variables: What it may use, such as ``messages``.

    Raises:
        BeyondLimits: It does what the sandbox forbids, or too much of it.
        TemplateRefusal: It refuses the conversation.
        ModelBroken: It is invalid; the message says what and where.
    """
    from jinja2.exceptions import SecurityError  # servers render in other processes

    sandbox, template = _compiled(source)
    try:
        return sandbox.render_watched(template, dict(variables))
    except (TemplateRefusal, MemoryError):
        raise
    except SecurityError as error:
        raise BeyondLimits(broken(str(error), _line(error)).message) from error
    except Exception as error:  # a template is untrusted code and may raise anything
        raise broken(str(error) or type(error).__name__, _line(error)) from error


def broken(reason: str, line: int | None = None) -> ModelBroken:
    """The error for an invalid template."""
    where = f", line {line}" if line else ""
    return ModelBroken(
        f"The model's chat template cannot be used{where}: {reason}.",
        hint="Text completion works without the template.",
    )


@functools.lru_cache(maxsize=8)
def _compiled(source: str) -> tuple[Sandbox, Template]:
    from jinja2 import TemplateSyntaxError

    from coblyn.chat.sandbox import Sandbox

    sandbox = Sandbox()
    try:
        return sandbox, sandbox.compile_watched(source)
    except TemplateSyntaxError as error:
        raise broken(error.message or "syntax error", error.lineno) from error
    except (RecursionError, SyntaxError, ValueError, TypeError, ArithmeticError) as error:
        raise broken(f"it cannot be compiled ({type(error).__name__})") from error


def _line(error: Exception) -> int | None:
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if "template" in frame.filename and frame.filename.startswith("<")
    ]
    return lines[-1] if lines else None
