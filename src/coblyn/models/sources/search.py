"""Looking for models on Hugging Face's hub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from coblyn.errors import BadRequest
from coblyn.models.sources.hub import open_hub

__all__ = ["Found", "search"]

_EXPAND: Any = ["downloads", "likes", "gated", "lastModified", "gguf"]


@dataclass(frozen=True, slots=True)
class Found:
    """A repository with GGUF files.

    Attributes:
        name: ``OWNER/REPO``.
        downloads: In the last month.
        likes: Of people.
        is_gated: Its makers want people to agree to something first.
        modified: When it was changed last, as ISO 8601; empty if unknown.
        architecture: llama.cpp's name of its kind; empty if unknown.
        num_parameters: Weights; 0 if unknown.
        context_length: Tokens that it was trained with; 0 if unknown.
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
    """Repositories with GGUF files whose names are like a text, those that are fetched most first.

    Args:
        text: What their names are like.
        limit: The most that are wanted, 1 to 100.

    Raises:
        BadRequest: There is nothing to look for, or the limit is out of range.
        FetchError: The hub cannot be asked.
    """
    if not text.strip():
        raise BadRequest("There is nothing to look for.", field="text")
    if not 1 <= limit <= 100:
        raise BadRequest("From 1 to 100 can be asked for.", field="limit")
    hub = open_hub(f"A search for {text!r}")
    return hub.ask(
        repr(text),
        lambda api: tuple(
            _found(each)
            for each in api.list_models(
                search=text.strip(), filter="gguf", sort="downloads", limit=limit, expand=_EXPAND
            )
        ),
    )


def _found(info: Any) -> Found:
    gguf = info.gguf if isinstance(info.gguf, dict) else {}
    return Found(
        str(info.id),
        info.downloads or 0,
        info.likes or 0,
        bool(info.gated),
        info.last_modified.isoformat(timespec="seconds") if info.last_modified else "",
        str(gguf.get("architecture") or ""),
        _number(gguf.get("total")),
        _number(gguf.get("context_length")),
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
