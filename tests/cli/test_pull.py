"""``coblyn pull`` as a program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from file_server import FileServer, serve_files
from gguf_file import tiny_gguf

BODY = tiny_gguf().data + bytes(1 << 20)
COMMAND = (sys.executable, "-m", "coblyn", "pull")


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files() as files:
        yield files


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent as a signal")
def test_ctrl_c_says_that_the_next_pull_continues(server: FileServer, home: Path) -> None:
    url = server.add("/slow.gguf", BODY, etag='"one"', delay=0.05)
    with subprocess.Popen([*COMMAND, url], stderr=subprocess.PIPE, text=True) as process:
        while not any(path.stat().st_size for path in home.rglob("*.part")):
            assert process.poll() is None, "it is still pulling"
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Stopped." in said
    assert "Run the command again to go on where it stopped." in said
    server.files["/slow.gguf"].delay = 0
    subprocess.run([*COMMAND, url], check=True, capture_output=True, timeout=60)
    assert server.ranges[-1] not in ("", "bytes=0-")
    assert next(home.rglob("slow.gguf")).read_bytes() == BODY
