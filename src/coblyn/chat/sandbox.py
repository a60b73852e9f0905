"""A Jinja environment in which an untrusted template can neither access the system nor run forever.

Jinja's own sandbox forbids private attributes and changes of any value; a template may append to and pop its own lists
here, and set attributes of its own mappings and of messages, as some do that llama.cpp renders. All else that it was
given stays as it is. Jinja limits neither time nor memory, and a chat template
comes from a model file that anyone may have made. So every loop iteration, call and filter here checks the clock, and
operations that could make a huge value are estimated first.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, NoReturn, cast

from jinja2 import Template, nodes
from jinja2.exceptions import SecurityError, TemplateRuntimeError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer

from coblyn.chat.refusal import TemplateRefusal

__all__ = ["MAX_CHARACTERS", "MAX_SECONDS", "Sandbox"]

MAX_SECONDS = 5.0
"""Processor time of one rendering in seconds; a thousand messages take about ten milliseconds."""

MAX_CHARACTERS = 1 << 25
"""Maximum length of the rendered text and of intermediate values: the size of the largest request."""

MAX_WIDTH = 10_000
"""Maximum of paddings, indents and exponents; larger ones have no use in a prompt."""

_PADDING = frozenset({"center", "expandtabs", "indent", "ljust", "rjust", "wordwrap", "zfill"})
_WIDE_FORMAT = re.compile(r"\d{5}|\*|\{[^}]*\{")

_deadline: ContextVar[float] = ContextVar("deadline")


class _Given:
    """The variables of a rendering."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._variables = variables

    @functools.cached_property
    def _containers(self) -> dict[int, object]:
        return {id(each): each for each in _containers_in(self._variables)}

    @functools.cached_property
    def _messages(self) -> frozenset[int]:
        return frozenset(map(id, self._variables.get("messages") or ()))

    def may_change(self, item: object) -> bool:
        """Whether a container is the template's own, or a message, which is made for each rendering."""
        return id(item) not in self._containers or id(item) in self._messages


def _containers_in(value: Any) -> Iterator[object]:
    items = value.values() if isinstance(value, Mapping) else value
    if isinstance(value, Mapping | list | tuple):
        yield value
        for item in items:
            yield from _containers_in(item)


_given: ContextVar[_Given] = ContextVar("given")


class GenerationBlock(Extension):
    """``{% generation %}`` marks the assistant's text for training; it has no effect here."""

    tags = frozenset({"generation"})  # type: ignore[assignment]

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """Take the block's body as it is."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Assignments(NodeTransformer):
    """Sets attributes by the filter below; Jinja's own code for that takes nothing but namespaces."""

    def visit_Assign(self, node: nodes.Assign) -> nodes.Node:  # noqa: N802
        target = node.target
        if not isinstance(target, nodes.NSRef):
            return node
        line = node.lineno
        name = nodes.Name(target.name, "load", lineno=line)
        arguments = [nodes.Const(target.attr), cast("nodes.Expr", node.node)]
        setting = nodes.Filter(name, "with_attribute", arguments, [], None, None, lineno=line)
        return nodes.ExprStmt(setting, lineno=line)


