"""Fixtures that all tests share.

No test touches the files of the user who runs it: ``COBLYN_HOME`` is a fresh directory, always. Only the engine bundle
and the models come from the user's own cache, since making them takes minutes.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from coblyn.native.bundle import Bundle


def pytest_configure() -> None:
    """Whoever is started in the background by a shell ignores Ctrl-C, and so would all that the tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for each test, and an environment without the user's choices."""
    for name in list(os.environ):
        if name.startswith("COBLYN_") and name != "COBLYN_CHROMIUM":
            monkeypatch.delenv(name)
    directory = tmp_path / "coblyn-home"
    monkeypatch.setenv("COBLYN_HOME", str(directory))
    return directory


@pytest.fixture(scope="session")
def users_environment() -> dict[str, str]:
    """The environment as it was before the tests, for programs that use the user's own cache."""
    return dict(os.environ)


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    """The engine in use; the first time it is built."""
    from coblyn.cli.build import ensure_bundle

    return ensure_bundle()


@pytest.fixture(scope="session")
def pinned_tree() -> Path:
    """The pinned llama.cpp tree; the first time it is fetched."""
    from coblyn.native.source import obtain, pinned_source

    return obtain(pinned_source())


@pytest.fixture(scope="session")
def starter_model() -> Path:
    """The starter model's file; the first time it is fetched."""
    from coblyn.cli.choose import resolve_model

    return resolve_model("smollm2", yes=True)
