"""The side of a server that clients see: where it listens, under which certificate, for which keys."""

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
    """Where a server is met.

    Attributes:
        places: Where it listens.
        listeners: A bound socket for each.
        tls: Its certificate; None for plain HTTP.
        keys: Gives the API keys that are known now.
    """

    places: tuple[Place, ...]
    listeners: tuple[socket.socket, ...]
    tls: Tls | None
    keys: Callable[[], tuple[ApiKey, ...]]

    @property
    def addresses(self) -> list[str]:
        """How clients write where it is."""
        scheme = "https" if self.tls else "http"
        return [
            address_of(listener, place, scheme)
            for listener, place in zip(self.listeners, self.places, strict=True)
        ]


@contextmanager
def opened(settings: Settings, config: Path | None) -> Iterator[Front]:
    """Take all places where a server should listen.

    Args:
        settings: What the user chose.
        config: The settings file that was named, whose keys are read again when it changes.

    Raises:
        SettingsError: Something that was chosen cannot be used.
        PortInUse: Someone else has a place.
    """
    keys, tls = _keys(settings, config), Tls.of(settings)
    where = places(settings.host, settings.port, settings.listen)
    if settings.ollama_port:
        where += places(settings.host, settings.ollama_port, ())
    with listening(where, has_keys=bool(keys())) as listeners:
        yield Front(tuple(where), tuple(listeners), tls, keys)


def _keys(settings: Settings, config: Path | None) -> Callable[[], tuple[ApiKey, ...]]:
    """Those of the settings file, as it is when they are asked for, of another program's, and of the environment."""
    # No process that this one starts has a use for it.
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
