"""MiniMax M2, DeepSeek V3.2 and V4 (DSML), MiniCPM 5: XML in which calls and parameters have a name as attribute."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coblyn.chat.formats.format import CallReader, Format, Situation
from coblyn.chat.formats.json_call import read_arguments
from coblyn.chat.formats.lark import CallRule, Lark
from coblyn.chat.formats.section import section
from coblyn.chat.formats.tagged import Tagged
from coblyn.chat.formats.values import (
    ANY_TYPE,
    Arguments,
    json_of_text,
    names_of,
    object_of,
    read_value,
    types_of,
)
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.messages import Tool
from coblyn.chat.outgoing import Outgoing

__all__ = ["DSML", "MINICPM", "MINIMAX", "Tags"]

_ATTRIBUTE = re.compile(r"""(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_STRING = frozenset({"string"})
_WRAPPERS = frozenset({"arguments", "parameters", "properties", "input"})
"""Names around all arguments, from schemas and other formats, that models write as if they were a parameter's."""
_DATA, _DATA_END = "<![CDATA[", "]]>"


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of a family.

    Attributes:
        blocks: Names of the element around all calls, if there is one.
        prefix: Prefix of each tag's name.
        call: Name of the element of a call.
        parameter: Name of the element of a parameter.
        has_types: Whether parameters say by an attribute whether their value is text.
        trims: Whether a line break at each end of a value belongs to the tags, if no attribute says its type.
    """

    blocks: Sequence[str] = ()
    prefix: str = ""
    call: str = "invoke"
    parameter: str = "parameter"
    has_types: bool = False
    trims: bool = True

    def opening(self, name: str) -> str:
        """An element's opening tag, without its end."""
        return f"<{self.prefix}{name}"

    def closing(self, name: str) -> str:
        """An element's closing tag."""
        return f"</{self.prefix}{name}>"

    def readers(self) -> Mapping[str, CallReader]:
        """The marks of calls, each with the reader of what follows."""
        invoke = self.opening(self.call)
        if not self.blocks:  # models also write the tag without its space
            end = self.closing(self.call)
            marks = (f"{invoke} ", f"{invoke}name=")
            return {mark: section(mark, (end,), self._read_invoke) for mark in marks}
        ends = tuple(map(self.closing, self.blocks))
        read = section(invoke, ends, self._read_invoke)
        opened = [self.opening(block) + ">" for block in self.blocks]
        return dict.fromkeys((*opened, invoke), read)

    def rule(self, lark: Lark) -> CallRule:
        """The rule of a block of calls."""
        block = self.blocks[-1 if "tool_calls" in lark.template else 0]
        mark = self.opening(block) + ">"
        end = lark.text("\n" + self.closing(block))
        body = f"{lark.listed(self.invoke_rule(lark), '')} {end}"
        return CallRule(mark, body, (mark,), is_block=True)

    def invoke_rule(self, lark: Lark) -> str:
        """The rule of a call, within a block."""

        def invoke(tool: Tool) -> str:
            def parameter(key: str) -> str:
                is_text = types_of(tool, key) == {"string"}
                kind = f' string="{str(is_text).lower()}"' if self.has_types else ""
                begin = lark.text(f'{self.opening(self.parameter)} name="{key}"{kind}>')
                end = self.closing(self.parameter)
                value = lark.value(tool, key, end, trims=self.trims and not self.has_types)
                return f"{begin} {value} {lark.text(chr(10))}"

            begin = lark.text(f'\n{self.opening(self.call)} name="{tool.name}">\n')
            end = lark.text(self.closing(self.call))
            return f"{begin} {lark.parameters(tool, parameter, can_say=_can_say)} {end}"

        return lark.each(invoke)

    def read_name(self, incoming: Incoming, situation: Situation) -> Reading[str]:  # noqa: ARG002
        """Read the rest of a call's opening tag, and give the tool's name; empty if there is none."""
        return (yield from _attributes(incoming)).get("name", "")

    def _read_invoke(
        self, incoming: Incoming, out: Outgoing, situation: Situation
    ) -> Reading[bool]:
        """Read what follows ``<invoke``. Gives whether it is complete."""
        name = yield from self.read_name(incoming, situation)
        if not name:
            return False
        out.begin_call(name)
        yield from incoming.skip_space()
        if (yield from incoming.comes("{")):  # some write all arguments as JSON
            return (yield from self._read_json(incoming, out))
        arguments, tool = Arguments(out), situation.tools.get(name)
        while True:
            yield from incoming.skip_space()
            if not (yield from incoming.accept(self.opening(self.parameter))):
                break
            if not (yield from self._read_parameter(incoming, arguments, tool)):
                return False
        is_closed = yield from incoming.accept(self.closing(self.call))
        if not is_closed:
            is_closed = yield from incoming.comes_any(*map(self.closing, self.blocks))
        if not is_closed and not arguments.are_enough(tool):
            return False
        arguments.end()
        return True

    def _read_parameter(
        self, incoming: Incoming, arguments: Arguments, tool: Tool | None
    ) -> Reading[bool]:
        attributes = yield from _attributes(incoming)
        key, is_string = attributes.get("name"), attributes.get("string")
        if not key:
            return False
        types = types_of(tool, key)
        if is_string == "false" and key not in names_of(tool):
            types = ANY_TYPE
        elif is_string and "string" in types:
            types = _STRING
        if key in _WRAPPERS and not arguments.has_some and _lacks(tool, key):
            return (yield from self._read_wrapper(incoming, arguments, tool, key))
        arguments.begin(key)
        trims_line = self.trims and is_string is None
        return (yield from self._read_value(incoming, arguments, types, trims_line))

    def _read_wrapper(
        self, incoming: Incoming, arguments: Arguments, tool: Tool | None, key: str
    ) -> Reading[bool]:
        """Read a parameter that no tool has, whose value may be an object of all arguments."""
        text, mark = yield from incoming.text_until(self.closing(self.parameter))
        if not mark:
            return False
        inner = object_of(text)
        if inner.keys() and inner.keys() <= names_of(tool):
            for name, value in inner.items():
                arguments.put(name, value)
        else:
            arguments.begin(key)
            arguments.value(json_of_text(text, _STRING))
        return True

    def _read_json(self, incoming: Incoming, out: Outgoing) -> Reading[bool]:
        if not (yield from read_arguments(incoming, out)):
            return False
        out.end_call()
        yield from incoming.skip_space()
        yield from incoming.accept(self.closing(self.call))
        return True

    def _read_value(
        self, incoming: Incoming, arguments: Arguments, types: frozenset[str], trims_line: bool
    ) -> Reading[bool]:
        """Read a value and its closing tag, with a section of character data around it or not."""
        closing = self.closing(self.parameter)
        is_data = not self.blocks and (yield from incoming.accept(_DATA))
        ends = (_DATA_END,) if is_data else (closing,)
        trims_line = trims_line and not is_data
        if not (yield from read_value(incoming, arguments, types, ends, trims_line=trims_line)):
            return False
        return not is_data or (yield from incoming.accept(closing))


def _lacks(tool: Tool | None, key: str) -> bool:
    """Whether a tool has parameters, but not one of that name."""
    names = names_of(tool)
    return bool(names) and key not in names


def _can_say(name: str) -> bool:
    return bool(name) and '"' not in name and ">" not in name


def _attributes(incoming: Incoming) -> Reading[dict[str, str]]:
    """Read a tag's attributes and its end; none if the end is missing. A value at the beginning is that of ``name``."""
    text, mark = yield from incoming.text_until(">")
    if text.startswith(('"', "'")):
        text = f"name={text}"
    found = _ATTRIBUTE.finditer(text) if mark else ()
    return {match[1]: match[2] or match[3] or match[4] or "" for match in found}


_MINIMAX = Tags(("minimax:tool_call",))
_DSML = Tags(("function_calls", "tool_calls"), "｜DSML｜", has_types=True)
_MINICPM = Tags(call="function", parameter="param")


def _rule_of_minicpm(lark: Lark) -> CallRule:
    """The rule of a call. Text that contains marks or lines is character data."""
    mark = '<function name="'
    end = "</param>"

    def call(tool: Tool) -> str:
        def parameter(key: str) -> str:
            begin = lark.text(f'<param name="{key}">')
            value = lark.value(tool, key, end, (_DATA,), trims=True)
            if types_of(tool, key) == {"string"}:
                data = lark.value(tool, key, _DATA_END)
                value = f"({value} | {lark.text(_DATA)} {data} {lark.text(end)})"
            return f"{begin} {value}"

        begin = lark.text(f'{tool.name}">')
        parameters = lark.parameters(tool, parameter, can_say=_can_say)
        return f"{begin} {parameters} {lark.text('</function>')}"

    return CallRule(mark, lark.each(call), (mark,))


MINIMAX = Format(
    "minimax-m2",
    lambda template: "<minimax:tool_call>" in template,
    Tagged(_MINIMAX.readers()),
    kept=("<minimax:tool_call>", "</minimax:tool_call>"),
    make_rule=_MINIMAX.rule,
)

DSML = Format(
    "deepseek-dsml",
    lambda template: "DSML｜" in template or "dsml_token" in template,
    Tagged(_DSML.readers()),
    kept=("｜DSML｜",),
    make_rule=_DSML.rule,
)

MINICPM = Format(
    "minicpm5",
    lambda template: '<function name="' in template and '<param name="' in template,
    Tagged(_MINICPM.readers()),
    kept=("<function", "</function>", "<param", "</param>"),
    make_rule=_rule_of_minicpm,
)
