"""Images through real processes: the command line, and the official clients against a server."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from coblyn.native.bundle import Bundle
from media.files import data_address, image_file
from media_models import write_media_model

pytestmark = pytest.mark.native

PICTURE = image_file(size=(64, 48))


@pytest.fixture(scope="module")
def model(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert bundle.lib_dir.is_dir()
    model, _ = write_media_model(tmp_path_factory.mktemp("models"), "qwen")
    return model


def coblyn(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "coblyn", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=environment, check=False
    )


def test_run_looks_at_a_file(
    model: Path, users_environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "picture.png"
    file.write_bytes(PICTURE)
    arguments = ("run", str(model), "What is it?", "-n", "4", "--temperature", "0", "--json")
    with_it = coblyn(users_environment, *arguments, "--image", str(file))
    without = coblyn(users_environment, *arguments)
    assert with_it.returncode == 0, with_it.stderr
    numbers = [json.loads(done.stdout)["prompt_tokens"] for done in (with_it, without)]
    assert numbers[0] > numbers[1] + 8
    gone = coblyn(users_environment, *arguments, "--image", str(tmp_path / "gone.png"))
    assert gone.returncode != 0
    assert "gone.png cannot be read" in gone.stderr
    alone = coblyn(users_environment, "run", str(model), "--image", str(file))
    assert alone.returncode != 0
    assert "PROMPT" in alone.stderr


@pytest.fixture(scope="module")
def url(model: Path, users_environment: dict[str, str]) -> Iterator[str]:
    command = [
        sys.executable,
        "-m",
        "coblyn",
        "serve",
        str(model),
        "--port",
        "0",
        "--context",
        "1024",
    ]
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


def test_the_official_clients_send_images(url: str) -> None:
    import anthropic
    import ollama

    content: list[Any] = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": data_address(PICTURE)}},
    ]
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none") as client:
        options: dict[str, Any] = {"max_tokens": 4, "temperature": 0, "model": "any"}
        first, second = (
            client.chat.completions.create(
                messages=[{"role": "user", "content": content}], **options
            )
            for _ in range(2)
        )
    assert first.choices[0].message.content == second.choices[0].message.content
    assert second.usage.prompt_tokens_details.cached_tokens == second.usage.prompt_tokens > 8
    picture = base64.b64encode(PICTURE).decode()
    with anthropic.Anthropic(base_url=url, api_key="none") as teller:
        source = {"type": "base64", "media_type": "image/png", "data": picture}
        blocks: Any = [{"type": "image", "source": source}]
        told = teller.messages.create(
            model="any", max_tokens=4, messages=[{"role": "user", "content": blocks}]
        )
        assert told.usage.output_tokens > 0
        source["data"] = base64.b64encode(PICTURE[:-200]).decode()
        messages: Any = [{"role": "user", "content": blocks}]
        with pytest.raises(anthropic.BadRequestError, match="broken"):
            teller.messages.create(model="any", max_tokens=4, messages=messages)
    with ollama.Client(host=url) as friend:
        messages = [{"role": "user", "content": "See", "images": [PICTURE]}]
        name = friend.list()["models"][0]["model"]
        said = friend.chat(name, messages, options={"num_predict": 4})
        assert said["eval_count"] > 0
        shown = friend.show(name)
        assert "vision" in shown["capabilities"]
