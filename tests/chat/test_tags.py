from __future__ import annotations

import pytest

from coblyn.chat.placeholders import Tags, fill_placeholders
from coblyn.chat.tags import tags_of
from coblyn.chat.template import CHATML

BOS, EOS = "<s>", "</s>"

HEADERS = (
    "{{ bos_token }}{% for m in messages %}<|head|>{{ m.role }}<|/head|>\n\n{{ m.content | trim }}<|eot|>"
    "{% endfor %}{% if add_generation_prompt %}<|head|>assistant<|/head|>\n\n{% endif %}"
)
BRACKETS = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
    "{% elif m.role == 'system' %}{{ raise_exception('no system') }}"
    "{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}"
)
THINKING = (
    "{% if messages[0].role != 'system' %}<|im_start|>system\nBe good.<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
)
RETURNING = (
    "<|start|>system<|message|>I am.<|end|>{% for m in messages %}<|start|>{{ m.role }}<|message|>{{ m.content }}"
    "{{ '<|return|>' if loop.last and m.role == 'assistant' else '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
BETWEEN = (
    "<|x_end|>{% for m in messages %}{% if not loop.first %}<|{{ loop.previtem.role }}_end|>{% endif %}"
    "<|{{ m.role }}_start|>{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|user_end|><|assistant_start|>{% endif %}"
)


@pytest.mark.parametrize(
    ("template", "tags"),
    [
        (
            CHATML,
            Tags(
                "<|im_start|>system\n",
                "<|im_end|>\n",
                "<|im_start|>user\n",
                "<|im_end|>\n",
                "<|im_start|>assistant\n",
                "<|im_end|>\n",
                "<|im_start|>assistant\n",
            ),
        ),
        (
            HEADERS,
            Tags(
                "<|head|>system<|/head|>\n\n",
                "<|eot|>",
                "<|head|>user<|/head|>\n\n",
                "<|eot|>",
                "<|head|>assistant<|/head|>\n\n",
                "<|eot|>",
                "<|head|>assistant<|/head|>\n\n",
            ),
        ),
        # No role for a system: it speaks as a user. Nothing opens an answer.
        (BRACKETS, Tags("[INST] ", " [/INST]", "[INST] ", " [/INST]", " ", "</s>", "")),
        # A system message that is there without being asked for belongs to no tag.
        (
            THINKING,
            Tags(
                "<|im_start|>system\n",
                "<|im_end|>\n",
                "<|im_start|>user\n",
                "<|im_end|>\n",
                "<|im_start|>assistant\n",
                "<|im_end|>\n",
                "<|im_start|>assistant\n<think>\n",
            ),
        ),
        # The last answer ends in another way than those in the past.
        (
            RETURNING,
            Tags(
                "<|start|>system<|message|>I am.<|end|><|start|>system<|message|>",
                "<|end|>",
                "<|start|>user<|message|>",
                "<|end|>",
                "<|start|>assistant<|message|>",
                "<|end|>",
                "<|start|>assistant",
            ),
        ),
        # Ends are written with the next start only.
        (
            BETWEEN,
            Tags(
                "<|x_end|><|system_start|>",
                "<|system_end|>",
                "<|user_start|>",
                "",
                "<|user_end|><|assistant_start|>",
                "<|assistant_end|>",
                "<|user_end|><|assistant_start|>",
            ),
        ),
    ],
)
def test_tags_are_those_of_the_template(template: str, tags: Tags) -> None:
    assert tags_of(template, BOS, EOS) == tags


@pytest.mark.parametrize(
    "template",
    [
        "",
        " \n",
        "{{ broken",
        "{{ messages[9].content }}",
        "{{ raise_exception('never') }}",
        "nothing of what was said",
        "{% for m in messages %}{{ m.content | upper }}{% endfor %}",
        "{% for m in messages %}{{ m.content }}{{ m.content }}{% endfor %}",
        "{% for m in messages %}{{ m.content }}{% endfor %}",
        "{{ 1 / 0 }}",
    ],
)
def test_what_has_no_tags_is_none(template: str) -> None:
    assert tags_of(template, BOS, EOS) is None


@pytest.mark.parametrize("ends", [False, True])
def test_a_filled_story_is_what_the_template_writes(ends: bool) -> None:
    tags = tags_of(HEADERS, BOS, EOS)
    assert tags is not None
    story = "{{[INPUT]}}one{{[INPUT_END]}}{{[OUTPUT]}}two{{[OUTPUT_END]}}{{[INPUT]}}three{{[INPUT_END]}}"
    if not ends:
        story = story.replace("{{[INPUT_END]}}", "").replace("{{[OUTPUT_END]}}", "")
    _, filled = fill_placeholders("", story + "{{[OUTPUT]}}", tags)
    assert filled == (
        "<|head|>user<|/head|>\n\none<|eot|><|head|>assistant<|/head|>\n\ntwo<|eot|>"
        "<|head|>user<|/head|>\n\nthree<|eot|><|head|>assistant<|/head|>\n\n"
    )
