"""Templates as their makers publish them, which a package brings, render as Jinja alone renders them."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import pytest
from jinja2 import nodes
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from coblyn.chat.messages import Message, ToolCall, read_messages
from coblyn.chat.template import ChatTemplate
from coblyn.errors import BadRequest
from replies import TOOLS

pytestmark = pytest.mark.slow

PACKAGE = "trl==1.16.0"
"""A package of the Python index that carries some forty templates beside its code."""

CALL = ToolCall("call_123456", "weather", '{"city": "Oslo", "days": 2}')
SYSTEM, USER, ANSWER = Message("system", "Be brief."), Message("user", "Hello."), "How are you?"
CALLED = Message("assistant", "", tool_calls=(CALL,))
RESULT = Message("tool", "Rain.", name="weather", tool_call_id=CALL.id)
TALKS: Mapping[str, Sequence[Message]] = {
    "user": [USER],
    "system": [SYSTEM, USER],
    "turns": [USER, Message("assistant", ANSWER), Message("user", "Well.")],
    "reasoning": [USER, Message("assistant", ANSWER, reasoning="Hm."), Message("user", "Well.")],
    "system in the middle": [USER, Message("assistant", ANSWER), SYSTEM, Message("user", "Well.")],
    "system between users": [USER, SYSTEM, Message("user", "Well.")],
    "two systems": [SYSTEM, Message("system", "In verse."), USER],
    "two users": [USER, Message("user", "Well.")],
    "system and two users": [SYSTEM, USER, Message("user", "Well.")],
    "empty answer": [USER, Message("assistant", ""), Message("user", "Well.")],
    "call": [USER, CALLED, RESULT],
    "call and answer": [
        USER,
        CALLED,
        RESULT,
        Message("assistant", ANSWER),
        Message("user", "Well."),
    ],
}


@cache
def templates(directory: Path) -> dict[str, str]:
    """The package's templates by name, without those for training."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    done = subprocess.run(
        [*command, "--dest", str(directory), PACKAGE], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"{PACKAGE} cannot be downloaded: {done.stderr.strip().splitlines()[-1:]}")
    (wheel,) = directory.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        paths = [Path(name) for name in archive.namelist() if name.endswith(".jinja")]
        return {
            path.stem: archive.read(path.as_posix()).decode()
            for path in paths
            if not path.stem.endswith("_training")
        }


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return templates(tmp_path_factory.mktemp("templates"))


class _Generation(Extension):
    tags = frozenset({"generation"})  # type: ignore[assignment]

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _raise(message: str) -> NoReturn:
    raise TemplateError(message)


def _to_json(value: Any, indent: int | None = None, **_: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def by_jinja(source: str, talk: Sequence[Message], **values: Any) -> str:
    """What Jinja makes of a conversation as it is, with the names that templates rely on."""
    extensions = [_Generation, "jinja2.ext.loopcontrols"]
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=extensions
    )
    environment.filters["tojson"] = _to_json
    today = dt.datetime.now().astimezone()
    environment.globals |= {
        "raise_exception": _raise,
        "strftime_now": today.strftime,
        "date_string": f"{today:%d %b %Y}",
    }
    usual = {"tools": None, "documents": None, "bos_token": "<s>", "eos_token": "</s>"}
    usual |= {"add_generation_prompt": True}
    messages = [message.to_template() for message in talk]
    return environment.from_string(source).render(messages=messages, **(usual | values))


def words(talk: Sequence[Message]) -> list[str]:
    """What a prompt must say of a conversation."""
    texts = [message.content for message in talk if message.content]
    return [*texts, *(call.name for message in talk for call in message.tool_calls)]


def test_templates_render_as_jinja_renders_them(published: dict[str, str]) -> None:
    assert len(published) > 30
    different, equal = [], 0
    for name, source in published.items():
        for kind, talk in TALKS.items():
            try:
                expected = by_jinja(source, talk)
            except (TemplateError, TypeError):
                continue  # a strict template: see below
            if all(word in expected for word in words(talk)):
                equal += 1
                text = ChatTemplate(source, bos="<s>", eos="</s>").render(talk).text
                different += [(name, kind)] if text != expected else []
    assert different == []
    assert equal > 4 * len(published)


@pytest.mark.parametrize("is_on", [True, False])
def test_templates_switch_reasoning_as_jinja_renders_them(
    published: dict[str, str], is_on: bool
) -> None:
    knowing = {k: v for k, v in published.items() if "enable_thinking" in v}
    assert len(knowing) > 5
    for name, source in knowing.items():
        expected = by_jinja(source, TALKS["turns"], enable_thinking=is_on)
        template = ChatTemplate(source, bos="<s>", eos="</s>")
        shown = template.render(TALKS["turns"], variables={"enable_thinking": is_on}).text
        assert shown == expected, name


def test_a_started_answer_stands_where_jinja_renders_it(published: dict[str, str]) -> None:
    started = Message("assistant", "Sure, **Oslo")
    num_equal = 0
    for name, source in published.items():
        text = ChatTemplate(source, bos="<s>", eos="</s>").render(
            [USER, started], continues_last=True
        )
        assert text.text.endswith(started.content), name
        try:
            shown = by_jinja(source, [USER, started], add_generation_prompt=False)
        except (TemplateError, TypeError):
            continue
        before, found, _ = shown.rpartition(started.content)
        assert not found or text.text == before + started.content, name
        num_equal += bool(found)
    assert num_equal > 0.8 * len(published)


def test_content_in_parts_is_the_same_text(published: dict[str, str]) -> None:
    for name, source in published.items():
        template = ChatTemplate(source, bos="<s>", eos="</s>")
        whole = template.render([SYSTEM, USER]).text
        parts = [
            {"role": each.role, "content": [{"type": "text", "text": each.content}]}
            for each in (SYSTEM, USER)
        ]
        assert template.render(read_messages(parts)).text == whole, name


def test_developers_are_rendered_as_the_system_unless_a_template_knows_them(
    published: dict[str, str],
) -> None:
    developer = Message("developer", SYSTEM.content)
    for name, source in published.items():
        template = ChatTemplate(source, bos="<s>", eos="</s>")
        shown = template.render([developer, USER]).text
        assert SYSTEM.content in shown, name
        if "developer" not in source:
            assert shown == template.render([SYSTEM, USER]).text, name


def test_no_template_loses_a_word(published: dict[str, str]) -> None:
    lost = []
    for name, source in published.items():
        template = ChatTemplate(source, bos="<s>", eos="</s>")
        for kind, talk in TALKS.items():
            for tools in ((), TOOLS):
                try:
                    text = template.render(talk, tools=tools).text
                except BadRequest as error:
                    lost.append((name, kind, error.message[:60]))
                    continue
                missing = [word for word in words(talk) if word not in text]
                missing += [tool.name for tool in tools if tool.name not in text]
                lost += [(name, kind, str(missing))] if missing else []
    assert lost == []
