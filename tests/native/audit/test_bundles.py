"""Libraries that are loaded together: what is missing, where the loader looks, and what is inside."""

from __future__ import annotations

import json

import pytest

from coblyn.doctor.cause import Case
from coblyn.doctor.examine import examine
from coblyn.doctor.failed_build import explained
from coblyn.doctor.finding import Confidence, Severity
from coblyn.errors import BuildFailed
from coblyn.native.audit import audit_binaries, audit_bundle, audit_files, require_sound
from coblyn.native.audit.gather import gather
from coblyn.native.audit.host import Host
from coblyn.native.audit.suppliers import Supplier, supplier
from coblyn.native.facts import Facts
from native.audit.words import findings
from native.cross import universal

BASE = "int ggml_add(void) { return 1; } int ggml_mul(void) { return 2; }"
TOP = "int ggml_add(void); int ggml_mul(void);"
TOP += "int llama_run(void) { return ggml_add() + ggml_mul(); }"
ENDINGS = {"linux": "so", "mac-arm64": "dylib", "windows": "dll"}
LINUX = Host("linux", arch="x86-64", glibc="2.36")
MAC = Host("macos", version="13.0", arch="arm64")


def exported(source: str) -> str:
    """Mark the definitions for Windows."""
    return source.replace(
        "int ggml_add(void) {", "__declspec(dllexport) int ggml_add(void) {"
    ).replace("int ggml_mul(void) {", "__declspec(dllexport) int ggml_mul(void) {")


def pair(cross, target: str, base: str = BASE):
    """A library and one that needs it; the first may then be another than the second was linked with."""
    ending = ENDINGS[target]
    if target == "windows":
        made = cross.library("ggml.dll", exported(BASE), target)
        top = cross.library("llama.dll", TOP, target, f"{made}.lib", "/export:llama_run")
        cross.library("ggml.dll", exported(base), target)
        return made, top
    own = (
        "-Wl,-soname,libggml.so" if target == "linux" else "-Wl,-install_name,@rpath/libggml.dylib"
    )
    rpath = "-Wl,-rpath,$ORIGIN" if target == "linux" else "-Wl,-rpath,@loader_path"
    made = cross.library(f"libggml.{ending}", BASE, target, own)
    top = cross.library(f"libllama.{ending}", TOP, target, "-L.", "-lggml", rpath)
    cross.library(f"libggml.{ending}", base, target, own)
    return made, top


@pytest.mark.parametrize("target", ENDINGS)
class TestTwoLibraries:
    def test_that_fit_are_clean(self, cross, target) -> None:
        assert findings(audit_files(pair(cross, target))) == ()

    def test_of_different_versions(self, cross, target) -> None:
        older = "int ggml_add(void) { return 1; } int ggml_old(void) { return 2; }"
        (finding,) = findings(audit_files(pair(cross, target, older)))
        assert finding.cause == "audit-undefined-symbols"
        assert (finding.severity, finding.confidence) == (Severity.FAILURE, Confidence.HIGH)
        assert "ggml_mul" in finding.story[0]
        assert "ggml_add" not in finding.story[0]

    def test_of_which_one_is_missing(self, cross, target) -> None:
        base, top = pair(cross, target)
        base.unlink()
        machines = {"linux": LINUX, "mac-arm64": MAC, "windows": Host("windows", arch="x86-64")}
        report = audit_binaries(gather([top]), machines[target], root=cross.folder)
        (finding,) = findings(report)
        assert finding.cause == "audit-missing-library"
        assert base.name in finding.story[0]
        assert report.failures == (
            f"{top.name} needs {report.missing[0].library}, which is not here.",
        )
        with pytest.raises(BuildFailed, match=f"is not sound. {top.name} needs ") as caught:
            require_sound(report)
        told = explained(caught.value)
        assert "is not sound. A needed library is missing. " in told.message
        assert told.hint == finding.fix.text


def test_in_a_bundle_no_program_gives_names(cross) -> None:
    cross.library("libalone.so", "int gone(void); int alone(void) { return gone(); }", "linux")
    (loose,) = findings(audit_binaries(gather([cross.folder]), LINUX))
    assert (loose.severity, loose.confidence) == (Severity.RISK, Confidence.LOW)
    (finding,) = findings(audit_binaries(gather([cross.folder]), LINUX, root=cross.folder))
    assert (finding.severity, finding.confidence) == (Severity.FAILURE, Confidence.MEDIUM)
    assert "gone" in finding.story[0]


def test_a_library_of_a_driver_is_no_failure(cross) -> None:
    cross.library(
        "libvulkan.so.1", "int vk(void) { return 1; }", "linux", "-Wl,-soname,libvulkan.so.1"
    )
    top = cross.library(
        "libtop.so", "int vk(void); int top(void) { return vk(); }", "linux", "libvulkan.so.1"
    )
    (cross.folder / "libvulkan.so.1").unlink()
    (finding,) = findings(audit_binaries(gather([top]), MAC))
    assert (finding.cause, finding.severity) == ("audit-missing-library", Severity.NOTE)


