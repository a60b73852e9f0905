"""The chat template of a model, or one of its family's where it brings none or a broken one."""

from __future__ import annotations

import functools
import logging

from coblyn.chat.client import shared_renderers
from coblyn.chat.families import family_template
from coblyn.chat.renderer import Run
from coblyn.chat.template import ChatTemplate, Rendered
from coblyn.engine.interface import ModelInfo
from coblyn.errors import ModelBroken
from coblyn.service.command import ChatPrompt

__all__ = ["Conversations", "conversations_of"]

log = logging.getLogger(__name__)


class Conversations:
    """Renders conversations for a model. Any thread may use it.

    Args:
        source: The model's template, or empty.
        family: What serves where that cannot.
        bos: Text of the BOS token, or empty.
        eos: Text of the EOS token, or empty.
        run: Renders templates.

    Attributes:
        warning: Why the model's own template is not used; empty if it is.
    """

    def __init__(self, source: str, family: str, *, bos: str, eos: str, run: Run) -> None:
        self.warning = ""
        self._own = ChatTemplate(source, bos=bos, eos=eos, run=run) if source.strip() else None
        self._family = ChatTemplate(family, bos=bos, eos=eos, run=run)
        if self._own is None:
            self._warn("The model brings no chat template: one of its family is used.")

    def render(self, prompt: ChatPrompt) -> Rendered:
        """A conversation in the model's own format.

        Raises:
            BadRequest: The template refuses these messages.
        """
        if self._own:
            try:
                return _render(self._own, prompt)
            except ModelBroken as error:
                self._own = None
                self._warn(f"{error.message} One of its family is used.")
        return _render(self._family, prompt)

    def _warn(self, text: str) -> None:
        self.warning = text
        log.warning("%s", text)


def _render(template: ChatTemplate, prompt: ChatPrompt) -> Rendered:
    return template.render(
        prompt.messages,
        continues_last=prompt.continues_last,
        variables=dict(prompt.variables),
        tools=prompt.tools,
        may_call=prompt.tool_choice != "none",
    )


def conversations_of(info: ModelInfo) -> Conversations:
    """Those of a model."""
    family = family_template(info.description, info.eos)
    return _cached(info.chat_template, family, info.bos, info.eos)


@functools.lru_cache(maxsize=8)
def _cached(source: str, family: str, bos: str, eos: str) -> Conversations:
    return Conversations(source, family, bos=bos, eos=eos, run=shared_renderers().run)
