"""An engine process on the scripted runner that goes wrong as its first argument says.

    python faulty_worker.py FAULT FILE

A fault while loading happens while FILE holds the word "bad".
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from coblyn.engine import worker
from coblyn.engine.fake import FakeRunner
from coblyn.errors import ModelBroken

FAULT, FILE = sys.argv[1], Path(sys.argv[2])
CRASH = "coblyn-crash signal=SIGILL address=0x7f00 offset=0x1000 code=c4e27b49 library=/a/libggml-cpu.so"


def say(text: str) -> None:
    os.write(2, f"{text}\n".encode())


def go_wrong() -> None:
    if FAULT.startswith("abort"):
        say("ggml.c:7: GGML_ASSERT(n > 0) failed")
        os.abort()
    if FAULT.startswith("illegal"):
        say(CRASH)
        os.kill(os.getpid(), signal.SIGILL)
        time.sleep(600)  # another thread may be the one that gets it
    if FAULT.startswith("hang"):
        time.sleep(600)
    if FAULT.startswith("raise"):
        raise ZeroDivisionError("of our own")
    if FAULT.startswith("refuse"):
        raise ModelBroken(f"{FILE} is damaged.", hint="Fetch it.")


class FaultyRunner(FakeRunner):
    def __init__(self, **values: int) -> None:
        super().__init__(**values)
        if FAULT.endswith("-load") and FILE.read_text() == "bad":
            go_wrong()

    def run(self, plan):  # type: ignore[no-untyped-def]
        if FAULT.endswith("-step") and FILE.read_text() == "bad":
            go_wrong()
        return super().run(plan)


worker.FakeRunner = FaultyRunner  # type: ignore[misc]
worker.Worker._make_runner = lambda self, config: FaultyRunner(max_running=config.max_running)  # type: ignore[method-assign]
worker.main()
