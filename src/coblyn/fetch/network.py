"""How to reach servers: certificates, proxies, timeouts, and readable errors.

Does not depend on files, and handles only the failures of HTTP.
"""

from __future__ import annotations

import functools
import netrc
import os
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from coblyn.errors import FetchError

if TYPE_CHECKING:
    import httpx

__all__ = [
    "AGAIN",
    "Network",
    "explain",
    "is_untrusted",
    "open_client",
    "tls_context",
    "without_credentials",
]

AGAIN = "Run the command again to go on where it stopped."
_CHECK = f"Check the network; behind a proxy, set HTTPS_PROXY. {AGAIN}"
_CERTIFICATE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")


@dataclass(frozen=True, slots=True)
class Network:
    """How to reach servers. Proxies come from the usual environment variables unless one is given.

    Attributes:
        certificates: File or directory of authorities to trust in addition to the system's, or empty.
        proxy: URL of a proxy for all requests, or empty.
        timeout: Seconds without a byte after which a connection counts as dropped.
        tries: Consecutive failures without progress after which a download is abandoned.
        backoff: Seconds before the second attempt; doubles for each further one.
    """

    certificates: str = ""
    proxy: str = field(default="", repr=False)  # may contain a password
    timeout: float = 30.0
    tries: int = 5
    backoff: float = 0.5


def open_client(network: Network, url: str, *, use_netrc: bool = True) -> httpx.Client:
    """An HTTP client for one URL: follows redirects, requests the bytes without content encoding.

    A login comes from the URL, else from ``.netrc``; it is not forwarded to another host.

    Raises:
        FetchError: The certificates or the proxy given by the user cannot be used.
    """
    import httpx

    try:
        return httpx.Client(
            verify=tls_context(network),
            proxy=network.proxy or None,
            timeout=network.timeout,
            auth=_netrc_login(url) if use_netrc else None,
            follow_redirects=True,
            headers={"Accept-Encoding": "identity", "User-Agent": "coblyn"},
        )
    except (ValueError, ImportError, httpx.InvalidURL) as problem:  # ImportError: a SOCKS proxy
        raise FetchError(
            f"The proxy setting cannot be used: {problem}.",
            hint="Check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and pip's proxy setting.",
        ) from problem


def _netrc_login(url: str) -> tuple[str, str] | None:
    parts = urlsplit(url)
    if "@" in parts.netloc:
        return None  # httpx takes it from the URL
    try:
        login = netrc.netrc().authenticators(parts.hostname or "")
    except (OSError, netrc.NetrcParseError):
        return None
    return (login[0], login[2] or "") if login else None


def tls_context(network: Network) -> ssl.SSLContext:
    """Trust the system's authorities, those of ``certifi``, and those given by the user.

    The user's are ``network.certificates`` and what ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` (these
    OpenSSL reads itself), ``REQUESTS_CA_BUNDLE``, ``CURL_CA_BUNDLE`` and ``PIP_CERT`` say.

    Raises:
        FetchError: One of them is missing or contains no certificates.
    """
    named = {os.environ.get(name, ""): name for name in _CERTIFICATE_VARIABLES}
    named |= {network.certificates: "pip's cert setting"}
    system = (os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", ""))
    return _context(tuple((place, name) for place, name in named.items() if place), system)


@functools.cache  # loading some hundred certificates takes 50 ms
def _context(named: tuple[tuple[str, str], ...], _system: tuple[str, str]) -> ssl.SSLContext:
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    for place, named_by in named:
        _trust(context, Path(place).expanduser(), named_by)
    return context


def _trust(context: ssl.SSLContext, place: Path, named_by: str) -> None:
    try:
        if place.is_dir():
            context.load_verify_locations(capath=str(place))
        else:
            context.load_verify_locations(cafile=str(place))
    except OSError as problem:  # ssl.SSLError is one
        raise FetchError(
            f"The certificates in {place} cannot be used ({problem}).",
            hint=f"They are named by {named_by}.",
        ) from problem


def without_credentials(url: str) -> str:
    """The URL in a form safe for messages: no login, no fragment, no query (it may contain a key)."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "the URL"
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme, host + port, parts.path, "", ""))


def is_untrusted(problem: Exception) -> bool:
    """Whether a request failed because of the server's certificate, so that a retry is useless."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(problem))


def explain(problem: Exception, url: str) -> FetchError:
    """What a failed request of ``httpx`` means, and what to do about it."""
    place = without_credentials(url)
    host = urlsplit(place).hostname or place
    for cause in _causes(problem):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return FetchError(
                f"{place} cannot be fetched: the certificate of {host} is not trusted "
                f"({cause.verify_message}).",
                hint="If a proxy inspects traffic, name its certificates with SSL_CERT_FILE.",
            )
        if isinstance(cause, socket.gaierror):
            return FetchError(f"{place} cannot be fetched: {host} was not found.", hint=_CHECK)
    kind = type(problem).__name__
    if "Proxy" in kind:
        hint = f"Check HTTP_PROXY, HTTPS_PROXY and pip's proxy setting. {AGAIN}"
        return FetchError(f"{place} cannot be fetched: the proxy refuses ({problem}).", hint=hint)
    if "Timeout" in kind:
        return FetchError(f"{place} cannot be fetched: {host} does not answer.", hint=_CHECK)
    return FetchError(f"{place} cannot be fetched: {_reason(problem)}.", hint=_CHECK)


def _reason(problem: Exception) -> str:
    for cause in _causes(problem):
        if isinstance(cause, OSError) and cause.errno and cause.strerror:
            return cause.strerror.lower()
    return str(problem).rstrip(".") or type(problem).__name__


def _causes(problem: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while problem is not None and problem not in found:
        found.append(problem)
        problem = problem.__cause__ or problem.__context__
    return found
