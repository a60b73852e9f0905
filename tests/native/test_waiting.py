"""How ggml's own threads wait, in builds without OpenMP (``shim/waiting.h``)."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from coblyn.native.prepare import shim_dir

pytestmark = [
    pytest.mark.native,
    pytest.mark.skipif(
        sys.platform == "win32" or not shutil.which("cc"), reason="needs a C compiler (POSIX)"
    ),
]

FIRST = ("-include", str(shim_dir() / "waiting.h"))
MOST_MILLISECONDS = 250
"""Of processor time in a wait of 500; the bound leaves a tenth of one, and a look every other millisecond."""


@pytest.mark.parametrize("compiler", ["cc", "clang"])
def test_a_long_wait_is_slept_through_and_ends(tmp_path: Path, compiler: str) -> None:
    if not shutil.which(compiler):
        pytest.skip(f"needs {compiler}")
    source, program = Path(__file__).parent / "waiting.c", tmp_path / "waiting"
    subprocess.run([compiler, "-O2", *FIRST, source, "-lpthread", "-o", program], check=True)
    done = subprocess.run([program], capture_output=True, text=True, timeout=60, check=True)
    milliseconds, looks = map(int, done.stdout.split())
    assert milliseconds < MOST_MILLISECONDS
    assert looks > 1


def preprocessed(tree: Path, *flags: str) -> str:
    """ggml's C file with the header in front, without what other headers bring."""
    source = tree / "ggml" / "src" / "ggml-cpu"
    folders = (source, source.parent, tree / "ggml" / "include")
    command = ["cc", "-E", "-P", *(f"-I{folder}" for folder in folders), *flags, *FIRST]
    command += ["-D_GNU_SOURCE", '-DGGML_VERSION=""', '-DGGML_COMMIT=""', source / "ggml-cpu.c"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_every_wait_of_the_pinned_tree_is_bounded(pinned_tree: Path) -> None:
    text = preprocessed(pinned_tree)
    assert len(re.findall(r"void ggml_thread_cpu_relax_once\(void\) *{", text)) == 1
    # The barrier, and the wait for a graph.
    assert (
        len(re.findall(r"\(coblyn_looked_in_vain\(\), ggml_thread_cpu_relax_once\(\)\)", text)) == 2
    )
    assert not re.search(r"ggml_thread_cpu_relax\(", text)
    assert re.search(r"coblyn_changed\(\S+\(&tp->n_barrier_passed, 1", text)


def test_openmp_is_left_alone(pinned_tree: Path) -> None:
    # Paths have the word, too: names of functions do not end there.
    assert "coblyn_" not in preprocessed(pinned_tree, "-DGGML_USE_OPENMP", "-fopenmp")
