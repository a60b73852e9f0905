"""Objects and libraries of every platform, read on this one."""

from __future__ import annotations

import shutil

import pytest

from coblyn.native.binary.binary import Binding, Format, Kind, Visibility
from coblyn.native.binary.read import read
from coblyn.run import run
from native.cross import ARCHES, TARGETS

SOURCE = """
int tentative;
int inited = 4;
static int here;
extern int elsewhere;
__attribute__((weak)) int weak_one(void) { return 1; }
__attribute__((weak)) extern int maybe(void);
__attribute__((visibility("hidden"))) int hidden_one(void) { return here++; }
int strong_one(void) { return elsewhere + tentative + (maybe ? maybe() : hidden_one()) + inited; }
"""
FORMATS = {"linux": Format.ELF, "mac": Format.MACHO, "windows": Format.COFF}


def format_of(target: str) -> Format:
    return FORMATS[target.partition("-")[0]]


def names(target: str, *plain: str) -> set[str]:
    return {f"_{name}" if target.startswith("mac") else name for name in plain}


def of_binding(binary, binding: Binding, *, defined: bool) -> set[str]:
    return {
        each.name
        for each in binary.symbols
        if each.binding is binding and each.is_defined is defined
    }


@pytest.mark.parametrize("target", TARGETS)
class TestAnObject:
    @pytest.fixture
    def binary(self, cross, target):
        (only,) = read(cross.object("it.o", SOURCE, target, "-fcommon"))
        return only

    def test_what_it_is(self, binary, target) -> None:
        assert binary.format is format_of(target)
        assert binary.kind is Kind.OBJECT
        assert binary.arch == ARCHES[target]
        assert binary.platform == {"mac": "macos"}.get(
            target.partition("-")[0], target.partition("-")[0]
        )
        assert not binary.is_linked
        assert binary.label == "it.o"

    def test_bindings(self, binary, target) -> None:
        strong = names(target, "inited", "strong_one", "hidden_one")
        assert strong <= binary.strong
        assert not names(target, "weak_one", "tentative", "maybe") & binary.strong
        assert names(target, "tentative") == of_binding(binary, Binding.COMMON, defined=True)
        assert names(target, "weak_one") <= of_binding(binary, Binding.WEAK, defined=True)
        assert names(target, "elsewhere") <= {each.name for each in binary.undefined}
        assert not names(target, "maybe") & {each.name for each in binary.undefined}

    def test_hidden_names_are_strong_and_not_exported(self, binary, target) -> None:
        if target == "windows":
            pytest.skip("COFF has no such names")
        (hidden,) = (each for each in binary.symbols if each.name.endswith("hidden_one"))
        assert hidden.visibility is Visibility.HIDDEN
        assert hidden.name in binary.strong
        assert hidden.name not in binary.exported


@pytest.mark.parametrize("target", TARGETS)
def test_inline_functions_and_templates_are_weak(cross, target) -> None:
    source = """
    struct Thing { int once(int x) { static int n; return n += x; } virtual ~Thing() {} };
    template <class T> T twice(T x) { return x + x; }
    inline int both(int x) { return twice(x); }
    int only_here(int x) { Thing thing; return both(x) + thing.once(x); }
    """
    flags = ("-O0", "-fno-exceptions", "-fno-rtti")
    (binary,) = read(cross.object("it.cpp.o", source, target, *flags))
    strong = {name for name in binary.strong if not name.startswith("@")}
    assert {name.lstrip("_") for name in strong} == {"Z9only_herei"}
    assert any("twice" in name for name in binary.defined - binary.strong)


@pytest.mark.parametrize("triple", ["x86_64-linux-gnu", "s390x-linux-gnu"])
def test_what_the_linker_keeps_one_of_is_weak_in_either_byte_order(
    cross, monkeypatch, triple
) -> None:
    monkeypatch.setitem(TARGETS, "linux", triple)
    source = '__asm__(".section .text.once,\\"axG\\",@progbits,once,comdat\\n.globl once\\nonce: .long 0");'
    (binary,) = read(cross.object("it.o", f"{source} int other(void) {{ return 1; }}"))
    assert binary.strong == {"other"}
    assert "once" in of_binding(binary, Binding.WEAK, defined=True)