@pytest.mark.parametrize(
    ("library", "platform", "who"),
    [
        ("libc.so.6", "linux", Supplier.SYSTEM),
        ("libgomp.so.1", "linux", Supplier.SYSTEM),
        ("ld-linux-aarch64.so.1", "linux", Supplier.SYSTEM),
        ("libcudart.so.12", "linux", Supplier.DRIVER),
        ("libggml.so", "linux", Supplier.UNKNOWN),
        ("/usr/lib/libSystem.B.dylib", "macos", Supplier.SYSTEM),
        ("/System/Library/Frameworks/Metal.framework/Versions/A/Metal", "macos", Supplier.SYSTEM),
        ("/opt/homebrew/opt/libomp/lib/libomp.dylib", "macos", Supplier.UNKNOWN),
        ("KERNEL32.dll", "windows", Supplier.SYSTEM),
        ("api-ms-win-crt-heap-l1-1-0.dll", "windows", Supplier.SYSTEM),
        ("VCRUNTIME140_1.dll", "windows", Supplier.SYSTEM),
        ("cublas64_12.dll", "windows", Supplier.DRIVER),
        ("nvcuda.dll", "windows", Supplier.DRIVER),
        ("python312.dll", "windows", Supplier.HOST),
        ("ggml-base.dll", "windows", Supplier.UNKNOWN),
    ],
)
def test_who_brings_a_library(library, platform, who) -> None:
    assert supplier(library, platform) is who


class TestRunPaths:
    def library(self, cross, *paths: str):
        flags = [f"-Wl,-rpath,{path}" for path in paths]
        cross.library("libbase.so", BASE, "linux", "-Wl,-soname,libbase.so")
        return cross.library("libtop.so", TOP, "linux", "-L.", "-lbase", *flags)

    def test_beside_the_library_is_right(self, cross) -> None:
        library = self.library(cross, "$ORIGIN", "$ORIGIN/../made")
        assert findings(audit_binaries(gather([library]), LINUX, root=cross.folder)) == ()

    @pytest.mark.parametrize("path", ["/home/somebody/build/bin", "$ORIGIN/../.."])
    def test_out_of_the_bundle(self, cross, path) -> None:
        library = self.library(cross, path)
        (finding,) = findings(audit_binaries(gather([library]), LINUX, root=cross.folder))
        assert finding.cause == "audit-escaping-runpath"
        assert finding.severity is Severity.RISK
        assert path in finding.story[0]

    def test_its_own_directory_in_full_is_what_every_build_directory_has(self, cross) -> None:
        (finding,) = findings(audit_files([self.library(cross, str(cross.folder))]))
        assert (finding.cause, finding.severity) == ("audit-escaping-runpath", Severity.NOTE)

    def test_on_macos_nothing_is_looked_for_without_rpath_names(self, cross) -> None:
        flag = "-Wl,-rpath,/Users/somebody/build"
        library = cross.library("libit.dylib", BASE, "mac-arm64", flag)
        (finding,) = findings(audit_files([library]))
        assert (finding.cause, finding.severity) == ("audit-escaping-runpath", Severity.NOTE)

    def test_a_library_by_its_full_path(self, cross) -> None:
        name = "/opt/homebrew/opt/libomp/lib/libomp.dylib"
        cross.library("libomp.dylib", BASE, "mac-arm64", f"-Wl,-install_name,{name}")
        library = cross.library("libtop.dylib", TOP, "mac-arm64", "-L.", "-lomp")
        found = {each.cause: each for each in findings(audit_files([library]))}
        assert name in found["audit-absolute-library"].story[0]


METAL = """
__attribute__((section("__DATA,__ggml_metallib"))) const char ggml_metallib_start[] = "shaders";
void *ggml_backend_metal_reg(void) { return (void *)ggml_metallib_start; }
"""


class TestMetal:
    def test_embedded_shaders(self, cross) -> None:
        report = audit_files([cross.library("libggml-metal.dylib", METAL, "mac-arm64")])
        assert report.backends == ("metal",)
        assert [each.shaders for each in report.files] == ["embedded"]
        assert findings(report) == ()

    def test_shaders_beside_and_nowhere(self, cross) -> None:
        source = "int ggml_backend_metal_reg(void) { return 1; }"
        path = cross.library("libggml-metal.dylib", source, "mac-arm64")
        (finding,) = findings(audit_files([path]))
        assert finding.cause == "audit-missing-metal-library"
        assert finding.severity is Severity.FAILURE
        (path.parent / "default.metallib").write_bytes(b"MTLB")
        report = audit_files([path])
        assert findings(report) == ()
        assert [each.shaders for each in report.files] == ["beside"]

    def test_an_object_gets_its_shaders_from_another(self, cross) -> None:
        source = "int ggml_backend_metal_reg(void) { return 1; }"
        assert findings(audit_files([cross.object("ggml-metal.o", source, "mac-arm64")])) == ()


