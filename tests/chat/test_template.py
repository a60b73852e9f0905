from __future__ import annotations

import datetime as dt
import re
import time

import pytest

from coblyn.chat import sandbox
from coblyn.chat.messages import Message
from coblyn.chat.template import ChatTemplate
from coblyn.errors import BadRequest, ModelBroken
from replies import TOOLS, read

TALK = [Message("system", "S"), Message("user", "hi")]
PREFILLED = [*TALK, Message("assistant", "Once upon ")]


def render(source: str, messages: list[Message] = TALK, **options: object) -> str:
    template = ChatTemplate(source, bos="<s>", eos="</s>")
    return template.render(messages, **options).text  # type: ignore[arg-type]


@pytest.fixture
def short_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "MAX_SECONDS", 0.2)


@pytest.mark.parametrize("source", ["", "  \n"])
def test_model_without_template_speaks_chatml(source: str) -> None:
    assert render(source) == (
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_names_that_model_makers_rely_on() -> None:
    source = "{{ bos_token }}{{ messages[0]['role'] }}{{ eos_token }}{{ add_generation_prompt }}"
    assert render(source) == "<s>system</s>True"
    assert render("{{ tools is none }}{{ documents is none }}") == "TrueTrue"
    year = str(dt.datetime.now().astimezone().year)
    assert render("{{ strftime_now('%Y') }}") == year
    assert render("{{ 'Today is ' + datetime + '.' }}").endswith(f" {year}.")
    assert render("{{ date_string if date_string is defined }}").endswith(f" {year}")


def test_a_request_can_set_the_date() -> None:
    variables = {"datetime": "yesterday", "date_string": "26 Jul 2024"}
    source = "{{ datetime }}, {{ date_string }}"
    assert render(source, variables=variables) == "yesterday, 26 Jul 2024"


def test_the_date_in_a_prompt_has_no_time_of_day() -> None:
    assert not re.search(r"\d:\d", render("{{ datetime }} {{ date_string }}"))


def test_blocks_are_trimmed_and_loops_can_be_left() -> None:
    source = (
        "{% for m in messages %}\n  {% if m.role == 'user' %}\n{% break %}\n{% endif %}\n"
        "{{ m.content }}\n{% endfor %}"
    )
    assert render(source) == "S\n"


def test_loops_know_their_length_and_neighbours() -> None:
    source = (
        "{% for m in messages %}{{ loop.index }}/{{ loop.length }}{% if loop.last %}!{% endif %}"
        "{% if loop.previtem is defined %}{{ loop.previtem.content }}{% endif %} {% endfor %}"
    )
    assert render(source) == "1/2 2/2!S "


def test_json_is_not_escaped_for_html() -> None:
    talk = [Message("user", "<é&'\">")]
    assert render("{{ messages | tojson }}", talk) == ('[{"role": "user", "content": "<é&\'\\">"}]')
    assert render("{{ [1] | tojson(indent=2) }}") == "[\n  1\n]"
    assert render("{{ 'é' | tojson(ensure_ascii=True) }}") == '"\\u00e9"'


def test_content_is_never_escaped_or_evaluated() -> None:
    assert render("{{ messages[0].content }}", [Message("user", "<b>{{ 1 }}")]) == "<b>{{ 1 }}"


def test_concatenation_takes_all_kinds_of_values() -> None:
    assert render("{{ 'a' ~ 1 ~ none ~ messages[0].content }}") == "a1NoneS"


def test_generation_blocks_of_training_change_nothing() -> None:
    assert render("a{% generation %}{{ 1 }}{% endgeneration %}b") == "a1b"


def test_further_variables_reach_the_template_and_take_no_names_away() -> None:
    source = "{{ enable_thinking }}{{ bos_token }}{{ messages | length }}"
    variables = {"enable_thinking": False, "bos_token": "x", "messages": []}
    assert render(source, variables=variables) == "False<s>2"


def test_last_message_is_continued_where_it_ends() -> None:
    assert render("", PREFILLED, continues_last=True).endswith("<|im_start|>assistant\nOnce upon ")
    trimming = "{% for m in messages %}[{{ m.role }}]{{ m.content | trim }}</s>{% endfor %}"
    text = render(trimming, PREFILLED, continues_last=True)
    assert text == "[system]S</s>[user]hi</s>[assistant]Once upon "


def test_template_that_hides_the_last_message_can_not_continue_it() -> None:
    with pytest.raises(BadRequest, match="continue"):
        render("{{ messages[0].content }}", PREFILLED, continues_last=True)


REFUSING = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}"
    "{% endif %}[{{ m.content }}]{% endfor %}"
)


