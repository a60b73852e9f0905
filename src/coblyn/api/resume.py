"""``/api/coblyn/streams``: a stream that was cut is taken up where it stopped."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from coblyn.api.call import Call
from coblyn.api.route import Routes
from coblyn.api.stream import StreamResponse
from coblyn.errors import BadRequest

__all__ = ["routes"]

routes = Routes()


@routes.get("/api/coblyn/streams/{id}", "Take up a stream")
async def resume(call: Call) -> Response:
    """The parts of a stream from number ``from`` on (0, or one after ``Last-Event-ID``), and those that come.

    A request with the header ``x-coblyn-resumable: yes`` makes a stream that can be taken up; its answer names it in
    ``x-coblyn-stream``, and its events have numbers. It goes on for a minute after its client has left, and is kept for
    five after its end. Of a very long one only the last parts are kept: then this answers 410.
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
    """It stops being written, and what there is of it stays for a while."""
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
