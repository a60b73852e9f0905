"""A browser, a server, and pages that fail their test for any error in the browser's console."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

import patient
from coblyn.native.bundle import Bundle
from ui.desk import wait

WEB = Path(__file__).parents[2] / "src" / "coblyn" / "web"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
REPORT_VIOLATIONS = """
  document.addEventListener("securitypolicyviolation", (event) =>
    console.error(`policy ${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`));
"""

PATIENCE = 60_000
"""Milliseconds, for whatever a page is to do: a busy machine is no fault of it."""

NewPage = Callable[..., Page]


def missing(what: str) -> NoReturn:
    """Leave a test out on a desk that lacks something; in CI nothing may be lacking."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def chromium() -> str:
    """The system's Chromium, if possible the shell that has no windows; playwright's own is never downloaded."""
    named = os.environ.get("COBLYN_CHROMIUM")
    names = [named] if named else ["chromium-headless-shell", "chromium"]
    path = next(filter(None, map(shutil.which, names)), None)
    if not path:
        missing("These tests need Chromium: install it, or name it in COBLYN_CHROMIUM.")
    return path


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """One for all tests, since a process can have only one at a time."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A browser for all tests."""
    browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def built_page() -> None:
    """The page, as `pip install -e .` or `npm run build` has made it."""
    if not (WEB / "index.html").is_file():
        missing("The page is not built: run `npm run build` in ui/.")


@contextmanager
def serving(
    home: Path, command: Sequence[str] = ("serve", "--fake", "--port", "0")
) -> Iterator[str]:
    """A server as its users start it; over the scripted engine, on a free port, if nothing else is said."""
    environment = os.environ | {"COBLYN_HOME": str(home)}
    with subprocess.Popen(
        [sys.executable, "-m", "coblyn", *command],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as server:
        assert server.stdout
        greeting = server.stdout.readline()
        assert "http://" in greeting, f"the server did not start: {greeting!r}"
        try:
            yield "http://" + greeting.partition("http://")[2].split()[0]
        finally:
            server.terminate()


def lend(bundle: Bundle, home: Path) -> None:
    """Give a home the engine that is built already."""
    cache = home / "cache"
    cache.mkdir(parents=True)
    users = bundle.lib_dir.parents[2]
    (cache / "bundles").symlink_to(users / "bundles")
    for name in ("proofs", "tunings"):
        shutil.copytree(users / name, cache / name)


@pytest.fixture(scope="session")
def server_url(built_page: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server for all tests."""
    with serving(tmp_path_factory.mktemp("home")) as address:
        yield address


def new_story(address: str) -> str:
    """An empty story; gives its id."""
    answer = patient.post(f"{address}/api/coblyn/stories", json={})
    return str(answer.json()["id"])


@pytest.fixture
def new_page(browser: Browser, built_page: None) -> Iterator[NewPage]:
    """Opens pages, each with a storage of its own unless a context is given, and a story of its own
    unless the address names one.

    At the end of the test none of them may have complained: neither in the console, nor with an
    exception, nor about the content security policy. ``page.expected`` holds parts of messages that
    the test provokes.
    """
    pages: list[tuple[Page, list[str]]] = []
    contexts: list[BrowserContext] = []

    def open_page(address: str, context: BrowserContext | None = None, **options: object) -> Page:
        if context is None:
            context = browser.new_context(**options)  # type: ignore[arg-type]
            context.add_init_script(REPORT_VIOLATIONS)
            context.set_default_timeout(PATIENCE)
            contexts.append(context)
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"exception: {error}"))
        page.expected = []  # type: ignore[attr-defined]
        pages.append((page, complaints))
        page.goto(address if "#" in address else f"{address}/#/s/{new_story(address)}")
        wait(page, lambda: page.evaluate("() => window.__app.save() !== ''"), "the story")
        return page

    yield open_page
    found = [
        complaint
        for page, complaints in pages
        for complaint in complaints
        if not any(part in complaint for part in page.expected)  # type: ignore[attr-defined]
    ]
    for context in contexts:
        context.close()
    assert found == []


@pytest.fixture
def page(new_page: NewPage, server_url: str) -> Page:
    """The page, on a desk."""
    return new_page(server_url, viewport={"width": 1280, "height": 800})
