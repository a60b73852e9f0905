"""Objects of one link: duplicates, mixed architectures, systems, and files that are damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from coblyn.doctor.finding import Confidence, Severity
from coblyn.errors import BinaryUnreadable
from coblyn.native.audit import AuditReport, audit_binaries, audit_files
from coblyn.native.audit.gather import gather
from coblyn.native.audit.host import Host
from coblyn.native.audit.inside import cpu_variant
from coblyn.native.audit.sources import twins_of_build
from coblyn.native.binary.binary import Binary, Format, Kind
from native.audit.words import findings
from native.cross import TARGETS

BACKEND = """
int backend_init(void) { return 1; }
int backend_free(void) { return 2; }
__attribute__((weak)) int shared_weak(void) { return 3; }
static int own(void) { return 4; }
int (*use)(void) = own;
"""
LINUX = Host("linux", arch="x86-64", glibc="2.36", features=frozenset({"avx", "avx2", "fma"}))


def causes(report) -> dict[str, tuple[Severity, Confidence]]:
    return {each.cause: (each.severity, each.confidence) for each in findings(report)}


@pytest.mark.parametrize("target", ["linux", "mac-arm64", "windows"])
def test_the_same_source_in_two_objects(cross, target) -> None:
    paths = [cross.object(name, BACKEND, target) for name in ("backend.o", "backend_default.o")]
    paths.append(
        cross.object(
            "main.o", "int backend_init(void); int run(void) { return backend_init(); }", target
        )
    )
    report = audit_files(paths, one_link=True)
    (finding,) = findings(report)
    assert finding.cause == "audit-duplicate-symbols"
    assert (finding.severity, finding.confidence) == (Severity.FAILURE, Confidence.HIGH)
    assert "3 symbols are defined strongly" in finding.story[0]
    assert "backend.o and backend_default.o both define" in finding.story[1]
    assert {each.source for each in finding.evidence} == {str(path) for path in paths[:2]}
    assert "shared_weak" not in str(finding)
    # Variants for several programs lie side by side in healthy trees, too.
    assert causes(audit_files(paths)) == {
        "audit-duplicate-symbols": (Severity.RISK, Confidence.MEDIUM)
    }


def test_programs_of_one_build_directory_may_define_the_same(cross) -> None:
    for name in ("server", "bench"):
        cross.object(f"{name}.o", "int main(void) { return 0; } int usage(void) { return 1; }")
    (finding,) = findings(audit_files([cross.folder]))
    assert (finding.cause, finding.severity) == ("audit-duplicate-symbols", Severity.NOTE)
    assert "main" not in finding.story[1]
    one_link = audit_files([cross.folder], one_link=True)
    assert "2 symbols" in findings(one_link)[0].story[0]


def test_common_and_inline_definitions_are_no_duplicates(cross) -> None:
    c = [cross.object(f"c{n}.o", "int tentative;", "linux", "-fcommon") for n in (1, 2)]
    inline = "inline int both(int x) { return x; } int (*use%d)(int) = both;"
    cpp = [cross.object(f"i{n}.cpp.o", inline % n) for n in (1, 2)]
    assert findings(audit_files([*c, *cpp])) == ()


def test_one_object_for_another_processor(cross) -> None:
    paths = [cross.object(f"a{n}.o", f"int a{n};", "mac-arm64") for n in (1, 2)]
    odd = cross.object("embed.o", "int embed;", "mac-x86-64")
    (finding,) = findings(audit_files([*paths, odd], one_link=True))
    assert finding.cause == "audit-wrong-architecture"
    assert (finding.severity, finding.confidence) == (Severity.FAILURE, Confidence.HIGH)
    assert finding.story[0] == "embed.o is for x86-64, but most other objects are for arm64."
    assert [each.source for each in finding.evidence] == [str(odd)]


def test_an_object_for_a_newer_system_is_a_note(cross, monkeypatch) -> None:
    old = cross.object("old.o", "int old;", "mac-arm64")
    monkeypatch.setitem(TARGETS, "mac-arm64", "aarch64-macos.14.0")
    new = cross.object("new.o", "int new;", "mac-arm64")
    (finding,) = findings(audit_files([old, new]))
    assert (finding.cause, finding.severity) == ("audit-min-os", Severity.NOTE)
    assert "new.o asks for macos 14.0" in finding.story[0]


def test_a_damaged_object_among_sound_ones(cross) -> None:
    sound = cross.object("sound.o", "int sound;")
    cut = cross.folder / "cut.o"
    cut.write_bytes(sound.read_bytes()[:100])
    empty = cross.folder / "empty.o"
    empty.touch()
    (finding,) = findings(audit_files([cross.folder]))
    assert finding.cause == "audit-broken-file"
    assert finding.confidence is Confidence.HIGH
    assert {each.source for each in finding.evidence} == {str(cut), str(empty)}
    assert "cut.o and empty.o" in finding.fix.text
    with pytest.raises(BinaryUnreadable, match=r"cut\.o cannot be read"):
        audit_files([cut])


def test_what_holds_no_binaries(tmp_path) -> None:
    text = tmp_path / "readme.txt"
    text.write_text("nothing here")
    with pytest.raises(BinaryUnreadable, match="not an object file"):
        audit_files([text])
    with pytest.raises(BinaryUnreadable, match="no object files, libraries or programs"):
        audit_files([tmp_path])


def test_instructions_that_this_cpu_does_not_have(cross) -> None:
    source = "typedef float wide __attribute__((vector_size(64)));"
    source += "".join(f"void f{n}(wide *a, wide *b) {{ *a = *a * *b + *a; }}" for n in range(99))
    flags = ("-march=skylake_avx512", "-mprefer-vector-width=512")
    pytest.importorskip("iced_x86", reason="the disassembler exists for x86-64 only")
    library = cross.library("libfast.so", source, "linux", *flags)
    (finding,) = findings(audit_binaries(gather([library]), LINUX))
    assert finding.cause == "audit-illegal-instructions"
    assert finding.severity is Severity.FAILURE
    assert finding.confidence is Confidence.HIGH
    assert "avx512f" in finding.story[0]
    # One of ggml's variants: it is opened only where the CPU has what it needs.
    variant = library.rename(cross.folder / "libggml-cpu-skylakex.so")
    (finding,) = findings(audit_binaries(gather([variant]), LINUX))
    assert finding.severity is Severity.NOTE
    # A CPU that has them, and one of which nothing is known.
    able = Host("linux", arch="x86-64", features=LINUX.features | {"avx512f", "avx512vl"})
    assert findings(audit_binaries(gather([variant]), able)) == ()
    assert findings(audit_binaries(gather([variant]), Host("linux", arch="x86-64"))) == ()


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("libggml-cpu-haswell.so", "haswell"),
        ("libggml-cpu-armv8.2_1.so", "armv8.2_1"),
        ("ggml-cpu-sse42.dll", "sse42"),
        ("libggml-cpu.so", ""),
        # auditwheel and delvewheel put a hash behind the name.
        ("libggml-cpu-skylakex-9980f871.so.0.13.1", "skylakex"),
        ("libggml-cpu-9980f871.so.0.13.1", ""),
        ("ggml-cpu-0a1b2c3d4e5f60718293a4b5c6d7e8f9.dll", ""),
    ],
)
def test_the_cpu_that_a_variant_is_for(name, variant) -> None:
    assert cpu_variant(Binary(Path(name), Format.ELF, Kind.LIBRARY, "x86-64")) == variant


ODD = "odd\x1b[31m"


def test_names_in_files_can_not_write_to_the_terminal(cross) -> None:
    objects = [cross.object(name, "int odd_name = 1;") for name in ("one.o", "two.o")]
    for path in objects:
        path.write_bytes(path.read_bytes().replace(b"odd_name", ODD.encode()))
    base, top = "int base(void) { return 1; }", "int base(void); int top(void) { return base(); }"
    cross.library("libbase.so", base, "linux", f"-Wl,-soname,lib{ODD}.so")
    cross.library("libtop.so", top, "linux", "-L.", "-lbase", f"-Wl,-rpath,/home/{ODD}")
    cross.library("libbase.dylib", base, "mac-arm64", f"-Wl,-install_name,/opt/{ODD}.dylib")
    cross.library("libtop.dylib", top, "mac-arm64", "-L.", "-lbase")
    (cross.folder / "libbase.so").unlink()
    (cross.folder / "empty.o").touch()
    (cross.folder / "build.ninja").write_text(
        NINJA.format(first="-DONE", second="-DONE").replace("x.c", f"x{ODD}.c")
    )
    twins = twins_of_build(cross.folder)
    report = audit_binaries(gather([cross.folder]), LINUX, twins=twins)
    found = {each.cause: each for each in findings(report)}
    assert found.keys() >= {
        *("audit-duplicate-symbols", "audit-missing-library", "audit-escaping-runpath"),
        *("audit-absolute-library", "audit-broken-file", "audit-same-source-twice"),
    }
    for finding in found.values():
        texts = [*finding.story, *(each.text for each in finding.evidence)]
        assert all(text.isprintable() for text in texts), finding.cause
        if finding.cause != "audit-broken-file":
            assert "odd" in " ".join(texts), finding.cause


def test_code_that_asks_the_cpu_first_is_a_note(cross) -> None:
    pytest.importorskip("iced_x86", reason="the disassembler exists for x86-64 only")
    source = "typedef float wide __attribute__((vector_size(64)));"
    source += '__attribute__((target("avx512f"))) void fast(wide *a) { '
    source += "".join(f"a[{n}] = a[{n}] * a[{n + 1}];" for n in range(99)) + "}"
    source += (
        'int ask(void) { int a = 0; __asm__("cpuid" : "+a"(a) :: "ebx", "ecx", "edx"); return a; }'
    )
    library = cross.library("libfast.so", source, "linux")
    (finding,) = findings(audit_binaries(gather([library]), LINUX))
    assert (finding.cause, finding.severity) == ("audit-illegal-instructions", Severity.NOTE)


NINJA = """
build a.dir/x.c.o: C_COMPILER__a_Release /src/x.c
  DEFINES = {first}
