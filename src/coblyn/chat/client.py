"""Renders templates in a small pool of warm processes that can be killed."""

from __future__ import annotations

import atexit
import functools
import json
import sys
from collections.abc import Mapping
from typing import Any

from coblyn.chat.refusal import TemplateRefusal
from coblyn.chat.renderer import BeyondLimits, broken
from coblyn.children.client import Children
from coblyn.errors import ModelBroken

__all__ = ["Renderers", "shared_renderers"]

COMMAND = (sys.executable, "-m", "coblyn.chat.child")

MAX_SECONDS = 30.0
"""Wall-clock seconds after which a rendering is abandoned; on a busy machine this is longer than its processor time."""


class Renderers:
    """A pool of rendering processes, extended when none is idle. Any thread may use it.

    Args:
        command: Command line that starts one.
        max_seconds: Seconds after which a rendering is abandoned.
    """

    def __init__(
        self, command: tuple[str, ...] = COMMAND, *, max_seconds: float = MAX_SECONDS
    ) -> None:
        self._children = Children(command, max_seconds=max_seconds)

    def warm_up(self) -> None:
        """Start a process ahead of time."""
        self.run("", {})

    def run(self, source: str, variables: Mapping[str, Any]) -> str:
        """Render a template, as ``Run`` says.

        Raises:
            TemplateRefusal: It refuses the conversation.
            ModelBroken: It is invalid, or exceeds the limits.
        """
        answer = self._children.ask(json.dumps([source, variables]).encode())
        kind, text, hint = ("memory", "", "") if answer is None else json.loads(answer)
        if kind == "memory":
            raise BeyondLimits(broken("it takes too much time or memory").message)
        if kind == "refused":
            raise TemplateRefusal(text)
        if kind == "limits":
            raise BeyondLimits(text)
        if kind == "broken":
            raise ModelBroken(text, hint=hint)
        return str(text)

    def close(self) -> None:
        """End all idle processes."""
        self._children.close()


@functools.cache
def shared_renderers() -> Renderers:
    """The pool of this server, which ends with it."""
    renderers = Renderers()
    atexit.register(renderers.close)
    return renderers
