"""A response as a stream of named events."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from coblyn.api.dialect import Dialect
from coblyn.api.openai.errors import openai_body
from coblyn.api.openai.responses.archive import Archive
from coblyn.api.openai.responses.response import Response
from coblyn.api.openai.responses.writer import Event
from coblyn.api.problem import Problem
from coblyn.api.stream import Chunks, compact
from coblyn.engine.events import Delta, Finish, Prefill
from coblyn.errors import CoblynError
from coblyn.service.hub import Record
from coblyn.service.replies import Reply

__all__ = ["ResponseChunks", "event_frame", "told"]


def event_frame(dialect: Dialect, event: Event) -> bytes:
    """An event as a frame."""
    return dialect.framing.frame(compact(event), event["type"].encode())


async def told(
    events: AsyncGenerator[list[Event], None], chunks: ResponseChunks
) -> AsyncGenerator[bytes, None]:
    """The stream of a response with several rounds."""
    try:
        async with aclosing(events):
            async for some in events:
                if some:
                    yield chunks.frames(some)
    except CoblynError as error:
        yield chunks.error(Problem.of(error))
    finally:
        chunks.over()


class ResponseChunks(Chunks):
    """The events of one response.

    Args:
        dialect: OpenAI's.
        response: The response; it grows with the stream.
        archive: Stores it if requested.
    """

    def __init__(self, dialect: Dialect, response: Response, archive: Archive) -> None:
        super().__init__(dialect)
        self._response = response
        self._archive = archive

    def opening(self, index: int) -> bytes:  # noqa: ARG002
        """The events of the beginning."""
        return self.frames(self._response.begin())

    def more(self, index: int, delta: Delta, reply: Reply) -> bytes:  # noqa: ARG002
        """The events for new parts."""
        return self.frames(self._response.add(reply))

    def last(self, index: int, finish: Finish, reply: Reply, record: Record) -> bytes:  # noqa: ARG002
        """The remaining parts, and the complete response."""
        return self.frames(self._response.add(reply, (record,)))

    def text(self, index: int, delta: Delta) -> bytes:
        """The events for new text of a plain reply."""
        return self.more(index, delta, Reply(delta))

    def end(self, index: int, finish: Finish, record: Record) -> bytes:
        """The complete response."""
        return self.last(index, finish, Reply(finish), record)

    def progress(self, prefill: Prefill) -> bytes:
        """A comment, which keeps proxies from closing the connection during a long prefill."""
        if not prefill.cached < prefill.processed < prefill.total:
            return b""
        return self.framing.comment(b"prefill %d/%d" % (prefill.processed, prefill.total))

    def error(self, problem: Problem) -> bytes:
        """The events of a failure."""
        is_ours = problem.status >= 500
        code = "server_error" if is_ours else openai_body(problem)["error"]["code"]
        return self.frames(self._response.fail(problem, code))

    def over(self) -> None:
        """Mark an incomplete response as abandoned."""
        self._response.abandon()
        self._archive.complete(self._response)

    def frames(self, events: Iterable[Event]) -> bytes:
        """Events as frames."""
        return b"".join(event_frame(self.dialect, event) for event in events)
