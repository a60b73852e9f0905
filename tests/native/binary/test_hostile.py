"""Broken, cut off and made-up files: a clear error that names the file, and never a crash."""

from __future__ import annotations

import os
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coblyn.errors import BinaryUnreadable
from coblyn.native.binary.binary import Binary
from coblyn.native.binary.read import looks_binary, read
from native.cross import TARGETS, Cross

SOURCE = 'int state = 4; const char *say(void) { return "ggml_it"; } int other(void);'
SOURCE += "int call(void) { return other() + state; }"


@pytest.fixture(scope="session")
def samples(tmp_path_factory, zig_cache) -> list[bytes]:
    """One sound file of each kind."""
    cross = Cross(tmp_path_factory.mktemp("samples"), zig_cache)
    made = [cross.object(f"{target}.o", SOURCE, target) for target in TARGETS]
    alone = "int call(void) { return 4; }"
    made.append(cross.library("it.dylib", alone, "mac-arm64"))
    made.append(cross.library("it.so", alone, "linux"))
    made.append(cross.library("it.dll", f"__declspec(dllexport) {alone}", "windows"))
    made.append(made[-1].with_name("it.dll.lib"))
    return [path.read_bytes() for path in made]


def result(path) -> list[Binary]:
    try:
        return list(read(path))
    except BinaryUnreadable as error:
        message = error.message
    assert str(path) in message
    assert len(message) < 1000
    return []


@settings(
    max_examples=300,
    deadline=5000,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_changed_bytes(data, samples, tmp_path) -> None:
    body = bytearray(data.draw(st.sampled_from(samples)))
    values = st.one_of(st.binary(min_size=1, max_size=8), st.sampled_from([b"\xff" * 4, b"\0" * 8]))
    for _ in range(data.draw(st.integers(1, 12))):
        near = data.draw(st.sampled_from([64, 512, len(body)]))
        place = data.draw(st.integers(0, min(near, len(body)) - 1))
        value = data.draw(values)
        body[place : place + len(value)] = value
    path = tmp_path / "it.o"
    path.write_bytes(body)
    for binary in result(path):
        assert all(isinstance(symbol.name, str) for symbol in binary.symbols)


@settings(
    max_examples=80, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_cut_off(data, samples, tmp_path) -> None:
    body = data.draw(st.sampled_from(samples))
    path = tmp_path / "it.o"
    path.write_bytes(body[: data.draw(st.integers(1, len(body) - 1))])
    result(path)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_half_an_object_is_refused(samples, tmp_path, share) -> None:
    for body in samples:
        path = tmp_path / "it.o"
        path.write_bytes(body[: int(len(body) * share)])
        with pytest.raises(BinaryUnreadable, match=r"offset|claims|header"):
            read(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"hello, world\n" * 10, "not an object file, library"),
        (b"\x7fELF", "ELF header"),
        (b"\x7fELF\x09\x09" + b"\0" * 100, "class 9 and byte order 9"),
        (b"\xcf\xfa\xed\xfe" + b"\xff" * 100, "load commands"),
        (b"MZ" + b"\0" * 100, "program for DOS"),
        (b"MZ" + b"\xff" * 100, "PE header should end"),
        (b"BC\xc0\xde" + b"\0" * 100, "LLVM bitcode"),
        (b"\0\0\xff\xff\x02\0" + b"\x11" * 100, "/GL"),
        (b"\x64\x86" + b"\xff" * 100, "claims"),
        (b"\0\0\xff\xff\0\0\x64\x86" + b"\0" * 12, "import without"),
    ],
)
def test_what_is_no_sound_file(tmp_path, data, words) -> None:
    path = tmp_path / "it.o"
    path.write_bytes(data)
    with pytest.raises(BinaryUnreadable, match=words) as caught:
        read(path)
    assert str(path) in caught.value.message


def test_a_load_command_without_size_does_not_loop(tmp_path) -> None:
    head = struct.pack("<IiiIIIII", 0xFEEDFACF, 0x0100000C, 0, 1, 9000, 16, 0, 0)
    path = tmp_path / "it.o"
    path.write_bytes(head + struct.pack("<II", 1, 0) * 2)
    with pytest.raises(BinaryUnreadable, match="load command 1 at offset 32 has size 0"):
        read(path)


def test_a_huge_file_is_not_read(tmp_path) -> None:
    path = tmp_path / "it.o"
    with path.open("wb") as file:
        file.write(b"\x7fELF\x02\x01")
        file.truncate(2**43)
    with pytest.raises(BinaryUnreadable, match="too much to be read"):
        read(path)


def test_a_file_that_is_not_there_and_a_directory(tmp_path) -> None:
    with pytest.raises(BinaryUnreadable, match="does not exist"):
        read(tmp_path / "none.o")
    with pytest.raises(BinaryUnreadable, match="is not a file"):
        read(tmp_path)
    assert not looks_binary(tmp_path / "none.o")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_a_pipe_is_not_waited_for(tmp_path) -> None:
    path = tmp_path / "it.o"
    os.mkfifo(path)
    with pytest.raises(BinaryUnreadable, match="is not a file"):
        read(path)


def test_nothing_is_written_to_the_terminal(samples, tmp_path, capfd) -> None:
    path = tmp_path / "it.o"
    for body in samples:
        path.write_bytes(body[:200] + b"\xff" * 200 + body[400:])
        result(path)
    assert capfd.readouterr() == ("", "")
