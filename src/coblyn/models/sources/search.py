"""Searches models on Hugging Face's hub."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from coblyn.errors import BadRequest
from coblyn.models.sources.hub import open_hub

if TYPE_CHECKING:
    from huggingface_hub import HfApi

__all__ = ["Found", "search"]

_EXPAND = ("downloads", "likes", "gated", "lastModified", "gguf")
_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Found:
    """A repository with GGUF files.

    Attributes:
        name: ``OWNER/REPO``.
        downloads: Number of downloads in the last month.
        likes: Number of likes.
        is_gated: Whether its makers require an agreement first.
        modified: Time of the last change in ISO 8601; empty if unknown.
        architecture: llama.cpp's name of its architecture; empty if unknown.
        num_parameters: Number of weights; 0 if unknown.
        context_length: Context length it was trained with, in tokens; 0 if unknown.
    """

    name: str
    downloads: int
    likes: int
    is_gated: bool
    modified: str
    architecture: str
    num_parameters: int
    context_length: int


def search(text: str, limit: int = 20) -> tuple[Found, ...]:
    """Search repositories with GGUF files by name, most downloaded first.

    Args:
        text: The search text.
        limit: Maximum number of results, 1 to 100.

    Raises:
        BadRequest: The text is empty, or the limit is out of range.
        FetchError: The hub cannot be reached.
    """
    if not text.strip():
        raise BadRequest("There is nothing to look for.", field="text")
    if not 1 <= limit <= 100:
        raise BadRequest("From 1 to 100 can be asked for.", field="limit")
    hub = open_hub(f"A search for {text!r}")
    return hub.ask(repr(text), lambda api: _ask(api, hub.headers, text.strip(), limit))


def _ask(api: HfApi, login: dict[str, str], text: str, limit: int) -> tuple[Found, ...]:
    """One page of the list; the client's own function for it waits as long as the hub wants, without a word."""
    from huggingface_hub import get_session, hf_raise_for_status

    query = [("filter", "gguf"), ("search", text), ("sort", "downloads"), ("limit", str(limit))]
    response = get_session().get(
        f"{api.endpoint}/api/models",
        params=[*query, *(("expand", each) for each in _EXPAND)],
        headers={"User-Agent": "coblyn", **login},
        timeout=_SECONDS,
    )
    hf_raise_for_status(response)
    return tuple(map(_found, response.json()))


def _found(info: dict[str, Any]) -> Found:
    gguf = info.get("gguf") or {}
    return Found(
        str(info["id"]),
        _number(info.get("downloads")),
        _number(info.get("likes")),
        bool(info.get("gated")),
        _time(info.get("lastModified")),
        str(gguf.get("architecture") or ""),
        _number(gguf.get("total")),
        _number(gguf.get("context_length")),
    )


def _time(text: str | None) -> str:
    return datetime.fromisoformat(text).isoformat(timespec="seconds") if text else ""


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
