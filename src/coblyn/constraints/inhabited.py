"""Which references lead to schemas that no value fits, or only values without an end."""

from __future__ import annotations

from typing import Any

from coblyn.constraints.kinds import Scope, kinds_of
from coblyn.constraints.node import listed

__all__ = ["Inhabited"]

_MAX_LOOKS = 200_000
"""Looks at schemas, after which all other references count as inhabited."""


class Inhabited:
    """Tells references apart by whether any value fits them.

    A reference is inhabited if a value fits its schema, given references that are already known to be inhabited; what
    is left when no more are found is empty. So a list item that requires another one, which requires another one, is
    empty, too.

    Args:
        scope: The scope of the whole schema.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._inhabited: set[str] = set()
        self._empty: set[str] = set()
        self._num_looks = 0

    def is_empty(self, reference: Any) -> bool:
        """Whether it is certain that no value fits what a reference points to."""
        if not isinstance(reference, str):
            return False
        if reference not in self._inhabited and reference not in self._empty:
            self._judge(reference)
        return reference in self._empty

    def _judge(self, reference: str) -> None:
        waiting = {reference: None}
        while True:
            before = len(waiting), len(self._inhabited)
            # The last ones found are nearest to the leaves.
            for each in reversed(list(waiting)):
                if each not in self._inhabited and not self._leads_nowhere(each, waiting):
                    self._inhabited.add(each)
            if before == (len(waiting), len(self._inhabited)):
                self._empty.update(waiting.keys() - self._inhabited)
                return

    def _leads_nowhere(self, reference: str, waiting: dict[str, None]) -> bool:
        found = self._scope.find(reference)
        return found is not None and self._fits_nothing(found[0], waiting)

    def _fits_nothing(self, schema: Any, waiting: dict[str, None]) -> bool:
        """Whether no value fits a schema as far as is known; references that are not known yet go to ``waiting``."""
        self._num_looks += 1
        if not isinstance(schema, dict) or self._num_looks > _MAX_LOOKS:
            return schema is False
        if isinstance(reference := schema.get("$ref"), str):
            waiting.setdefault(reference)
            return reference not in self._inhabited
        if any(self._fits_nothing(each, waiting) for each in listed(schema.get("allOf"))):
            return True
        for key in ("anyOf", "oneOf"):
            ways = listed(schema.get(key))
            if ways and all(self._fits_nothing(each, waiting) for each in ways):
                return True
        kinds = kinds_of(
            {key: schema[key] for key in ("type", "enum", "const") if key in schema}, self._scope
        )
        if kinds == {"object"}:
            return self._lacks_a_property(schema, waiting)
        return not kinds or (kinds == {"array"} and self._lacks_an_item(schema, waiting))

    def _lacks_a_property(self, schema: dict[str, Any], waiting: dict[str, None]) -> bool:
        declared = schema.get("properties")
        if not isinstance(declared, dict):
            return False
        required = [name for name in listed(schema.get("required")) if isinstance(name, str)]
        return any(self._fits_nothing(declared.get(name), waiting) for name in required)

    def _lacks_an_item(self, schema: dict[str, Any], waiting: dict[str, None]) -> bool:
        least = schema.get("minItems", 0)
        if not isinstance(least, int | float) or least < 1 or "prefixItems" in schema:
            return False
        return self._fits_nothing(schema.get("items"), waiting)
