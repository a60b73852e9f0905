"""``coblyn`` without arguments: the writing page in the browser, with the newest local model, or without a model."""

from __future__ import annotations

import json
import os
import sys
import webbrowser
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import urlopen

if TYPE_CHECKING:
    from coblyn.engine.config import EngineConfig
    from coblyn.settings import Settings

__all__ = ["open_desk"]

_PATIENCE = 2.0
"""Seconds to wait for a local server to identify itself."""


def open_desk() -> None:
    """Serve the page and open it; if a Coblyn server already has the port, open that one.

    Raises:
        CoblynError: The port belongs to another program, or the settings are invalid.
    """
    from coblyn.cli.serve import run_server
    from coblyn.errors import PortInUse
    from coblyn.settings import Settings

    settings = Settings.load(None, {})
    try:
        run_server(settings, None, lambda: _config(settings), on_ready=_show)
    except PortInUse:
        address = f"http://{settings.host}:{settings.port}"
        if not _is_ours(address):
            raise
        print(f"Coblyn is at {address} already.")
        _show(address)


def _config(settings: Settings) -> EngineConfig:
    """The newest model with the current engine; if either is missing, no model until one is chosen on the page."""
    from coblyn.cli.engine import NO_BUNDLE, configure
    from coblyn.engine.config import EngineConfig
    from coblyn.errors import CoblynError
    from coblyn.models import store

    if store.newest() is not None and _is_built():
        try:
            return configure(settings, None, yes=False)
        except CoblynError as error:
            print(f"coblyn: {error}", file=sys.stderr)
    return EngineConfig.from_settings(settings, bundle=NO_BUNDLE)


def _is_built() -> bool:
    from coblyn.errors import BundleMissing
    from coblyn.native import bundle
    from coblyn.native.fit import misfit_here

    try:
        return not misfit_here(bundle.current().receipt)
    except BundleMissing:
        return False


def _is_ours(address: str) -> bool:
    """Whether a Coblyn server answers there; one without a model answers with a specific error."""
    with suppress(OSError, ValueError):
        try:
            answer = urlopen(f"{address}/health", timeout=_PATIENCE)  # noqa: S310 - http
        except HTTPError as error:
            answer = error
        with answer:
            return "accelerator" in json.load(answer)
    return False


def _show(address: str) -> None:
    """Open a graphical browser if there is a screen; a text browser would take the terminal from the server."""
    if not _has_screen():
        print(f"Open {address} in a browser.", flush=True)
        return
    Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def _has_screen() -> bool:
    if os.environ.get("BROWSER"):
        return True
    if os.environ.get("SSH_CONNECTION"):
        return False
    return sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
