"""Reads pages of the public web only, since addresses from search results are untrusted."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar
from urllib.parse import SplitResult, urljoin, urlsplit

import httpx

from coblyn.errors import FetchError

__all__ = ["MAX_SIZE", "Pages", "fetch_public", "is_public"]

T = TypeVar("T")

MAX_SIZE = 1 << 20
"""Maximum bytes read of a page."""

_MAX_HOPS = 4
_MAX_SECONDS = 30.0
_PORTS = frozenset({80, 443})
_TYPES = ("text/html", "text/plain", "application/xhtml+xml")


class Pages:
    """Reads pages.

    Args:
        client: The HTTP client; it must not follow redirects itself.
        is_open: Whether an address may be connected to; the public ones by default.
        ports: Ports that may be connected to; those of the web by default.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        is_open: Callable[[str], bool] | None = None,
        ports: frozenset[int] = _PORTS,
    ) -> None:
        self._client = client
        self._is_open = is_open or is_public
        self._ports = ports

    async def read(self, url: str) -> str:
        """The HTML or text of a page, up to a size.

        Raises:
            FetchError: It is not on the public web, is not a page, or does not answer.
        """
        return await self._follow(url, _page)

    async def file(self, url: str, max_size: int) -> bytes:
        """Download a file of any type.

        Args:
            url: Its address.
            max_size: Maximum bytes of the file.

        Raises:
            FetchError: It is not on the public web, is larger, does not answer, or does not arrive in time.
        """
        return await self._follow(url, partial(_file, max_size=max_size))

    async def _follow(self, url: str, take: Callable[[httpx.Response], Awaitable[T]]) -> T:
        """Follow redirects from an address to the final response."""
        try:
            async with asyncio.timeout(_MAX_SECONDS):
                for _ in range(_MAX_HOPS):
                    taken, url = await self._ask(url, take)
                    if taken is not None:
                        return taken
        except TimeoutError as error:
            raise FetchError(f"{url[:200]} does not come in time.") from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise FetchError(
                f"{url[:200]} cannot be read: {error or type(error).__name__}."
            ) from error
        raise FetchError(f"{url[:200]} leads from page to page without an end.")

    async def _ask(
        self, url: str, take: Callable[[httpx.Response], Awaitable[T]]
    ) -> tuple[T | None, str]:
        """The result of ``take`` for a response, or the address that it redirects to."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        if parts.scheme not in ("http", "https") or not host or port not in self._ports:
            raise ValueError("it is not an address of a page")
        address = await self._public_address(host, port)
        # Requested by IP address, so that the name cannot resolve to another machine meanwhile.
        target = _at(parts, address, port)
        extensions = {"sni_hostname": host} if parts.scheme == "https" else {}
        headers = {"Host": host if port in _PORTS else f"{host}:{port}"}
        async with self._client.stream(
            "GET", target, headers=headers, extensions=extensions
        ) as answer:
            if answer.is_redirect:
                return None, urljoin(url, answer.headers["location"])
            answer.raise_for_status()
            return await take(answer), ""

    async def _public_address(self, host: str, port: int) -> str:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(each[4][0]) for each in found]
        if not addresses or not all(map(self._is_open, addresses)):
            raise ValueError("it is not of the public web")
        return addresses[0]


async def fetch_public(url: str, max_size: int) -> bytes:
    """Download a file from the public web; see ``Pages.file``."""
    # A proxy would resolve names itself, and could reach forbidden addresses.
    async with httpx.AsyncClient(timeout=_MAX_SECONDS, trust_env=False) as client:
        return await Pages(client).file(url, max_size)


def is_public(address: str) -> bool:
    """Whether an IP address is public; also checks an IPv4 address embedded in an IPv6 one."""
    number = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(number, "ipv4_mapped", None) or getattr(number, "sixtofour", None) or number
    return inner.is_global and not inner.is_multicast


async def _page(answer: httpx.Response) -> str:
    if not answer.headers.get("content-type", "").lower().startswith(_TYPES):
        raise ValueError("it is not a page")
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) >= MAX_SIZE:
            break
    try:
        return body[:MAX_SIZE].decode(answer.charset_encoding or "utf-8", errors="replace")
    except LookupError:  # an unknown charset
        return body[:MAX_SIZE].decode(errors="replace")


async def _file(answer: httpx.Response, max_size: int) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > max_size:
            raise ValueError(f"it has more than {max_size >> 20} MB")
    return bytes(body)


def _at(parts: SplitResult, address: str, port: int) -> str:
    place = f"[{address}]" if ":" in address else address
    return parts._replace(netloc=f"{place}:{port}", fragment="").geturl()
