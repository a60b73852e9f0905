"""Finds the best few pages for a query, each with its most relevant part."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass

import httpx

from coblyn.errors import FetchError
from coblyn.web_search.excerpt import best_excerpt
from coblyn.web_search.html import Result, read_results, text_of
from coblyn.web_search.places import MAX_SIZE, Pages

__all__ = ["ADDRESS", "Found", "WebSearch"]

log = logging.getLogger(__name__)

ADDRESS = "https://html.duckduckgo.com/html/"
"""DuckDuckGo's page without scripts."""

NUM_RESULTS = 3
MAX_QUERY = 300
"""Characters."""

_SECONDS = 8.0
_NUM_KEPT = 16
_AGENT = "Mozilla/5.0 (compatible; coblyn)"


@dataclass(frozen=True, slots=True)
class Found:
    """A page about a query.

    Attributes:
        title: Its title.
        url: Its address.
        description: The search engine's description of it.
        content: The part most relevant to the query; the description if the page cannot be read.
    """

    title: str
    url: str
    description: str
    content: str


class WebSearch:
    """Searches the web; recent results are cached.

    Args:
        address: Address of the search engine's page, which takes ``q``.
        pages: Reader for the pages found; None for a reader of the public web.
    """

    def __init__(self, address: str = ADDRESS, pages: Pages | None = None) -> None:
        self._address = address
        # A proxy would resolve names itself, and could reach forbidden addresses.
        self._client = httpx.AsyncClient(
            timeout=_SECONDS, headers={"User-Agent": _AGENT}, trust_env=False
        )
        self._pages = pages or Pages(self._client)
        self._kept: OrderedDict[str, list[Found]] = OrderedDict()
        self._turns = asyncio.Semaphore(2)

    async def search(self, query: str) -> list[Found]:
        """Pages about a query, best first; none if the search engine cannot be reached."""
        query = " ".join(query.split())[:MAX_QUERY]
        if not query:
            return []
        if query not in self._kept:
            async with self._turns:
                try:
                    found = await self._search(query)
                except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
                    log.warning("The web cannot be searched: %s", error or type(error).__name__)
                    return []
            self._kept[query] = found
            while len(self._kept) > _NUM_KEPT:
                self._kept.popitem(last=False)
        return self._kept[query]

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _search(self, query: str) -> list[Found]:
        answer = await self._client.get(self._address, params={"q": query}, follow_redirects=True)
        answer.raise_for_status()
        results = await asyncio.to_thread(read_results, answer.text[:MAX_SIZE], str(answer.url))
        firsts = list({result.url: result for result in results}.values())[:NUM_RESULTS]
        return list(await asyncio.gather(*(self._look(result, query) for result in firsts)))

    async def _look(self, result: Result, query: str) -> Found:
        try:
            async with asyncio.timeout(_SECONDS):
                html = await self._pages.read(result.url)
            content = await asyncio.to_thread(lambda: best_excerpt(text_of(html), query))
        except (FetchError, TimeoutError) as error:
            log.info("A page was left out of a search: %s", error)
            content = ""
        content = content or result.description
        return Found(result.title, result.url, result.description, content)
