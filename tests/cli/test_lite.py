"""KoboldAI Lite under ``/lite``, with a page that stands in for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import patient
from asgi import Client
from coblyn.api.app import create_app
from coblyn.api.lite import LITE_CSP
from coblyn.api.page import CSP
from coblyn.api.state import ApiOptions
from coblyn.cli import lite
from coblyn.cli.app import make_app
from coblyn.cli.lite import lite_page
from coblyn.errors import ChecksumMismatch, FetchError, SettingsError
from factories import SteppedEngine
from file_server import FileServer, serve_files

PAGE = b"<!DOCTYPE html><html><title>KoboldAI Lite</title><script>let a = 1</script></html>"


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files() as server:
        yield server


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COBLYN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def client(tmp_path: Path) -> Client:
    file = tmp_path / "lite.html"
    file.write_bytes(PAGE)
    return Client(create_app(SteppedEngine(), ApiOptions(lite=file)))


async def test_the_page_knows_that_it_is_at_home(client: Client) -> None:
    reply = await client.get("/lite?key=mine")
    assert reply.status == 307
    assert reply.headers["location"] == "lite?key=mine&local=1"
    reply = await client.get("/lite?local=1")
    assert reply.body == PAGE
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert (await client.get("/manifest.json")).json["name"] == "KoboldAI Lite"


async def test_its_policy_is_an_exception_of_its_own(client: Client) -> None:
    policy = (await client.get("/lite?local=1")).headers["content-security-policy"]
    assert policy == LITE_CSP
    assert "connect-src 'self' data: blob:;" in policy
    assert "http" not in policy
    assert "*" not in policy
    assert "unsafe" not in CSP


async def test_it_is_not_there_unless_asked_for() -> None:
    client = Client(create_app(SteppedEngine()))
    assert (await client.get("/lite?local=1")).status == 404


def test_a_file_is_taken_where_it_is(tmp_path: Path) -> None:
    file = tmp_path / "my lite.html"
    file.write_bytes(PAGE)
    assert lite_page(str(file)) == file


@pytest.mark.parametrize(
    "content", [b"", b"<html>KoboldAI Lite", b"<!doctype html><title>Other</title>", b"\x00" * 99]
)
def test_what_is_no_such_page_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "other.html"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match="not a page of KoboldAI Lite"):
        lite_page(str(file))


def test_a_huge_file_and_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        lite_page(str(tmp_path / "none.html"))
    file = tmp_path / "huge.html"
    file.write_bytes(PAGE + bytes(17 << 20))
    with pytest.raises(SettingsError, match="more than 16 MiB"):
        lite_page(str(file))


def test_an_address_is_fetched_anew_and_kept_for_when_it_fails(
    server: FileServer, home: Path
) -> None:
    address = server.add("/lite.html", PAGE)
    page = lite_page(address)
    assert page.read_bytes() == PAGE
    assert page.is_relative_to(home / "cache")
    newer = server.add("/lite.html", PAGE + b"<!-- newer -->")
    assert lite_page(newer).read_bytes().endswith(b"newer -->")
    del server.files["/lite.html"]
    assert lite_page(newer).read_bytes().endswith(b"newer -->")
    with pytest.raises(FetchError):
        lite_page(server.url + "/never.html")


def test_the_release_is_checked_to_the_byte(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lite, "_ADDRESS", server.add("/lite.html", PAGE))
    monkeypatch.setattr(lite, "_SIZE", len(PAGE))
    with pytest.raises(ChecksumMismatch):
        lite_page("fetch")


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--lite"], ("fetch", None)),
        (["--lite", "--port", "0"], ("fetch", None)),
        (["--lite", "model.gguf"], ("fetch", "model.gguf")),
        (["model.gguf", "--lite"], ("fetch", "model.gguf")),
        (["--lite", "page.html", "model.gguf"], ("page.html", "model.gguf")),
        (["--lite", "https://a.example/x"], ("https://a.example/x", None)),
        (["--lite=page"], ("page", None)),
    ],
)
def test_the_option_may_stand_alone(
    arguments: list[str], wanted: tuple[str, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    import typer

    command = typer.main.get_command(make_app()).get_command(None, "serve")  # type: ignore[attr-defined]
    context = command.make_context("serve", list(arguments))
    assert (context.params["lite"], context.params["model"]) == wanted


def test_a_server_has_it(tmp_path: Path) -> None:
    file = tmp_path / "lite.html"
    file.write_bytes(PAGE)
    command = [sys.executable, "-m", "coblyn", "serve", "--fake", "--port", "0"]
    with subprocess.Popen(
        [*command, "--lite", str(file)], stdout=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        assert process.stdout
        try:
            greeting = process.stdout.readline()
            url = next(word for word in greeting.split() if word.startswith("http://"))
            page = patient.get(f"{url}/lite", follow_redirects=True)
        finally:
            process.terminate()
            process.wait(15)
    assert page.content == PAGE
    assert page.url.query == b"local=1"
