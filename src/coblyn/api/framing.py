"""The framing of streamed answers on the wire."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NDJSON", "PLAIN", "SSE", "Framing"]


@dataclass(frozen=True, slots=True)
class Framing:
    """The text around each part of a stream.

    Attributes:
        media_type: Content type of the answer.
        before, after: The text before and after a part.
        naming: The text before a part's name; empty if parts have no names.
        remark: The text before a comment; empty if there are no comments.
    """

    media_type: str
    before: bytes = b""
    after: bytes = b""
    naming: bytes = b""
    remark: bytes = b""

    def frame(self, data: bytes, name: bytes = b"") -> bytes:
        """A complete part. The name is omitted if parts have none."""
        head = self.naming + name + b"\n" if name and self.naming else b""
        return head + self.before + data + self.after

    def comment(self, text: bytes) -> bytes:
        """A comment, which clients skip and which keeps proxies from closing the connection; or nothing."""
        return self.remark + text + self.after if self.remark else b""


SSE = Framing("text/event-stream", b"data: ", b"\n\n", b"event: ", b": ")
"""Server-sent events."""

NDJSON = Framing("application/x-ndjson", after=b"\n")
"""A JSON object per line."""

PLAIN = Framing("text/plain; charset=utf-8")
"""Plain text."""
