"""Nothing in silence: each dialect obeys what a body says about the generation, refuses it, or reports it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import BaseModel

from asgi import Client
from coblyn.api.anthropic.wire import MessagesInput
from coblyn.api.kobold.wire import GenerateInput
from coblyn.api.llama.wire import LlamaCompletionInput
from coblyn.api.ollama.wire import TalkInput, WriteInput
from coblyn.api.openai.responses.wire import ResponseInput
from coblyn.api.openai.texts import CompletionInput
from coblyn.api.openai.wire import ChatInput
from coblyn.engine.params import PARAMETERS
from factories import SteppedEngine

MESSAGES = [{"role": "user", "content": "a"}]
BODIES: Mapping[str, dict[str, Any]] = {
    "/api/v1/generate": {"prompt": "a"},
    "/v1/completions": {"prompt": "a"},
    "/v1/chat/completions": {"messages": MESSAGES},
    "/v1/responses": {"model": "fake", "input": "a"},
    "/completion": {"prompt": "a"},
    "/v1/messages": {"model": "fake", "messages": MESSAGES},
    "/api/generate": {"model": "fake", "prompt": "a", "stream": False},
    "/api/chat": {"model": "fake", "messages": MESSAGES, "stream": False},
}
OLLAMA = ("/api/generate", "/api/chat")

TRIED = (0.5, 2, 3, 0.25, 1, 0)
"""Numbers, one of which is in range and no dialect's default."""

OTHERS: Mapping[str, Any] = {
    "sampler_order": [6, 5, 0],
    "samplers": ["temperature"],
    "dry_sequence_breakers": ["!"],
    "logit_bias": {"97": -5},
    "custom_token_bans": "97,98",
    "stop": ["b"],
    "stop_sequence": ["b"],
    "stop_sequences": ["b"],
    "stop_token_ids": [98],
    "min_tokens": 2,
    "ban_eos_token": True,
    "use_default_badwordsids": True,
    "ignore_eos": True,
    "bypass_eos": True,
    "trim_stop": False,
    "include_stop_str_in_output": True,
    "render_special": True,
    "skip_special_tokens": False,
    "banned_tokens": ["zz"],
    "banned_strings": ["zz"],
    "banned_patterns": ["z+"],
    "negative_prompt": "no",
    "grammar": 'root ::= "A"',
    "guided_regex": "A+",
    "guided_choice": ["A"],
    "json_schema": {"type": "object"},
    "reasoning_budget": 5,
    "reasoning_effort": "low",
    "logprobs_after": True,
    "max_tokens": 2,
    "max_completion_tokens": 2,
    "max_output_tokens": 2,
    "max_length": 2,
    "n_predict": 2,
    "num_predict": 2,
    "max_context_length": 64,
    "preset": "Basic Min-P",
    "n": 2,
    "min_keep": 3,
    "temperature_last": True,
    "grammar_retain_state": True,
}
OWN: Mapping[str, Any] = {
    "n_probs": 2,
    "logprobs": 2,
    "prompt_logprobs": 2,
    "allowed_token_ids": [97],
    "bad_words": ["zz"],
    "grammar_lazy": True,
    "json_schema_lazy": True,
    "response_format": {"type": "json_object"},
    "text": {"format": {"type": "json_object"}},
    "format": "json",
    "lora": [{"id": 0, "scale": 0.5}],
    "adapter": "one",
    "images": ["aGk="],
    "audio": ["aGk="],
    "singleline": True,
    "frmttriminc": True,
    "frmtrmblln": True,
    "frmtrmspch": True,
    "length_penalty": 0.5,
    "use_beam_search": True,
    "num_beams": 3,
    "best_of": 3,
    "n_cmpl": 2,
    "n_indent": 3,
    "n_keep": 5,
    "n_discard": 5,
    "t_max_predict_ms": 5,
    "t_max_prompt_ms": 5,
    "skew": 0.5,
    "max_tokens_second": 3,
    "no_repeat_ngram_size": 3,
    "encoder_repetition_penalty": 1.5,
    "epsilon_cutoff": 0.1,
    "eta_cutoff": 0.1,
    "penalty_alpha": 0.5,
    "reasoning": {"effort": "low"},
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "suffix": "b",
    "template": "{{ .Prompt }}!",
    "background": True,
    "previous_response_id": "resp_1",
    "conversation": "conv_1",
}
"""Fields that are tried in the dialects that have them."""

