"""``/api/coblyn/streams``: resumes an interrupted stream where it stopped."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from coblyn.api.call import Call
from coblyn.api.route import Routes
from coblyn.api.stream import StreamResponse
from coblyn.errors import BadRequest

__all__ = ["routes"]

routes = Routes()


@routes.get("/api/coblyn/streams/{id}", "Resume a stream")
async def resume(call: Call) -> Response:
    """The parts of a stream from number ``from`` on (default 0, or one after ``Last-Event-ID``), including future ones.

    A request with the header ``x-coblyn-resumable: yes`` makes a resumable stream; its answer has the name in
    ``x-coblyn-stream``, and its events are numbered. It continues for a minute after its client has left, and is kept
    for five minutes after its end. Of a very long stream only the last parts are kept; earlier ones are answered with
    410.
    """
    tape = call.tapes.find(call.request.path_params["id"])
    start = _start(call)
    tape.require(start)
    remark = tape.framing.comment(b"waiting")
    return StreamResponse(
        tape.play(start), (), tape.framing.media_type, remark=remark, beat=call.options.keep_alive
    )


@routes.delete("/api/coblyn/streams/{id}", "End a stream")
async def end(call: Call) -> Response:
    """Stop the stream; the part sent so far is kept for a while."""
    await call.tapes.find(call.request.path_params["id"]).stop()
    return JSONResponse({"success": True})


def _start(call: Call) -> int:
    asked = call.request.query_params.get("from")
    if asked is not None:
        return _number(asked, "from")
    seen = call.request.headers.get("last-event-id")
    return _number(seen, "last-event-id") + 1 if seen else 0


def _number(text: str, field: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise BadRequest(f"{field} must be the number of a part, and is {text!r}.", field=field)
    return int(text)
