"""Stories for APIs: the journal on a separate thread, and notifications about changes."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from coblyn.service.preview import Preview, of_backup, of_file, of_story, report_of
from coblyn.story.interchange.files import import_file
from coblyn.story.interchange.report import Report, line
from coblyn.story.operation import Operation
from coblyn.story.phrases import phrase, refused
from coblyn.story.record import Proposed, Record
from coblyn.story.state import State
from coblyn.story.store.database import Database
from coblyn.story.store.index import Hits, Index
from coblyn.story.store.journal import Appended, Journal, Stepped, Steps
from coblyn.story.store.library import Library, Listed, Shelf, new_id
from coblyn.story.store.restore import Restorer, is_backup
from coblyn.story.store.transfer import Transfer, is_story_file

__all__ = ["Stories"]

T = TypeVar("T")
A = TypeVar("A", bound=Appended)

_MOMENT = 0.2
"""Seconds that someone who types search words waits for stories that the index has not read yet."""


class _Store:
    """The file and its access objects; used on one thread only."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path)
        self.journal = Journal(self.database)
        self.library = Library(self.database, self.journal)
        self.index = Index(self.database, self.journal)
        self.transfer = Transfer(self.database, self.journal, self.library)
        self.restorer = Restorer(self.database, self.library)


class _Thread:
    """A thread that works on the file, which is opened at the first use."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, name)
        self._store: _Store | None = None

    async def do(self, work: Callable[[_Store], T]) -> T:
        def run() -> T:
            if self._store is None:
                self._store = _Store(self._path)
            return work(self._store)

        # Continues when the client leaves: a change that has begun is finished.
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, run))

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    def _close(self) -> None:
        if self._store is not None:
            self._store.database.close()
            self._store = None


class Stories:
    """All stories of this machine's user. The file is opened at the first use.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._writer = _Thread(path, "stories")
        # For slow operations, which must not delay writing.
        self._helper = _Thread(path, "library")
        self._watchers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    async def close(self) -> None:
        """Close the file."""
        await self._writer.close()
        await self._helper.close()

    async def listed(
        self, *, is_trash: bool = False, title: str = "", limit: int = -1, offset: int = 0
    ) -> Listed:
        """The stories, or those in the trash (`story.store.library.Library.listed`)."""
        # All of them may take seconds, if they were never listed before.
        thread = self._helper if limit < 0 else self._writer
        return await thread.do(
            lambda store: store.library.listed(
                is_trash=is_trash, title=title, limit=limit, offset=offset
            )
        )

    async def holding(
        self, query: str, *, is_trash: bool = False, limit: int = -1, offset: int = 0
    ) -> tuple[list[Shelf], Hits]:
        """Stories with words in them, and where, as far as the index could be brought up to date in a moment."""

        def find(store: _Store) -> tuple[list[Shelf], Hits]:
            found = store.index.search(
                query, limit, offset, is_trash=is_trash, one_each=True, seconds=_MOMENT
            )
            return store.library.shelves([hit.story for hit in found.hits]), found

        return await self._helper.do(find)

    async def get(self, story: str) -> Shelf:
        """Facts about one story."""
        return await self._do(lambda store: store.library.get(story))

    async def create(self, operations: Sequence[Operation], story: str = "") -> Shelf:
        """A new story (`story.store.library.Library.create`)."""
        return await self._do(lambda store: store.library.create(operations, story))

    async def copy(self, story: str, version: int | None) -> Shelf:
        """A new story that begins with the state of another."""
        return await self._do(lambda store: store.library.copy(story, version))

    async def state(self, story: str, version: int | None = None) -> tuple[int, State]:
        """A story at a version, or at the newest."""
        return await self._do(lambda store: store.journal.state(story, version))

    async def steps(self, story: str, scopes: Sequence[str]) -> dict[str, Steps]:
        """Which steps back and forth there are in each of some scopes."""
        return await self._do(lambda store: store.journal.steps(story, scopes))

    async def records(self, story: str, after: int, limit: int) -> list[Record]:
        """The records of a story after a version."""
        return await self._do(lambda store: store.journal.records(story, after, limit))

    async def append(
        self, story: str, base: int, author: str, proposed: Sequence[Proposed]
    ) -> Appended:
        """Apply operations (`story.store.journal.Journal.append`); they are on the disk when this returns."""
        return await self._change(
            story, lambda store: store.journal.append(story, base, author, proposed)
        )

    async def undo(self, story: str, scope: str, author: str, name: str) -> Stepped:
        """Undo the last step in a scope."""
        return await self._change(
            story, lambda store: store.journal.undo(story, scope, author, name)
        )

    async def redo(self, story: str, scope: str, author: str, name: str) -> Stepped:
        """Redo what the last undo in a scope took back."""
        return await self._change(
            story, lambda store: store.journal.redo(story, scope, author, name)
        )

    async def trash(self, story: str, *, is_out: bool = False) -> Shelf:
        """Move a story to the trash, or out of it."""
        return await self._do(lambda store: store.library.trash(story, is_out=is_out))

    async def empty_trash(self) -> int:
        """Delete the stories in the trash permanently. Gives their number."""
        return await self._do(lambda store: store.library.empty_trash())

    async def search(self, query: str, limit: int, offset: int) -> Hits:
        """Search words in all stories."""
        return await self._helper.do(lambda store: store.index.search(query, limit, offset))

    async def export(self, story: str) -> bytes:
        """Export a story with its whole journal."""
        return await self._helper.do(lambda store: store.transfer.export(story))

    async def preview(self, data: bytes, name: str) -> Preview:
        """Say what an import of a file would bring; nothing is made of it.

        Raises:
            BadRequest: As `import_file`.
        """
        if is_backup(data):
            found = await self._helper.do(lambda store: list(store.restorer.look(data)))
            return of_backup(found)
        if is_story_file(data):
            return of_story(await asyncio.to_thread(Transfer.read, data))
        return of_file(await asyncio.to_thread(import_file, data, name))

    async def import_file(self, data: bytes, name: str) -> tuple[list[Shelf], Report]:
        """Import a file of Coblyn or of another program as new stories, and report what was imported.

        Most files are one story; a backup brings all stories that are not here, and may bring none.

        Raises:
            BadRequest: Its format is unknown, or it is damaged or too large. No story is made.
        """
        if is_backup(data):
            restored = await self._helper.do(lambda store: store.restorer.restore(data))
            return list(restored.stories), report_of(restored)
        if is_story_file(data):
            shelf = await self._helper.do(lambda store: store.transfer.import_story(data))
            return [shelf], Report(phrase("format_own"), [line("all", "journal")])
        imported = await asyncio.to_thread(import_file, data, name)
        operations = (*imported.operations, *imported.beginning)
        return [await self.create(operations)], imported.report

    async def import_into(
        self, story: str, data: bytes, name: str, author: str
    ) -> tuple[Appended, Report]:
        """Add cards or lore from a file to a story, as one undo step.

        Raises:
            BadRequest: The file holds a whole story, or its format is unknown.
        """
        imported = await asyncio.to_thread(import_file, data, name)
        if imported.has_text:
            raise refused("whole_story", format=imported.report.format)
        unit = f"import:{new_id()}"
        proposed = [
            Proposed(f"{unit}:{number}", unit, operation)
            for number, operation in enumerate(imported.operations)
        ]
        base = (await self.get(story)).version
        return await self.append(story, base, author, proposed), imported.report

    async def backup(self) -> bytes:
        """A copy of the whole file."""
        return await self._helper.do(lambda store: store.database.backup())

    @contextmanager
    def watching(self, story: str) -> Iterator[asyncio.Event]:
        """An event that is set when a story is changed; the watcher clears it."""
        flag = asyncio.Event()
        self._watchers[story].add(flag)
        self._tell(story)
        try:
            yield flag
        finally:
            self._watchers[story].discard(flag)
            self._tell(story)
            if not self._watchers[story]:
                del self._watchers[story]

    def num_watchers(self, story: str) -> int:
        """Number of watchers of a story."""
        return len(self._watchers.get(story, ()))

    async def _change(self, story: str, work: Callable[[_Store], A]) -> A:
        appended = await self._do(work)
        if appended.records:
            self._tell(story)
        return appended

    def _tell(self, story: str) -> None:
        for flag in self._watchers.get(story, ()):
            flag.set()

    async def _do(self, work: Callable[[_Store], T]) -> T:
        return await self._writer.do(work)
