"""The chat template of a model, or one of its family if it has none or a broken one."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import replace

from coblyn.chat.client import shared_renderers
from coblyn.chat.families import family_template
from coblyn.chat.renderer import BeyondLimits
from coblyn.chat.template import ChatTemplate, Rendered
from coblyn.engine.interface import ModelInfo
from coblyn.errors import ModelBroken
from coblyn.service.command import ChatPrompt

__all__ = ["Conversations", "conversations_of"]

log = logging.getLogger(__name__)

_MAX_BEYOND = 3
"""Number of times a template may exceed its limits before it is no longer used."""


class Conversations:
    """Renders conversations for a model. Any thread may use it.

    Args:
        source: The model's template, or empty.
        with_tools: Its template for conversations with tools, if it is a different one; or empty.
        family: The family's template, used if those cannot be.
        make: Compiles a template's source.

    Attributes:
        warning: Why the model's own template is not used; empty if it is.
    """

    def __init__(
        self, source: str, with_tools: str, family: str, make: Callable[[str], ChatTemplate]
    ) -> None:
        self.warning = ""
        self._own = make(source) if source.strip() else None
        self._with_tools = make(with_tools) if with_tools.strip() else None
        self._family = make(family)
        self._num_beyond = 0
        if self._own is None:
            self._warn("The model brings no chat template: one of its family is used.")

    def render(self, prompt: ChatPrompt) -> Rendered:
        """A conversation in the model's own format.

        Raises:
            BadRequest: The template refuses these messages.
        """
        template = self._with_tools if prompt.tools and self._with_tools else self._own
        if template is None:
            return _render(self._family, prompt)
        try:
            return _render(template, prompt)
        except BeyondLimits as error:
            self._num_beyond += 1  # the conversation may be too long for it too
            self._give_up(error, for_good=self._num_beyond >= _MAX_BEYOND)
        except ModelBroken as error:
            self._give_up(error, for_good=True)
        return _render(self._family, prompt)

    def _give_up(self, error: ModelBroken, *, for_good: bool) -> None:
        self._warn(f"{error.message} One of its family is used.")
        if for_good:
            self._own = self._with_tools = None

    def _warn(self, text: str) -> None:
        self.warning = text
        log.warning("%s", text)


def _render(template: ChatTemplate, prompt: ChatPrompt) -> Rendered:
    rendered = template.render(
        prompt.messages,
        continues_last=prompt.continues_last,
        variables=dict(prompt.variables),
        tools=prompt.tools,
        may_call=prompt.tool_choice != "none",
    )
    if rendered.form is None or prompt.tool_choice in ("auto", "none"):
        return rendered
    return replace(rendered, form=replace(rendered.form, must_call=True))


def conversations_of(info: ModelInfo) -> Conversations:
    """The renderer for a loaded model."""
    family = family_template(info.description, info.eos)
    return _cached(info.chat_template, info.tool_template, family, info.bos, info.eos)


@functools.lru_cache(maxsize=8)
def _cached(source: str, with_tools: str, family: str, bos: str, eos: str) -> Conversations:
    run = shared_renderers().run
    make = functools.partial(ChatTemplate, bos=bos, eos=eos, run=run)
    return Conversations(source, with_tools, family, make)
