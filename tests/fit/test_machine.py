from pathlib import Path

import psutil
import pytest

from coblyn.fit.machine import main_memory

GIGABYTE = 10**9


class Memory:
    available = 8 * GIGABYTE
    total = 16 * GIGABYTE


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", Memory)


def group(directory: Path, **files: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (directory / name.replace("__", ".")).write_text(text)


def own_groups(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "own"
    path.write_text(text)
    return path


def test_without_control_groups_it_is_what_the_system_has(tmp_path: Path) -> None:
    space = main_memory(tmp_path / "none", tmp_path)
    assert (space.free, space.total) == (8 * GIGABYTE, 16 * GIGABYTE)


def test_the_tightest_of_nested_groups_counts(tmp_path: Path) -> None:
    groups = tmp_path / "groups"
    group(groups / "outer", memory__max=str(4 * GIGABYTE), memory__current=str(3 * GIGABYTE))
    group(groups / "outer/inner", memory__max="max", memory__current=str(2 * GIGABYTE))
    space = main_memory(own_groups(tmp_path, "0::/outer/inner\n"), groups)
    assert (space.free, space.total) == (GIGABYTE, 4 * GIGABYTE)


def test_what_the_system_takes_back_counts_as_free(tmp_path: Path) -> None:
    groups = tmp_path / "groups"
    group(
        groups / "box",
        memory__max=str(4 * GIGABYTE),
        memory__high=str(2 * GIGABYTE),
        memory__current=str(2 * GIGABYTE),
        memory__stat=f"anon 5\nactive_file {GIGABYTE // 2}\ninactive_file {GIGABYTE // 4}\nfile_dirty 7\n",
    )
    space = main_memory(own_groups(tmp_path, "0::/box\n"), groups)
    assert (space.free, space.total) == (GIGABYTE * 3 // 4, 2 * GIGABYTE)


def test_version_1_has_a_folder_for_each_controller(tmp_path: Path) -> None:
    groups = tmp_path / "groups"
    group(
        groups / "memory/box",
        memory__limit_in_bytes=str(3 * GIGABYTE),
        memory__usage_in_bytes=str(2 * GIGABYTE),
        memory__stat=f"total_inactive_file {GIGABYTE}\ninactive_file 3\n",
    )
    lines = "5:cpu,cpuacct:/other\n4:memory:/box\n0::/\n"
    space = main_memory(own_groups(tmp_path, lines), groups)
    assert (space.free, space.total) == (2 * GIGABYTE, 3 * GIGABYTE)


def test_a_limit_above_the_machine_changes_nothing(tmp_path: Path) -> None:
    groups = tmp_path / "groups"
    group(groups / "memory", memory__limit_in_bytes=str(2**63 - 4096), memory__usage_in_bytes="9")
    space = main_memory(own_groups(tmp_path, "4:memory:/\n"), groups)
    assert (space.free, space.total) == (8 * GIGABYTE, 16 * GIGABYTE)


@pytest.mark.parametrize("text", ["", "nonsense", "::", "0::/../../x\n", "\0\n"])
def test_what_cannot_be_read_sets_no_limit(tmp_path: Path, text: str) -> None:
    assert main_memory(own_groups(tmp_path, text), tmp_path).free == 8 * GIGABYTE


def test_the_margin_is_a_part_of_all_there_is(tmp_path: Path) -> None:
    space = main_memory(tmp_path / "none", tmp_path)
    assert space.left(0) == space.free
    assert space.left(10) == space.free - space.total // 10
    assert space.left(90) == 0
