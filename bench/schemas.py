"""How much of JSON Schema is enforced, and whether rightly: schemas with instances that fit them or do not.

    python bench/schemas.py DIR [--alone] [--json FILE] [--processes 2]

DIR has the tests of JSON-Schema-Test-Suite (``tests/draft7`` and so on), or the schemas of jsonschemabench's MaskBench
(``maskbench/data``); neither comes with Coblyn. For each schema, the masks have to accept every valid instance and
refuse every invalid one, or the schema has to be refused. Instances are written compactly, with spaces, and indented.
An instance that is only accepted with its keys in another order is counted by itself: properties are written in the
order in which a schema declares them. With ``--alone`` llguidance gets the schemas as they are, which is the
baseline. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from llguidance import LLMatcher, LLTokenizer

from coblyn.constraints.constraint import Constraint
from coblyn.constraints.grammar import grammar_of
from coblyn.constraints.matcher import Matcher, mask_words
from coblyn.constraints.vocabulary import Vocabulary, make_tokenizer
from coblyn.errors import ConstraintRefused, EngineError

END = 256
PIECES = (*(bytes([byte]) for byte in range(256)), b"<end>")
MAX_TRIES = 200
"""Orders of keys that are tried, counted in keys that are written."""
MAX_MASKED = 100
"""Bytes of the longest text for which a mask is computed at every byte; others are only read."""

DRAFTS = {
    "draft3": "http://json-schema.org/draft-03/schema#",
    "draft4": "http://json-schema.org/draft-04/schema#",
    "draft6": "http://json-schema.org/draft-06/schema#",
    "draft7": "http://json-schema.org/draft-07/schema#",
}
"""Drafts whose schemas in the suite do not name them."""


@dataclass(frozen=True, slots=True)
class Case:
    """A schema with its instances: a value, and whether it fits."""

    name: str
    schema: Any
    instances: Sequence[tuple[Any, bool]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a case.

    Attributes:
        name: Of the case.
        outcome: ``right``, ``refused``, ``too large``, or what is wrong: ``valid refused``, ``invalid accepted``.
        reason: Why the schema is refused.
        num_reordered: Valid instances that are accepted in another order of their keys only.
        num_rewritten: Those that are not accepted in all forms: with escapes, with ".0" behind whole numbers.
        wrong: The instances that the outcome is about.
        seconds: What it took to read the schema.
    """

    name: str
    outcome: str
    reason: str = ""
    num_reordered: int = 0
    num_rewritten: int = 0
    wrong: tuple[str, ...] = ()
    seconds: float = 0.0


def cases_in(path: Path, root: Path) -> Iterator[Case]:
    """The cases of a file, of either collection."""
    content = json.loads(path.read_text("utf-8"))
    name = str(path.relative_to(root).with_suffix(""))
    if isinstance(content, dict):
        tests = [(each["data"], each["valid"]) for each in content.get("tests", ())]
        yield Case(name, content["schema"], tests)
        return
    draft = next((DRAFTS[part] for part in path.parts if part in DRAFTS), None)
    for each in content:
        schema = each["schema"]
        if draft and isinstance(schema, dict):
            schema = {"$schema": draft, **schema}
        tests = [(one["data"], one["valid"]) for one in each["tests"]]
        yield Case(f"{name}: {each['description']}", schema, tests)


def grammar(schema: Any, *, alone: bool) -> str:
    """The schema's grammar; raises ``ConstraintRefused`` where there is none."""
    text = json.dumps(schema)
    if not alone:
        return grammar_of(Constraint("json_schema", text))
    found = LLMatcher.grammar_from_json_schema(text)
    if problem := LLMatcher.validate_grammar(found):
        raise ConstraintRefused(problem)
    return found


def forms(value: Any) -> list[str]:
    """An instance as text, in the ways that programs write JSON."""
    return [
        json.dumps(value, separators=(",", ":"), ensure_ascii=not _is_sound(value)),
        json.dumps(value),
        json.dumps(value, indent=2),
    ]


def _is_sound(value: Any) -> bool:
    """Whether its texts are Unicode, without half a pair of surrogates."""
    return not re.search(r"[\ud800-\udfff]", json.dumps(value, ensure_ascii=False))


