"""What was acknowledged is there after the process was killed, whenever that was."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from coblyn.story.store.database import Database
from coblyn.story.store.journal import Journal
from coblyn.story.store.library import Library

WRITER = """
import sys
from pathlib import Path
from coblyn.story.record import read_proposed
from coblyn.story.store.database import Database
from coblyn.story.store.journal import Journal

journal = Journal(Database(Path(sys.argv[1])))
story = sys.argv[2]
while True:
    version, state = journal.state(story)
    at, text = state.text("main").length, f"{version} "
    change = {"from": at, "to": at, "insert": text}
    edit = {"id": f"op{version}", "kind": "edit", "branch": "main", "changes": [change]}
    journal.append(story, version, "writer", [read_proposed(edit)])
    print(version + 1, flush=True)
"""


@pytest.mark.parametrize("num_kills", [5, pytest.param(100, marks=pytest.mark.slow)])
def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(
    tmp_path: Path, num_kills: int
) -> None:
    path = tmp_path / "journal.sqlite"
    database = Database(path)
    story = Library(database, Journal(database)).create().id
    database.close()
    rng = random.Random(7)
    reached = 0
    for _ in range(num_kills):
        acknowledged = _write_until_killed(path, story, rng.randint(1, 9), rng.random() / 100)
        assert acknowledged > reached
        reached = _reached(path, story)
        assert reached >= acknowledged


def _write_until_killed(path: Path, story: str, num_lines: int, delay: float) -> int:
    """The last version that a writer said was written, before it was killed in the middle of the next ones."""
    command = [sys.executable, "-c", WRITER, str(path), story]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        said = [writer.stdout.readline() for _ in range(num_lines)]
        try:
            writer.wait(delay)
        except subprocess.TimeoutExpired:
            writer.kill()
        said += writer.stdout.readlines()
    complete = [line for line in said if line.endswith("\n")]
    return int(complete[-1])


def _reached(path: Path, story: str) -> int:
    database = Database(path)
    version, state = Journal(database).state(story)
    database.close()
    assert state.text("main").text == "".join(f"{number} " for number in range(version))
    return version
