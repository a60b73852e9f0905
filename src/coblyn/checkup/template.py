"""Checks of the chat template, by rendering probes with it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from coblyn.chat.families import family_template
from coblyn.chat.messages import Message
from coblyn.chat.refusal import TemplateRefusal
from coblyn.chat.renderer import Run
from coblyn.chat.template import ChatTemplate
from coblyn.checkup.card import Card
from coblyn.checkup.finding import Finding, finding
from coblyn.checkup.tokens import check_turn_end
from coblyn.errors import BadRequest, ModelBroken

__all__ = ["check_template"]

_USER, _ANSWER, _SYSTEM = "probe of user", "ProbeOfAnswer", "probe of system"


def check_template(card: Card, run: Run) -> Iterator[Finding]:
    """Faults of the template.

    Args:
        card: The model.
        run: Renders templates.
    """
    if not card.chat_template.strip():
        if card.tokens:
            yield finding("no-template")
        return
    probe = _Probe(card, run)
    try:
        opening = probe.render(asks=True).removeprefix(probe.render(asks=False))
    except (ModelBroken, BadRequest, TemplateRefusal) as error:
        family = family_template(card.description, card.token("eos"))
        problem = getattr(error, "message", str(error))
        yield finding("template-broken", chat_template=family, problem=problem)
        return
    if not opening:
        yield _without_opening(card, probe)
    if not probe.shows_system():
        yield finding("template-refuses-system")
    tokens = {"bos": card.token("bos"), "eos": card.token("eos")}
    yield from check_turn_end(
        card, ChatTemplate(card.chat_template, run=run, **tokens).traits.turn_end
    )


def _without_opening(card: Card, probe: _Probe) -> Finding:
    """Add the generation prompt, which is the text that precedes earlier answers."""
    before, _, rest = probe.render(asks=False, answered=True).partition(_ANSWER)
    opening = before.removeprefix(probe.render(asks=False)) if rest is not None else ""
    if not opening.strip() or opening == before:
        return finding("no-generation-prompt", opening="")
    added = "{% if add_generation_prompt %}{{ " + json.dumps(opening) + " }}{% endif %}"
    return finding(
        "no-generation-prompt", chat_template=card.chat_template + added, opening=opening
    )


class _Probe:
    def __init__(self, card: Card, run: Run) -> None:
        self._source = card.chat_template
        self._tokens = {"bos_token": card.token("bos"), "eos_token": card.token("eos")}
        self._run = run

    def render(self, *, asks: bool, answered: bool = False) -> str:
        talk = [Message("user", _USER), *([Message("assistant", _ANSWER)] if answered else [])]
        return self._render(talk, asks=asks)

    def shows_system(self) -> bool:
        talk = [Message("system", _SYSTEM), Message("user", _USER)]
        try:
            return _SYSTEM in self._render(talk, asks=True)
        except (ModelBroken, BadRequest, TemplateRefusal):
            return False

    def _render(self, talk: list[Message], *, asks: bool) -> str:
        values = {
            **self._tokens,
            "messages": [message.to_template() for message in talk],
            "add_generation_prompt": asks,
            "tools": None,
            "documents": None,
        }
        return self._run(self._source, values)
