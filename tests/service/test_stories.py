"""Stories on their threads: what is slow never keeps those waiting who write."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from coblyn.service.stories import Stories
from coblyn.story.operation import Put
from coblyn.story.record import Proposed
from coblyn.story.store.library import Library, Listed


async def test_a_list_of_all_stories_keeps_no_writer_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end, listed = threading.Event(), Library.listed

    def slowly(library: Library, **part: object) -> Listed:
        may_end.wait(30)
        return listed(library, **part)  # type: ignore[arg-type]

    stories = Stories(tmp_path / "journal.sqlite")
    story = (await stories.create([])).id
    monkeypatch.setattr(Library, "listed", slowly)
    listing = asyncio.create_task(stories.listed())
    await asyncio.sleep(0)
    proposed = [Proposed("op-1", "unit-1", Put("title", "The lamp"))]
    await asyncio.wait_for(stories.append(story, 0, "tab-1", proposed), 20)
    may_end.set()
    assert [one.title for one in (await listing).stories] == ["The lamp"]
    await stories.close()
