"""``coblyn serve`` as a real process on the scripted engine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil
import pytest


@contextmanager
def served(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server that answers, and its address; it is gone afterwards."""
    command = [sys.executable, "-m", "coblyn", "serve", "--fake", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        greeting = process.stdout.readline()
        try:
            assert "http://" in greeting, greeting
            yield process, next(word for word in greeting.split() if word.startswith("http://"))
        finally:
            process.terminate()
            process.wait(15)


def test_it_serves_and_says_where() -> None:
    with served() as (_, url):
        health = httpx.get(f"{url}/health").json()
        assert (health["status"], health["model"]) == ("ok", "fake")
        answer = httpx.post(f"{url}/api/v1/generate", json={"prompt": "x", "max_length": 8}).json()
        assert answer["results"][0]["text"] == "The lamp"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_ctrl_c_ends_it_and_its_engine() -> None:
    with served() as (process, url):
        httpx.post(f"{url}/api/v1/generate", json={"prompt": "x", "max_length": 2})
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert process.wait(15) in (0, 130)
        _, alive = psutil.wait_procs(children, 5)
        assert not alive


def test_a_killed_engine_is_told_and_comes_back() -> None:
    with served() as (process, url):
        (engine,) = psutil.Process(process.pid).children()
        body = {"prompt": "x", "max_length": 500}
        with httpx.stream("POST", f"{url}/v1/completions", json=body | {"stream": True}) as answer:
            lines = answer.iter_lines()
            next(lines)
            engine.kill()
            rest = "\n".join(lines)
        assert "engine_restarted" in rest
        assert httpx.post(
            f"{url}/api/v1/generate", json={"prompt": "x", "max_length": 3}
        ).is_success
        assert httpx.get(f"{url}/health").json()["restarts"] == 1


def failed(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "coblyn", "serve", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_port_in_use() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = failed("--fake", "--port", str(port))
    assert done.returncode == 10
    assert f"127.0.0.1:{port} can not be listened on" in done.stderr
    assert "--port" in done.stderr


def test_a_host_that_is_none() -> None:
    done = failed("--fake", "--host", "no.such.host.invalid")
    assert done.returncode == 2
    assert "no.such.host.invalid" in done.stderr


def test_a_host_beyond_this_machine_is_refused() -> None:
    done = failed("--fake", "--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 2
    assert "only on this machine" in done.stderr


def test_a_model_that_is_not_there() -> None:
    done = failed("/nowhere/model.gguf")
    assert done.returncode == 3
    assert "/nowhere/model.gguf" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_setting() -> None:
    done = failed("--fake", "--cache-type", "q9_9")
    assert done.returncode == 2
    assert "cache_type" in done.stderr
