"""What strict templates refuse is told in a form that they take, as little moved as can be."""

from __future__ import annotations

import pytest

from coblyn.chat.families import CHATML, family_template
from coblyn.chat.fitting import folded, gentler, with_system
from coblyn.chat.messages import Message, Tool, ToolCall
from coblyn.chat.template import ChatTemplate, Rendered
from coblyn.errors import BadRequest, ModelBroken

S, U, A = Message("system", "S"), Message("user", "U"), Message("assistant", "A")
LATE = Message("system", "late")
PLAIN = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
FIRST_ONLY = (
    "{% for m in messages %}{% if m.role == 'system' and not loop.first %}"
    "{{ raise_exception('System message must be at the beginning.') }}{% endif %}"
    "[{{ m.role }}]{{ m.content }}{% endfor %}"
)
ALTERNATING = (
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Roles must alternate.') }}{% endif %}[{{ m.role }}]{{ m.content }}"
    "{% endfor %}"
)
SAYING = (
    "{% for m in messages %}{% if m.role == 'assistant' and not m.content and not m.tool_calls %}"
    "{{ raise_exception('An answer must say something.') }}{% endif %}[{{ m.role }}]{{ m.content }}"
    "{% for c in m.tool_calls or [] %}{{ c.function.name }}{% endfor %}{% endfor %}"
)
EMPTY = Message("assistant", "")
SILENCING = "{% for m in messages if m.role != 'system' %}[{{ m.role }}]{{ m.content }}{% endfor %}"
LAST_SYSTEM = (
    "{% for m in messages if m.role == 'system' %}{% if loop.last %}{{ m.content }}{% endif %}"
    "{% endfor %}{% for m in messages if m.role != 'system' %}[{{ m.role }}]{{ m.content }}"
    "{% endfor %}"
)


def render(source: str, messages: list[Message], **options: object) -> Rendered:
    return ChatTemplate(source, bos="<s>", eos="</s>").render(messages, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "talk", "text"),
    [
        (PLAIN, [U, LATE, U], "[user]U[system]late[user]U"),
        (FIRST_ONLY, [S, U, A, LATE, U], "[system]S[user]U[assistant]A[user]late[user]U"),
        (FIRST_ONLY, [S, LATE, U], "[system]S\n\nlate[user]U"),
        (ALTERNATING, [S, U, A, LATE, U], "[user]S\n\nU[assistant]A[user]late\n\nU"),
        (ALTERNATING, [U, U], "[user]U\n\nU"),
        (ALTERNATING, [U, A, A, U], "[user]U[assistant]A\n\nA[user]U"),
        (ALTERNATING, [A, U], "[user][assistant]A[user]U"),
        (ALTERNATING, [S, A, U], "[user]S[assistant]A[user]U"),
        (SAYING, [U, EMPTY, U], "[user]U[user]U"),
        (SAYING, [S, U, EMPTY, LATE, A], "[system]S[user]U[user]late[assistant]A"),
        (ALTERNATING, [U, EMPTY, U], "[user]U[assistant][user]U"),
        (PLAIN, [U, EMPTY, U], "[user]U[assistant][user]U"),
        (SILENCING, [S, U], "[user]S\n\nU"),
        (SILENCING, [U, A, LATE, U], "[user]U[assistant]A[user]late[user]U"),
        (LAST_SYSTEM, [S, LATE, U], "S\n\nlate[user]U"),
        (ALTERNATING, [Message("developer", "D"), U], "[user]D\n\nU"),
    ],
)
def test_what_is_refused_or_left_out_is_told_otherwise(
    source: str, talk: list[Message], text: str
) -> None:
    assert render(source, talk).text == text


def test_an_empty_answer_is_continued_where_empty_answers_are_refused() -> None:
    assert render(SAYING, [U, EMPTY], continues_last=True).text == "[user]U[assistant]"


def test_what_a_template_always_refuses_is_the_callers_mistake() -> None:
    with pytest.raises(BadRequest, match="not today") as caught:
        render("{{ raise_exception('not today') }}", [S, U])
    assert caught.value.field == "messages"