def test_system_message_moves_where_a_template_refuses_it() -> None:
    assert render(REFUSING) == "[S\n\nhi]"


def test_refusal_is_the_callers_mistake() -> None:
    talk = [Message("user", "hi"), Message("system", "late")]
    with pytest.raises(BadRequest, match="not today") as caught:
        render("{{ raise_exception('not today') }}", talk)
    assert caught.value.field == "messages"
    with pytest.raises(BadRequest):
        render("", [])


@pytest.mark.parametrize(
    ("source", "where"),
    [
        ("a\nb{% for x in %}", "line 2"),
        ("a\nb\n{{ messages[7].content.foo() }}", "line 3"),
        ("{{ nothing.at.all }}", "line 1"),
        ("{% for x in 5 %}{% endfor %}", "line 1"),
        ("{{ 1 / 0 }}", "line 1"),
        ("{{" + "(" * 5000, "RecursionError"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "recursion"),
        ("{% include 'x' %}", "cannot be used"),
    ],
)
def test_broken_template_is_named_with_its_line(source: str, where: str) -> None:
    with pytest.raises(ModelBroken, match="chat template") as caught:
        render(source)
    assert where in str(caught.value)


def test_template_may_change_its_own_lists() -> None:
    source = (
        "{% set ns = namespace(ids=[]) %}{% for message in messages %}"
        "{% set _ = ns.ids.append(message.content) %}{% endfor %}{{ ns.ids.pop(0) }}+{{ ns.ids | join }}"
    )
    assert render(source, [Message("user", "a"), Message("user", "b")]) == "a+b"


def test_template_may_set_attributes_of_messages_and_of_its_own_mappings() -> None:
    source = (
        "{% set own = {} %}{% set own.total = 0 %}{% for message in messages %}"
        "{% set message.length = message.content | length %}"
        "{% set own.total = own.total + message.length %}{% endfor %}"
        "{% for message in messages %}{{ message.content }}:{{ message.length }} {% endfor %}{{ own.total }}"
    )
    talk = [Message("user", "a"), Message("user", "bcd")]
    assert [render(source, talk) for _ in range(2)] == ["a:1 bcd:3 4"] * 2


@pytest.mark.parametrize(
    "change",
    [
        "{{ messages.append(1) }}",
        "{{ messages.pop() }}",
        "{{ extra.names.append(1) }}",
        "{% set extra.names = [] %}",
        "{% set first = tools[0] %}{% set first.type = 'x' %}",
        "{% set absent.name = 1 %}",
        "{% set x = 'text' %}{% set x.name = 1 %}",
    ],
)
def test_template_may_not_change_what_it_is_given(change: str) -> None:
    extra: dict[str, object] = {"names": []}
    template = ChatTemplate(f"{{{{ tools | tojson }}}}{{% if extra %}}{change}{{% endif %}}")
    with pytest.raises((BadRequest, ModelBroken), match=r"unsafe|has none"):
        template.render([Message("user", "a")], variables={"extra": extra}, tools=TOOLS)
    assert extra == {"names": []}


