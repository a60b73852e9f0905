from __future__ import annotations

import errno
import hashlib
import os
import random
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from coblyn.errors import ChecksumMismatch, DiskFull, FetchError
from coblyn.fetch.download import fetch, sha256_of
from coblyn.fetch.network import Network, without_credentials
from coblyn.fetch.part import Part
from coblyn.progress import Progress
from file_server import FileServer, serve_files

BODY = random.Random(1).randbytes(3 * 2**20)
DIGEST = hashlib.sha256(BODY).hexdigest()
OTHER = random.Random(2).randbytes(3 * 2**20)
QUICK = Network(timeout=1.0, tries=3, backoff=0.01)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files() as files:
        yield files


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "new" / "file.bin"


def names(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


def leave_part(
    target: Path, body: bytes, *, sha256: str | None, source: str, etag: str = ""
) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Part(target, sha256=sha256, source=source)
    part.restart(etag)
    part.append(body)
    part.close()


class TestWhole:
    def test_brings_the_file_and_nothing_else(self, server: FileServer, target: Path) -> None:
        reports: list[Progress] = []
        url = server.add("/file", BODY)
        assert fetch(url, target, sha256=DIGEST.upper(), report=reports.append) == target
        assert target.read_bytes() == BODY
        assert names(target) == ["file.bin"]
        assert (reports[0].done, reports[0].total) == (0, len(BODY))
        assert (reports[-1].done, reports[-1].total) == (len(BODY), len(BODY))
        assert {report.unit for report in reports} == {"bytes"}

    def test_the_right_file_is_there_already(self, server: FileServer, target: Path) -> None:
        url = server.add("/file", BODY)
        fetch(url, target, sha256=DIGEST)
        fetch(url, target, sha256=DIGEST)
        assert len(server.requests) == 1

    def test_a_damaged_file_is_replaced(self, server: FileServer, target: Path) -> None:
        target.parent.mkdir()
        target.write_bytes(OTHER)
        fetch(server.add("/file", BODY), target, sha256=DIGEST)
        assert target.read_bytes() == BODY

    def test_without_length(self, server: FileServer, target: Path) -> None:
        fetch(server.add("/file", BODY, has_length=False), target, sha256=DIGEST)
        assert target.read_bytes() == BODY

    def test_empty_file(self, server: FileServer, target: Path) -> None:
        fetch(server.add("/file", b""), target, sha256=hashlib.sha256().hexdigest())
        assert target.read_bytes() == b""

    def test_encoded_bytes_stay_as_they_are(self, server: FileServer, target: Path) -> None:
        """Some servers call a .gz file gzip-encoded; unpacking it would break the checksum."""
        fetch(
            server.add("/f.gz", BODY, headers={"Content-Encoding": "gzip"}), target, sha256=DIGEST
        )
        assert target.read_bytes() == BODY

    def test_file_url(self, tmp_path: Path, target: Path) -> None:
        source = tmp_path / "with space.bin"
        source.write_bytes(BODY)
        fetch(source.as_uri(), target, sha256=DIGEST)
        assert target.read_bytes() == BODY
        assert names(target) == ["file.bin"]

    def test_without_checksum_it_is_fetched_anew(self, server: FileServer, target: Path) -> None:
        url = server.add("/file", BODY)
        fetch(url, target, sha256=None)
        server.files["/file"].body = OTHER
        fetch(url, target, sha256="")
        assert target.read_bytes() == OTHER

    def test_login_of_the_url_is_sent_and_never_shown(
        self, server: FileServer, target: Path
    ) -> None:
        server.add("/file", BODY, login="Basic bWU6c2VjcmV0")
        url = server.url.replace("//", "//me:secret@")
        fetch(f"{url}/file", target, sha256=DIGEST)
        with pytest.raises(FetchError) as caught:
            fetch(f"{url}/none?key=hidden", target, sha256=hashlib.sha256(b"x").hexdigest())
        assert "secret" not in str(caught.value)
        assert "hidden" not in str(caught.value)
        assert f"{server.url}/none" in str(caught.value)

    def test_netrc(
        self, server: FileServer, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / ".netrc"
        file.write_text("machine 127.0.0.1 login me password secret\n")
        file.chmod(0o600)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        url = server.add("/file", BODY, login="Basic bWU6c2VjcmV0")
        fetch(url, target, sha256=DIGEST)
        server.files["/file"].login = "Bearer token"
        headers = {"Authorization": "Bearer token"}
        fetch(url, target, sha256=None, headers=headers)  # a token that was given goes before


class TestResume:
    def test_a_cut_connection_goes_on(self, server: FileServer, target: Path) -> None:
        url = server.add("/file", BODY, etag='"a"', cuts=[2**21, 2**19])
        fetch(url, target, sha256=DIGEST, network=QUICK)
        assert target.read_bytes() == BODY
        assert server.ranges == ["", f"bytes={2**21}-", f"bytes={2**21 + 2**19}-"]
        assert server.requests[1][1]["if-range"] == '"a"'

    def test_an_earlier_process_left_a_part(self, server: FileServer, target: Path) -> None:
        leave_part(target, BODY[:1000], sha256=DIGEST, source="")
        fetch(server.add("/file", BODY), target, sha256=DIGEST)
        assert server.ranges == ["bytes=1000-"]
        assert target.read_bytes() == BODY
        assert names(target) == ["file.bin"]

    def test_the_part_is_whole_already(self, server: FileServer, target: Path) -> None:
        leave_part(target, BODY, sha256=DIGEST, source="")
        fetch(server.add("/file", BODY), target, sha256=DIGEST)
        assert target.read_bytes() == BODY
        assert len(server.requests) == 1

    def test_no_ranges_means_from_the_start(self, server: FileServer, target: Path) -> None:
        url = server.add("/file", BODY, has_ranges=False, cuts=[2**21])
        fetch(url, target, sha256=DIGEST, network=QUICK)
        assert target.read_bytes() == BODY

    def test_the_file_changed_and_the_server_says_so(
        self, server: FileServer, target: Path
    ) -> None:
        leave_part(target, OTHER[:1000], sha256=DIGEST, source="", etag='"old"')
        fetch(server.add("/file", BODY, etag='"new"'), target, sha256=DIGEST)
        assert target.read_bytes() == BODY

    @pytest.mark.parametrize("left", [OTHER[:1000], OTHER, OTHER + b"more"])
    def test_a_wrong_part_is_dropped(self, server: FileServer, target: Path, left: bytes) -> None:
        leave_part(target, left, sha256=DIGEST, source="")
        fetch(server.add("/file", BODY), target, sha256=DIGEST, network=QUICK)
        assert target.read_bytes() == BODY

    def test_a_part_of_another_file_is_dropped(self, server: FileServer, target: Path) -> None:
        leave_part(target, OTHER[:1000], sha256="0" * 64, source="")
        fetch(server.add("/file", BODY), target, sha256=DIGEST)
        assert server.ranges == [""]

    @pytest.mark.parametrize("note", ["", "{", "[]", '{"key": 1}'])
    def test_a_broken_note_is_no_note(self, server: FileServer, target: Path, note: str) -> None:
        leave_part(target, OTHER[:1000], sha256=DIGEST, source="")
        target.with_name("file.bin.part.json").write_text(note)
        fetch(server.add("/file", BODY), target, sha256=DIGEST)
        assert target.read_bytes() == BODY

    def test_without_checksum_only_with_a_validator(self, server: FileServer, target: Path) -> None:
        url = server.add("/file", BODY, cuts=[1000])
        fetch(url, target, sha256=None, network=QUICK)
        assert server.ranges == ["", ""]
        server.requests.clear()
        server.add("/file", BODY, date="Sun, 22 Nov 2026 10:00:00 GMT", cuts=[1000])
        fetch(url, target, sha256=None, network=QUICK)
        assert server.ranges == ["", "bytes=1000-"]
        assert target.read_bytes() == BODY

    def test_weak_etags_are_no_validators(self, server: FileServer, target: Path) -> None:
        url = server.add("/file", BODY, etag='W/"a"', cuts=[1000])
        fetch(url, target, sha256=DIGEST, network=QUICK)
        assert "if-range" not in server.requests[1][1]

    def test_after_kill_9(self, server: FileServer, target: Path) -> None:
        url = server.add("/file", BODY, etag='"a"', delay=0.05)
        process = subprocess.Popen([sys.executable, "-c", child(url, target)])
        part = target.with_name("file.bin.part")
        wait_until(lambda: part.exists() and part.stat().st_size > 2**18)
        process.kill()
        process.wait()
        assert not target.exists()
        have = part.stat().st_size
        assert have < len(BODY)
        server.files["/file"].delay = 0
        server.requests.clear()
        fetch(url, target, sha256=DIGEST)
        assert server.ranges == [f"bytes={have}-"]
        assert target.read_bytes() == BODY
        assert names(target) == ["file.bin"]

    @pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to one process")
    def test_ctrl_c_keeps_the_part(self, server: FileServer, target: Path) -> None:
        url = server.add("/file", BODY, etag='"a"', delay=0.05)
        process = subprocess.Popen([sys.executable, "-c", child(url, target)], stderr=-1)
        part = target.with_name("file.bin.part")
        wait_until(lambda: part.exists() and part.stat().st_size > 0)
        process.send_signal(signal.SIGINT)
        assert b"KeyboardInterrupt" in process.communicate()[1]
        assert part.stat().st_size > 0


class TestTwoAtOnce:
    def test_one_fetches_and_the_other_waits(self, server: FileServer, target: Path) -> None:
        url = server.add("/file", BODY, delay=0.01)
        both = [subprocess.Popen([sys.executable, "-c", child(url, target)]) for _ in range(2)]
        assert [process.wait() for process in both] == [0, 0]
        assert len(server.requests) == 1
        assert target.read_bytes() == BODY
        assert names(target) == ["file.bin"]

    def test_waiting_is_said(self, server: FileServer, target: Path) -> None:
        url = server.add("/file", BODY, delay=0.01)
        first = threading.Thread(target=fetch, args=(url, target), kwargs={"sha256": DIGEST})
        first.start()
        wait_until(lambda: bool(server.requests))
        reports: list[Progress] = []
        fetch(url, target, sha256=DIGEST, report=reports.append)
        first.join()
        assert "waiting" in reports[0].detail


class TestFailures:
    def test_wrong_file(self, server: FileServer, target: Path) -> None:
        url = server.add("/file", OTHER)
        with pytest.raises(ChecksumMismatch, match=DIGEST):
            fetch(url, target, sha256=DIGEST)
        assert names(target) == []
        assert len(server.requests) == 1

    def test_wrong_size_is_refused_before_it_is_fetched(
        self, server: FileServer, target: Path
    ) -> None:
        url = server.add("/file", b"<html>Log in!</html>", headers={"Content-Type": "text/html"})
        with pytest.raises(ChecksumMismatch, match=r"20 bytes.*text/html"):
            fetch(url, target, sha256=DIGEST, size=len(BODY))
        assert names(target) == []

    def test_endless_body(self, server: FileServer, target: Path) -> None:
        url = server.add("/file", BODY * 4, has_length=False)
        with pytest.raises(ChecksumMismatch, match="longer"):
            fetch(url, target, sha256=DIGEST, size=len(BODY))
        assert names(target) == []

    @pytest.mark.parametrize("status", [404, 403, 401, 410])
    def test_refusals_are_final(self, server: FileServer, target: Path, status: int) -> None:
        url = server.add("/file", BODY, statuses=[status])
        with pytest.raises(FetchError, match=f"{status}") as caught:
            fetch(url, target, sha256=DIGEST, network=QUICK)
        assert caught.value.hint
        assert len(server.requests) == 1
        assert names(target) == []

    def test_passing_trouble_passes(self, server: FileServer, target: Path) -> None:
        fetch(server.add("/f", BODY, statuses=[500, 503]), target, sha256=DIGEST, network=QUICK)
        assert target.read_bytes() == BODY

    def test_lasting_trouble_is_given_up(self, server: FileServer, target: Path) -> None:
        url = server.add("/file", BODY, statuses=[500] * 9)
        with pytest.raises(FetchError, match="500"):
            fetch(url, target, sha256=DIGEST, network=QUICK)
        assert len(server.requests) == QUICK.tries

    def test_retry_after(self, server: FileServer, target: Path) -> None:
        url = server.add("/file", BODY, statuses=[429], headers={"Retry-After": "1"})
        started = time.monotonic()
        fetch(url, target, sha256=DIGEST, network=QUICK)
        assert time.monotonic() - started >= 1

    def test_no_progress_is_given_up(self, server: FileServer, target: Path) -> None:
        url = server.add("/file", BODY, cuts=[1] * 99)
        with pytest.raises(FetchError):
            fetch(url, target, sha256=DIGEST, network=QUICK)
        assert len(server.requests) == QUICK.tries
        assert "file.bin.part" in names(target)

    def test_silent_server(self, server: FileServer, target: Path) -> None:
        url = server.add("/file", BODY, silence=1.5)
        network = Network(timeout=0.1, tries=2, backoff=0.01)
        with pytest.raises(FetchError, match="does not answer"):
            fetch(url, target, sha256=DIGEST, network=network)
        assert names(target) == []

    def test_nobody_listens(self, target: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with pytest.raises(FetchError, match="refused") as caught:
            fetch(f"http://127.0.0.1:{port}/f", target, sha256=DIGEST, network=QUICK)
        assert "HTTPS_PROXY" in caught.value.hint

    def test_unknown_host(self, target: Path) -> None:
        with pytest.raises(FetchError, match=r"host\.invalid was not found"):
            fetch("http://host.invalid/f", target, sha256=DIGEST, network=QUICK)

    @pytest.mark.parametrize(
        "url", ["ftp://host/file", "file", "http://", "http://[::1", "http://a b/"]
    )
    def test_strange_urls(self, target: Path, url: str) -> None:
        with pytest.raises(FetchError):
            fetch(url, target, sha256=DIGEST, network=QUICK)

    def test_redirects_for_ever(self, server: FileServer, target: Path) -> None:
        url = server.add("/file", statuses=[302] * 99, headers={"Location": "/file"})
        with pytest.raises(FetchError, match="redirect"):
            fetch(url, target, sha256=DIGEST, network=QUICK)

    def test_missing_local_file(self, tmp_path: Path, target: Path) -> None:
        with pytest.raises(FetchError, match=r"none\.bin cannot be read"):
            fetch((tmp_path / "none.bin").as_uri(), target, sha256=DIGEST)
        assert names(target) == []

    def test_missing_certificates(self, target: Path) -> None:
        with pytest.raises(FetchError, match=r"none\.pem") as caught:
            fetch("https://host.invalid/f", target, sha256=DIGEST, network=Network("/none.pem"))
        assert "pip" in caught.value.hint

    def test_bad_proxy(self, target: Path) -> None:
        network = Network(proxy="nonsense://host")
        with pytest.raises(FetchError, match="proxy"):
            fetch("https://host.invalid/f", target, sha256=DIGEST, network=network)


class TestDisk:
    def test_too_large_for_the_disk(self, server: FileServer, target: Path) -> None:
        url = server.add("/file", BODY, headers={"Content-Length": str(10**18)})
        with pytest.raises(DiskFull, match=r"needs 1000000\.0 TB"):
            fetch(url, target, sha256=DIGEST, network=QUICK)
        assert names(target) == []

    def test_the_disk_fills_up(
        self, server: FileServer, target: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(self: Part, block: bytes) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(Part, "append", full)
        with pytest.raises(DiskFull, match="no space left"):
            fetch(server.add("/file", BODY), target, sha256=DIGEST)
        assert names(target) == []

    def test_a_disk_that_is_full_from_the_start_keeps_no_empty_files(
        self, server: FileServer, target: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(self: Path, *_: object) -> None:
            self.touch()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(Path, "write_text", full)
        with pytest.raises(DiskFull, match="no space left"):
            fetch(server.add("/file", BODY), target, sha256=DIGEST)
        assert names(target) == []

    def test_the_directory_is_a_file(self, server: FileServer, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(FetchError, match="cannot be written"):
            fetch(server.add("/file", BODY), tmp_path / "file" / "target", sha256=DIGEST)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:secret@host:8080/a/b?key=1#x", "https://host:8080/a/b"),
        ("https://token@host/", "https://host/"),
        ("http://me:p@[::1]:80/", "http://[::1]:80/"),
        ("http://host:99999999/", "the URL"),
    ],
)
def test_messages_show_no_credentials(url: str, shown: str) -> None:
    assert without_credentials(url) == shown


def test_sha256_of(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(BODY)
    assert sha256_of(tmp_path / "file") == DIGEST


def child(url: str, target: Path) -> str:
    return textwrap.dedent(
        f"""
        from pathlib import Path
        from coblyn.fetch.download import fetch
        fetch({url!r}, Path({str(target)!r}), sha256={DIGEST!r})
        """
    )


def wait_until(holds: object, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)
