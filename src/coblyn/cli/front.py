"""The server's side towards clients: listening places, certificate and keys."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from coblyn import paths
from coblyn.cli.bind import Place, address_of, listening, places
from coblyn.cli.tls import Tls
from coblyn.errors import SettingsError
from coblyn.keys.file import KeysOnDisk
from coblyn.keys.key import ApiKey, hash_of
from coblyn.settings import Settings

__all__ = ["Front", "opened"]

_MIN_SECRET = 16


@dataclass(frozen=True, slots=True)
class Front:
    """The listening side of a server.

    Attributes:
        places: The places where it listens.
        listeners: A bound socket for each.
        tls: Its certificate; None for plain HTTP.
        keys: Gives the current API keys.
    """

    places: tuple[Place, ...]
    listeners: tuple[socket.socket, ...]
    tls: Tls | None
    keys: Callable[[], tuple[ApiKey, ...]]

    @property
    def addresses(self) -> list[str]:
        """The addresses that clients use."""
        scheme = "https" if self.tls else "http"
        return [
            address_of(listener, place, scheme)
            for listener, place in zip(self.listeners, self.places, strict=True)
        ]


@contextmanager
def opened(settings: Settings, config: Path | None) -> Iterator[Front]:
    """Bind all places where a server should listen.

    Args:
        settings: The settings.
        config: The chosen settings file, whose keys are reread when it changes.

    Raises:
        SettingsError: A setting cannot be used.
        PortInUse: Another program uses a place.
    """
    keys, tls = _keys(settings, config), Tls.of(settings)
    where = places(settings.host, settings.port, settings.listen)
    if settings.ollama_port:
        where += places(settings.host, settings.ollama_port, ())
    with listening(where, has_keys=bool(keys())) as listeners:
        yield Front(tuple(where), tuple(listeners), tls, keys)


def _keys(settings: Settings, config: Path | None) -> Callable[[], tuple[ApiKey, ...]]:
    """The keys of the settings file (current content), of another program's file, and of the environment."""
    # Removed, since child processes do not need it.
    secret = os.environ.pop("COBLYN_API_KEY", "")
    if secret and len(secret) < _MIN_SECRET:
        raise SettingsError(
            f"COBLYN_API_KEY is too short: it can be guessed. It takes {_MIN_SECRET} characters."
        )
    own = ApiKey(name="environment", hash=hash_of(os.fsencode(secret)), scope="admin")
    file = KeysOnDisk(config or paths.config(), lambda: Settings.load(config).keys)
    others = tuple(key for key in settings.keys if key not in file())
    more = (*others, own) if secret else others
    return lambda: (*file(), *more)
