"""Built-in templates for models without a working one, selected by the end-of-turn token and the architecture."""

from __future__ import annotations

__all__ = ["CHATML", "family_template", "template_named"]

CHATML = (
    "{% for message in messages %}"
    "<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

_LLAMA3 = (
    "{{ bos_token }}{% for message in messages %}"
    "<|start_header_id|>{{ message.role }}<|end_header_id|>\n\n{{ message.content | trim }}<|eot_id|>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)

_LLAMA2 = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message.role == 'system' %}[INST] <<SYS>>\n{{ message.content }}\n<</SYS>>\n\n"
    "{% elif message.role == 'user' %}"
    "{% if loop.first or messages[loop.index0 - 1].role != 'system' %}[INST] {% endif %}"
    "{{ message.content }} [/INST]"
    "{% else %} {{ message.content | trim }} {{ eos_token }}{% endif %}"
    "{% endfor %}"
)

_GEMMA = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message.role == 'system' %}{{ raise_exception('no system message') }}{% endif %}"
    "<start_of_turn>{{ 'model' if message.role == 'assistant' else 'user' }}\n"
    "{{ message.content | trim }}<end_of_turn>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)

_PHI3 = (
    "{% for message in messages %}"
    "<|{{ message.role }}|>\n{{ message.content }}<|end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)

_COMMAND_R = (
    "{{ bos_token }}{% for message in messages %}<|START_OF_TURN_TOKEN|>"
    "{{ {'system': '<|SYSTEM_TOKEN|>', 'assistant': '<|CHATBOT_TOKEN|>'}"
    ".get(message.role, '<|USER_TOKEN|>') }}"
    "{{ message.content }}<|END_OF_TURN_TOKEN|>{% endfor %}"
    "{% if add_generation_prompt %}<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>{% endif %}"
)

_GRANITE = (
    "{% for message in messages %}"
    "<|start_of_role|>{{ message.role }}<|end_of_role|>{{ message.content }}<|end_of_text|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|start_of_role|>assistant<|end_of_role|>{% endif %}"
)

_DEEPSEEK = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message.role == 'user' %}<｜User｜>{{ message.content }}"
    "{% elif message.role == 'assistant' %}<｜Assistant｜>{{ message.content }}{{ eos_token }}"
    "{% else %}{{ message.content }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<｜Assistant｜>{% endif %}"
)

_BY_END = {
    "<|im_end|>": CHATML,
    "<|eot_id|>": _LLAMA3,
    "<end_of_turn>": _GEMMA,
    "<|end|>": _PHI3,
    "<|END_OF_TURN_TOKEN|>": _COMMAND_R,
    "<|end_of_text|>": _GRANITE,
    "<｜end▁of▁sentence｜>": _DEEPSEEK,
}

_BY_ARCHITECTURE = {
    "gemma": _GEMMA,
    "gemma2": _GEMMA,
    "gemma3": _GEMMA,
    "phi3": _PHI3,
    "command-r": _COMMAND_R,
    "cohere2": _COMMAND_R,
    "granite": _GRANITE,
    "granitemoe": _GRANITE,
    "deepseek2": _DEEPSEEK,
    "mistral": _LLAMA2,
}


_BY_NAME = {
    "chatml": CHATML,
    "command-r": _COMMAND_R,
    "deepseek3": _DEEPSEEK,
    "gemma": _GEMMA,
    "granite": _GRANITE,
    "llama2": _LLAMA2,
    "llama2-sys": _LLAMA2,
    "llama3": _LLAMA3,
    "phi3": _PHI3,
}
"""By the names that llama.cpp has for its built-in templates (``llama-chat.cpp``)."""


def template_named(name: str) -> str:
    """The template of that name in llama.cpp; empty if there is none here."""
    return _BY_NAME.get(name.lower(), "")


def family_template(description: str, eos: str) -> str:
    """The template of a model's family; ChatML, which most models know, if the family is unknown.

    Args:
        description: The library's description of the model, which begins with the architecture.
        eos: Text of the EOS token.
    """
    architecture = description.partition(" ")[0].lower()
    return _BY_ARCHITECTURE.get(architecture) or _BY_END.get(eos) or CHATML
