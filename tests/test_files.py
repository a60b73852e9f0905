"""Small files are whole, old or new, whatever the disk does."""

from __future__ import annotations

import errno
import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from coblyn import files
from coblyn.errors import DiskFull
from coblyn.files import alone, disk_errors, read_small, read_text, require_not_full, write_whole


def refuse(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    write_whole(path, "old")
    write_whole(path, "ü" * 1000)
    assert path.read_text("utf-8") == "ü" * 1000
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("step", ["fsync", "open", "fdopen"])
def test_a_full_disk_keeps_the_old_one_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "settings.toml"
    write_whole(path, "old")
    with monkeypatch.context() as patch:
        patch.setattr(os, step, refuse)
        with (
            pytest.raises(DiskFull, match="Settings: no space left"),
            disk_errors(tmp_path, what="Settings"),
        ):
            write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_secrets_are_never_readable_to_others(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    write_whole(path, "secret", mode=0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_a_killed_writer_left_goes_with_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "tuning[1].json"
    ages = {".tuning[1].json.7-7.part": 2, ".tuning[1].json.8-8.part": 0.5, ".other.7-7.part": 2}
    for name, hours in ages.items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - hours * 3600,) * 2)
    write_whole(path, "new")
    left = {each.name for each in tmp_path.iterdir()}
    assert left == {path.name, ".tuning[1].json.8-8.part", ".other.7-7.part"}


def test_of_many_writers_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "shared.json"
    texts = [str(number) * 50_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: write_whole(path, text), texts * 4))
    assert path.read_text() in texts
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_found_behind_a_failure_that_does_not_name_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_not_full(tmp_path, what="Quantizing")
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 4096})())
    with pytest.raises(DiskFull, match="Quantizing: no space left"):
        require_not_full(tmp_path, what="Quantizing")


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such files")
def test_a_small_file_is_a_regular_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError, match=r"regular file|directory"):
            read_small(path)
    with pytest.raises(FileNotFoundError):
        read_small(tmp_path / "none")


def test_a_small_file_has_a_limit(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes("ü\r\nö".encode())
    assert read_text(path, 6) == "ü\nö"
    with pytest.raises(OSError, match="more than"):
        read_text(path, 5)
    path.write_bytes(b"\xff")
    with pytest.raises(UnicodeDecodeError):
        read_text(path)


def test_a_lock_is_deleted_only_by_who_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise two could hold it: one by the file that is deleted, and one by a new file of its name."""
    if os.name == "nt":
        pytest.skip("files that are open cannot be deleted")
    target, unlink, seen = tmp_path / "model.gguf", Path.unlink, []

    def note(path: Path, *, missing_ok: bool = False) -> None:
        other = FileLock(path)
        try:
            other.acquire(timeout=0)
        except Timeout:
            seen.append(path.name)
        else:
            other.release()
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", note)
    with alone(target, on_wait=lambda: None):
        pass
    assert seen == ["model.gguf.lock"]
    assert list(tmp_path.iterdir()) == []
