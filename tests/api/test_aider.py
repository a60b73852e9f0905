"""aider, unchanged, edits a file with a model of ours. It is installed once, in pytest's cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from functools import partial
from pathlib import Path

import pytest

from coblyn.engine.fake import FakeRunner
from live_server import serve

pytestmark = pytest.mark.slow

PACKAGE = "aider-chat==0.86.2"
EDIT = """I change the number.

number.py
```python
<<<<<<< SEARCH
NUMBER = 1
=======
NUMBER = 2
>>>>>>> REPLACE
```
"""


@pytest.fixture(scope="module")
def aider(pytestconfig: pytest.Config) -> Path:
    """Its program."""
    cache = pytestconfig.cache
    assert cache, "pytest has a cache unless it is told not to"
    place = cache.mkdir("aider")
    programs = place / ("Scripts" if os.name == "nt" else "bin")
    stamp = place / "installed.json"
    if not stamp.is_file() or json.loads(stamp.read_text("utf-8")) != [PACKAGE, sys.version]:
        venv.create(place, clear=True, with_pip=True)
        command = [programs / "python", "-m", "pip", "install", "--quiet", "--no-compile", PACKAGE]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"pip cannot install aider here: {done.stderr.strip()[-300:]}")
        stamp.write_text(json.dumps([PACKAGE, sys.version]), "utf-8")
    return programs / "aider"


@pytest.mark.parametrize("streams", ["--stream", "--no-stream"])
def test_it_edits_a_file(aider: Path, tmp_path: Path, streams: str) -> None:
    file = tmp_path / "number.py"
    file.write_text("NUMBER = 1\n", "utf-8")
    command = [str(aider), "--model", "openai/fake", "--openai-api-key", "none", streams]
    command += ["--no-git", "--yes-always", "--no-check-update", "--no-show-model-warnings"]
    command += ["--analytics-disable", "--no-auto-lint", "--no-fancy-input", "--no-pretty"]
    command += ["--edit-format", "diff", "--message", "Make the number 2.", str(file)]
    with serve(
        partial(FakeRunner, script=EDIT, repeats=False, context=1 << 16, num_cells=1 << 16)
    ) as url:
        done = subprocess.run(
            [*command, "--openai-api-base", f"{url}/v1"],
            cwd=tmp_path,
            env={**os.environ, "HOME": str(tmp_path), "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
    assert file.read_text("utf-8") == "NUMBER = 2\n", done.stdout + done.stderr