def _set_attribute(owner: Any, name: str, value: Any) -> None:
    if not isinstance(owner, dict | Namespace):
        raise TemplateRuntimeError(f"attribute {name!r} is set of something that has none")
    if isinstance(owner, dict) and not _given.get().may_change(owner):
        raise SecurityError(f"setting attribute {name!r} of a given value is unsafe")
    owner[name] = value


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment of chat templates, with the names and settings that model makers rely on."""

    intercepted_binops = frozenset(["*", "**", "+", "%"])

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.loopcontrols", GenerationBlock],
        )
        self.filters["tojson"] = _to_json
        self.filters = {name: _watched(name, call) for name, call in self.filters.items()}
        self.filters |= {"watched": _Watched, "with_attribute": _set_attribute}
        self.globals |= {"raise_exception": _refuse, "strftime_now": _now}
        del self.globals["lipsum"]

    def compile_watched(self, source: str) -> Template:
        """Compile a template so that its loops watch the clock.

        Raises:
            jinja2.TemplateSyntaxError: It is not a Jinja template.
        """
        tree = self.parse(source)
        for loop in list(tree.find_all(nodes.For)):
            loop.iter = _filter("watched", loop.iter)
        for concat in list(tree.find_all(nodes.Concat)):
            items = nodes.List(concat.nodes, lineno=concat.lineno)
            concat.nodes = [_filter("join", items)]
        _Assignments().visit(tree)
        tree.set_environment(self)
        return Template.from_code(
            self, self.compile(tree, filename="<chat template>"), self.globals
        )

    def render_watched(self, template: Template, variables: dict[str, Any]) -> str:
        """Render within the limits of this module.

        Raises:
            SecurityError: A limit was reached.
            TemplateRefusal: The template refuses the conversation.
        """
        token = _deadline.set(time.thread_time() + MAX_SECONDS)
        given = _given.set(_Given(variables))
        try:
            parts, length = [], 0
            for part in template.generate(_dates() | variables):
                _look_at_clock()
                length += len(part)
                _check_length(length)
                parts.append(part)
            return "".join(parts)
        finally:
            _deadline.reset(token)
            _given.reset(given)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether a template may use an attribute."""
        if attr in ("append", "pop") and isinstance(obj, list):
            given = _given.get(None)  # none while the template is compiled
            return given is not None and given.may_change(obj)
        return super().is_safe_attribute(obj, attr, value)

    def call(self, context: Context, obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a function from a template unless its result could be huge."""
        _look_at_clock()
        method = getattr(obj, "__wrapped__", obj)  # the sandbox wraps ``str.format``
        owner = getattr(method, "__self__", None)
        if isinstance(owner, str):
            _check_growth(method.__name__, owner, (*args, *kwargs.values()))
        return super().call(context, obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute ``left operator right`` unless the result could be huge."""
        _look_at_clock()
        if operator == "**" and max(abs(left), abs(right)) > MAX_WIDTH:
            raise SecurityError("it computes a number that is too large")
        if operator == "*":
            _check_product(left, right)
        if operator == "+":
            _check_length(_length(left) + _length(right))
        if operator == "%" and isinstance(left, str):
            _check_growth("format", left, (right,))
        return super().call_binop(context, operator, left, right)


def _filter(name: str, node: nodes.Node) -> nodes.Filter:
    return nodes.Filter(cast("nodes.Expr", node), name, [], [], None, None, lineno=node.lineno)


def _look_at_clock() -> None:
    if time.thread_time() > _deadline.get(float("inf")):
        raise SecurityError(f"it takes more than {MAX_SECONDS:g} seconds")


def _check_length(length: float) -> None:
    if length > MAX_CHARACTERS:
        raise SecurityError("it makes a text that is too long")


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str | list | tuple) else 0


def _check_product(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int):
        if left.bit_length() + right.bit_length() > MAX_WIDTH:
            raise SecurityError("it computes a number that is too large")
    else:
        times = [abs(x) for x in (left, right) if isinstance(x, int)]
        _check_length((_length(left) or _length(right)) * max(times, default=0))


def _check_growth(name: str, text: Any, arguments: tuple[Any, ...]) -> None:
    """Refuse a string method or filter of that name if it would make a huge text."""
    if name in _PADDING and any(isinstance(x, int) and x > MAX_WIDTH for x in arguments):
        raise SecurityError(f"it pads a text to more than {MAX_WIDTH} characters")
    if name in ("format", "format_map") and _WIDE_FORMAT.search(str(text)):
        raise SecurityError("it formats to a width that is too large")
    if name == "replace" and len(arguments) > 1:
        text, old, new = str(text), str(arguments[0]), str(arguments[1])
        _check_length(len(text) + text.count(old) * len(new))
    if name == "join" and arguments:
        parts = arguments[0] if isinstance(arguments[0], list | tuple) else ()
        _check_length(sum(map(_length, parts)) + len(str(text)) * _length(arguments[0]))


class _Watched:
    """The items of a loop; each iteration checks the clock. Templates need the length too."""

    __slots__ = ("_items",)

    def __init__(self, items: Iterable[Any]) -> None:
        self._items = items

    def __iter__(self) -> Iterator[Any]:
        for item in self._items:
            _look_at_clock()
            yield item

    def __len__(self) -> int:
        return len(self._items)  # type: ignore[arg-type]


def _watched(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    # Jinja passes its context or environment to filters that request it, before the value.
    num_before = int(hasattr(call, "jinja_pass_arg"))

    def watched(*args: Any, **kwargs: Any) -> Any:
        _look_at_clock()
        value, *rest = args[num_before:]
        if name == "join":
            value, rest = (rest or [kwargs.get("d", "")])[0], [value]
        _check_growth(name, value, (*rest, *kwargs.values()))
        return call(*args, **kwargs)

    watched.__dict__.update(getattr(call, "__dict__", {}))
    return watched


def _refuse(message: str) -> NoReturn:
    raise TemplateRefusal(message)


def _now(pattern: str) -> str:
    return dt.datetime.now().astimezone().strftime(pattern)


def _dates() -> dict[str, Any]:
    """Variables that some templates expect. The time of day would change the beginning of each prompt."""
    return {"datetime": _now("%B %d %Y"), "date_string": _now("%d %b %Y")}


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON as model makers' tools write it: without HTML or Unicode escaping."""
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
        default=_listed,
    )


def _listed(value: Any) -> list[Any]:
    """Convert the results of filters such as ``map`` to a list."""
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