def test_a_template_that_fails_over_some_messages_is_not_broken() -> None:
    source = PLAIN + "{% if messages[-1].content == 'odd' %}{{ 1 / 0 }}{% endif %}"
    with pytest.raises(BadRequest, match="division by zero"):
        render(source, [Message("user", "odd")])
    with pytest.raises(ModelBroken):
        render("{{ 1 / 0 }}", [U])


CALL = ToolCall("call_1", "look", '{"at": "it"}')
CALLING = [U, Message("assistant", "Well.", tool_calls=(CALL,))]
RESULT = Message("tool", "found", tool_call_id="call_1")
TOOLS = [Tool("look", "Looks.", {"type": "object", "properties": {"at": {"type": "string"}}})]


def test_arguments_are_objects_or_texts_as_a_template_wants_them() -> None:
    as_object = (
        PLAIN + "{% for m in messages %}{% for c in m.tool_calls or [] %}"
        "{% for k, v in c.function.arguments.items() %}{{ k }}={{ v }}{% endfor %}"
        "{% endfor %}{% endfor %}"
    )
    assert render(as_object, [*CALLING, RESULT]).text.endswith("foundat=it")
    concatenated = (
        PLAIN
        + "{% for m in messages %}{% for c in m.tool_calls or [] %}{{ '(' + c.function.arguments + ')' }}"
        "{% endfor %}{% endfor %}"
    )
    assert render(concatenated, [*CALLING, RESULT]).text.endswith('({"at": "it"})')


@pytest.mark.parametrize("arguments", ["{", "[1]", "", "null"])
def test_broken_arguments_of_earlier_calls_do_no_harm(arguments: str) -> None:
    source = (
        PLAIN + "{% for m in messages %}{% for c in m.tool_calls or [] %}{% for k, v in"
        " c.function.arguments.items() %}{{ k }}={{ v }}{% endfor %}{% endfor %}{% endfor %}"
    )
    call = ToolCall("call_1", "look", arguments)
    text = render(source, [U, Message("assistant", "", tool_calls=(call,)), RESULT, U]).text
    assert "found" in text


def test_calls_are_text_where_a_template_shows_none() -> None:
    text = render(SILENCING.replace(" if m.role != 'system'", ""), [*CALLING, RESULT]).text
    assert 'Well.\n{"tool_calls": [{"name": "look", "arguments": {"at": "it"}}]}' in text
    users_only = "{% for m in messages if m.role in ('user', 'assistant') %}[{{ m.role }}]{{ m.content }}{% endfor %}"
    assert "[user]Result of look:\nfound" in render(users_only, [*CALLING, RESULT]).text


def test_a_model_without_a_format_is_told_of_tools_and_how_to_call_them() -> None:
    rendered = render(PLAIN, [S, U], tools=TOOLS)
    assert rendered.text.startswith("[system]S\n\nYou can call tools.")
    assert '"name": "look"' in rendered.text
    assert rendered.form
    assert rendered.form.format.name == "generic"
    knows = render(PLAIN + "{{ tools | tojson if tools }}<tool_call>", [S, U], tools=TOOLS)
    assert knows.text.startswith("[system]S[user]U[{")
    assert knows.form
    assert knows.form.format.name == "hermes"


def test_tools_whose_schema_a_template_cannot_show_are_described_otherwise() -> None:
    source = (
        PLAIN + "<tool_call>{% for t in tools or [] %}{{ t.function.name }}("
        "{% for name, each in t.function.parameters.properties.items() %}"
        "{{ name + ':' + each.type + each.get('default') | string }}"
        "{% if each.type == 'object' %}{{ each.additionalProperties.type }}{% endif %}{% endfor %})"
        "{% endfor %}"
    )
    shown = render(source, [S, U], tools=TOOLS)
    assert shown.text == "[system]S[user]U<tool_call>look(at:stringNone)"
    assert shown.form
    assert shown.form.format.name == "hermes"
    schema = {"type": "object", "properties": {"by": {"type": "object"}}}
    told = render(source, [S, U], tools=[Tool("look", "Looks.", schema)])
    assert told.text.startswith("[system]S\n\nYou can call tools.")
    assert '"parameters": {"type": "object", "properties": {"by": ' in told.text
    assert told.form
    assert told.form.tools


