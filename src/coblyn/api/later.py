"""Request fields that other servers know and Coblyn does not support yet.

They are accepted, since clients usually send them with neutral values. A value that would change the text causes a
warning, so nothing is ignored silently.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from coblyn.errors import BadRequest
from coblyn.service.hub import Record

__all__ = [
    "LaterFields",
    "Lenient",
    "Warnings",
    "cut_warning",
    "later",
    "read_leniently",
    "warning_headers",
]

log = logging.getLogger(__name__)

_UNSAFE = re.compile(r"[^\x21-\x7e]")
_MAX_NAME, _MAX_NAMES = 64, 32

Warnings = Mapping[str, str]
"""Names of ignored fields, each with the reason."""

_LATER = {"x-unsupported": True}
"""Marks such a field, also in the published schema."""


class Lenient(BaseModel):
    """A lenient wire model, as in KoboldCPP: a value of a wrong type counts as not given.

    The names of such fields are added to the dictionary passed as validation context.
    """

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, defer_build=True)

    @field_validator("*", mode="wrap")
    @classmethod
    def _fall_back(
        cls, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> Any:
        assert info.field_name is not None, "validators of fields know their field"
        default = cls.model_fields[info.field_name].get_default(call_default_factory=True)
        if value is None:
            return default
        if isinstance(value, float) and isinstance(default, int):
            if not abs(value) < 2**63:
                raise BadRequest(
                    f"{info.field_name} must be an integer of at most 64 bits.",
                    field=info.field_name,
                )
            value = int(value)
        try:
            return handler(value)
        except ValidationError:
            if info.context is not None:
                info.context[info.field_name] = "The value has a wrong type; the default was used."
            return default


def later(neutral: Any, description: str = "") -> Any:
    """Define a field that is not supported yet.

    Args:
        neutral: The value that has no effect; empty values have none either.
        description: Its meaning.
    """
    return Field(default=neutral, description=description or None, json_schema_extra=dict(_LATER))


class LaterFields(Lenient):
    """Unsupported fields of several dialects; a dialect may add more."""

    images: list[Any] = later([])
    audio: list[Any] = later([])

    def unsupported(self) -> Warnings:
        """The unsupported fields whose values would change the text."""
        reason = "This is not supported yet and was ignored."
        fields = type(self).model_fields.items()
        later = [(name, field) for name, field in fields if field.json_schema_extra == _LATER]
        values = ((name, getattr(self, name), field.default) for name, field in later)
        return {name: reason for name, value, neutral in values if value and value != neutral}


Model = TypeVar("Model", bound=Lenient)


def read_leniently(model: type[Model], body: dict[str, Any]) -> tuple[Model, Warnings]:
    """Parse a body as a wire model, with warnings about ignored fields."""
    warnings: dict[str, str] = {}
    value = model.model_validate(body, context=warnings)
    unsupported = value.unsupported() if isinstance(value, LaterFields) else {}
    return value, {**unsupported, **warnings}


def cut_warning(records: Iterable[Record]) -> Warnings:
    """The warning about a prompt whose beginning did not fit; none if it fit."""
    num_cut = max((record.num_cut for record in records), default=0)
    if not num_cut:
        return {}
    return {"prompt": f"Its oldest {num_cut} tokens had no room in the context and were left out."}


def warning_headers(warnings: Warnings) -> dict[str, str]:
    """The header that names ignored fields; none if there are none."""
    if not warnings:
        return {}
    # Names may come from the client: restrict their characters, so that they cannot inject headers.
    names = ", ".join(_UNSAFE.sub("?", name[:_MAX_NAME]) for name in sorted(warnings)[:_MAX_NAMES])
    log.info("ignored fields of a request: %s", names)
    return {"x-coblyn-warnings": names}