@pytest.mark.parametrize("target", ["linux", "linux-arm64"])
def test_an_elf_library(cross, target) -> None:
    cross.library("libbase.so", "int base(void) { return 1; }", target, "-Wl,-soname,libbase.so")
    path = cross.library(
        "libtop.so",
        "int base(void); int top(void) { return base(); }",
        target,
        "-L.",
        "-lbase",
        "-Wl,-rpath,$ORIGIN:/home/somebody/build",
    )
    (binary,) = read(path)
    assert binary.kind is Kind.LIBRARY
    assert binary.arch == ARCHES[target]
    assert binary.needed == ("libbase.so",)
    assert binary.rpaths == ("$ORIGIN", "/home/somebody/build")
    assert "top" in binary.exported
    assert [each.name for each in binary.undefined] == ["base"]


@pytest.mark.parametrize(("target", "system"), [("mac-arm64", "12.0"), ("mac-x86-64", "11.0")])
def test_a_macos_library(cross, target, system) -> None:
    base = "-Wl,-install_name,@rpath/libbase.dylib"
    cross.library("libbase.dylib", "int base(void) { return 1; }", target, base)
    path = cross.library(
        "libtop.dylib",
        "int base(void); int top(void) { return base(); }",
        target,
        *("-L.", "-lbase", "-Wl,-rpath,@loader_path"),
    )
    (binary,) = read(path)
    assert binary.kind is Kind.LIBRARY
    assert binary.arch == ARCHES[target]
    assert binary.platform == "macos"
    assert binary.min_os == system
    assert binary.sdk
    assert "@rpath/libbase.dylib" in binary.needed
    assert binary.rpaths == ("@loader_path",)
    assert "_top" in binary.exported
    (needed,) = (each for each in binary.undefined if each.name == "_base")
    assert needed.library == "@rpath/libbase.dylib"


def test_a_windows_library(cross) -> None:
    base = cross.library(
        "base.dll", "__declspec(dllexport) int base(void) { return 1; }", "windows"
    )
    source = "__declspec(dllimport) int base(void);"
    source += "__declspec(dllexport) int top(void) { return base(); }"
    (binary,) = read(cross.library("top.dll", source, "windows", f"{base}.lib"))
    assert binary.format is Format.PE
    assert binary.kind is Kind.LIBRARY
    assert binary.arch == "x86-64"
    assert binary.name == "top.dll"
    assert binary.needed == ("base.dll",)
    assert binary.exported == {"top"}
    assert [(each.name, each.library) for each in binary.undefined] == [("base", "base.dll")]


def test_the_glibc_that_a_library_asks_for(cross) -> None:
    compiler = shutil.which("gcc")
    if not compiler:
        pytest.skip("no GCC with a C library here; zig would build one for minutes")
    source = cross.folder / "it.c"
    source.write_text('#include <stdio.h>\nint say(void) { return puts("it"); }\n')
    run([compiler, "-shared", "-fPIC", source, "-o", cross.folder / "libit.so"])
    (binary,) = read(cross.folder / "libit.so")
    assert binary.min_os.startswith("glibc 2.")
    (puts,) = (each for each in binary.undefined if each.name == "puts")
    assert puts.library == "libc.so.6"


def test_gcc_names_and_zig_names_are_read_alike(cross) -> None:
    compiler = shutil.which("gcc")
    if not compiler:
        pytest.skip("no GCC here")
    source = cross.folder / "it.c"
    source.write_text(SOURCE)
    run([compiler, "-fcommon", "-c", source, "-o", cross.folder / "gcc.o"])
    (one,) = read(cross.folder / "gcc.o")
    (other,) = read(cross.object("zig.o", SOURCE, "linux", "-fcommon"))
    assert one.strong == other.strong
    assert one.exported == other.exported


def test_names_in_constant_data(cross) -> None:
    source = (
        'const char *words(void) { return "ggml_metal_init: ggml_vulkan: and default.metallib"; }'
    )
    for target in TARGETS:
        (binary,) = read(cross.object(f"{target}.o", source, target))
        assert binary.words >= {"ggml_metal_init:", "ggml_vulkan:", "default.metallib"}, target
