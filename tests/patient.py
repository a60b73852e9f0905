"""Requests to real servers with the patience that a busy machine needs: httpx itself gives up after five seconds."""

from __future__ import annotations

from functools import partial

import httpx

SECONDS = 60.0

get = partial(httpx.get, timeout=SECONDS)
post = partial(httpx.post, timeout=SECONDS)
put = partial(httpx.put, timeout=SECONDS)
delete = partial(httpx.delete, timeout=SECONDS)
stream = partial(httpx.stream, timeout=SECONDS)
