"""Threads by the cores that may be used, not by those that are there."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from coblyn.llama.cores import count_cores, quota, usable_cores


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def granted(folder: Path, own: str, files: dict[str, str]) -> float:
    write(folder / "own", own)
    for name, text in files.items():
        write(folder / "groups" / name, text)
    return quota(folder / "own", folder / "groups")


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        # Version 2: a container sees its own group as the root, a service its path.
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "max 100000\n"}, math.inf),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000", "a/cpu.max": "50000 100000"}, 0.5),
        ("0::/a/b\n", {"a/b/cpu.max": "150000 100000", "a/cpu.max": "400000 100000"}, 1.5),
        # Version 1, with the path of the host that a container cannot see.
        (
            "4:memory:/x\n3:cpu,cpuacct:/docker/12\n",
            {
                "cpu,cpuacct/cpu.cfs_quota_us": "300000\n",
                "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            3,
        ),
        ("1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, math.inf),
        # Nothing of the kind, half of it, or nonsense.
        ("", {}, math.inf),
        ("4:memory:/x\n", {"cpu.max": "100000 100000"}, math.inf),
        ("0::/\n", {"cpu.max": ""}, math.inf),
        ("0::/\n", {"cpu.max": "0 100000"}, math.inf),
        ("0::/\n", {"cpu.max": "100000 0"}, math.inf),
        ("0::/\n", {"cpu.max": "many 100000"}, math.inf),
        ("0::/../..\n", {"cpu.max": "100000 100000"}, 1),
    ],
)
def test_the_share_that_control_groups_grant(
    tmp_path: Path, own: str, files: dict[str, str], expected: float
) -> None:
    assert granted(tmp_path, own, files) == expected


def test_a_system_without_control_groups_limits_nothing(tmp_path: Path) -> None:
    assert quota(tmp_path / "none", tmp_path) == math.inf


def test_two_threads_of_a_core_count_once(tmp_path: Path) -> None:
    for number, siblings in enumerate(["0,2", "1,3", "0,2", "1,3"]):
        write(tmp_path / f"cpu{number}" / "topology" / "thread_siblings_list", f"{siblings}\n")
    assert count_cores({0, 1, 2, 3}, tmp_path) == 2
    assert count_cores({0, 2}, tmp_path) == 1
    assert count_cores({0, 9, 10}, tmp_path) == 3, "what is not listed is a core of its own"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems give no mask")
def test_a_process_that_may_use_one_core_computes_with_one_thread() -> None:
    assert 1 <= usable_cores() <= len(os.sched_getaffinity(0))
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from coblyn.llama.cores import usable_cores; print(usable_cores())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
