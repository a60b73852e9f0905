"""A state as it is kept: of a branch only what differs from the one that it left, since most share nearly all text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from coblyn.story.state import State
from coblyn.story.text import Text, num_common

__all__ = ["from_snapshot", "to_snapshot"]


def to_snapshot(state: State) -> dict[str, Any]:
    """A state as JSON."""
    kept: dict[str, Any] = {}
    for branch, text in state.texts.items():
        parent = _parent(state, branch)
        kept[branch] = (
            _differing(text, parent, state.texts[parent]) if parent in kept else text.to_json()
        )
    return {
        "texts": kept,
        "places": dict(state.places),
        "trash": dict(state.trash),
        "selected": state.selected,
    }


def from_snapshot(value: Mapping[str, Any]) -> State:
    """The state that was kept.

    Raises:
        ValueError, KeyError, TypeError, AttributeError, BadRequest: It is not what was kept.
    """
    texts: dict[str, Text] = {}
    for branch, kept in value["texts"].items():
        texts[branch] = _whole(kept, texts[kept["of"]]) if "of" in kept else Text.from_json(kept)
    return State(texts, dict(value["places"]), dict(value["trash"]), value["selected"])


def _parent(state: State, branch: str) -> str:
    meta = state.places.get(f"branch/{branch}")
    parent = meta.get("parent") if isinstance(meta, dict) else None
    return parent if isinstance(parent, str) else ""


def _differing(text: Text, name: str, parent: Text) -> dict[str, Any]:
    """``{"of", "text", "runs"}``: of text and runs how much begins, what is new, and how much ends as in the parent."""
    return {
        "of": name,
        "text": _difference(parent.text, text.text),
        "runs": _difference(parent.runs, text.runs),
    }


def _difference(base: Sequence[Any], other: Sequence[Any]) -> list[Any]:
    head = num_common(base, other)
    tail = num_common(base[head:][::-1], other[head:][::-1])
    return [head, other[head : len(other) - tail], tail]


def _whole(kept: Mapping[str, Any], parent: Text) -> Text:
    head, text, tail = kept["text"]
    whole = parent.text[:head] + text + parent.text[len(parent.text) - tail :]
    head, runs, tail = kept["runs"]
    sources = [*parent.runs[:head], *runs, *parent.runs[len(parent.runs) - tail :]]
    return Text.from_json({"text": whole, "runs": [list(run) for run in sources]})