def is_accepted(matcher: Matcher, text: str) -> bool:
    """Whether the masks lead through a text to its end."""
    tokens = [*text.encode(), END]
    is_read = matcher.count_allowed(tokens) == len(tokens)
    if len(text) > MAX_MASKED:
        return is_read
    one, words = matcher.copy(), np.zeros(mask_words(len(PIECES)), np.uint32)
    for token in tokens:
        one.fill(words)
        if not words[token // 32] >> (token % 32) & 1:
            assert not is_read, "masks and reading differ"
            return False
        if token != END:
            one.accept(token)
    assert is_read, "masks and reading differ"
    return True


class Search:
    """Looks for an order of keys in which an instance is accepted, compactly written."""

    def __init__(self) -> None:
        self._tries = MAX_TRIES

    def written(self, one: Matcher, value: Any) -> Matcher | None:
        """The matcher behind a value; None where no order is accepted, or none was found in time."""
        if isinstance(value, dict):
            after = _read(one, "{")
            return after and self._members(after, value, is_first=True)
        if not isinstance(value, list):
            text = json.dumps(value, ensure_ascii=not _is_sound(value))
            return _read(one, text)
        after = _read(one, "[")
        for index, item in enumerate(value):
            after = after and (_read(after, ",") if index else after)
            after = after and self.written(after, item)
        return after and _read(after, "]")

    def _members(self, one: Matcher, rest: dict[str, Any], *, is_first: bool) -> Matcher | None:
        if not rest:
            return _read(one, "}")
        for key, value in rest.items():
            self._tries -= 1
            if self._tries < 0:
                return None
            name = json.dumps(key, ensure_ascii=not _is_sound(key))
            after = _read(one, f"{'' if is_first else ','}{name}:")
            after = after and self.written(after, value)
            others = {each: other for each, other in rest.items() if each != key}
            if after and (found := self._members(after, others, is_first=False)):
                return found
        return None


def _read(one: Matcher, text: str) -> Matcher | None:
    tokens = list(text.encode())
    if one.count_allowed(tokens) < len(tokens):
        return None
    other = one.copy()
    for token in tokens:
        other.accept(token)
    return other


def judge(case: Case, tokenizer: LLTokenizer, *, alone: bool) -> Verdict:
    """Check a case."""
    began = time.perf_counter()
    try:
        matcher = Matcher(tokenizer, grammar(case.schema, alone=alone))
        seconds = time.perf_counter() - began
        return judge_instances(case, matcher, seconds)
    except ConstraintRefused as error:
        return Verdict(case.name, "refused", error.message)
    except EngineError as error:
        return Verdict(case.name, "too large", error.message)


def judge_instances(case: Case, matcher: Matcher, seconds: float) -> Verdict:
    """Check the instances of a case."""
    reordered = rewritten = 0
    refused, accepted = [], []
    for value, is_valid in case.instances:
        text = forms(value)[0]
        way = how_accepted(matcher, value, is_valid=is_valid)
        if not is_valid and way:
            accepted.append(text)
        elif is_valid and not way:
            refused.append(text)
        reordered += is_valid and way == "in another order"
        rewritten += is_valid and way == "in some forms"
    outcome = "invalid accepted" if accepted else "valid refused" if refused else "right"
    wrong = tuple(accepted or refused)
    return Verdict(case.name, outcome, "", reordered, rewritten, wrong, seconds)


def how_accepted(matcher: Matcher, value: Any, *, is_valid: bool) -> str:
    """In which ways of writing it an instance is accepted; empty if in none."""
    taken = [is_accepted(matcher, text) for text in forms(value)]
    if all(taken):
        return "in all forms"
    if is_valid:
        value = _whole(value)
        taken.append(is_accepted(matcher, forms(value)[0]))
    if any(taken):
        return "in some forms"
    after = Search().written(matcher, value)
    return "in another order" if after and after.is_complete else ""


def _whole(value: Any) -> Any:
    """The same value with its whole numbers as integers, as a schema's grammar writes them."""
    if isinstance(value, dict):
        return {key: _whole(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def judge_file(path: Path, root: Path, alone: bool) -> list[Verdict]:
    """Check the cases of a file."""
    return [judge(case, _tokenizer(), alone=alone) for case in cases_in(path, root)]


_made: list[LLTokenizer] = []


def _tokenizer() -> LLTokenizer:
    if not _made:
        vocabulary = Vocabulary(PIECES, [END], [END], lambda text: list(text.encode()))
        _made.append(make_tokenizer(vocabulary))
    return _made[0]


def keyword(reason: str) -> str:
    """The keyword, or what else is said, in a reason for which a schema is refused."""
    reason = re.sub(r"^The schema cannot be enforced: (at [^ ]+, )?", "", reason)
    if named := re.search(r'("[^,]*"(, "[^,]*")*) is not enforced', reason):
        return named[1]
    return re.sub(r"[0-9]+|\"[^\"]*\"|'[^']*'|`[^`]*`", "…", reason)[:70]


def report(verdicts: list[Verdict]) -> dict[str, Any]:
    """Print what came out, and give the figures."""
    outcomes = Counter(each.outcome for each in verdicts)
    reasons = Counter(keyword(each.reason) for each in verdicts if each.reason)
    for reason, count in reasons.most_common(40):
        print(f"{count:6}  {reason}")
    for each in verdicts:
        if each.wrong:
            print(f"{each.outcome}: {each.name}: {each.wrong[0][:200]}")
    seconds = sorted(each.seconds for each in verdicts if each.seconds)
    return {
        "schemas": len(verdicts),
        **outcomes,
        "instances in another order": sum(each.num_reordered for each in verdicts),
        "instances in some forms": sum(each.num_rewritten for each in verdicts),
        "milliseconds to read, median": round(1e3 * seconds[len(seconds) // 2], 2),
        "milliseconds to read, most": round(1e3 * seconds[-1], 2),
    }


def main() -> None:
    """Check all cases below a directory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--alone", action="store_true", help="llguidance alone")
    parser.add_argument("--json", type=Path, help="where the verdicts go")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    paths = sorted(options.folder.rglob("*.json"))
    if not paths:
        sys.exit(f"There are no schemas in {options.folder}.")
    with ProcessPoolExecutor(options.processes) as pool:
        count = len(paths)
        results = pool.map(
            judge_file, paths, [options.folder] * count, [options.alone] * count, chunksize=8
        )
        verdicts = [each for found in results for each in found]
    figures = report(verdicts)
    if options.json:
        fields = [
            {"name": v.name, "outcome": v.outcome, "reason": v.reason, "wrong": v.wrong}
            for v in verdicts
        ]
        options.json.write_text(json.dumps(fields, indent=1), "utf-8")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