HOSTILE = [
    "{{ [].append(1) }}{{ messages.append(1) }}",
    "{{ ''.__class__.__mro__ }}",
    "{{ messages.append(1) }}",
    "{{ 'x' * 10**9 }}",
    "{{ [1] * 10**9 }}",
    "{{ 9**9**9 }}",
    "{{ 'x' | center(10000000000) }}",
    "{{ 'x' | indent(width=10000000000) }}",
    "{{ 'x'.ljust(10000000000) }}",
    "{{ 'x'.center(*[10000000000]) }}",
    "{{ '%10000000000d' % 1 }}",
    "{{ '%10000000000d' | format(1) }}",
    "{{ '{:10000000000}'.format(1) }}",
    "{{ '{:{}}'.format(1, 10000000000) }}",
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "{% for i in range(99999) %}{% if 'y' in 'x' * 9999999 %}{% endif %}{% endfor %}",
    "{% macro f(n) %}{% if n > 0 %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(40) }}",
    "{% for i in range(99999) %}{{ 'x' * 10000 }}{% endfor %}",
    "{% set n = namespace(n=9) %}{% for i in range(99) %}{% set n.n = n.n * n.n %}{% endfor %}",
    *(
        "{% set n = namespace(s='xxxx') %}{% for i in range(90) %}{% set n.s = "
        + growth
        + " %}{% endfor %}"
        for growth in (
            "n.s + n.s",
            "n.s ~ n.s",
            "[n.s, n.s] | join",
            "n.s | replace('x', 'xx')",
            "n.s.replace('x', 'xx')",
            "n.s.join(['a', 'b', n.s])",
        )
    ),
]


@pytest.mark.usefixtures("short_time")
@pytest.mark.parametrize("source", HOSTILE)
def test_hostile_template_ends_soon(source: str) -> None:
    started = time.process_time()
    with pytest.raises(ModelBroken):
        render(source)
    assert time.process_time() - started < 5


def test_limits_leave_ordinary_formatting_alone() -> None:
    source = (
        "{{ '%02d' % 5 }} {{ '{:>3}'.format(2) }} {{ 5 * 6 }} {{ 2 ** 8 }} "
        "{{ 'ab'.replace('a', 'c') }}"
    )
    assert render(source) == "05   2 30 256 cb"


def test_long_conversation_is_quick() -> None:
    talk = [Message("user", f"message {i} " * 20) for i in range(1000)]
    started = time.process_time()
    render("{% for m in messages %}[{{ m.role ~ m.content | trim }}]{% endfor %}", talk)
    assert time.process_time() - started < 2


