"""GBNF means here what it means in llama.cpp: every character is a step of the grammar."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from coblyn.constraints.constraint import Constraint
from coblyn.constraints.gbnf import lark_of_gbnf
from coblyn.constraints.gbnf.lexemes import greedy_loops
from coblyn.constraints.gbnf.read import read_gbnf
from coblyn.constraints.gbnf.tree import (
    Alternatives,
    Characters,
    Grammar,
    Node,
    Reference,
    Repeat,
    Sequence,
)
from coblyn.constraints.grammar import grammar_of
from coblyn.errors import ConstraintRefused
from constraints.vocabularies import END, accepts, allowed, matcher

JSON = r"""
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws
object ::= "{" ws ( string ":" ws value ("," ws string ":" ws value)* )? "}" ws
array  ::= "[" ws ( value ("," ws value)* )? "]" ws   # as llama.cpp's users write it
string ::= "\"" (
    [^"\\\x7F\x00-\x1F]+ |
    "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4})
  )* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9]+)? ws
ws     ::= | " " | "\n" [ \t]{0,20}
"""


def says(grammar: str, text: str) -> bool:
    return accepts(Constraint("gbnf", grammar), text)


@pytest.mark.parametrize(
    ("grammar", "right", "wrong"),
    [
        ('root ::= "yes" | "no"', ["yes", "no"], ["", "y", "yesno"]),
        ('root ::= item+\nitem ::= "- " [^\\n]+ "\\n"', ["- a\n", "- a\n- b c\n"], ["- \n", "a"]),
        ("root ::= (([c-c])+){2}", ["cc", "ccc"], ["c", "caa"]),
        ('root ::= [a-z]+ "x"', ["ax", "xx", "axx"], ["x", "a"]),
        ('root ::= w "x" | w root\nw ::= [a-z]+', ["ax", "abx", "xxx"], ["x", "ab1"]),
        ('root ::= expr\nexpr ::= expr "+" expr | [0-9]', ["1", "1+2+3"], ["+", "1+"]),
        ('root ::= ("a"\n "b")*', ["", "ab", "abab"], ["a", "aba"]),
        (
            'root ::= "a"{2} "b"{1,} "c"{0,2} "d"{,1}'.replace("{,1}", "?"),
            ["aab", "aabbccd"],
            ["ab"],
        ),
        ('root ::= [あ-ん]+ "\\U0001F600" "\\x41"', ["あん\U0001f600A"], ["ア\U0001f600A"]),
        (
            "root ::= Foo-bar foo_bar # two\nFoo-bar ::= [a\\]-]\nfoo_bar ::= .",
            ["]x", "-あ"],
            ["b"],
        ),
        ('root ::= ""', [""], ["a"]),
        (
            JSON,
            ["{}", '{"a": [1, -2.5e3, true, "x\\u00e9\\n"]}', '{"a":{\n\t"b":null}}'],
            ['{"a":}', '{"a":01x}'],
        ),
    ],
)
def test_a_grammar_says_what_it_says_in_llama_cpp(
    grammar: str, right: list[str], wrong: list[str]
) -> None:
    assert [text for text in right if not says(grammar, text)] == []
    assert [text for text in wrong if says(grammar, text)] == []


@pytest.mark.parametrize(
    ("grammar", "reason"),
    [
        ('foo ::= "a"', "no rule `root`"),
        ("root ::= nope", "asks for `nope`"),
        ('root ::= "a', "line 1, column 12: the text ends too early"),
        ('root ::= "a"\nb := "c"', "line 2, column 3: expected `::=`"),
        ('root ::= "\\q"', "escape"),
        ('root ::= "a"{3,2}', "below the minimum"),
        ('root ::= "a"{5000}', "more than 2000"),
        ('root ::= "a" | b\nb ::= "c" b', "rule `b` never comes to an end"),
        ("root ::= []", "without any character"),
        ("root ::= " + "(" * 100 + '"a"' + ")" * 100, "nested parentheses"),
        ("root ::= !a", "expected a token such as !<name> or !<[id]>"),
        ('root ::= "\\UFFFFFFFF"', "not a character"),
        ('root ::= "a\ud800"', "line 1, column 12: half of a surrogate pair"),
        (f'root ::= "{"a" * 60_001}"', "more than 60000 characters"),
    ],
)
def test_what_is_wrong_is_named(grammar: str, reason: str) -> None:
    with pytest.raises(ConstraintRefused, match="The grammar cannot be read") as caught:
        grammar_of(Constraint("gbnf", grammar))
    assert reason in caught.value.message


def test_a_special_token_that_the_model_does_not_have() -> None:
    with pytest.raises(ConstraintRefused, match="unknown special token"):
        matcher(Constraint("gbnf", "root ::= <think>"))


def test_special_tokens_are_tokens() -> None:
    assert "<|im_end|>" in lark_of_gbnf('root ::= "a" <|im_end|>')


def test_any_token_but_one() -> None:
    text = "root ::= <[97]> !<[98]>* <[98]>"
    assert accepts(Constraint("gbnf", text), "ab")
    assert accepts(Constraint("gbnf", text), "acaacb")
    assert not accepts(Constraint("gbnf", text), "acbb")
    assert not accepts(Constraint("gbnf", text), "ac")
    assert accepts(Constraint("gbnf", 'root ::= "{" !<[125]>{2} "}"'), "{ab}")
    assert not accepts(Constraint("gbnf", 'root ::= "{" !<[125]>{2} "}"'), "{a}}")


def test_the_end_is_no_other_token() -> None:
    one = matcher(Constraint("gbnf", "root ::= !<[98]> !<[98]>"))
    assert allowed(one) == {token for token in range(END) if token != 98}
    named = matcher(Constraint("gbnf", "root ::= !<end>"))
    assert allowed(named) == set(range(END))


def test_any_token_but_one_that_the_model_does_not_have() -> None:
    with pytest.raises(ConstraintRefused, match="unknown special token"):
        matcher(Constraint("gbnf", "root ::= !<think>"))


def test_any_token_but_one_that_has_no_number() -> None:
    with pytest.raises(ConstraintRefused, match="Token range end too large: 1000000"):
        matcher(Constraint("gbnf", "root ::= !<[1000000]>"))


def test_a_token_is_looked_up_once_however_often_it_stands_there() -> None:
    asked = []

    def exclude(token: str) -> str:
        asked.append(token)
        return "<[^1]>"

    lark_of_gbnf("root ::= " + "!<a> !<b> " * 500, exclude)
    assert asked == ["<a>", "<b>"]


def test_a_loop_that_nothing_else_could_begin_with_is_one_lexeme() -> None:
    digits = Repeat(Characters(((48, 57),)), 1, None)
    assert digits in greedy_loops(read_gbnf(JSON))
    assert greedy_loops(read_gbnf('root ::= [a-z]+ "x"')) == frozenset()
    assert greedy_loops(read_gbnf('root ::= ("a" | [a-z]+ "1") "b"')) == frozenset()


CHARACTERS = st.sampled_from(
    [
        Characters(((97, 97),)),
        Characters(((98, 98),)),
        Characters(((97, 98),)),
        Characters(((99, 99),)),
    ]
)
NODES = st.recursive(
    CHARACTERS | st.sampled_from([Reference("root"), Reference("other")]),
    lambda inner: (
        st.builds(Repeat, inner, st.integers(0, 2), st.none() | st.integers(2, 3))
        | st.builds(Repeat, CHARACTERS, st.integers(0, 1), st.none())
        | st.lists(inner, max_size=3).map(lambda nodes: Sequence(tuple(nodes)))
        | st.lists(inner, min_size=1, max_size=3).map(lambda nodes: Alternatives(tuple(nodes)))
    ),
    max_leaves=6,
)


class Recogniser:
    """Where in a text a grammar's words may end: the smallest sets that satisfy its rules."""

    def __init__(self, grammar: Grammar, text: str) -> None:
        self._grammar = grammar
        self._text = text
        self._reached: dict[tuple[str, int], frozenset[int]] = {("root", 0): frozenset()}

    def ends(self) -> frozenset[int]:
        is_growing = True
        while is_growing:
            before = dict(self._reached)
            for name, at in before:
                self._reached[name, at] = frozenset(self._step(self._grammar[name], at))
            is_growing = before != self._reached
        return self._reached["root", 0]

    def _step(self, node: Node, at: int) -> set[int]:
        match node:
            case Characters():
                rest = self._text[at : at + 1]
                fits = rest and any(low <= ord(rest) <= high for low, high in node.ranges)
                return {at + 1} if fits else set()
            case Reference():
                return set(self._reached.setdefault((node.name, at), frozenset()))
            case Alternatives():
                return set().union(*(self._step(inner, at) for inner in node.nodes))
            case Sequence():
                return self._one_after_the_other(node.nodes, at)
            case Repeat():
                return self._repeat(node, at)
        raise AssertionError(node)

    def _one_after_the_other(self, nodes: tuple[Node, ...], at: int) -> set[int]:
        places = {at}
        for inner in nodes:
            places = {end for place in places for end in self._step(inner, place)}
        return places

    def _repeat(self, node: Repeat, at: int) -> set[int]:
        most = node.least + len(self._text) if node.most is None else node.most
        counts = range(node.least, most + 1)
        return set().union(*(self._one_after_the_other((node.node,) * n, at) for n in counts))


def written(node: Node) -> str:
    match node:
        case Characters():
            (low, high), *_ = node.ranges
            return f"[{chr(low)}-{chr(high)}]"
        case Reference():
            return node.name
        case Repeat():
            return (
                f"({written(node.node)}){{{node.least},{'' if node.most is None else node.most}}}"
            )
        case Sequence():
            return " ".join(f"({written(each)})" for each in node.nodes) or '""'
        case Alternatives():
            return "(" + " | ".join(written(each) for each in node.nodes) + ")"
    raise AssertionError(node)


@settings(max_examples=60, deadline=None)
@given(root=NODES, other=NODES, text=st.text("abc", max_size=6))
def test_grammars_of_all_shapes_say_what_they_say(root: Node, other: Node, text: str) -> None:
    grammar = f"root ::= {written(root)}\nother ::= {written(other)}"
    try:
        rules = read_gbnf(grammar)
    except ValueError as error:
        assume("never comes to an end" not in str(error))
        raise
    assert says(grammar, text) == (len(text) in Recogniser(rules, text).ends())
