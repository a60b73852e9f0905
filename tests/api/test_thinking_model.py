"""A tiny model that reasons: budgets, ends that are asked for, and marks of calls, over HTTP with the real engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import httpx
import pytest

import patient
from coblyn.engine.config import EngineConfig
from coblyn.engine.runner import LlamaRunner
from coblyn.native.bundle import Bundle
from family_models import FAMILIES, family_model
from live_server import serve

pytestmark = pytest.mark.native

THINKER = replace(FAMILIES[0], sign="<tool_call>", format="hermes", opening="<think>\n")
MARKS = ("<think>", "</think>", "<tool_call>")
CLOSING, CALL = 261, 262
"""Ids of two of the marks, where these are tokens."""

LESS_THAN = 3 + ord("<")
"""Id of the byte with which all marks begin."""

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


class Served(NamedTuple):
    """Where it is, and whether its marks are tokens."""

    address: str
    has_tokens: bool

    def body(self, **more: Any) -> dict[str, Any]:
        """A conversation in which reasoning never ends by itself: what would begin its mark is not drawn."""
        ids = [LESS_THAN, CLOSING] if self.has_tokens else [LESS_THAN]
        message = {"role": "user", "content": "What knocks?"}
        common = {"messages": [message], "temperature": 1, "seed": 3, "max_tokens": 60}
        biases = {str(token): -100 for token in ids}
        return {**common, "ignore_eos": True, "logit_bias": biases, **more}

    def ask(self, **more: Any) -> dict[str, Any]:
        """The message that a conversation gets."""
        body = self.body(**more)
        answer = httpx.post(f"{self.address}/v1/chat/completions", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        message: dict[str, Any] = answer.json()["choices"][0]["message"]
        return message


@pytest.fixture(scope="module", params=[MARKS, ()], ids=["special tokens", "bytes"])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, bundle: Bundle
) -> Iterator[Served]:
    """A server of the model, whose marks are tokens, or text of several."""
    folder = tmp_path_factory.mktemp("thinker")
    path = family_model(replace(THINKER, marks=request.param)).write(folder / "model.gguf")
    config = EngineConfig(
        str(path),
        str(bundle.lib_dir),
        context=1024,
        threads=1,
        max_running=2,
        num_idle=1,
        kernels=False,
    )
    with serve(lambda: LlamaRunner(config)) as address:
        yield Served(address, bool(request.param))


def test_without_a_budget_it_thinks_on(served: Served) -> None:
    message = served.ask()
    assert len(message["reasoning_content"]) > 20
    assert not message["content"]


@pytest.mark.parametrize("budget", [1, 10])
def test_a_budget_closes_reasoning_and_the_answer_follows(served: Served, budget: int) -> None:
    message = served.ask(reasoning_budget=budget)
    # A token is a byte, and a character of four is not cut.
    assert len(message["reasoning_content"]) <= budget + 3
    assert len(message["content"]) > 10


def test_without_a_thought_the_answer_comes_at_once(served: Served) -> None:
    message = served.ask(reasoning_budget=0)
    assert not message.get("reasoning_content")
    assert len(message["content"]) > 10


def test_a_ban_leaves_the_mark_alone(served: Served) -> None:
    message = served.ask(reasoning_budget=10, banned_phrases=["think", "</"])
    assert len(message["content"]) > 10


def test_it_ends_on_request_while_it_streams(served: Served) -> None:
    said = {"reasoning_content": "", "content": ""}
    is_asked = False
    body = served.body(stream=True, max_tokens=700, genkey="thinker")
    path = f"{served.address}/v1/chat/completions"
    with httpx.stream("POST", path, json=body, timeout=60) as answer:
        for line in answer.iter_lines():
            if not line.startswith("data: {"):
                continue
            delta = json.loads(line.removeprefix("data: "))["choices"][0]["delta"]
            for name in said:
                said[name] += delta.get(name) or ""
            if said["reasoning_content"] and not is_asked:
                end = f"{served.address}/api/coblyn/requests/thinker/end-thinking"
                assert patient.post(end).json() == {"success": True}
                is_asked = True
    assert is_asked
    assert len(said["reasoning_content"]) < 600
    assert len(said["content"]) > 20


@pytest.mark.parametrize("served", [MARKS], indirect=True, ids=["special tokens"])
def test_where_no_call_is_wanted_its_token_is_not_drawn(served: Served) -> None:
    wishes = {"tools": [TOOL], "reasoning_budget": 0, "logit_bias": {CALL: 60}, "max_tokens": 20}
    called, kept = served.ask(**wishes), served.ask(tool_choice="none", **wishes)
    assert "<tool_call>" in (called["content"] or "")
    assert "<tool_call>" not in kept["content"]
    assert len(kept["content"]) > 5
