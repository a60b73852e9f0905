"""What Apertus writes."""

from __future__ import annotations

from coblyn.chat.formats.apertus import APERTUS
from coblyn.chat.reasoning import Reasoning
from replies import Case

FORMAT = APERTUS
MARKS = Reasoning("<|inner_prefix|>", "<|inner_suffix|>", "")
BEGIN, END = "<|tools_prefix|>", "<|tools_suffix|>"
ARGUMENTS = '{"city": "Oslo", "days": 2}'
MEANT = ("weather", ARGUMENTS)
OSLO = f'{{"weather": {ARGUMENTS}}}'
NOW = '{"now": {}}'
TRICKY = f'{{"content": "}}]{END}"}}'

CASES = [
    Case("No.", "No."),
    Case(f"{BEGIN}[{OSLO}]{END}", calls=[MEANT]),
    Case(f"{BEGIN}[{OSLO}, {NOW}]{END}", calls=[MEANT, ("now", "{}")]),
    Case(f"{BEGIN}[{OSLO} {NOW}]{END}", calls=[MEANT, ("now", "{}")]),
    Case(f"{BEGIN}{OSLO}{END}", calls=[MEANT]),
    Case(f"{BEGIN} [\n{OSLO}\n] {END}", calls=[MEANT]),
    Case(f"{BEGIN}[{OSLO}]{END}{BEGIN}[{NOW}]{END}", calls=[MEANT, ("now", "{}")]),
    Case(f"I look.{BEGIN}[{OSLO}]{END}", "I look.", [MEANT]),
    Case(f"{BEGIN}[{OSLO}]{END} Done.", "Done.", [MEANT]),
    Case(f"{BEGIN}[{OSLO}", calls=[MEANT]),
    Case(f"{BEGIN}[{OSLO[:-2]}{END}", calls=[MEANT]),
    Case(f'{BEGIN}[{{"now": null}}]{END}', calls=[("now", "{}")]),
    Case(f'{BEGIN}[{{"write": {TRICKY}}}]{END}', calls=[("write", TRICKY)]),
    Case(f"{BEGIN}[{OSLO[:-9]}", f"{BEGIN}[{OSLO[:-9]}"),
    Case(f"{BEGIN}none{END}", f"{BEGIN}none{END}"),
    Case(f"{BEGIN}[{OSLO}, none]{END}", f", none]{END}", [MEANT]),
    Case("<|inner_prefix|>hm<|inner_suffix|>Yes.", "Yes.", reasoning="hm"),
    Case(f"<|inner_prefix|>hm<|inner_suffix|>{BEGIN}[{OSLO}]{END}", "", [MEANT], reasoning="hm"),
]

REQUIRED = f"{BEGIN}[{OSLO}]{END}"
