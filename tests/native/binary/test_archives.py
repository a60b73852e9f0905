"""Static libraries and universal files: every form that tools write, and what is wrong with broken ones."""

from __future__ import annotations

import pytest

from coblyn.errors import BinaryUnreadable
from coblyn.native.binary.archive import ArchiveBroken, members
from coblyn.native.binary.binary import Kind
from coblyn.native.binary.read import read
from native.cross import archive, universal

ONE = "int one(void) { return 1; }"
TWO = "int two(void) { return 2; }"
LONG = "a_name_of_an_object_that_is_longer_than_sixteen.o"


@pytest.mark.parametrize(
    ("kind", "target"),
    [("gnu", "linux"), ("bsd", "linux"), ("darwin", "mac-arm64"), ("coff", "windows")],
)
def test_the_members_of_an_archive(cross, kind, target) -> None:
    cross.object("one.o", ONE, target)
    cross.object(LONG, TWO, target)
    cross.zig("ar", f"--format={kind}", "rcs", "libit.a", "one.o", LONG)
    one, two = read(cross.folder / "libit.a")
    assert (one.member, two.member) == ("one.o", LONG)
    assert {name.lstrip("_") for name in one.strong if "one" in name} == {"one"}
    assert {name.lstrip("_") for name in two.strong if "two" in name} == {"two"}
    assert two.label == f"libit.a({LONG})"


def test_a_thin_archive_names_files_of_their_own(cross) -> None:
    (cross.folder / "sub").mkdir()
    cross.object("sub/one.o", ONE)
    cross.zig("ar", "rcsT", "libit.a", "sub/one.o")
    assert (cross.folder / "libit.a").read_bytes().startswith(b"!<thin>")
    (one,) = read(cross.folder / "libit.a")
    assert one.strong == {"one"}
    (cross.folder / "sub" / "one.o").unlink()
    with pytest.raises(BinaryUnreadable, match=r"one\.o does not exist"):
        read(cross.folder / "libit.a")


def test_an_import_library_of_windows(cross) -> None:
    source = "__declspec(dllexport) int one(void) { return 1; }"
    made = cross.library("it.dll", source, "windows")
    found = read(made.with_name("it.dll.lib"))
    imports = [each for each in found if each.kind is Kind.IMPORT]
    assert [(each.name, *each.exported) for each in imports] == [("it.dll", "one")]
    assert {each.arch for each in found} == {"x86-64"}


def test_a_universal_library(cross) -> None:
    arm = cross.library("arm.dylib", ONE, "mac-arm64").read_bytes()
    intel = cross.library("intel.dylib", ONE, "mac-x86-64").read_bytes()
    path = cross.folder / "both.dylib"
    path.write_bytes(universal(arm, intel))
    one, other = read(path)
    assert (one.arch, one.min_os) == ("arm64", "12.0")
    assert (other.arch, other.min_os) == ("x86-64", "11.0")
    assert "_one" in one.exported & other.exported


def test_a_universal_archive(cross) -> None:
    for target in ("mac-arm64", "mac-x86-64"):
        cross.object(f"{target}.o", ONE, target)
        cross.zig("ar", "--format=darwin", "rcs", f"{target}.a", f"{target}.o")
    parts = [(cross.folder / f"{name}.a").read_bytes() for name in ("mac-arm64", "mac-x86-64")]
    path = cross.folder / "both.a"
    path.write_bytes(universal(*parts))
    assert [(each.arch, each.member) for each in read(path)] == [
        ("arm64", "mac-arm64.o"),
        ("x86-64", "mac-x86-64.o"),
    ]


def test_members_that_are_no_objects_are_passed_over(cross) -> None:
    body = cross.object("one.o", ONE).read_bytes()
    path = cross.folder / "libit.a"
    path.write_bytes(archive({"lib.rmeta/": b"rust metadata", "one.o/": body, "empty/": b""}))
    assert [each.member for each in read(path)] == ["one.o"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"!<arch>\nshort", "no member's header at offset 8"),
        (archive({"a.o/": b"x"})[:-30] + b"?" * 40, r"no member's header|no size|claims"),
        (archive({"a.o/": b"1234"}).replace(b"4         `", b"4000      `"), "claims 4000 bytes"),
        (archive({"a.o/": b"1234"}).replace(b"4         `", b"-4        `"), "has no size"),
        (archive({"/99": b"1234"}, names=b"a.o/\n"), "beyond the name table"),
        (archive({"#1/99": b"1234"}), "claims a name of 99 bytes"),
    ],
)
def test_a_broken_archive_says_where(data, words) -> None:
    with pytest.raises(ArchiveBroken, match=words):
        list(members(memoryview(data)))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xca\xfe\xba\xbe\0\0", "ends within its header"),
        (b"\xca\xfe\xba\xbe\0\0\0\x41" + b"\0" * 60, "claims 65 architectures"),
        (b"\xca\xfe\xba\xbe\0\0\0\x02" + b"\0" * 20, "ends within the list"),
        (b"\xca\xfe\xba\xbe\0\0\0\x01" + b"\0" * 8 + b"\0\0\x10\0" * 3, "should end at offset"),
    ],
)
def test_a_broken_universal_file_says_where(tmp_path, data, words) -> None:
    path = tmp_path / "it.dylib"
    path.write_bytes(data)
    with pytest.raises(BinaryUnreadable, match=words):
        read(path)