build b.dir/x.c.o: C_COMPILER__b_Release /src/x.c
  DEFINES = {second}
build bin/libit.so: C_SHARED_LIBRARY_LINKER__it_Release a.dir/x.c.o b.dir/x.c.o
"""


@pytest.mark.parametrize(
    ("second", "severity"), [("-DONE", Severity.RISK), ("-DTWO", Severity.NOTE)]
)
def test_one_source_in_two_objects_of_one_link(tmp_path, second, severity) -> None:
    (tmp_path / "build.ninja").write_text(NINJA.format(first="-DONE", second=second))
    (finding,) = findings(AuditReport((), twins=twins_of_build(tmp_path)))
    assert finding.cause == "audit-same-source-twice"
    assert finding.severity is severity
    assert "/src/x.c is compiled into a.dir/x.c.o and into b.dir/x.c.o" in finding.story[0]


def test_a_build_directory_without_ninja_says_nothing(tmp_path) -> None:
    assert twins_of_build(tmp_path) == ()


def test_a_directory_with_too_much_is_not_read_to_its_end(cross, monkeypatch) -> None:
    for name in ("a.o", "b.o", "c.o"):
        cross.object(name, "int only;", "linux")
    assert not audit_files([cross.folder]).unfinished
    monkeypatch.setattr("coblyn.native.audit.gather.MAX_FILES", 2)
    report = audit_files([cross.folder])
    assert len(report.files) == 2
    assert report.unfinished == (cross.folder,)
    assert report.to_json()["unfinished"] == [str(cross.folder)]
