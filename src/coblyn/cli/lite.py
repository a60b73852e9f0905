"""Finds the page of KoboldAI Lite: a file, an address, or the release tested with this version."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from coblyn import paths
from coblyn.errors import FetchError, SettingsError
from coblyn.files import read_small
from coblyn.settings import Settings

__all__ = ["lite_page", "with_page"]

_COMMIT = "27eb1dcc59d686675ce5018ccf696f0ee8cf5794"
_ADDRESS = f"https://raw.githubusercontent.com/LostRuins/lite.koboldai.net/{_COMMIT}/index.html"
_SHA256 = "054144ea93f52428abfb605810d8fe0f3cbc7c8c1d556fddc7012f6ee4c73810"
_SIZE = 1_683_993
"""Release 339, of July 2026."""

_MAX_SIZE = 16 << 20
_NAME = b"KoboldAI Lite"


def with_page(settings: Settings) -> Settings:
    """Settings in which the chosen page, if any, is a local file."""
    return replace(settings, lite=str(lite_page(settings.lite))) if settings.lite else settings


def lite_page(choice: str) -> Path:
    """The validated file of the page.

    Args:
        choice: A file, an address, or ``fetch``. An address is downloaded each time; if that fails, the last downloaded
            page is used.

    Raises:
        SettingsError: It is not a page of KoboldAI Lite.
        FetchError: It cannot be downloaded, and was never downloaded before.
    """
    if choice == "fetch":
        page = _fetched(_ADDRESS, "339", _SHA256, _SIZE)
    elif "://" in choice:
        page = _fetched(choice, hashlib.sha256(choice.encode()).hexdigest()[:16])
    else:
        page = Path(choice).expanduser().absolute()
    _require_page(page, choice)
    return page


def _fetched(address: str, name: str, sha256: str | None = None, size: int | None = None) -> Path:
    from coblyn.cli.bar import bar
    from coblyn.fetch.download import fetch

    target = paths.cache() / "lite" / f"{name}.html"
    try:
        with bar() as report:
            what = "KoboldAI Lite"
            return fetch(address, target, sha256=sha256, size=size, report=report, what=what)
    except FetchError:
        if sha256 or not target.is_file():
            raise
        return target


def _require_page(page: Path, choice: str) -> None:
    try:
        content = read_small(page, _MAX_SIZE)
    except OSError as error:
        raise SettingsError(f"{choice} cannot be read: {error.strerror or error}.") from error
    is_page = content[:1024].lstrip().lower().startswith(b"<!doctype html")
    if not (is_page and _NAME in content):
        raise SettingsError(
            f"{choice} is not a page of KoboldAI Lite.",
            hint="It is a single HTML file, index.html of its repository. `--lite` alone fetches it.",
        )