OF_THE_PROMPT = {
    *("prompt", "messages", "input", "memory", "system", "instructions", "context", "raw"),
    *("replace_instruct_placeholders", "chat_template_kwargs", "enable_thinking", "think"),
    *(
        "tools",
        "functions",
        "tool_choice",
        "parallel_tool_calls",
        "max_tool_calls",
        "output_config",
    ),
    "continue_assistant_turn",
}
"""Fields that say what is asked, which tests of their own look at, or count only beside such a field."""
OF_THE_REPLY = {
    *(
        "model",
        "seed",
        "sampler_seed",
        "options",
        "stream",
        "stream_options",
        "genkey",
        "coblyn_events",
    ),
    *(
        "include",
        "top_logprobs",
        "json_whitespace",
        "truncation",
        "store",
        "user",
        "metadata",
        "keep_alive",
    ),
    *("cache_prompt", "id_slot", "return_progress", "return_tokens", "response_fields", "echo"),
}
"""Fields that say who asks, of which model, and how it is told; or that count only beside another one."""
MODELS: Mapping[str, type[BaseModel]] = {
    "/api/v1/generate": GenerateInput,
    "/v1/completions": CompletionInput,
    "/v1/chat/completions": ChatInput,
    "/v1/responses": ResponseInput,
    "/completion": LlamaCompletionInput,
    "/v1/messages": MessagesInput,
    "/api/generate": WriteInput,
    "/api/chat": TalkInput,
}


def numbers() -> dict[str, float]:
    """A value for each number under each of its names."""
    found: dict[str, float] = {}
    for row in PARAMETERS.values():
        usual = {row.default, row.kobold_default}
        usual |= {{"temperature": 0.8, "xtc_threshold": 0.1}.get(row.name, row.default)}
        fits = [x for x in TRIED if row.is_allowed(x) and x not in usual]
        value = next(x for x in fits if row.kind == "float" or x == int(x))
        found |= dict.fromkeys(row.names + row.openai, value)
    return found


async def asked(client: Client, engine: SteppedEngine, path: str, more: dict[str, Any]) -> Any:
    """What the engine was asked for, or None if the body was refused; and the names of what was ignored."""
    engine.allow()
    engine.requests.clear()
    reply = await client.post(path, BODIES[path] | more)
    if reply.status == 400:
        return None, set()
    assert reply.status == 200, reply.body
    named = reply.headers.get("x-coblyn-warnings", "").split(", ")
    seen = [
        {name: repr(getattr(each, name)) for name in each.__slots__ if name not in ("id", "key")}
        for each in engine.requests
    ]
    return seen, {name.removeprefix("options.") for name in named}


def seeded(path: str, name: str = "", value: Any = None) -> dict[str, Any]:
    """A body's field, and a fixed seed, so that all requests for the same are equal."""
    seed = "sampler_seed" if path == "/api/v1/generate" else "seed"
    fields = {seed: 1} | ({name: value} if name else {})
    return {"options": fields} if path in OLLAMA else fields


@pytest.fixture
async def engine() -> SteppedEngine:
    """Its template reasons, so that limits of reasoning have an effect."""
    return SteppedEngine(chat_template="{{ messages[-1].content }}{# <think> #}", context=128)


@pytest.mark.parametrize("path", BODIES)
async def test_each_field_is_obeyed_refused_or_reported(
    path: str, client: Client, engine: SteppedEngine
) -> None:
    plain, _ = await asked(client, engine, path, seeded(path))
    assert (await asked(client, engine, path, seeded(path)))[0] == plain
    silent, wrong = [], []
    own = {name: value for name, value in OWN.items() if name in MODELS[path].model_fields}
    for name, value in {**numbers(), **OTHERS, **own}.items():
        seen, named = await asked(client, engine, path, seeded(path, name, value))
        if seen == plain and name not in named:
            silent.append(name)
        elif seen is not None and seen != plain and name in named:
            wrong.append(name)
    assert (", ".join(wrong), ", ".join(silent)) == ("", "")


