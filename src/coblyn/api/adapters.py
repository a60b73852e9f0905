"""The ``lora`` field of a body: the adapters for this request and their scales."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from coblyn.errors import BadRequest
from coblyn.service.adapters import AdapterChoice

__all__ = ["LORA", "choices_of_files", "read_choices", "read_lora"]

LORA = (
    "Adapters for this request: a list of objects with an id, which is a number from /lora-adapters or a name, and a "
    "scale. Those that are not in it are not used."
)

MAX_ADAPTERS = 64


def read_lora(body: Mapping[str, Any]) -> tuple[AdapterChoice, ...] | None:
    """The adapters that a body chooses; None if it has no choice.

    Raises:
        BadRequest: They are not a list of objects with an id and a scale.
    """
    given = body.get("lora")
    return None if given is None else read_choices(given, "lora")


def read_choices(given: Any, field: str) -> tuple[AdapterChoice, ...]:
    """Adapters as llama-server's clients choose them.

    Raises:
        BadRequest: They are not a list of objects with an id and a scale, or too many.
    """
    if not isinstance(given, list) or len(given) > MAX_ADAPTERS:
        message = (
            f"{field} must be a list of at most {MAX_ADAPTERS} objects with an id and a scale."
        )
        raise BadRequest(message, field=field)
    return tuple(_choice(f"{field}[{index}]", each) for index, each in enumerate(given))


def choices_of_files(files: Iterable[str]) -> list[AdapterChoice]:
    """The choices for a model that was made with adapters."""
    return [AdapterChoice(file=file) for file in files]


def _choice(field: str, given: Any) -> AdapterChoice:
    if isinstance(
        given, AdapterChoice
    ):  # from the model's settings; a JSON body cannot contain one
        return given
    which: Any = given.get("id", given.get("name")) if isinstance(given, dict) else given
    scale = given.get("scale") if isinstance(given, dict) else None
    is_name = isinstance(which, str | int) and not isinstance(which, bool)
    if not is_name or which == "":
        raise BadRequest(f"{field} must have an id: a number, or a name.", field=field)
    is_number = isinstance(scale, int | float) and not isinstance(scale, bool)
    if scale is not None and not (is_number and abs(scale) < 1e6):
        raise BadRequest(f"{field}.scale must be a number.", field=field)
    return AdapterChoice(which, None if scale is None else float(scale))
