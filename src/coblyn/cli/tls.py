"""The certificate of a server, checked before any slow work."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from coblyn.errors import SettingsError
from coblyn.files import read_small

if TYPE_CHECKING:
    from coblyn.settings import Settings

__all__ = ["Tls"]

_MAX_SIZE = 1 << 20
"""Bytes of a PEM file."""


@dataclass(frozen=True, slots=True)
class Tls:
    """The files of a certificate and its private key; the latter is None if both are in one."""

    cert: str
    key: str | None

    @classmethod
    def of(cls, settings: Settings) -> Tls | None:
        """The files from the settings; None for plain HTTP.

        Raises:
            SettingsError: The files cannot be read, or do not belong together.
        """
        if not settings.tls_cert:
            if settings.tls_key:
                raise SettingsError("tls_key names a key, but tls_cert names no certificate.")
            return None
        import ssl

        chosen = cls(settings.tls_cert, settings.tls_key or None)
        _require_readable("certificate", chosen.cert)
        if chosen.key:
            _require_readable("private key", chosen.key)
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            # An encrypted key would cause a prompt in the middle of the start.
            context.load_cert_chain(chosen.cert, chosen.key, password=_no_password)
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"The certificate {chosen.cert} cannot be used: {_reason(error)}.",
                hint="Both files are PEM; --tls-key names the private key, without a password.",
            ) from error
        return chosen


def _require_readable(name: str, path: str) -> None:
    try:
        read_small(Path(path), _MAX_SIZE)
    except OSError as error:
        raise SettingsError(
            f"The {name} {path} cannot be read: {(error.strerror or str(error)).lower()}.",
            hint="--tls-cert and --tls-key name PEM files.",
        ) from error


def _reason(error: Exception) -> str:
    """What is wrong, without the place in Python's own source that such messages end with."""
    return re.sub(r" \(_ssl\.c:\d+\)$", "", str(error))


def _no_password() -> str:
    raise ValueError("its key has a password")
