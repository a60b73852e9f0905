"""``coblyn serve`` as a real process on the scripted engine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

import patient

POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals for another process")


@contextmanager
def served(
    *arguments: str, errors: int | None = None, **variables: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server that answers, and its address; it is gone afterwards."""
    command = [sys.executable, "-m", "coblyn", "serve", "--fake", "--port", "0", *arguments]
    environment = {**os.environ, **variables}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
    ) as process:
        assert process.stdout
        greeting = process.stdout.readline()
        try:
            url = next((word for word in greeting.split() if word.startswith("http")), "").rstrip(
                ","
            )
            assert url, greeting
            yield process, url
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(15)


def engines_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes of a server that are engines; others render templates, or are just being started."""
    children = psutil.Process(process.pid).children()
    return [child for child in children if "coblyn.engine.worker" in child.cmdline()]


def test_it_serves_and_says_where() -> None:
    with served() as (_, url):
        health = patient.get(f"{url}/health").json()
        assert (health["status"], health["model"]) == ("ok", "fake")
        answer = patient.post(
            f"{url}/api/v1/generate", json={"prompt": "x", "max_length": 8}
        ).json()
        assert answer["results"][0]["text"] == "The lamp"


def test_it_listens_as_ollama_too() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with served("--ollama-port", str(port)) as (_, url):
        own = f"http://127.0.0.1:{port}"
        assert patient.get(own).text == "Ollama is running"
        assert patient.get(f"{own}/api/tags").json()["models"][0]["name"] == "fake:latest"
        assert patient.get(url).text != "Ollama is running"


@POSIX
def test_ctrl_c_ends_it_and_its_engine() -> None:
    with served() as (process, url):
        patient.post(f"{url}/api/v1/generate", json={"prompt": "x", "max_length": 2})
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert process.wait(15) in (0, 130)
        _, alive = psutil.wait_procs(children, 5)
        assert not alive


@POSIX
def test_what_a_build_loaded_is_taken_apart_in_silence() -> None:
    """The reader of object files reports what is left of it, on the terminal."""
    script = (
        "import sys, lief; sys.argv = ['coblyn', 'serve', '--fake', '--port', '0'];"
        "from coblyn.cli import main; main()"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=pipe, stderr=pipe, text=True
    ) as process:
        assert process.stdout
        assert "http://" in process.stdout.readline()
        process.terminate()
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")


ENDLESS = {
    "prompt": "x",
    "max_length": 3000,
    "max_tokens": 3000,
    "ignore_eos": True,
    "ban_eos_token": True,
}


class Clients:
    """Requests from threads, and what they got."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=60)
        self._pool = ThreadPoolExecutor(32)
        self._has_begun = threading.Semaphore(0)

    def stream(self, path: str) -> Future[str]:
        """The last line of a stream; returns after its first."""
        future = self._pool.submit(self._read, path)
        assert self._has_begun.acquire(timeout=30)
        return future

    def send(self, path: str) -> Future[httpx.Response]:
        """A request for one answer, which is on its way when this returns."""
        return self._pool.submit(self._client.post, path, json=ENDLESS)

    def close(self) -> None:
        self._pool.shutdown()
        self._client.close()

    def _read(self, path: str) -> str:
        body = ENDLESS | {"stream": True}
        with self._client.stream("POST", path, json=body) as answer:
            lines = answer.iter_lines()
            first = next(lines)
            self._has_begun.release()
            return [line for line in (first, *lines) if line][-1]


def wait_for_queue(url: str, count: int) -> None:
    while patient.get(f"{url}/health").json()["waiting"] < count:
        time.sleep(0.02)


@POSIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("is_hung", [False, True])
def test_everybody_is_told_of_the_end(number: int, is_hung: bool) -> None:
    with ExitStack() as stack:
        process, url = stack.enter_context(
            served("--max-running", "2", errors=subprocess.PIPE, COBLYN_DRAIN_SECONDS="0.3")
        )
        (engine,) = engines_of(process)
        clients = stack.enter_context(closing(Clients(url)))
        chat = clients.stream("/v1/completions")
        kobold = clients.stream("/api/extra/generate/stream")
        waiting = [clients.send(path) for path in ("/v1/completions", "/api/v1/generate")]
        wait_for_queue(url, 2)
        if is_hung:
            engine.suspend()
        process.send_signal(number)
        answers = [each.result(30) for each in waiting]
        assert [answer.status_code for answer in answers] == [503, 503]
        assert "server is stopping" in answers[0].json()["error"]["message"]
        assert "server is stopping" in answers[1].json()["detail"]["msg"]
        assert '"code":"engine_stopped"' in chat.result(30)
        assert '"finish_reason": "error"' in kobold.result(30)
        assert process.stderr
        shown = process.stderr.read()
        assert process.wait(15) == (130 if number == signal.SIGINT else 0)
        assert "Traceback" not in shown
        assert len(shown.splitlines()) < 3, shown
        assert not engine.is_running()


@POSIX
def test_what_ends_in_time_ends_well() -> None:
    with served(COBLYN_DRAIN_SECONDS="30") as (process, url):
        body = {"prompt": "x", "max_tokens": 80, "stream": True}
        with httpx.stream("POST", f"{url}/v1/completions", json=body, timeout=60) as answer:
            lines = answer.iter_lines()
            next(lines)
            process.send_signal(signal.SIGTERM)
            assert list(lines)[-2:] == ["data: [DONE]", ""]
        assert process.wait(15) == 0


@POSIX
def test_a_second_ctrl_c_ends_it_at_once() -> None:
    with served(errors=subprocess.PIPE, COBLYN_DRAIN_SECONDS="3000") as (process, url):
        (engine,) = engines_of(process)
        clients = Clients(url)
        stream = clients.stream("/api/extra/generate/stream")
        engine.suspend()
        process.send_signal(signal.SIGINT)
        while True:  # until the first was heard: the port is closed
            try:
                patient.get(f"{url}/health")
            except httpx.TransportError:
                break
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 130
        assert process.stderr
        assert "Traceback" not in process.stderr.read()
        psutil.wait_procs([engine], 5)
        assert not engine.is_running()
        with pytest.raises(httpx.TransportError):
            stream.result(30)
        clients.close()


@POSIX
def test_a_reader_that_sleeps_does_not_hold_up_the_end() -> None:
    with served(errors=subprocess.PIPE, COBLYN_DRAIN_SECONDS="0.2") as (process, url):
        host, port = url.removeprefix("http://").split(":")
        body = json.dumps(ENDLESS).encode()
        head = f"POST /api/extra/generate/stream HTTP/1.1\r\nhost: {host}:{port}\r\n"
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        with socket.create_connection((host, int(port))) as sleeper:
            sleeper.sendall(head.encode() + body)
            assert sleeper.recv(10)
            process.send_signal(signal.SIGTERM)
            assert process.wait(15) == 0
        assert process.stderr
        assert process.stderr.read() == ""


@POSIX
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can")
def test_no_engine_outlives_a_server_that_was_killed() -> None:
    with served() as (process, _):
        (engine,) = engines_of(process)
        engine.suspend()
        process.kill()
        psutil.wait_procs([engine], 10)
        assert not engine.is_running()


@POSIX
def test_health_says_that_an_engine_hangs_and_it_is_started_again() -> None:
    with served(errors=subprocess.PIPE, COBLYN_HANG_SECONDS="5") as (process, url):
        (engine,) = engines_of(process)
        assert patient.get(f"{url}/health").json()["status"] == "ok"
        engine.suspend()
        seen = []
        while not seen or seen[-1] != ("ok", 1):
            health = patient.get(f"{url}/health")
            state = health.json()["status"]
            assert health.status_code == (200 if state == "ok" else 503)
            if (state, health.json()["restarts"]) not in seen:
                seen.append((state, health.json()["restarts"]))
            time.sleep(0.05)
        states = [state for state, _ in seen]  # on a busy machine the first one may be missed
        assert states[-3:] == ["not responding", "restarting", "ok"]
        assert "did not respond" in health.json()["death"]["reason"]


