"""The drafts of JSON Schema, and what a schema means in the one that it names in ``$schema``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from coblyn.constraints.node import NAMED, UnenforceableWhole, inner

__all__ = ["as_in_draft", "draft_of", "meta_schema"]

_LATEST = "2020-12"
"""What schemas follow that name no draft."""

_META_SCHEMAS = {
    "04": "http://json-schema.org/draft-04/schema#",
    "06": "http://json-schema.org/draft-06/schema#",
    "07": "http://json-schema.org/draft-07/schema#",
    "2019-09": "https://json-schema.org/draft/2019-09/schema",
    "2020-12": "https://json-schema.org/draft/2020-12/schema",
}
_NAMED = re.compile(r"https?://json-schema\.org/draft[-/]([0-9-]+)/(?:hyper-)?schema#?")
_NEWEST = re.compile(r"https?://json-schema\.org/(?:hyper-)?schema#?")
_SAME = {"05": "04"}
"""Draft 5 has the keywords of draft 4, said more clearly."""

_SINCE = {
    **dict.fromkeys(("const", "contains", "propertyNames"), "06"),
    **dict.fromkeys(("if", "then", "else"), "07"),
    **dict.fromkeys(("dependentRequired", "dependentSchemas", "minContains"), "2019-09"),
    **dict.fromkeys(("maxContains", "unevaluatedItems", "unevaluatedProperties"), "2019-09"),
    "prefixItems": "2020-12",
}
"""The first draft with a keyword, which means nothing in those before."""

_VALUES = ("enum", "const", "default", "examples")
_NAMES = (*NAMED, "dependencies")
_WITHOUT_SIBLINGS = ("04", "06", "07")
_BESIDE_REFERENCES = {"$ref", "$schema", "definitions", "$defs", "$id", "id"}


def draft_of(uri: Any) -> str:
    """The draft that a schema follows: ``04``, ``06``, ``07``, ``2019-09`` or ``2020-12``.

    Args:
        uri: The value of ``$schema``, which may be written with ``https`` and without ``#``; None if there is none.

    Raises:
        UnenforceableWhole: It is an earlier draft, or another set of keywords.
    """
    text = str(uri or "")
    if not text or _NEWEST.fullmatch(text):
        return _LATEST
    found = _NAMED.fullmatch(text)
    draft = _SAME.get(found[1], found[1]) if found else ""
    if draft not in _META_SCHEMAS:
        raise UnenforceableWhole(
            f"$schema {text[:200]!r} is not known: use draft 4, 6, 7, 2019-09 or 2020-12"
        )
    return draft


def meta_schema(draft: str) -> str:
    """The value of ``$schema`` for a draft."""
    return _META_SCHEMAS[draft]


def as_in_draft(schema: Any, draft: str) -> Any:
    """The schema without what its draft ignores: keywords of later drafts, and until draft 7 all beside a reference.

    Args:
        schema: The whole schema.
        draft: As ``draft_of`` gives it.

    Raises:
        UnenforceableWhole: A part of it names a later draft.
    """
    for part in _schemas(schema):
        if "$schema" in part and (named := draft_of(part["$schema"])) > draft:
            raise UnenforceableWhole(
                f"$schema names draft {named}, and the whole schema draft {draft}"
            )
    return schema if draft == _LATEST else _known(schema, draft)


def _schemas(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and all schemas in it."""
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if not isinstance(part, dict):
            continue
        yield part
        waiting += inner(part, _NAMES)


def _known(value: Any, draft: str) -> Any:
    """What a draft knows. References may lead to places that are no keywords', so everything is looked at."""
    if isinstance(value, list):
        return [_known(each, draft) for each in value]
    if not isinstance(value, dict):
        return value
    keys = set(value)
    if draft in _WITHOUT_SIBLINGS and isinstance(value.get("$ref"), str):
        keys &= _BESIDE_REFERENCES
    found = {}
    for key, each in value.items():
        if key not in keys or _SINCE.get(key, "") > draft:
            continue
        if key in _NAMES and isinstance(each, dict):
            found[key] = {name: _known(inner, draft) for name, inner in each.items()}
        else:
            found[key] = each if key in _VALUES else _known(each, draft)
    return found
