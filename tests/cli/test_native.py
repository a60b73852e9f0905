"""The whole of it: real processes, the real engine, the starter model, real clients."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import koboldapi
import openai
import pytest

import patient
from coblyn.native.bundle import Bundle

pytestmark = pytest.mark.native


@pytest.fixture(scope="module")
def url(bundle: Bundle, starter_model: Path, users_environment: dict[str, str]) -> Iterator[str]:
    assert bundle.lib_dir.is_dir()
    command = [sys.executable, "-m", "coblyn", "serve", str(starter_model), "--port", "0"]
    command += ["--context", "2048"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=users_environment
    ) as process:
        assert process.stdout
        greeting = process.stdout.readline()
        try:
            yield next(word for word in greeting.split() if word.startswith("http://"))
        finally:
            process.terminate()
            assert process.wait(20) in (0, -15, 143)


def coblyn(
    environment: dict[str, str], *arguments: str, text: str = ""
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "coblyn", *arguments]
    return subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
        check=False,
    )


def test_the_openai_client_chats(url: str) -> None:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none") as client:
        messages = [{"role": "user", "content": "Name one colour."}]
        options = {"max_tokens": 24, "seed": 7, "temperature": 0.7}
        whole = client.chat.completions.create(model="any", messages=messages, **options)  # type: ignore[call-overload]
        chunks = list(
            client.chat.completions.create(model="any", messages=messages, stream=True, **options)  # type: ignore[call-overload]
        )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert whole.choices[0].message.content == text
    assert whole.usage.prompt_tokens > 5
    assert 0 < whole.usage.completion_tokens <= 24


def test_the_kobold_client_generates(url: str) -> None:
    client = koboldapi.KoboldAPI(url)
    assert client.get_max_context_length() == 2048
    assert client.count_tokens("Once upon a time")["count"] == 4
    assert len(client.generate("Once upon a time", max_length=12)) > 5


def test_eight_streams_of_different_length(url: str) -> None:
    def ask(index: int) -> dict[str, object]:
        body = {"prompt": f"Chapter {index}.", "max_tokens": 4 * index, "ignore_eos": True}
        answer = httpx.post(f"{url}/v1/completions", json=body, timeout=300)
        return dict(answer.json()["usage"])

    with ThreadPoolExecutor(8) as pool:
        usages = list(pool.map(ask, range(1, 9)))
    assert [usage["completion_tokens"] for usage in usages] == [4 * index for index in range(1, 9)]


def test_a_prompt_that_is_too_long(url: str) -> None:
    body = {"prompt": "word " * 4000, "max_tokens": 5}
    answer = patient.post(f"{url}/v1/completions", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "context_length_exceeded"
    assert "2048" in answer.json()["error"]["message"]


def test_run_answers(starter_model: Path, users_environment: dict[str, str]) -> None:
    done = coblyn(
        users_environment,
        "run",
        str(starter_model),
        "Name one colour.",
        "-n",
        "12",
        "--seed",
        "1",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["completion_tokens"] <= 12
    assert answer["text"].strip()


def test_run_reads_standard_input(starter_model: Path, users_environment: dict[str, str]) -> None:
    arguments = ("run", str(starter_model), "-", "--raw", "-n", "8", "--temperature", "0")
    done = coblyn(users_environment, *arguments, text="One, two, three, four,")
    assert done.returncode == 0, done.stderr
    assert "five" in done.stdout


def test_bench_prints_figures(starter_model: Path, users_environment: dict[str, str]) -> None:
    arguments = ("bench", str(starter_model), "--json", "--prompt", "32", "--generate", "16")
    done = coblyn(users_environment, *arguments, "--repeats", "1", "--streams", "2")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["decode"] > 0
    assert figures["bare_decode"] > 0
    assert 0 <= figures["overhead"] < 1


def test_files_that_are_no_models(tmp_path: Path, users_environment: dict[str, str]) -> None:
    page = tmp_path / "page.gguf"
    page.write_text("<!doctype html><title>Sign in</title>")
    done = coblyn(users_environment, "run", str(page), "hello")
    assert done.returncode == 3
    assert "page.gguf" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_doctor_proves_what_a_model_runs_on(
    bundle: Bundle, starter_model: Path, users_environment: dict[str, str]
) -> None:
    assert starter_model.is_file()
    done = subprocess.run(
        [sys.executable, "-m", "coblyn", "doctor", "--json"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        env=users_environment,
        check=False,
    )
    answer = json.loads(done.stdout)
    assert answer["engine"]["id"] == bundle.id
    assert all(
        product["error"] < 0.03 for device in answer["devices"] for product in device["products"]
    )
    assert answer["generation"]["decode"] > 0
    assert answer["comparison"]["positions"] > 0
    grave = [each for each in answer["findings"] if each["severity"] != "note"]
    assert done.returncode == (1 if answer["verdict"]["is_fault"] or grave else 0), done.stderr
