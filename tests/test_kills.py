"""Killed while it writes, over and over: what is there afterwards is whole, the old or the new."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from coblyn.engine.state import read_state
from coblyn.tuning.measured import MeasuredFile

ROUNDS = 4
KILOBYTES = 4096

STATES = f"""
import sys
from pathlib import Path
from coblyn.engine.prompt import Namespace
from coblyn.engine.state import Buffers, SavedState, write_state
path, number = Path(sys.argv[1]), 0
while True:
    number += 1
    buffers = Buffers(bytes([number % 251]) * ({KILOBYTES} << 10))
    write_state(SavedState(Namespace(), (1,), (), 0, 0, (), buffers), path)
    if number == 1:
        print("there", flush=True)
"""

TUNING = """
import sys
from pathlib import Path
from coblyn.tuning.measured import Measured, MeasuredFile
path, number = Path(sys.argv[1]), 0
while True:
    number += 1
    MeasuredFile(path).write({f"key {each}": Measured(number, 0.01) for each in range(3000)})
    if number == 1:
        print("there", flush=True)
"""


def is_whole_state(path: Path) -> bool:
    state = read_state(path).buffers.state
    return len(state) == KILOBYTES << 10 and len(set(state)) == 1


def is_whole_tuning(path: Path) -> bool:
    values = {each.value for each in MeasuredFile(path).read().values()}
    return len(MeasuredFile(path).read()) == 3000 and len(values) == 1


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is meant")
@pytest.mark.parametrize(
    ("script", "is_whole"), [(STATES, is_whole_state), (TUNING, is_whole_tuning)]
)
def test_what_a_kill_leaves_is_whole(
    tmp_path: Path, script: str, is_whole: Callable[[Path], bool]
) -> None:
    path = tmp_path / "kept"
    for number in range(ROUNDS):
        command = [sys.executable, "-c", script, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout
            assert process.stdout.readline() == b"there\n"
            time.sleep(0.007 * number)
            process.kill()
        assert is_whole(path)
