"""What requests about stories hold."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

__all__ = ["AppendBody", "ContextBody", "CreateBody", "LoreBody", "StepBody"]


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


class ContextBody(BaseModel):
    """A question for what the model would read."""

    version: int | None = Field(
        None, ge=0, description="Of the story; the newest if none is given."
    )
    branch: str = Field("", description="The one that is written on if none is given.")
    model: str = Field(
        "", description="Whose tokens are counted; the server's own choice if none is given."
    )
    end: int | None = Field(
        None, ge=0, description="The text goes on from here: what stands behind is not read."
    )
    max_context: int | None = Field(None, ge=1, description="Tokens of prompt and completion.")
    max_tokens: int = Field(256, ge=0, description="Of them, those for the completion.")
    seed: int = Field(0, description="Decides what lore leaves to chance.")
    trigger: str = Field(
        "normal", description="normal, continue, regenerate, swipe, quiet or impersonate."
    )
    timers: dict[str, Any] | None = Field(
        None,
        description="What the last look at the lore left; what the setting lore.timers holds if none is given.",
    )


class LoreBody(BaseModel):
    """A question for which entries of lore fire in some text."""

    entries: dict[str, dict[str, Any]] = Field(description="By id, in SillyTavern's form.")
    messages: list[str] = Field(description="The oldest first.")
    settings: dict[str, Any] = Field({}, description="scan_depth, budget_percent, recursive, …")
    model: str = Field("", description="Whose tokens are counted.")
    max_context: int | None = Field(None, ge=1, description="Of which the budget is a part.")
    character: str = Field("", description="Who speaks, for entries that are for some only.")
    trigger: str = Field("normal", description="Why text is made.")
    seed: int = Field(0, description="Decides what is left to chance.")
    timers: dict[str, Any] = Field({}, description="What the last look left.")