# How templates of the families that think are made: each message, then the beginning of the next one.
TURNS = (
    "{% for m in messages %}[{{ m.role }}]{{ m.content.split('</think>')[-1] }}[/]{% endfor %}"
    "{% if add_generation_prompt %}[assistant]"
)
MODEL_OPENS = (
    TURNS
    + "{% if not (enable_thinking | default(true)) %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
PROMPT_OPENS = TURNS + "<think>\n{% endif %}"


@pytest.mark.parametrize(
    ("source", "content", "end"),
    [
        (MODEL_OPENS, "<think>\nhmm", "<think>\nhmm"),
        (MODEL_OPENS, "<think>\nhmm\n</think>\n\nYes, ", "<think>\nhmm\n</think>\n\nYes, "),
        (PROMPT_OPENS, "<think>\nhmm", "<think>\nhmm"),
        (PROMPT_OPENS, "<think>hmm", "<think>\nhmm"),
        (PROMPT_OPENS, "\n<think>\n\nhmm", "<think>\n\nhmm"),
        (PROMPT_OPENS, "Yes, ", "Yes, "),
    ],
)
def test_reasoning_is_continued_as_the_model_wrote_it(source: str, content: str, end: str) -> None:
    talk = [Message("user", "hi"), Message("assistant", content)]
    assert render(source, talk, continues_last=True) == f"[user]hi[/][assistant]{end}"


@pytest.mark.parametrize("source", [MODEL_OPENS, PROMPT_OPENS])
@pytest.mark.parametrize(
    ("content", "end", "is_reasoning"),
    [("Yes, ", "<think>\nhmm\n</think>\n\nYes, ", False), ("", "<think>\nhmm", True)],
)
def test_reasoning_that_stands_beside_the_content_is_continued(
    source: str, content: str, end: str, is_reasoning: bool
) -> None:
    talk = [Message("user", "hi"), Message("assistant", content, reasoning="hmm")]
    rendered = ChatTemplate(source).render(talk, continues_last=True)
    assert rendered.text == f"[user]hi[/][assistant]{end}"
    assert rendered.form
    assert rendered.form.is_reasoning is is_reasoning


@pytest.mark.parametrize(
    ("signs", "end"),
    [
        (
            "<|channel|>analysis<|message|>",
            "<|channel|>analysis<|message|>hmm<|end|><|start|>assistant<|channel|>final<|message|>Yes, ",
        ),
        (
            "<atem:function_calls> to=self<|message|>",
            " to=self<|message|>hmm<|eom|><|start|>assistant to=user<|message|>Yes, ",
        ),
        (
            "<|START_THINKING|><|START_ACTION|>",
            "<|START_THINKING|>hmm<|END_THINKING|><|START_RESPONSE|>Yes, ",
        ),
    ],
)
def test_an_answer_beside_reasoning_is_continued_behind_its_mark(signs: str, end: str) -> None:
    source = "{# " + signs + " #}" + MODEL_OPENS
    talk = [Message("user", "hi"), Message("assistant", "Yes, ", reasoning="hmm")]
    rendered = ChatTemplate(source).render(talk, continues_last=True)
    assert rendered.text == f"[user]hi[/][assistant]{end}"
    assert rendered.form
    assert rendered.form.is_answering


def test_a_template_without_tools_takes_calls_of_its_own_format_too() -> None:
    """DeepSeek's shows calls, but no tools: they are described, and the model may write what it learned."""
    source = "{# <｜tool▁calls▁begin｜> #}" + MODEL_OPENS
    form = ChatTemplate(source).render(TALK, tools=TOOLS).form
    assert form
    own = (
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁sep｜>"
        '{"city": "Oslo"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>'
    )
    described = '{"tool_calls": [{"name": "weather", "arguments": {"city": "Oslo"}}]}'
    for text in (own, described):
        message = read([text], form)
        [call] = message.tool_calls
        assert (call.name, call.arguments, message.content) == ("weather", '{"city": "Oslo"}', "")
    assert "<｜tool▁calls▁begin｜>" in form.kept


def test_an_empty_block_of_the_prompt_gives_way_to_the_reasoning_that_is_there() -> None:
    talk = [Message("user", "hi"), Message("assistant", "<think>\nhmm")]
    variables = {"enable_thinking": False}
    text = render(MODEL_OPENS, talk, continues_last=True, variables=variables)
    assert text == "[user]hi[/][assistant]<think>\nhmm"


def test_a_template_of_parts_gets_the_content_in_parts() -> None:
    source = (
        "{% for m in messages %}[{{ m.role }}]"
        "{% for part in m.content %}{% if part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}"
        "{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"
    )
    assert render(source) == "[system]S[user]hi[assistant]"
    assert (
        render(source, PREFILLED, continues_last=True) == "[system]S[user]hi[assistant]Once upon "
    )
    either = source.replace(
        "{% for part in m.content %}",
        "{{ m.content if m.content is string }}"
        "{% for part in m.content if m.content is not string %}",
    )
    assert render(either) == "[system]S[user]hi[assistant]"


def test_a_developer_is_the_system_where_a_template_knows_none() -> None:
    talk = [Message("developer", "S"), Message("user", "hi")]
    assert render("{% for m in messages %}{{ m.role }} {% endfor %}", talk) == "system user "
    knows = "{# developer #}{% for m in messages %}{{ m.role }} {% endfor %}"
    assert render(knows, talk) == "developer user "
    refuses = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}"
        "{{ messages[0].content }}"
    )
    assert render(refuses, talk) == "S\n\nhi"
