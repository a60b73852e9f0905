"""Request bodies of the stories' API."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

__all__ = ["AppendBody", "ContextBody", "CreateBody", "LoreBody", "StepBody"]


class CreateBody(BaseModel):
    """A new story."""

    id: str = Field("", description="Its id; an existing story is left unchanged.")
    copy_of: str = Field("", description="A story whose state to copy.")
    version: int | None = Field(
        None, ge=0, description="The version to copy; the newest by default."
    )
    operations: list[dict[str, Any]] = Field([], description="Initial operations.")


class AppendBody(BaseModel):
    """Operations to append."""

    base: int = Field(ge=0, description="The version that they were made on.")
    author: str = Field(
        "", max_length=100, description="Name of this client, such as a random one for each tab."
    )
    operations: list[dict[str, Any]] = Field(
        max_length=2000,
        description="In order. Each has an id of the client's choice, a kind, and a unit if several are one undo step.",
    )


class StepBody(BaseModel):
    """An undo or a redo."""

    id: str = Field(description="The client's id of the step; repeating it has no effect.")
    scope: str = Field(
        "", description="text/BRANCH, memory, lore/ID, …; empty for the last step of all."
    )
    author: str = Field("", max_length=100, description="Name of this client.")


class ContextBody(BaseModel):
    """A request for the context of a story."""

    version: int | None = Field(
        None, ge=0, description="Version of the story; the newest by default."
    )
    branch: str = Field("", description="The current one by default.")
    model: str = Field(
        "", description="Model whose tokens are counted; the server's default if not given."
    )
    end: int | None = Field(
        None, ge=0, description="Place of the continuation; text after it is not used."
    )
    text: str | None = Field(
        None,
        description="Read in place of the branch's text, to try something out; the story stays as it is.",
    )
    max_context: int | None = Field(None, ge=1, description="Tokens of prompt and completion.")
    max_tokens: int = Field(256, ge=0, description="The part of them for the completion.")
    seed: int = Field(0, description="Seed for random lore entries.")
    trigger: str = Field(
        "normal", description="normal, continue, regenerate, swipe, quiet or impersonate."
    )
    timers: dict[str, Any] | None = Field(
        None,
        description="Timers from the last scan of the lore; those in the setting lore.timers by default.",
    )


class LoreBody(BaseModel):
    """A request for the lore entries that fire in some messages."""

    entries: dict[str, dict[str, Any]] = Field(description="By id, in SillyTavern's form.")
    messages: list[str] = Field(description="Messages, oldest first.")
    settings: dict[str, Any] = Field({}, description="scan_depth, budget_percent, recursive, …")
    model: str = Field("", description="Model whose tokens are counted.")
    max_context: int | None = Field(
        None, ge=1, description="Context length that the budget is a part of."
    )
    character: str = Field("", description="The speaker, for entries limited to some characters.")
    trigger: str = Field("normal", description="The kind of generation.")
    seed: int = Field(0, description="Seed for random entries.")
    timers: dict[str, Any] = Field({}, description="Timers from the last scan.")
