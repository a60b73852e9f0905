"""``coblyn`` without arguments."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import patient
from coblyn.cli.desk import _has_screen

POSIX = pytest.mark.skipif(os.name == "nt", reason="the browser is a shell's command")


@contextmanager
def desk(home: Path, port: int, browser: str = "") -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {"COBLYN_HOME": str(home), "COBLYN_PORT": str(port)}
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        environment.pop(name, None)
    if browser:
        environment["BROWSER"] = browser
    command = [sys.executable, "-m", "coblyn"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.terminate()


def greeting(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()


@POSIX
def test_it_opens_the_page_before_there_is_a_model(tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    script.chmod(0o755)
    with desk(tmp_path / "home", 0, f"{script} %s") as process:
        line = greeting(process)
        assert "no model is loaded yet" in line
        url = line.partition(" at ")[2].split()[0]
        end = time.monotonic() + 20
        while not opened.exists():
            assert time.monotonic() < end, "no browser was opened"
            time.sleep(0.05)
        assert url in opened.read_text()
        health = patient.get(f"{url}/health")
        assert (health.status_code, health.json()["status"]) == (503, "unloaded")
        assert patient.get(f"{url}/v1/models").json()["data"] == []
        assert patient.get(f"{url}/api/tags").json()["models"] == []
        for path, body in (
            ("/api/v1/generate", {"prompt": "x"}),
            ("/v1/chat/completions", {"messages": [{"role": "user", "content": "x" * 99}]}),
        ):
            refused = patient.post(url + path, json=body)
            assert refused.status_code == 503
            assert "No model is loaded." in refused.text
        again = desk(tmp_path / "home", int(url.rpartition(":")[2]))
        with again as other:
            assert greeting(other) == f"Coblyn is at {url} already.\n"
            assert greeting(other) == f"Open {url} in a browser.\n"
            assert other.wait(20) == 0


def test_a_browser_is_opened_only_where_there_is_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BROWSER", "SSH_CONNECTION", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert not _has_screen()
    monkeypatch.setenv("DISPLAY", ":0")
    assert _has_screen()
    monkeypatch.setenv("SSH_CONNECTION", "somewhere")
    assert not _has_screen()
    monkeypatch.setenv("BROWSER", "w3m")
    assert _has_screen()
