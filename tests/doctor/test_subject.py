"""What a path is, told from what it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from coblyn.doctor.subject import Subject, classify
from coblyn.errors import BadRequest, NotFound


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("libx.so", b"\x7fELF\x02\x01\x01", Subject.BINARY),
        ("x.o", b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01", Subject.BINARY),
        ("x.dylib", b"\xca\xfe\xba\xbe\x00\x00\x00\x02", Subject.BINARY),
        ("libx.a", b"!<arch>\nxxxx", Subject.BINARY),
        ("x.dll", b"MZ\x90\x00", Subject.BINARY),
        ("x.obj", b"\x64\x86\x02\x00", Subject.BINARY),
        ("x.o", b"BC\xc0\xde\x35\x14", Subject.BINARY),
        ("d.log", b"d\x86 is not a machine", Subject.LOG),
        ("make.log", b"gcc -c a.c\n", Subject.LOG),
        ("error.o", b"gcc: error: a log with an odd name", Subject.LOG),
        ("empty", b"", Subject.LOG),
    ],
)
def test_files(tmp_path: Path, name: str, head: bytes, kind: Subject) -> None:
    path = tmp_path / name
    path.write_bytes(head)
    assert classify(path) is kind


def test_directories(tmp_path: Path) -> None:
    assert classify(tmp_path) is Subject.TREE
    (tmp_path / "libx.so.1").write_bytes(b"")
    assert classify(tmp_path) is Subject.BUNDLE
    for name in ("Makefile", "a.c", "b.c"):
        (tmp_path / name).write_bytes(b"")
    assert classify(tmp_path) is Subject.TREE
    (tmp_path / "receipt.json").write_text("{}")
    assert classify(tmp_path) is Subject.BUNDLE


def test_what_is_not_there_and_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no file or directory"):
        classify(tmp_path / "nothing")
    device = Path("/dev/null")
    if device.is_char_device():
        with pytest.raises(BadRequest, match="not an ordinary file"):
            classify(device)
