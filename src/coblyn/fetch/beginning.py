"""Reads the beginning of a file on a server, as far as needed; the rest is not requested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from coblyn.errors import FetchError
from coblyn.fetch.network import Network, explain, open_client, without_credentials
from coblyn.fetch.offline import require_network

__all__ = ["open_beginning"]

_BLOCK = 2**18
_DEFAULT = Network()


@contextmanager
def open_beginning(
    url: str, headers: Mapping[str, str] | None = None, network: Network = _DEFAULT
) -> Iterator[Iterator[bytes]]:
    """Give the blocks of a file from its start; the connection is closed when the ``with`` block ends.

    Args:
        url: An http, https or file URL.
        headers: Sent with the request; an ``Authorization`` is not forwarded to another host.
        network: How to reach the server.

    Raises:
        FetchError: It cannot be downloaded, or the connection ends early.
    """
    if url.lower().startswith("file:"):
        path = Path(url2pathname(urlsplit(url).path))
        try:
            with path.open("rb") as file:
                yield iter(lambda: file.read(_BLOCK), b"")
        except OSError as problem:
            raise FetchError(f"{path} cannot be read: {problem.strerror}.") from problem
        return
    import httpx

    place = without_credentials(url)
    require_network(place)
    has_login = any(name.lower() == "authorization" for name in headers or {})
    try:
        with (
            open_client(network, url, use_netrc=not has_login) as client,
            client.stream("GET", url, headers=dict(headers or {})) as response,
        ):
            if response.status_code != httpx.codes.OK:
                status = f"{response.status_code} {response.reason_phrase}"
                raise FetchError(f"{place} cannot be fetched: the server answers {status}.")
            yield response.iter_raw(_BLOCK)
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        raise explain(problem, url) from problem
