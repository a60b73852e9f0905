"""What GPT-OSS writes."""

from __future__ import annotations

from coblyn.chat.formats.harmony import HARMONY
from coblyn.chat.reasoning import NO_REASONING
from replies import Case

FORMAT = HARMONY
MARKS = NO_REASONING
ARGUMENTS = '{"city": "Oslo", "days": 2}'
MEANT = ("weather", ARGUMENTS)
THOUGHT = "<|channel|>analysis<|message|>hm<|end|>"
HEAD = "<|channel|>commentary to=functions.weather <|constrain|>json<|message|>"
START = "<|start|>assistant"

DAMAGED = '<|channel|>commentary to=functions.weather<|messag<1je|>{"cit\\u12 "Oslo", "days": 2}'

CASES = [
    Case(DAMAGED, DAMAGED.removeprefix("<|channel|>")),
    Case("<|channel|>final<|message|>Yes.", "Yes."),
    Case("<|channel|>final<|message|>Yes.<|return|>", "Yes."),
    Case(f"{THOUGHT}{START}<|channel|>final<|message|>Yes.", "Yes.", reasoning="hm"),
    Case(f"{HEAD}{ARGUMENTS}", calls=[MEANT]),
    Case(f"{HEAD}{ARGUMENTS}<|call|>", calls=[MEANT]),
    Case(f"{THOUGHT}{START}{HEAD}{ARGUMENTS}", calls=[MEANT], reasoning="hm"),
    Case(
        f"{THOUGHT}{START} to=functions.weather<|channel|>commentary json<|message|>{ARGUMENTS}",
        calls=[MEANT],
        reasoning="hm",
    ),
    Case(
        f" to=functions.weather<|channel|>commentary <|constrain|>json<|message|>{ARGUMENTS}",
        calls=[MEANT],
    ),
    Case(f"{HEAD.replace('commentary', 'analysis')}{ARGUMENTS}", calls=[MEANT]),
    Case(f"<|channel|>commentary to=functions.weather<|message|>{ARGUMENTS}", calls=[MEANT]),
    Case(
        f"<|channel|>commentary to=functions.weather<|constrain|>json<|message|>{ARGUMENTS}",
        calls=[MEANT],
    ),
    Case(
        f"<|channel|>commentary<|message|>I look.<|end|>{START}{HEAD}{ARGUMENTS}",
        "I look.",
        [MEANT],
    ),
    Case(f"{HEAD}{ARGUMENTS}<|call|>{START}{HEAD}{ARGUMENTS}<|call|>", calls=[MEANT, MEANT]),
    Case(
        "<|channel|>commentary to=functions.now <|constrain|>json<|message|><|call|>",
        calls=[("now", "{}")],
    ),
    Case(
        f"<|channel|>analysis to=browser.search<|message|>{{}}<|call|>{START}<|channel|>final<|message|>Yes.",
        "Yes.",
    ),
    Case(
        "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>analysis<|message|>b<|end|>",
        reasoning="a\nb",
    ),
    Case("Yes, plainly.", "Yes, plainly."),
    Case("to be or not", "to be or not"),
    Case("assistants help", "assistants help"),
    Case("<|channel|>ana", ""),
    Case("<|channel|>commentary<|channel|>final<|message|>Yes.", "Yes."),
    Case("<|channel|>strange<|message|>Yes.", "Yes."),
    Case(
        '<|channel|>commentary to=functions.write json<|message|>{"content": "<|end|>}"}<|call|>',
        calls=[("write", '{"content": "<|end|>}"}')],
    ),
    Case(f"{HEAD}{ARGUMENTS[:-5]}", f"{HEAD}{ARGUMENTS[:-5]}"),
    Case('<|channel|>final <|constrain|>json<|message|>{"a": 1}', '{"a": 1}'),
]

REQUIRED = HEAD + ARGUMENTS