def test_backends_by_symbols_and_by_what_is_left_of_them(cross) -> None:
    names = ("vk", "cuda", "sycl", "blas", "opencl", "rpc", "cpu")
    source = "".join(f"int ggml_backend_{name}_reg(void) {{ return 1; }}" for name in names)
    report = audit_files([cross.library("libggml.so", source)])
    assert set(report.backends) == {"vulkan", "cuda", "sycl", "blas", "opencl", "rpc", "cpu"}
    stripped = (
        'const char *const say[] = {"ggml_vulkan: Found", "/src/ggml-cpu.c", "ggml_cuda_init"};'
    )
    report = audit_files([cross.library("all.dll", f"__declspec(dllexport) {stripped}", "windows")])
    assert set(report.backends) == {"vulkan", "cuda", "cpu"}
    # A registry names all backends and has none.
    registry = 'const char *const say[] = {"ggml_backend_cuda_reg", "cuda", "vulkan", "metal"};'
    registry += (
        "int ggml_backend_cuda_reg(void); int load(void) { return ggml_backend_cuda_reg(); }"
    )
    assert audit_files([cross.object("ggml-backend-reg.o", registry)]).backends == ()


class TestABundle:
    def test_for_another_processor(self, cross) -> None:
        path = cross.library("libit.dylib", BASE, "mac-x86-64")
        report = audit_binaries(gather([path]), MAC, root=cross.folder)
        (finding,) = findings(report)
        assert finding.cause == "audit-wrong-architecture"
        assert report.failures == ("libit.dylib is for x86-64, not arm64.",)
        # Whoever looks at libraries for other machines does so on purpose.
        (finding,) = findings(audit_binaries(gather([path]), MAC))
        assert finding.severity is Severity.NOTE

    def test_universal_libraries_fit_both(self, cross) -> None:
        parts = [
            cross.library(f"{target}.dylib", BASE, target).read_bytes()
            for target in ("mac-arm64", "mac-x86-64")
        ]
        path = cross.folder / "both.dylib"
        path.write_bytes(universal(*parts))
        assert findings(audit_binaries(gather([path]), MAC)) == ()

    def test_for_a_newer_macos(self, cross) -> None:
        path = cross.library("libit.dylib", BASE, "mac-arm64")
        old = Host("macos", version="11.7", arch="arm64")
        (finding,) = findings(audit_binaries(gather([path]), old))
        assert (finding.cause, finding.severity) == ("audit-min-os", Severity.RISK)
        assert "macOS 12.0" in finding.story[0]
        assert (
            findings(audit_binaries(gather([path]), Host("macos", version="12.0.1", arch="arm64")))
            == ()
        )

    def test_without_the_backend_that_was_asked_for(self, cross) -> None:
        cross.library("libggml.so", "int ggml_backend_cpu_reg(void) { return 1; }")
        report = audit_binaries(gather([cross.folder]), LINUX, root=cross.folder, backend="cuda")
        assert [each.cause for each in findings(report)] == ["audit-backend-missing"]
        with pytest.raises(BuildFailed, match="cuda was asked for, but no library has it"):
            require_sound(report)
        assert findings(audit_binaries(gather([cross.folder]), LINUX, backend="cpu")) == ()


def test_the_report_as_json(cross) -> None:
    report = audit_files([cross.library("libggml-metal.dylib", METAL, "mac-arm64")])
    answer = json.loads(json.dumps(report.to_json()))
    (file,) = answer["files"]
    assert file["arch"] == "arm64"
    assert file["min_os"] == "12.0"
    assert file["metal_shaders"] == "embedded"
    assert file["backends"][0]["name"] == "metal"
    assert answer["backends"] == ["metal"]


def test_a_bundle_is_looked_at_with_the_directory_that_it_was_built_in(cross, tmp_path) -> None:
    cross.library("libggml.so", "int ggml_backend_cpu_reg(void) { return 1; }")
    machine = Facts.of(os="linux", arch="x86-64")
    assert findings(audit_bundle(cross.folder, "cpu", machine)) == ()
    (tmp_path / "build.ninja").write_text(
        "build a/x.c.o: C_COMPILER__a_Release /src/x.c\n"
        "build b/x.c.o: C_COMPILER__b_Release /src/x.c\n"
        "build bin/libggml.so: C_SHARED_LIBRARY_LINKER__ggml_Release a/x.c.o b/x.c.o\n"
    )
    (finding,) = findings(audit_bundle(cross.folder, "cpu", machine, build_dir=tmp_path))
    assert finding.cause == "audit-same-source-twice"


@pytest.mark.native
def test_the_bundle_in_use_is_sound(bundle) -> None:
    report = audit_bundle(bundle.lib_dir, bundle.receipt.backend)
    assert examine(Case(binaries=report)).is_clean
    assert report.failures == ()
    assert {"cpu", bundle.receipt.backend} <= set(report.backends)
