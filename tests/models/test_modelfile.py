from __future__ import annotations

import pytest

from coblyn.models.modelfile import Modelfile, ModelfileWrong, read_modelfile, write_modelfile

WHOLE = '''# A pirate.
FROM smollm2
PARAMETER temperature 0.7
parameter top_k 20
PARAMETER stop "<|im_end|>"
PARAMETER stop AI:
PARAMETER penalize_newline false
TEMPLATE """{{ if .System }}<|im_start|>system
{{ .System }}<|im_end|>
{{ end }}{{ .Prompt }}"""

SYSTEM You are a pirate, "Black Bart".
ADAPTER ./pirate.gguf
MESSAGE user Who are you?
MESSAGE assistant """Arr,
matey."""
LICENSE "MIT"
LICENSE """
A second one.
"""
REQUIRES 0.6
'''


def test_every_instruction_is_read() -> None:
    found = read_modelfile(WHOLE)
    assert found.base == "smollm2"
    assert found.parameters == {
        "temperature": 0.7,
        "top_k": 20,
        "stop": ("<|im_end|>", "AI:"),
        "penalize_newline": False,
    }
    assert found.template.startswith("{{ if .System }}<|im_start|>system\n")
    assert found.template.endswith("{{ end }}{{ .Prompt }}")
    assert found.system == 'You are a pirate, "Black Bart".'
    assert found.adapters == ("./pirate.gguf",)
    assert found.messages == (("user", "Who are you?"), ("assistant", "Arr,\nmatey."))
    assert found.licenses == ("MIT", "\nA second one.\n")
    assert found.ignored == (("requires", "0.6"),)


def test_it_is_read_as_it_was_written() -> None:
    found = read_modelfile(WHOLE)
    assert read_modelfile(write_modelfile(found)) == found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('FROM x\nSYSTEM "a" and "b"', 'a" and "b'),
        ('FROM x\nSYSTEM "two\nlines"', "two\nlines"),
        ("FROM x\nSYSTEM   spaced  ", "spaced"),
        ("FROM x\nSYSTEM first\nSYSTEM last", "last"),
        ('FROM x\r\nSYSTEM """a\r\nb"""\r\n', "a\nb"),
        ('FROM x\nSYSTEM ""', ""),
        ("FROM x\nSYSTEM\tafter a tab", "after a tab"),
    ],
)
def test_values(text: str, value: str) -> None:
    assert read_modelfile(text).system == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no model"),
        ("SYSTEM x", "names no model"),
        ("FROM x\nFLY away", "Line 2 of the Modelfile: FLY is not an instruction"),
        ('FROM x\n\nSYSTEM """never', "Line 3 of the Modelfile: the quotation has no end"),
        ("FROM x\nPARAMETER top_k", "Line 2 of the Modelfile needs a name and a value"),
        ("FROM x\nMESSAGE pirate Arr", "the role 'pirate' must be one of"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ModelfileWrong, match=message):
        read_modelfile(text)


def test_what_one_does_not_say_the_one_below_does() -> None:
    below = Modelfile("smollm2", {"top_k": 1, "top_p": 0.5}, "Be brief.", licenses=("MIT",))
    above = Modelfile("mario", {"top_k": 2}, messages=(("user", "hi"),))
    assert above.over(below) == Modelfile(
        "smollm2",
        {"top_k": 2, "top_p": 0.5},
        "Be brief.",
        messages=(("user", "hi"),),
        licenses=("MIT",),
    )
