"""Token ids in bodies: one rule and one wording for all dialects."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema

from coblyn.errors import BadRequest

__all__ = ["ID_RULE", "TextsOrIds", "TokenIds", "is_id", "require_ids"]

_END = 2**31
"""No vocabulary has more tokens."""

ID_RULE = f"token ids are integers from 0 to {_END - 1}"

_IDS = {"type": "array", "items": {"type": "integer"}}
_TEXT = {"type": "string"}


def require_ids(value: Any, name: str) -> list[int]:
    """A list of token ids.

    Args:
        value: As JSON gave it; integers beyond 64 bits came as floats.
        name: What the body calls it.

    Raises:
        BadRequest: It is not a list, or something in it is not a token id of any model; the message names the place.
    """
    if not isinstance(value, list):
        raise BadRequest(f"{name} must be a list of token ids.", field=name.partition("[")[0])
    # In C, since a prompt may have a hundred thousand.
    if value and (set(map(type, value)) != {int} or min(value) < 0 or max(value) >= _END):
        place = next(index for index, each in enumerate(value) if not is_id(each))
        raise BadRequest(
            f"{name}[{place}] is not a token id; {ID_RULE}.",
            field=name.partition("[")[0],
        )
    return value


def is_id(value: Any) -> bool:
    """Whether a value can be a token id of some model."""
    return type(value) is int and 0 <= value < _END


def _ids(value: Any, info: ValidationInfo) -> list[int]:
    return require_ids(value, str(info.field_name))


def _texts_or_ids(value: Any, info: ValidationInfo) -> Any:
    name = str(info.field_name)
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise BadRequest(
            f"{name} must be a text, a list of token ids, or a list of these.", field=name
        )
    if not any(isinstance(each, str | list) for each in value):
        return require_ids(value, name)
    for index, each in enumerate(value):
        if not isinstance(each, str):
            require_ids(each, f"{name}[{index}]")
    return value


TokenIds = Annotated[list[int], PlainValidator(_ids), WithJsonSchema(_IDS)]
"""A field that holds token ids."""

TextsOrIds = Annotated[
    str | list[int] | list[str | list[int]],
    PlainValidator(_texts_or_ids),
    WithJsonSchema({"anyOf": [_TEXT, _IDS, {"type": "array", "items": {"anyOf": [_TEXT, _IDS]}}]}),
]
"""A field that holds a text or token ids, or several of these."""