def test_a_killed_engine_is_told_and_comes_back() -> None:
    with served() as (process, url):
        (engine,) = engines_of(process)
        body = {"prompt": "x", "max_length": 500}
        with patient.stream(
            "POST", f"{url}/v1/completions", json=body | {"stream": True}
        ) as answer:
            lines = answer.iter_lines()
            next(lines)
            engine.kill()
            rest = "\n".join(lines)
        assert "engine_restarted" in rest
        assert patient.post(
            f"{url}/api/v1/generate", json={"prompt": "x", "max_length": 3}
        ).is_success
        assert patient.get(f"{url}/health").json()["restarts"] == 1


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
    assert f"127.0.0.1:{port} cannot be listened on" in done.stderr
    assert "--port" in done.stderr


def test_a_host_that_is_none() -> None:
    done = failed("--fake", "--host", "no.such.host.invalid")
    assert done.returncode == 2
    assert "no.such.host.invalid" in done.stderr


def test_a_host_beyond_this_machine_is_refused() -> None:
    done = failed("--fake", "--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 2
    assert "coblyn key add" in done.stderr


def request(connection: socket.socket, path: str, key: str = "") -> tuple[int, str]:
    """Ask over a connection, and close it."""
    with connection:
        more = f"authorization: Bearer {key}\r\n" if key else ""
        head = f"GET {path} HTTP/1.1\r\nhost: any.name\r\nconnection: close\r\n{more}\r\n"
        connection.sendall(head.encode())
        answer = b""
        while data := connection.recv(1 << 16):
            answer += data
    return int(answer.split()[1]), answer.decode()


def other_address() -> str:
    """An address of this machine that is reached as one of another machine is."""
    found = (
        each.address
        for name, addresses in psutil.net_if_addrs().items()
        for each in addresses
        if each.family == socket.AF_INET and not each.address.startswith("127.")
    )
    return next(found, "")


@POSIX
def test_with_a_key_it_listens_everywhere(tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "coblyn", "key", "add", "phone", "--json"],
        capture_output=True,
        check=True,
    )
    key = json.loads(made.stdout)["key"]
    path = tmp_path / "c.sock"
    with served("--host", "0.0.0.0", "--listen", f"unix:{path}", errors=subprocess.PIPE) as (
        process,
        url,
    ):
        port = int(url.rstrip(",").rpartition(":")[2])
        unix = socket.socket(socket.AF_UNIX)
        unix.connect(str(path))
        # Whoever may open the file needs no key, but names the machine as others do.
        assert request(unix, "/health")[0] == 403
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert request(socket.create_connection(("127.0.0.1", port)), "/health", key)[0] == 200
        if address := other_address():
            for asked in ("/health", "/", "/docs", "/v1/models"):
                assert request(socket.create_connection((address, port)), asked)[0] == 401
                assert request(socket.create_connection((address, port)), asked, key)[0] == 200
            subprocess.run([sys.executable, "-m", "coblyn", "key", "remove", "phone"], check=True)
            deadline = time.monotonic() + 20
            while request(socket.create_connection((address, port)), "/health", key)[0] == 200:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        process.terminate()
        assert process.wait(15) == 0
        assert process.stderr
        assert key not in process.stderr.read()
    assert not path.exists()


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl to make a certificate")
def test_https(tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(cert)]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    with served("--tls-cert", str(cert), "--tls-key", str(key)) as (_, url):
        assert url.startswith("https://")
        context = ssl.create_default_context(cafile=str(cert))
        assert patient.get(f"{url}/health", verify=context).json()["status"] == "ok"
    wrong = failed("--fake", "--port", "0", "--tls-cert", str(key))
    assert wrong.returncode == 2
    assert "cannot be used" in wrong.stderr
    assert "_ssl.c" not in wrong.stderr
    missing = failed("--fake", "--port", "0", "--tls-cert", str(cert), "--tls-key", "none.pem")
    assert missing.returncode == 2
    assert "The private key none.pem cannot be read: no such file or directory." in missing.stderr


def test_a_model_that_is_not_there() -> None:
    done = failed("/nowhere/model.gguf")
    assert done.returncode == 3
    assert "/nowhere/model.gguf" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_setting() -> None:
    done = failed("--fake", "--cache-type", "q9_9")
    assert done.returncode == 2
    assert "cache_type" in done.stderr


