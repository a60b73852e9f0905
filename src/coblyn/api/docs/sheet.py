"""Renders an OpenAPI description as a page: routes by dialect, the fields of each body, and examples to try."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup, escape

__all__ = ["render"]

_CODE = re.compile(r"``(.+?)``", re.DOTALL)

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a body.

    Attributes:
        name: Its name in JSON.
        type: Such as ``integer or null``.
        default: The default as JSON; empty if the field is required or has none.
        meaning: One sentence; may be empty.
        is_required: Whether a body must have it.
    """

    name: str
    type: str
    default: str
    meaning: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class _Operation:
    """One method of one path, as the page shows it.

    Attributes:
        id: Unique on the page.
        method: The method in capitals.
        path: The path, with ``{name}`` for parameters.
        summary: A few words.
        description: Paragraphs.
        scope: The scope that an API key needs; empty if that for generating is enough.
        parameters: Names of the path's parameters.
        has_body: Whether it takes a body.
        example: A body to try, as indented JSON.
        fields: The fields of the body.
    """

    id: str
    method: str
    path: str
    summary: str
    description: str
    scope: str
    parameters: tuple[str, ...]
    has_body: bool
    example: str
    fields: tuple[_Field, ...]


def render(description: Mapping[str, Any]) -> str:
    """The page of a description that ``describe`` has made."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=select_autoescape(), trim_blocks=True)
    environment.filters["prose"] = _prose
    return environment.get_template("page.html").render(
        info=description["info"], sections=_sections(description)
    )


def _sections(description: Mapping[str, Any]) -> dict[str, list[_Operation]]:
    """Operations by dialect, in the order of the description."""
    schemas = description["components"]["schemas"]
    sections: dict[str, list[_Operation]] = {}
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            shown = _operation(path, method, operation, schemas)
            sections.setdefault(operation["tags"][0], []).append(shown)
    return sections


def _operation(path: str, method: str, operation: Schema, schemas: Schema) -> _Operation:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return _Operation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation["description"],
        scope=operation.get("x-coblyn-scope", ""),
        parameters=tuple(each["name"] for each in operation.get("parameters", ())),
        has_body=content is not None,
        example=json.dumps(content["example"], indent=2, ensure_ascii=False) if content else "",
        fields=tuple(_fields(content["schema"], schemas)) if content else (),
    )


def _fields(reference: Schema, schemas: Schema) -> Iterator[_Field]:
    body = schemas[_referred(reference)]
    required = body.get("required", ())
    for name, schema in body.get("properties", {}).items():
        default = schema.get("default")
        yield _Field(
            name=name,
            type=_type(schema),
            default="" if default is None else json.dumps(default, ensure_ascii=False),
            meaning=schema.get("description", ""),
            is_required=name in required,
        )


def _type(schema: Schema) -> str:
    """A type in words: ``string``, ``integer or null``, ``array of string``."""
    if "$ref" in schema:
        return _referred(schema)
    if choices := schema.get("anyOf"):
        return " or ".join(dict.fromkeys(_type(choice) for choice in choices))
    if values := schema.get("enum"):
        return " or ".join(json.dumps(value) for value in values)
    if schema.get("type") == "array" and schema.get("items"):
        return f"array of {_type(schema['items'])}"
    return str(schema.get("type", "any"))


def _referred(schema: Schema) -> str:
    return str(schema["$ref"]).rsplit("/", 1)[-1]


def _prose(text: str) -> Markup:
    """A docstring's text as HTML; text in double backquotes becomes code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before
