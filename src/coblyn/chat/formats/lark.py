"""Grammars of calls in llguidance's dialect of Lark.

Text is a literal; a special token is a reference to its id, since no literal matches it.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coblyn.chat.formats.raw_text import NotSayable, terminal_of
from coblyn.chat.formats.values import types_of
from coblyn.chat.messages import Tool
from coblyn.constraints.repeated import with_references
from coblyn.errors import ConstraintRefused

__all__ = ["CallRule", "Lark", "MakeRule"]

log = logging.getLogger(__name__)

_SPACE = r" |\r?\n\n?[ \t]{0,32}"
"""Bounded whitespace: some small models would write unlimited whitespace forever."""


@dataclass(frozen=True, slots=True)
class CallRule:
    """The rule of a format's calls.

    Attributes:
        mark: The text that begins calls; a required call begins with it.
        body: What follows the mark, in Lark.
        triggers: Marks after which only ``body`` may follow; empty if the mark has other meanings too.
        is_block: Whether the body contains all calls of a reply, not just one.
        is_end: Whether nothing may follow.
        before: What may precede calls, in Lark, if reasoning has no marks.
        between: What may stand between reasoning and required calls, in Lark.
    """

    mark: str
    body: str
    triggers: Sequence[str]
    is_block: bool = False
    is_end: bool = False
    before: str = ""
    between: str = ""


class Lark:
    """Builds a grammar.

    Args:
        tools: The tools that may be called.
        schemas: The schema of each tool's arguments, by its name, with nothing that cannot be enforced.
        special: Ids of special tokens, by text.
        template: The model's chat template, which distinguishes variants of a format.
        is_parallel: Whether several calls at once are allowed.
        is_needed: Whether a call is required.
    """

    def __init__(
        self,
        tools: Sequence[Tool],
        schemas: Mapping[str, Mapping[str, Any]],
        *,
        special: Mapping[str, int],
        template: str = "",
        is_parallel: bool = True,
        is_needed: bool = False,
    ) -> None:
        self.tools = tools
        self._is_needed = is_needed
        self.template = template
        self.is_parallel = is_parallel
        self._schemas = schemas
        self._special = dict(special)
        names = sorted(self._special, key=len, reverse=True)
        self._splitter = re.compile("|".join(map(re.escape, names)) or "(?!)")
        self._rules: list[str] = []

    def grammar(self, start: str) -> str:
        """All rules."""
        return "\n".join([f"start: {start}", *self._rules, f"S: /({_SPACE})?/", ""])

    def rule(self, body: str) -> str:
        """Add a named rule, and give its name."""
        return self._rule(body)

    def text(self, text: str) -> str:
        """An exact text."""
        parts, end = [], 0
        for found in self._splitter.finditer(text):
            parts += [_literal(text[end : found.start()]), f"<[{self._special[found[0]]}]>"]
            end = found.end()
        parts.append(_literal(text[end:]))
        return " ".join(part for part in parts if part) or '""'

    def until(self, closing: str, without: Sequence[str] = ()) -> str:
        """Any text up to its end mark.

        Args:
            closing: The mark.
            without: Texts that do not occur before it.
        """
        found = self._splitter.search(closing)
        before = closing[: found.start()] if found else ""
        text = f"/(.|\\n)*{_pattern(before)}/"
        if without:
            others = "|".join(map(_pattern, without))
            text = self._terminal(f"{text} & ~/(.|\\n)*({others})(.|\\n)*/")
        if found:
            return self.rule(f"{self.rule(text)} {self.text(closing[found.start() :])}")
        return self._rule(text, f"[suffix={json.dumps(closing, ensure_ascii=False)}]")

    def any_of(self, bodies: Iterable[str]) -> str:
        """One of several."""
        return "(" + " | ".join(self.rule(body) for body in bodies) + ")"

    def each(self, make: Callable[[Tool], str]) -> str:
        """One of the tools, each with its own rule."""
        return self.any_of(make(tool) for tool in self.tools)

    def listed(self, item: str, separator: str) -> str:
        """One or more items with a separator."""
        return f"{item} ({separator} {item})*" if self.is_parallel else item

    def json(self, schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> str:
        """JSON of a schema; its references point into ``root``, if it is a part of that."""
        shared = {key: root[key] for key in ("$defs", "definitions") if root and key in root}
        options = {**schema.get("x-guidance", {}), "whitespace_pattern": _SPACE}
        spaced = {**schema, **shared, "x-guidance": options}
        return self.rule(f"%json {json.dumps(with_references(spaced), ensure_ascii=False)}")

    def arguments(self, tool: Tool) -> str:
        """The arguments of a tool as JSON."""
        return self.json(self._schemas[tool.name])

    def calls(self, name: str = "name", arguments: str = "arguments") -> str:
        """A JSON object that calls one of the tools.

        Args:
            name: Key of the name.
            arguments: Key of the arguments.
        """

        def members(tool: Tool) -> dict[str, Any]:
            return {name: {"const": tool.name}, arguments: self._schemas[tool.name]}

        return self._together(members, lambda tool: self.call(tool, name=name, arguments=arguments))

    def keyed_calls(self) -> str:
        """A JSON object whose only key is the name of a tool, with its arguments as the value."""

        def alone(tool: Tool) -> str:
            return f'"{{" S {_literal(_quoted(tool.name))} S ":" S {self.arguments(tool)} S "}}"'

        return self._together(lambda tool: {tool.name: self._schemas[tool.name]}, alone)

    def _together(
        self, members: Callable[[Tool], dict[str, Any]], alone: Callable[[Tool], str]
    ) -> str:
        """One of the tools, as an object of certain members.

        Those whose schemas mean the same within another one are written as one schema, since llguidance compiles what
        they have in common once; the others have a rule of their own.
        """
        together = [tool for tool in self.tools if _stands_alone(self._schemas[tool.name])]
        others = [tool for tool in self.tools if tool not in together]
        whole = {"anyOf": [_object_of(members(tool)) for tool in together]}
        rules = [self.json(whole)] if together else []
        return self.any_of([*rules, *map(alone, others)])

    def call(
        self, tool: Tool, *, name: str = "name", arguments: str = "arguments", before: str = ""
    ) -> str:
        """A JSON object that calls a tool.

        Args:
            tool: The tool.
            name: Key of the name.
            arguments: Key of the arguments.
            before: What precedes the name, with a comma.
        """
        key, value, inner = map(_literal, map(_quoted, (name, tool.name, arguments)))
        shown = self.arguments(tool)
        return f'"{{" S {before} {key} S ":" S {value} S "," S {inner} S ":" S {shown} S "}}"'

    def names(self, tool: Tool) -> list[str]:
        """Names of the parameters that a tool declares, without those that no value fits."""
        properties = self._schemas[tool.name].get("properties")
        declared = properties.items() if isinstance(properties, Mapping) else ()
        return [name for name, each in declared if each is not False]

    def parameters(
        self,
        tool: Tool,
        write: Callable[[str], str],
        separator: str = "",
        *,
        can_say: Callable[[str], bool],
    ) -> str:
        """The parameters of a tool, in order; required ones must not be omitted.

        Args:
            tool: The tool.
            write: Makes the rule of a parameter by name.
            separator: Text between two parameters.
            can_say: Whether the format can write a name so that it is read as the same; others are left out.

        Raises:
            ConstraintRefused: A required name cannot be written, although the tool is strict or a call is required.
        """
        schema = self._schemas[tool.name]
        unsaid = [name for name in _required(schema) if not can_say(name)]
        if unsaid and (self._is_needed or tool.strict):
            raise ConstraintRefused(
                f"Tool {tool.name!r}: this model's format of calls cannot write the name {unsaid[0]!r}.",
                field="tools",
                hint="Use letters, digits and underscores in the names of parameters.",
            )
        return self.members(schema, write, separator, can_say=can_say)

    def members(
        self,
        schema: Mapping[str, Any],
        write: Callable[[str], str],
        separator: str,
        *,
        can_say: Callable[[str], bool],
    ) -> str:
        """The properties of an object, as ``parameters``."""
        properties, must = schema.get("properties"), _required(schema)
        declared = properties.items() if isinstance(properties, Mapping) else ()
        # No value fits those that are false.
        names = [name for name, each in declared if each is not False and can_say(name)]
        rest = first = '""'
        # From last to first: the rule of what may follow each parameter.
        for key in reversed(names):
            rule = self.rule(write(key))
            follows = self.rule(f"{separator} {rule} {rest}")
            begins = self.rule(f"{rule} {rest}")
            is_left_out = key not in must
            first = self.rule(f"{begins} | {first}") if is_left_out else begins
            rest = self.rule(f"{follows} | {rest}") if is_left_out else follows
        return first

    def value(
        self, tool: Tool, key: str, closing: str, marks: Sequence[str] = (), *, trims: bool = False
    ) -> str:
        """The value of a parameter and its end mark: raw if it is text, otherwise JSON.

        Args:
            tool: The tool.
            key: Name of the parameter.
            closing: The mark.
            marks: What else ends a text when it is read.
            trims: Whether a line break at the beginning is not part of a text when it is read.
        """
        schema = self.property(tool, key)
        if types_of(tool, key) != {"string"}:
            return f"S {self.json(schema)} S {self.text(closing.lstrip())}"
        return self.raw(tool, schema, schema, closing, marks, trims=trims)

    def raw(
        self,
        tool: Tool,
        schema: Mapping[str, Any],
        root: Mapping[str, Any],
        closing: str,
        marks: Sequence[str] = (),
        *,
        trims: bool = False,
    ) -> str:
        """Text of a schema, as it is, and its end mark. See ``value``.

        Raises:
            ConstraintRefused: A keyword cannot be enforced, although the tool is strict or a call is required.
        """
        if choices := self.choices(schema):
            return f"({' | '.join(map(_literal, choices))}) {self.text(closing)}"
        found = self._splitter.search(closing)
        before = closing[: found.start()] if found else closing
        try:
            text = terminal_of(
                schema, root, [mark for mark in (before.lstrip("\n"), *marks) if mark]
            )
        except NotSayable as error:
            self._give_up(tool, str(error))
            text = ""
        if not text:
            return self.until(closing)
        if trims:
            text += r" & ~/\n(?s:.)*/"
        end = self.text(closing[len(before) :]) if found else ""
        return f"{self.rule(self._terminal(f'({text}) {_literal(before)}'))} {end}"

    def _give_up(self, tool: Tool, keyword: str) -> None:
        """Refuse a keyword that cannot be enforced, or leave it out if nothing has to be."""
        if self._is_needed or tool.strict:
            raise ConstraintRefused(
                f"Tool {tool.name!r}: this model's format of calls cannot enforce {keyword} of a text.",
                field="tools",
                hint="Leave the keyword out, or check it when the call is run.",
            )
        log.warning("%s of a text is not enforced in calls of tool %r", keyword, tool.name)

    def property(self, tool: Tool, key: str) -> dict[str, Any]:
        """The schema of a parameter, including the targets of its references."""
        schema = self._schemas[tool.name]
        found = schema["properties"][key]
        if _refers_elsewhere(found) or _refers_elsewhere(_definitions(schema)):
            return {
                "$ref": f"{_WHOLE}/properties/{_escaped(key)}",
                "$defs": {"whole": _moved(schema)},
            }
        shared = _definitions(schema)
        return {**found, **shared} if isinstance(found, Mapping) else shared

    @staticmethod
    def choices(schema: Mapping[str, Any]) -> list[str]:
        """The texts that a schema enumerates, if it does."""
        values = schema.get("enum", [schema["const"]] if "const" in schema else [])
        is_listed = isinstance(values, list) and all(isinstance(each, str) for each in values)
        return values if is_listed and "" not in values else []

    @staticmethod
    def scalars(schema: Mapping[str, Any]) -> list[str]:
        """The texts, numbers and words that a schema enumerates, as JSON; none if it has others, too."""
        values = schema.get("enum", [schema["const"]] if "const" in schema else [])
        if not isinstance(values, list) or any(isinstance(each, list | dict) for each in values):
            return []
        return [json.dumps(each, ensure_ascii=False) for each in values]

    def number(self, schema: Mapping[str, Any]) -> str:
        """A number within a schema's bounds."""
        return self.json({key: schema[key] for key in _OF_NUMBERS if key in schema})

    def _terminal(self, body: str) -> str:
        name = f"T{len(self._rules)}"
        self._rules.append(f"{name}: {body}")
        return name

    def _rule(self, body: str, attributes: str = "") -> str:
        name = f"r{len(self._rules)}"
        self._rules.append(f"{name}{attributes}: {body}")
        return name