def test_stories_are_kept_where_the_user_asked_for_it(tmp_path: Path) -> None:
    story = tmp_path / "story.json"
    story.write_text('{"prompt": "Once"}')
    surroundings = {"COBLYN_HOME": str(tmp_path), "COBLYN_PRELOAD_STORY": str(story)}
    with served("--data-slots", "--multiplayer", **surroundings) as (_, url):
        version = patient.get(f"{url}/api/extra/version").json()
        assert (version["savedata"], version["multiplayer"]) == (True, True)
        saved = {"slot": 0, "title": "Mine", "format": "text", "data": "Once upon a time"}
        assert patient.post(f"{url}/api/extra/data/save", json=saved).json()["success"] is True
        assert patient.get(f"{url}/api/extra/preloadstory").json() == {"prompt": "Once"}
    assert (tmp_path / "data" / "stories.sqlite").is_file()


def test_a_story_that_is_none_is_named_before_anything_is_served(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "coblyn", "serve", "--fake", "--port", "0"]
    surroundings = os.environ | {"COBLYN_PRELOAD_STORY": str(tmp_path / "gone.json")}
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=60)
    assert done.returncode
    assert "gone.json" in done.stderr


def test_koboldcpps_settings_are_a_servers(tmp_path: Path) -> None:
    file = tmp_path / "my.kcpps"
    chosen = {
        "contextsize": 2048,
        "defaultgenamt": 333,
        "port": 1,  # the command line goes before it
        "gendefaults": {"max_length": 3},
        "preloadstory": {"prompt": "Once"},
        "password": "secret-word",
        "mmprojcpu": True,
        "usecuda": ["0"],
    }
    file.write_text(json.dumps(chosen))
    with served(str(file), errors=subprocess.PIPE, COBLYN_HOME=str(tmp_path)) as (process, url):
        assert patient.get(f"{url}/api/v1/model").status_code == 401
        with httpx.Client(headers={"authorization": "Bearer secret-word"}) as client:
            story = client.get(f"{url}/api/extra/preloadstory").json()
            body = {"prompt": "x"}
            answer = client.post(f"{url}/api/v1/generate", json=body).json()
            usual = client.get(f"{url}/api/v1/config/max_length").json()
        process.terminate()
        assert process.stderr
        told = process.stderr.read()
    assert story == {"prompt": "Once"}
    assert answer["results"][0]["text"] == "The"
    assert usual == {"value": 333}
    assert "contextsize as context" in told
    assert "mmprojcpu (reading of pictures on the CPU)" in told
    assert "usecuda (the bundle's accelerator is used)" in told
    assert "secret-word" not in told


def test_an_administrator_loads_other_settings_without_an_end_of_the_server(tmp_path: Path) -> None:
    (tmp_path / "two.kcpps").write_text('{"parallelrequests": 2}')
    (tmp_path / "bad.kcpps").write_text('{"quantkv": 9}')
    (tmp_path / "notes.txt").write_text("no option")
    with served("--admin-dir", str(tmp_path)) as (process, url):

        def load(name: str) -> dict[str, Any]:
            body = {"filename": name}
            answer = httpx.post(f"{url}/api/admin/reload_config", json=body, timeout=30).json()
            assert isinstance(answer, dict)
            return answer

        def text() -> httpx.Response:
            return patient.post(f"{url}/api/v1/generate", json={"prompt": "x", "max_length": 3})

        assert patient.get(f"{url}/api/extra/version").json()["admin"] == 1
        options = patient.get(f"{url}/api/admin/list_options").json()
        assert options == ["bad.kcpps", "two.kcpps", "initial_model", "unload_model"]
        (first,) = engines_of(process)
        assert load("two.kcpps") == {"success": True}
        psutil.wait_procs([first], 5)
        (second,) = engines_of(process)
        assert second.pid != first.pid
        assert text().json()["results"][0]["text"] == "The"
        for name, named in [
            ("notes.txt", "notes.txt"),
            ("../x.kcpps", "x.kcpps"),
            ("bad.kcpps", "quantkv"),
        ]:
            refused = load(name)
            assert refused["success"] is False
            assert named in refused["error"]
        assert load("unload_model") == {"success": True}
        assert patient.get(f"{url}/api/v1/model").json() == {"result": "inactive"}
        assert text().status_code == 503
        assert not engines_of(process)
        assert load("initial_model") == {"success": True}
        assert text().json()["results"][0]["text"] == "The"
