"""Models that Ollama's clients make of files that they send."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import ollama
import pytest

import patient
from coblyn import paths
from coblyn.api.app import create_app
from coblyn.engine.fake import FakeRunner
from coblyn.models import sent
from factories import SteppedEngine, wait_for
from gguf_file import lora_of, whole_model
from live_server import serve

NOTHING = f"sha256:{hashlib.sha256(b'').hexdigest()}"


@pytest.fixture
def url() -> Iterator[str]:
    with serve(FakeRunner) as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[ollama.Client]:
    with ollama.Client(url) as client:
        yield client


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return whole_model().write(tmp_path / "My Weights.gguf")


def leftovers() -> list[str]:
    return [path.name for path in (paths.models() / "sent").iterdir()]


def test_a_model_is_made_of_a_file_that_was_sent(
    url: str, client: ollama.Client, file: Path
) -> None:
    digest = client.create_blob(file)
    assert httpx.head(f"{url}/api/blobs/{digest}").status_code == 200
    last = client.create("mine", files={file.name: digest}, system="Be brief.")
    assert last.status == "success"
    name = f"my-weights-{digest.removeprefix('sha256:')[:8]}"
    assert (paths.models() / f"{name}.gguf").read_bytes() == file.read_bytes()
    assert client.show("mine").modelinfo
    assert "Be brief." in str(client.show("mine").modelfile)
    assert {f"{name}:latest", "mine:latest"} <= {each.model for each in client.list().models}
    assert leftovers() == []
    client.create("again", files={file.name: digest})
    assert httpx.head(f"{url}/api/blobs/{digest}").status_code == 404


def test_a_file_that_is_not_what_it_claims_to_be_is_not_kept(url: str) -> None:
    answer = patient.post(f"{url}/api/blobs/{NOTHING}", content=b"something")
    assert answer.status_code == 400
    assert "digest mismatch" in answer.json()["error"]
    assert httpx.head(f"{url}/api/blobs/{NOTHING}").status_code == 404
    assert leftovers() == []


def test_files_may_end_while_others_are_looked_through(url: str) -> None:
    (paths.models() / "sent").mkdir(parents=True)
    (paths.models() / "sent" / "coming-1").symlink_to("gone")
    assert patient.post(f"{url}/api/blobs/{NOTHING}", content=b"").status_code == 201


def test_what_cannot_be_deleted_keeps_nothing_else() -> None:
    folder = paths.models() / "sent"
    for name in ("sha256-1", "sha256-2", "sha256-3"):
        (folder / name).mkdir(parents=True)
        os.utime(folder / name, (0, 0))
        (folder / f"{name}-file").touch()
        os.utime(folder / f"{name}-file", (0, 0))
    sent.sweep()
    assert not any(path.is_file() for path in folder.iterdir())


async def test_what_nothing_was_made_of_goes_after_a_day() -> None:
    folder = paths.models() / "sent"
    folder.mkdir(parents=True)
    ages = {"sha256-old": 25, "sha256-new": 23, "coming-old": 2, "coming-new": 0.5}
    for name, hours in ages.items():
        (folder / name).touch()
        os.utime(folder / name, (time.time() - hours * 3600,) * 2)
    app = create_app(SteppedEngine())
    async with app.router.lifespan_context(app):
        await wait_for(lambda: len(leftovers()) == 2)
    assert sorted(leftovers()) == ["coming-new", "sha256-new"]


@pytest.mark.parametrize("digest", ["sha256:abc", "..%2F..%2Fx", "md5:" + "0" * 32])
def test_what_is_no_digest_is_refused(url: str, digest: str) -> None:
    answer = patient.post(f"{url}/api/blobs/{digest}", content=b"x")
    assert answer.status_code in (400, 404, 405)
    assert not (paths.models() / "sent").exists()


def test_a_file_that_is_no_model_makes_none(client: ollama.Client, tmp_path: Path) -> None:
    for path in (tmp_path / "notes.gguf", lora_of(whole_model()).write(tmp_path / "lora.gguf")):
        if not path.exists():
            path.write_text("No model.")
        digest = client.create_blob(path)
        with pytest.raises(ollama.ResponseError, match=r"GGUF|adapter"):
            client.create("mine", files={path.name: digest})
    assert leftovers() == []
    assert not list(paths.models().glob("*.gguf"))


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a.gguf": NOTHING}, "was not sent"),
        ({"a.safetensors": NOTHING, "b.safetensors": NOTHING}, "one GGUF file"),
        ({"../../x": "sha256:1"}, "is not a digest"),
    ],
)
def test_what_was_not_sent_makes_no_model(url: str, files: dict[str, str], words: str) -> None:
    body = {"model": "mine", "files": files, "stream": False}
    answer = patient.post(f"{url}/api/create", json=body)
    assert answer.status_code in (400, 404)
    assert words in json.loads(answer.content)["error"]


def test_a_client_that_leaves_leaves_nothing_behind(url: str) -> None:
    def half() -> Iterator[bytes]:
        yield b"x" * 1000
        raise ConnectionError

    with pytest.raises(ConnectionError):
        patient.post(f"{url}/api/blobs/{NOTHING}", content=half())
    patient.post(f"{url}/api/blobs/{NOTHING}", content=b"").raise_for_status()
    assert leftovers() == [NOTHING.replace(":", "-")]


def test_two_that_send_one_file_at_once_both_succeed(url: str, file: Path) -> None:
    data = file.read_bytes()
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    both_send = threading.Barrier(2)

    def parts() -> Iterator[bytes]:
        yield data[:100]
        both_send.wait(20)
        yield data[100:]

    def send(_: int) -> int:
        return httpx.post(f"{url}/api/blobs/{digest}", content=parts(), timeout=60).status_code

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(send, range(2))) == [201, 201]
    assert leftovers() == [digest.replace(":", "-")]
    assert (paths.models() / "sent" / leftovers()[0]).read_bytes() == data


def test_two_that_make_a_model_of_one_file_at_once_both_succeed(
    client: ollama.Client, url: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = client.create_blob(file)
    both_look = threading.Barrier(2)
    check = sent.check_model

    def checked(path: Path) -> object:
        both_look.wait(20)
        return check(path)

    monkeypatch.setattr(sent, "check_model", checked)
    body = {"files": {file.name: digest}, "stream": False}

    def make(name: str) -> int:
        answer = httpx.post(f"{url}/api/create", json={**body, "model": name}, timeout=60)
        return answer.status_code

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(make, ("mine", "yours"))) == [200, 200]
    assert leftovers() == []
    assert client.show("mine").modelinfo
    assert client.show("yours").modelinfo
