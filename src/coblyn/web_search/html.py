"""Extracts the text of a page, and the results on a search engine's page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

__all__ = ["Result", "read_results", "text_of"]

_SILENT = frozenset(
    {"script", "style", "noscript", "template", "svg", "nav", "header", "footer", "form"}
)
_BLOCKS = frozenset(
    {"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "article", "section"}
)
_TITLE, _SNIPPET = "result__a", "result__snippet"
"""CSS classes of DuckDuckGo's page without scripts."""


@dataclass(frozen=True, slots=True)
class Result:
    """A result of a search engine.

    Attributes:
        title: Its title.
        url: Its address.
        description: The engine's description of it.
    """

    title: str
    url: str
    description: str


def text_of(html: str) -> str:
    """The text that a reader of a page sees, on one line, without its menus."""
    parser = _Text()
    parser.feed(html)
    parser.close()
    return _plain(parser.parts)


def read_results(html: str, base: str) -> list[Result]:
    """The results on DuckDuckGo's page without scripts, excluding advertisements.

    Args:
        html: The page.
        base: Its address, for links that are relative.
    """
    parser = _Results(base)
    parser.feed(html)
    parser.close()
    return [result for result in parser.results() if result.url]


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag in _SILENT:
            self._silent.append(tag)
        elif tag in _BLOCKS:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._silent:
            # What stands open within it was never closed.
            del self._silent[self._silent.index(tag) :]
        elif tag in _BLOCKS:
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


class _Results(HTMLParser):
    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = base
        self._found: list[tuple[str, list[str], list[str]]] = []
        self._into: list[str] | None = None
        self._tag = ""

    def results(self) -> list[Result]:
        """The results, in order."""
        return [
            Result(_plain(title), url, _plain(description))
            for url, title, description in self._found
        ]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        classes = (values.get("class") or "").split()
        if _TITLE in classes:
            self._found.append((_target(values.get("href") or "", self._base), [], []))
            self._into, self._tag = self._found[-1][1], tag
        elif _SNIPPET in classes and self._found:
            self._into, self._tag = self._found[-1][2], tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._tag:
            self._into = None

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into.append(data)


def _target(link: str, base: str) -> str:
    """The target of a link; empty for advertisements. The engine wraps links in redirects."""
    try:
        parts = urlsplit(urljoin(base, link))
        wrapped = parse_qs(parts.query).get("uddg", [""])[0]
        if wrapped:
            parts = urlsplit(wrapped)
    except ValueError:
        return ""
    is_advertisement = parts.path.endswith("/y.js") or "ad_provider" in parts.query
    if parts.scheme not in ("http", "https") or not parts.hostname or is_advertisement:
        return ""
    return parts.geturl()


def _plain(parts: list[str]) -> str:
    return re.sub(r"\s+", " ", "".join(parts)).strip()
