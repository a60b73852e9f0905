"""How the parts of a growing answer are told apart on the wire."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NDJSON", "PLAIN", "SSE", "Framing"]


@dataclass(frozen=True, slots=True)
class Framing:
    """What stands around each part of a stream.

    Attributes:
        media_type: Content type of the answer.
        before, after: What stands around a part.
        naming: What stands before the name of a part; empty where parts have no names.
        remark: What stands before text that clients skip; empty where there is no such text.
    """

    media_type: str
    before: bytes = b""
    after: bytes = b""
    naming: bytes = b""
    remark: bytes = b""

    def frame(self, data: bytes, name: bytes = b"") -> bytes:
        """One part, complete. A name is left out where parts have none."""
        head = self.naming + name + b"\n" if name and self.naming else b""
        return head + self.before + data + self.after

    def comment(self, text: bytes) -> bytes:
        """Text that clients skip and that keeps proxies from closing the line, or nothing."""
        return self.remark + text + self.after if self.remark else b""


SSE = Framing("text/event-stream", b"data: ", b"\n\n", b"event: ", b": ")
"""Server-sent events."""

NDJSON = Framing("application/x-ndjson", after=b"\n")
"""A JSON object per line."""

PLAIN = Framing("text/plain; charset=utf-8")
"""The text alone."""