@pytest.mark.parametrize("path", BODIES)
def test_each_field_of_a_dialect_is_tried_or_not_about_the_generation(path: str) -> None:
    tried = {*numbers(), *OTHERS, *OWN}
    assert not MODELS[path].model_fields.keys() - tried - OF_THE_PROMPT - OF_THE_REPLY


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("name", ["seed", "sampler_seed"])
async def test_a_seed_is_obeyed_or_reported(
    path: str, name: str, client: Client, engine: SteppedEngine
) -> None:
    body = {"options": {name: 7}} if path in OLLAMA else {name: 7}
    seen, named = await asked(client, engine, path, body)
    assert name in named or "seed=7" in seen[0]["sampling"]


MIROSTAT = {
    "mirostat": 2,
    "top_k": 40,
    "top_p": 1,
    "min_p": 0.1,
    "xtc_probability": 0.5,
    "xtc_threshold": 0.1,
    "dynatemp_range": 0.3,
    "dynatemp_exponent": 2,
    "dry_multiplier": 0.8,
    "temperature": 0.5,
}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
async def test_what_only_the_services_do_is_reported(
    path: str, client: Client, engine: SteppedEngine
) -> None:
    more = {
        "web_search_options": {},
        "prediction": {"type": "content", "content": "a"},
        "modalities": ["text", "audio"],
        "context_management": {"edits": []},
    }
    _, named = await asked(client, engine, path, more)
    assert named >= more.keys()
    usual = {"web_search_options": None, "modalities": ["text"], "verbosity": "medium"}
    _, named = await asked(client, engine, path, usual)
    assert named.isdisjoint(usual)


@pytest.mark.parametrize("path", BODIES)
async def test_what_mirostat_replaces_is_reported(
    path: str, client: Client, engine: SteppedEngine
) -> None:
    body = {"options": MIROSTAT} if path in OLLAMA else MIROSTAT
    _, named = await asked(client, engine, path, body)
    assert named == {"top_k", "min_p", "xtc_probability", "dynatemp_range"}
    _, named = await asked(client, engine, path, {"options": {}} if path in OLLAMA else {})
    assert named == {""}


@pytest.mark.parametrize("path", BODIES)
async def test_a_negative_prompt_without_a_scale_is_reported(
    path: str, client: Client, engine: SteppedEngine
) -> None:
    for scale, expected in ({}, {"negative_prompt"}), ({"guidance_scale": 2}, {""}):
        more: dict[str, Any] = {"negative_prompt": "no", **scale}
        for body in [more, {"options": more}] if path in OLLAMA else [more]:
            seen, named = await asked(client, engine, path, body)
            is_lost = path in OLLAMA and body is more and bool(scale)
            assert named == ({"guidance_scale"} if is_lost else expected)
            assert (seen[0]["negative"] != "None") is (bool(scale) and not is_lost)


async def test_adaptive_p_in_koboldai_follows_koboldcpp(
    client: Client, engine: SteppedEngine
) -> None:
    path = "/api/v1/generate"
    seen, named = await asked(client, engine, path, {"adaptive_target": 0.5, "top_p": 1})
    assert (named, "min_p=0.002" in seen[0]["sampling"]) == ({"min_p"}, True)
    for cut in ({"top_p": 0.9}, {"top_p": 1, "min_p": 0.1}):
        seen, named = await asked(client, engine, path, {"adaptive_target": 0.5, **cut})
        assert (named, "min_p=0.002" in seen[0]["sampling"]) == ({""}, False)
    seen, _ = await asked(client, engine, path, {"adaptive_target": 0, "top_p": 1})
    assert "adaptive_target=-1.0, " in seen[0]["sampling"]
    seen, _ = await asked(client, engine, "/v1/completions", {"adaptive_target": 0})
    assert "adaptive_target=0.0, " in seen[0]["sampling"]
