"""What requests about stories hold."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

__all__ = ["AppendBody", "CreateBody", "Nothing", "StepBody"]


class CreateBody(BaseModel):
    """A new story."""

    id: str = Field("", description="Its id; one that is there already is left as it is.")
    copy_of: str = Field("", description="A story whose state it begins with.")
    version: int | None = Field(
        None, ge=0, description="Which version of that; the newest if none is given."
    )
    operations: list[dict[str, Any]] = Field([], description="What happens to it at once.")


class AppendBody(BaseModel):
    """Operations to append."""

    base: int = Field(ge=0, description="The version that they were made on.")
    author: str = Field(
        "", max_length=100, description="Name of this client, such as a random one for each tab."
    )
    operations: list[dict[str, Any]] = Field(
        description="In order. Each has an id of the client's choice, a kind, and a unit if several are one undo step."
    )


class StepBody(BaseModel):
    """An undo or a redo."""

    id: str = Field(description="The client's name for it: the same one again does nothing.")
    scope: str = Field(
        "", description="text/BRANCH, memory, lore/ID, …; empty for the last step of all."
    )
    author: str = Field("", max_length=100, description="Name of this client.")


class Nothing(BaseModel):
    """An empty body."""
