"""Where a server listens: addresses, ports and UNIX sockets, bound before any slow work."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import socket
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from coblyn.errors import PortInUse, SettingsError

__all__ = ["Place", "address_of", "listening", "places"]

_UNIX = "unix:"


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to listen.

    Attributes:
        host: Name or address, without brackets; the path of a UNIX socket if ``is_unix``.
        port: 0 for any.
        is_unix: Whether it is a UNIX socket.
    """

    host: str
    port: int = 0
    is_unix: bool = False

    def __str__(self) -> str:
        if self.is_unix:
            return f"{_UNIX}{self.host}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def places(host: str, port: int, more: Sequence[str]) -> list[Place]:
    """Parse the main address and additional ones.

    ``HOST``, ``HOST:PORT``, ``[IPV6]:PORT`` or ``unix:PATH``; without a port it is the main one's.

    Raises:
        SettingsError: An address is invalid.
    """
    return [_place(host, port), *(_place(text, port) for text in more)]


def _place(text: str, port: int) -> Place:
    if text.startswith(_UNIX):
        if not hasattr(socket, "AF_UNIX"):
            raise SettingsError(f"{text} is a UNIX socket, and this system has none.")
        return Place(str(Path(text.removeprefix(_UNIX)).expanduser()), is_unix=True)
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        known = bool(bracket) and (not rest or rest.startswith(":"))
        number = rest.removeprefix(":")
    elif text.count(":") == 1:
        (host, _, number), known = text.partition(":"), True
    else:
        host, number, known = text, "", True
    if not known or not host or (number and not _is_port(number)):
        raise SettingsError(
            f"{text} is not an address to listen on.",
            hint="Write HOST, HOST:PORT, [IPV6]:PORT or unix:PATH.",
        )
    return Place(host, int(number) if number else port)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) < 2**16


@contextmanager
def listening(places: Sequence[Place], *, has_keys: bool) -> Iterator[list[socket.socket]]:
    """Bound sockets that do not listen yet; at the end they are closed and their files removed.

    Args:
        places: The places.
        has_keys: Whether there are API keys, which remote access requires.

    Raises:
        SettingsError: An address is invalid, or is reachable from other machines and there are no keys.
        PortInUse: Another program uses the port.
    """
    with ExitStack() as stack:
        yield [
            stack.enter_context(_unix(place) if place.is_unix else _bound(place, has_keys=has_keys))
            for place in places
        ]


@contextmanager
def _bound(place: Place, *, has_keys: bool) -> Iterator[socket.socket]:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            place.host, place.port, type=socket.SOCK_STREAM
        )[0]
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingsError(f"{place.host} is not an address to listen on: {reason}.") from error
    if not has_keys and not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback:
        raise SettingsError(
            f"{place.host} can be reached from other machines, and there is no API key to keep others out.",
            hint="Make one: coblyn key add NAME",
        )
    with socket.socket(family, kind, protocol) as listener:
        try:
            if sys.platform != "win32":  # on Windows it would let two servers share a port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except OSError as error:
            raise PortInUse(
                f"{place} cannot be listened on: {error.strerror}.",
                hint="Stop the program that has the port, or choose another with --port.",
            ) from error
        yield listener


@contextmanager
def _unix(place: Place) -> Iterator[socket.socket]:
    path = Path(place.host)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        try:
            _remove_left_over(path)
            # Whoever can open the file can use the server without a key, so only its owner may.
            mask = os.umask(0o177)
            try:
                listener.bind(str(path))
            finally:
                os.umask(mask)
        except OSError as error:
            raise PortInUse(
                f"{place} cannot be listened on: {error.strerror or error}.",
                hint="Stop the program that has it, or choose another path.",
            ) from error
        try:
            yield listener
        finally:
            with contextlib.suppress(OSError):
                path.unlink()


def _remove_left_over(path: Path) -> None:
    """Remove the socket file of a server that has ended, which would prevent binding."""
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            return
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
    raise OSError(errno.EADDRINUSE, "Another program listens there")


def address_of(listener: socket.socket, place: Place, scheme: str) -> str:
    """The address that clients use for a place."""
    if place.is_unix:
        return str(place)
    return f"{scheme}://{Place(place.host, listener.getsockname()[1])}"