def test_a_template_that_refuses_a_conversation_says_so_with_tools_too() -> None:
    with pytest.raises(BadRequest, match="not today"):
        render(PLAIN + "{{ tools | tojson }}{{ raise_exception('not today') }}", [U], tools=TOOLS)


def test_ids_are_as_a_template_wants_them() -> None:
    source = (
        "[TOOL_CALLS]{% for m in messages %}{% for c in m.tool_calls or [] %}"
        "{% if c.id | length != 9 %}{{ raise_exception('nine') }}{% endif %}<{{ c.id }}>"
        "{{ c.function | tojson }}{% endfor %}{{ m.tool_call_id }}{{ m.content }}{% endfor %}"
    )
    text = render(source, [*CALLING, RESULT]).text
    shown = text.partition("<")[2].partition(">")[0]
    assert len(shown) == 9
    assert text.count(shown) == 2


def test_parallel_calls_are_told_one_by_one_where_only_one_is_shown() -> None:
    source = (
        "<|channel|>{% for m in messages %}[{{ m.role }}]{{ m.thinking }}"
        "{% if m.tool_calls %}{{ m.tool_calls[0].function | tojson }}{% endif %}{{ m.content }}"
        "{% endfor %}"
    )
    other = ToolCall("call_2", "look", '{"at": "that"}')
    calling = Message("assistant", "Well.", reasoning="hm", tool_calls=(CALL, other))
    results = [RESULT, Message("tool", "nothing", tool_call_id="call_2")]
    text = render(source, [U, calling, *results]).text
    assert text == (
        '<|channel|>[user]U[assistant]hm\n\nWell.{"name": "look", "arguments": {"at": "it"}}[tool]found'
        '[assistant]{"name": "look", "arguments": {"at": "that"}}[tool]nothing'
    )


def test_the_mark_behind_an_answer_is_found() -> None:
    source = "{% for m in messages %}<|x|>{{ m.role }}:{{ m.content }}<|y|>\n{% endfor %}"
    assert render(source, [U]).turn_end == "<|y|>"
    assert render(PLAIN, [U]).turn_end == ""


def test_forms_get_gentler() -> None:
    assert list(gentler([U])) == []
    assert [len(form) for form in gentler([S, A, LATE, U])] == [4, 3, 3]
    assert with_system([U], "T") == [Message("system", "T"), U]
    assert folded([U, A], str, results_too=True) == [U, A]


@pytest.mark.parametrize(
    ("description", "eos", "sign"),
    [
        ("gemma3 1B Q4_0", "<eos>", "<start_of_turn>model"),
        ("llama 8B Q4_0", "<|eot_id|>", "<|start_header_id|>"),
        ("llama 8B Q4_0", "<|im_end|>", "<|im_start|>"),
        ("phi3 4B Q4_0", "<|endoftext|>", "<|assistant|>"),
        ("command-r 35B", "<|END_OF_TURN_TOKEN|>", "<|CHATBOT_TOKEN|>"),
        ("granite 3B", "<|end_of_text|>", "<|start_of_role|>"),
        ("deepseek2 671B", "<｜end▁of▁sentence｜>", "<｜Assistant｜>"),
        ("mistral 7B", "</s>", "[/INST]"),
        ("unknown", "", "<|im_start|>"),
    ],
)
def test_a_family_has_a_template(description: str, eos: str, sign: str) -> None:
    source = family_template(description, eos)
    text = render(source, [S, U, A, U]).text
    assert sign in text
    assert all(each.content in text for each in (S, U, A))
    assert render(source, [U, Message("assistant", "A")], continues_last=True).text.endswith("A")


def test_chatml_serves_where_nothing_is_known() -> None:
    assert family_template("", "") == CHATML
