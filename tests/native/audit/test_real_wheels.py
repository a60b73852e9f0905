"""Libraries that other projects publish for macOS, Windows and Linux, read here: facts that were checked by hand."""

from __future__ import annotations

import re
import sys
import zipfile

import pytest

from coblyn.doctor.finding import Severity
from coblyn.native.audit import audit_files
from coblyn.run import run
from native.audit.words import findings

pytestmark = pytest.mark.slow

# Package, version, platform of the wheel; per file: architectures, lowest system, backends, shaders.
WHEELS = {
    "metal embedded, one file": (
        *("xllamacpp", "2026.5.9093", "macosx_11_0_arm64"),
        {"xllamacpp.abi3.so": ({"arm64"}, {"11.0"}, {"metal", "blas", "cpu"}, "embedded")},
    ),
    "metal embedded, many files": (
        *("pywhispercpp", "1.5.1", "macosx_11_0_arm64"),
        {
            ".dylibs/libggml-metal.0.13.1.dylib": ({"arm64"}, {"11.0"}, {"metal"}, "embedded"),
            ".dylibs/libggml-blas.0.13.1.dylib": ({"arm64"}, {"11.0"}, {"blas"}, ""),
            ".dylibs/libggml-cpu.0.13.1.dylib": ({"arm64"}, {"11.0"}, {"cpu"}, ""),
            ".dylibs/libggml-base.0.13.1.dylib": ({"arm64"}, {"11.0"}, set(), ""),
        },
    ),
    "metal without shaders": (
        *("pywhispercpp", "1.2.0", "macosx_10_9_x86_64"),
        {".dylibs/libwhisper.dylib": ({"x86-64"}, {"10.9"}, {"metal", "cpu"}, "missing")},
    ),
    "universal, shaders beside": (
        *("gpt4all", "2.8.2", "macosx_10_15_universal2"),
        {
            "libllamamodel-mainline-metal.dylib": (
                {"arm64", "x86-64"},
                {"12.6"},
                {"metal", "cpu"},
                "beside",
            ),
            "libllamamodel-mainline-cpu.dylib": ({"arm64", "x86-64"}, {"12.6"}, {"cpu"}, ""),
        },
    ),
    "intel mac": (
        *("pyllamacpp", "2.4.3", "macosx_10_9_x86_64"),
        {"_pyllamacpp.cpython-312-darwin.so": ({"x86-64"}, {"10.9"}, {"cpu"}, "")},
    ),
    "universal, nothing of ours": (
        *("kiwisolver", "1.5.1", "macosx_10_13_universal2"),
        {"_cext.cpython-312-darwin.so": ({"arm64", "x86-64"}, {"11.0", "10.13"}, set(), "")},
    ),
    "windows, one file": (
        *("xllamacpp", "2026.10.11549", "win_amd64"),
        {"xllamacpp.pyd": ({"x86-64"}, {"6.0"}, {"cpu"}, "")},
    ),
    "windows on arm": (
        *("markupsafe", "3.0.4", "win_arm64"),
        {"_speedups.cp312-win_arm64.pyd": ({"arm64"}, {"6.2"}, set(), "")},
    ),
    "several systems in one wheel": (
        *("ctransformers", "0.2.27", "any"),
        {
            "lib/cuda/ctransformers.dll": ({"x86-64"}, {"6.0"}, {"cuda", "cpu"}, ""),
            "lib/cuda/libctransformers.so": ({"x86-64"}, {"glibc 2.29"}, {"cuda", "cpu"}, ""),
            "lib/basic/libctransformers.dylib": ({"arm64", "x86-64"}, {"12.6"}, {"cpu"}, ""),
        },
    ),
    "linux": (
        *("pywhispercpp", "1.5.1", "manylinux_2_28_x86_64"),
        {"libggml-cpu-9980f871.so.0.13.1": ({"x86-64"}, {"glibc 2.27"}, {"cpu"}, "")},
    ),
}


# What pip says where nobody answers; a wheel that is gone is another matter, and fails.
_NO_NETWORK = re.compile("NewConnectionError|NameResolutionError|ConnectTimeoutError")


@pytest.fixture
def unpacked(request, tmp_path):
    name, version, platform, _ = WHEELS[request.param]
    argv = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    argv += ["--python-version", "3.12", "--platform", platform, f"{name}=={version}"]
    done = run([*argv, "--dest", tmp_path], timeout=900, check=False)
    if done.code != 0 and _NO_NETWORK.search(done.output):
        pytest.skip("no network: the package index cannot be reached")
    assert done.code == 0, done.output
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "it")
    return tmp_path / "it"


@pytest.mark.parametrize(
    ("unpacked", "expected"),
    [pytest.param(name, case[3], id=name) for name, case in WHEELS.items()],
    indirect=["unpacked"],
)
def test_what_is_really_inside(unpacked, expected) -> None:
    report = audit_files([unpacked])
    for ending, (arches, systems, backends, shaders) in expected.items():
        files = [each for each in report.files if each.binary.path.as_posix().endswith(ending)]
        assert {each.binary.arch for each in files} == arches, ending
        assert {each.binary.min_os for each in files} == systems, ending
        for each in files:
            assert {backend.name for backend in each.backends} == backends, ending
            assert each.shaders == shaders, ending
    # The only thing wrong with any of them.
    missing = any(shaders == "missing" for _, _, _, shaders in expected.values())
    wrong = {each.cause for each in findings(report) if each.severity is not Severity.NOTE}
    assert wrong == ({"audit-missing-metal-library"} if missing else set())
