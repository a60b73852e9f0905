"""Optional booleans mean the same here and in the wire models."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from coblyn.chat.flag import read_flag
from coblyn.errors import BadRequest

VALUES = (True, False, None, 0, 1, 2, -1, 1.0, 0.5, "true", "False", "t", "YES", "n", "on", "off")
WRONG = ("0", "1", "2", "maybe", "", " true", "1.0", [], {}, [True], float("nan"), 10**30)


class Wire(BaseModel):
    flag: bool | None = None


@pytest.mark.parametrize("value", [*VALUES, *WRONG], ids=repr)
def test_it_reads_what_pydantic_reads(value: Any) -> None:
    try:
        wanted = Wire.model_validate({"flag": value}).flag
    except ValidationError:
        with pytest.raises(BadRequest, match=r"^things\[2\]\.flag must be true or false") as caught:
            read_flag({"flag": value}, "flag", "things[2]")
        assert caught.value.field == "things[2].flag"
    else:
        assert read_flag({"flag": value}, "flag") is wanted


def test_what_is_not_given_is_none() -> None:
    assert read_flag({}, "flag") is None