MakeRule = Callable[[Lark], CallRule]


_OF_NUMBERS = (
    "type",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
)
_WHOLE = "#/$defs/whole"


def _required(schema: Mapping[str, Any]) -> list[str]:
    names = schema.get("required")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _definitions(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {name: schema[name] for name in ("$defs", "definitions") if name in schema}


def _stands_alone(schema: Mapping[str, Any]) -> bool:
    """Whether a schema means the same as a part of another one."""
    is_whole = "x-guidance" in schema or "definitions" in schema
    return not is_whole and '"$' not in json.dumps(schema)


def _object_of(members: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": members,
        "required": list(members),
        "additionalProperties": False,
    }


def _refers_elsewhere(value: Any) -> bool:
    """Whether a part of a schema refers to the whole or another part, rather than to definitions."""
    if isinstance(value, list):
        return any(map(_refers_elsewhere, value))
    if not isinstance(value, Mapping):
        return False
    reference = value.get("$ref")
    if isinstance(reference, str) and not reference.startswith(("#/$defs/", "#/definitions/")):
        return True
    return any(map(_refers_elsewhere, value.values()))


def _moved(value: Any) -> Any:
    """A schema whose references into itself are right when it stands at ``_WHOLE``."""
    if isinstance(value, list):
        return list(map(_moved, value))
    if not isinstance(value, Mapping):
        return value
    moved = {key: _moved(each) for key, each in value.items()}
    reference = value.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        moved["$ref"] = _WHOLE + reference[1:]
    return moved


def _escaped(name: str) -> str:
    """A name in a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def _pattern(text: str) -> str:
    """A regular expression for an exact text."""
    return re.escape(text).replace("/", r"\/").replace("\\\n", r"\n")


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False) if text else ""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
