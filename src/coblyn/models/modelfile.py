"""Modelfiles, in which Ollama's users specify a model with settings.

The format is Ollama's (its documentation, "Modelfile"): one instruction per line, with its value to the end of the
line, or between single or triple quotation marks, which may contain line breaks. Templates are Go templates: they are
stored and shown, but the model's own template is used.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from coblyn.errors import BadRequest

__all__ = ["Modelfile", "ModelfileWrong", "read_modelfile", "write_modelfile"]

_ROLES = ("system", "user", "assistant")
_IGNORED = ("requires", "renderer", "parser")
"""Instructions about Ollama's version and components, which are reported, but have no meaning here."""

_TRIPLE = '"""'


class ModelfileWrong(BadRequest):
    """A Modelfile is invalid; the message has the line."""

    code = "modelfile_wrong"


@dataclass(frozen=True, slots=True)
class Modelfile:
    """A model with settings.

    Attributes:
        base: The model that it is made from: a name or a path.
        parameters: Values by Ollama's names: numbers, texts, true or false; ``stop`` is a tuple of texts.
        system: System text of conversations that bring none; may be empty.
        template: Its Go template, or empty.
        adapters: LoRA files.
        messages: Pairs of role and text at the beginning of every conversation.
        licenses: Texts of its licences.
        ignored: Instructions without a meaning here, with their values.
    """

    base: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    system: str = ""
    template: str = ""
    adapters: tuple[str, ...] = ()
    messages: tuple[tuple[str, str], ...] = ()
    licenses: tuple[str, ...] = ()
    ignored: tuple[tuple[str, str], ...] = ()

    @property
    def said(self) -> Mapping[str, Any]:
        """The parameters with an effect; a negative seed or length means the default."""
        free = {"seed", "num_predict"}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self.parameters.items()
            if not (name in free and isinstance(value, int) and value < 0)
        }

    @property
    def least_context(self) -> int:
        """Tokens of context that it asks for (``num_ctx``); 0 for none."""
        value = self.parameters.get("num_ctx")
        return max(0, value) if isinstance(value, int) else 0

    def over(self, below: Modelfile) -> Modelfile:
        """These settings on top of another model's, which apply where these give no value."""
        return replace(
            self,
            base=below.base,
            parameters={**below.parameters, **self.parameters},
            system=self.system or below.system,
            template=self.template or below.template,
            adapters=self.adapters or below.adapters,
            messages=self.messages or below.messages,
            licenses=self.licenses or below.licenses,
        )


def read_modelfile(text: str) -> Modelfile:
    """Parse a Modelfile.

    Raises:
        ModelfileWrong: A line is not an instruction, a quotation has no end, or no model is named.
    """
    found: dict[str, list[Any]] = {
        name: [] for name in ("from", "system", "template", "adapter", "message", "license")
    }
    parameters: dict[str, Any] = {}
    ignored: list[tuple[str, str]] = []
    for number, name, value in _instructions(text):
        if name == "parameter":
            _add_parameter(parameters, *_two(number, value))
        elif name == "message":
            found[name].append(_message(number, value))
        elif name in found:
            found[name].append(_unquoted(value))
        elif name in _IGNORED:
            ignored.append((name, value))
        else:
            raise ModelfileWrong(
                f"Line {number} of the Modelfile: {name.upper()} is not an instruction."
            )
    if not found["from"] or not found["from"][-1]:
        raise ModelfileWrong("The Modelfile names no model.", hint="Begin it with: FROM NAME")
    return Modelfile(
        base=found["from"][-1],
        parameters=parameters,
        system="".join(found["system"][-1:]),
        template="".join(found["template"][-1:]),
        adapters=tuple(found["adapter"]),
        messages=tuple(found["message"]),
        licenses=tuple(found["license"]),
        ignored=tuple(ignored),
    )


def write_modelfile(modelfile: Modelfile) -> str:
    """Write a Modelfile."""
    lines = [f"FROM {modelfile.base}"]
    lines += [f"{name.upper()} {value}" for name, value in modelfile.ignored]
    if modelfile.template:
        lines.append(f"TEMPLATE {_quoted(modelfile.template)}")
    if modelfile.system:
        lines.append(f"SYSTEM {_quoted(modelfile.system)}")
    for name, value in modelfile.parameters.items():
        values = value if isinstance(value, list | tuple) else (value,)
        lines += [f"PARAMETER {name} {_parameter_text(each)}" for each in values]
    lines += [f"ADAPTER {adapter}" for adapter in modelfile.adapters]
    lines += [f"MESSAGE {role} {_quoted(text)}" for role, text in modelfile.messages]
    lines += [f"LICENSE {_quoted(text)}" for text in modelfile.licenses]
    return "\n".join(lines) + "\n"


def _instructions(text: str) -> Iterator[tuple[int, str, str]]:
    """First line number, name and value of each instruction, with quotation marks."""
    lines = iter(enumerate(text.lstrip("\ufeff").replace("\r\n", "\n").split("\n"), 1))
    for number, line in lines:
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        name, _, value = stripped.partition(" ")
        if "\t" in name:
            name, _, value = stripped.partition("\t")
        value = value.lstrip()
        while not _is_whole(name.lower(), value):
            _, more = next(lines, (0, None))
            if more is None:
                raise ModelfileWrong(f"Line {number} of the Modelfile: the quotation has no end.")
            value += f"\n{more}"
        yield number, name.lower(), value


def _is_whole(name: str, value: str) -> bool:
    """Whether a value is complete; if it begins with a quotation mark it must end with one."""
    if name in ("parameter", "message"):
        value = "".join(value.split(maxsplit=1)[1:])
    mark = _mark(value)
    value = value.rstrip()
    return not mark or (len(value) >= 2 * len(mark) and value.endswith(mark))


def _mark(value: str) -> str:
    return _TRIPLE if value.startswith(_TRIPLE) else '"' if value.startswith('"') else ""


def _unquoted(value: str) -> str:
    mark = _mark(value)
    return value.strip()[len(mark) : -len(mark)] if mark else value.strip()


def _quoted(text: str) -> str:
    is_plain = text == text.strip() and '"' not in text and "\n" not in text and text != ""
    return text if is_plain else f"{_TRIPLE}{text}{_TRIPLE}"


def _two(number: int, value: str) -> tuple[str, str]:
    """The first word of a value, and the rest."""
    parts = value.split(maxsplit=1)
    if len(parts) < 2:
        raise ModelfileWrong(f"Line {number} of the Modelfile needs a name and a value.")
    return parts[0].lower(), _unquoted(parts[1])


def _message(number: int, value: str) -> tuple[str, str]:
    role, text = _two(number, value)
    if role not in _ROLES:
        raise ModelfileWrong(
            f"Line {number} of the Modelfile: the role {role!r} must be one of {', '.join(_ROLES)}."
        )
    return role, text


def _add_parameter(parameters: dict[str, Any], name: str, text: str) -> None:
    if name == "stop":
        parameters[name] = (*parameters.get(name, ()), text)
    else:
        parameters[name] = _value(text)


def _value(text: str) -> Any:
    """A number, true or false, or the text itself."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, int | float) else text


def _parameter_text(value: Any) -> str:
    return _quoted(value) if isinstance(value, str) else json.dumps(value)
