"""What Muse writes."""

from __future__ import annotations

from coblyn.chat.formats.muse import MUSE
from coblyn.chat.reasoning import NO_REASONING
from replies import Case

FORMAT = MUSE
MARKS = NO_REASONING
MEANT = ("weather", '{"city": "Oslo", "days": 2}')
NOW = ("now", "{}")
NEXT = "<|start|>assistant"
THOUGHT = f" to=self<|message|>hm<|eom|>{NEXT}"


def parameter(key: str, value: str) -> str:
    return f'<atem:parameter name="{key}">{value}</atem:parameter>\n'


def invoke(name: str, **values: str) -> str:
    parameters = "".join(parameter(key, value) for key, value in values.items())
    return f'<atem:invoke name="{name}">\n{parameters}</atem:invoke>\n'


def block(*invokes: str) -> str:
    return f"<atem:function_calls>\n{''.join(invokes)}</atem:function_calls>"


def to(name: str, text: str) -> str:
    return f" to={name}<|message|>{text}"


OSLO = block(invoke("weather", city="Oslo", days="2"))
CALL = to("weather", OSLO)
NOW_CALL = to("now", block(invoke("now")))
SEARCH = invoke("search", query=" a ", options='{"b": 1}', tags='["x"]', exact="true")
SEARCHED = '{"query": " a ", "options": {"b": 1}, "tags": ["x"], "exact": true}'
LITERAL = "keep <|eot|> and <|start|>assistant to=user<|message|>"

CASES = [
    Case(to("user", "Yes."), "Yes."),
    Case(to("user", "Yes.<|eot|>"), "Yes."),
    Case(THOUGHT + to("user", "Yes.<|eot|>"), "Yes.", reasoning="hm"),
    Case(to("self", "hm"), reasoning="hm"),
    Case(CALL, calls=[MEANT]),
    Case(CALL + "<|eot|>", calls=[MEANT]),
    Case(THOUGHT + CALL + f"<|eom|>{NEXT}{NOW_CALL}<|eot|>", "", [MEANT, NOW], reasoning="hm"),
    Case(f" to=self<|message|>hm{NEXT}{CALL}{NEXT}{to('user', 'So.')}", "So.", [MEANT], "hm"),
    Case(to("search", block(SEARCH)), calls=[("search", SEARCHED)]),
    Case(
        to("write", block(invoke("write", path="a", content=LITERAL)) + "<|eot|>"),
        calls=[("write", f'{{"path": "a", "content": "{LITERAL}"}}')],
    ),
    Case(to("muse", OSLO), calls=[MEANT]),
    Case(to("user", OSLO), calls=[MEANT]),
    Case(to("atem:function_calls", OSLO), calls=[MEANT]),
    Case(f"<|message|>{OSLO}<|eom|>", calls=[MEANT]),
    Case(OSLO, calls=[MEANT]),
    Case(to("user", f"You write:\n{OSLO}\nDone.<|eot|>"), f"You write:\n{OSLO}\nDone."),
    Case(f"You write: {OSLO}", f"You write: {OSLO}"),
    Case(f"{to('user', f'So: {OSLO}')}<|eom|>{NEXT}{NOW_CALL}", f"So: {OSLO}", [NOW]),
    Case(to("weather", f"I look.\n{OSLO}<|eot|>"), "I look.", [MEANT]),
    Case(to("user", f"{OSLO}\nDone.<|eot|>"), "Done.", [MEANT]),
    Case(to("user", block(invoke("weather", city="Oslo", days="2") * 2)), "", [MEANT, MEANT]),
    Case(CALL.replace('"weather"', '"weather<|message|>"'), calls=[MEANT]),
    Case(CALL.replace('"weather">\n', '"weather<|message|>'), calls=[MEANT]),
    Case(CALL.replace('"weather"', '"wea<|message|>ther"'), calls=[MEANT]),
    Case(CALL.replace('"weather"', '"weather.weather"'), calls=[MEANT]),
    Case(CALL.replace('"weather"', '"other.weather"'), OSLO.replace('"w', '"other.w')),
    Case(to("user", block(invoke("unknown"))), block(invoke("unknown"))),
    Case(to("weather", "Oslo"), "Oslo"),
    Case(to("user", "Use `<|start|>` here."), "Use `<|start|>` here."),
    Case(to("self", "Use `<|start|>` here."), reasoning="Use `<|start|>` here."),
    Case("Plain.", "Plain."),
    Case(" to be or not", " to be or not"),
    Case("to=5 is the answer", "to=5 is the answer"),
    Case(CALL[:70], OSLO[: 70 - len(to("weather", ""))]),
    Case(f"{to('user', 'Yes.')}<|eom|>{NEXT} to=se", "Yes."),
]

REQUIRED = OSLO
