"""The same cause in the words of other versions and tools: the decisive lines alone, from variants.txt."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from coblyn.doctor.cause import Case
from coblyn.doctor.causes._package import install
from coblyn.doctor.examine import examine
from coblyn.doctor.finding import Confidence, Diagnosis, Severity
from coblyn.doctor.log.reader import read_log


def diagnosis_of(text: str) -> Diagnosis:
    return examine(Case(log=read_log(io.BytesIO(text.encode()))))


VARIANTS = [
    (block.split("\n", 1)[0].strip(), block.split("\n", 1)[1].rstrip("\n") + "\n")
    for block in (Path(__file__).parent / "variants.txt")
    .read_text(encoding="utf-8")
    .split("\n=== ")[1:]
]


@pytest.mark.parametrize(("cause", "text"), [each for each in VARIANTS if each[0] != "healthy"])
def test_another_wording_is_the_same_cause(cause: str, text: str) -> None:
    diagnosis = diagnosis_of(text)
    found = [(each.cause, each.confidence.name) for each in diagnosis.findings]
    assert found
    assert found[0][0] == cause, found
    assert diagnosis.findings[0].confidence >= Confidence.MEDIUM


def test_a_wrapper_alone_is_a_guess() -> None:
    diagnosis = diagnosis_of(
        "Building wheels for collected packages: engine-python\n"
        "  ERROR: Failed building wheel for engine-python\n"
        "Failed to build engine-python\n"
    )
    finding = diagnosis.findings[0]
    assert finding.cause == "pip-build-failed"
    assert finding.confidence is Confidence.LOW
    assert finding.fix.command == "pip install --no-cache-dir --verbose engine-python"
    assert not diagnosis.is_explained


def test_what_is_inside_of_a_wrapper_wins() -> None:
    diagnosis = diagnosis_of(
        "CMake Error at /usr/share/cmake/Modules/CMakeTestCUDACompiler.cmake:59 (message):\n"
        '  The CUDA compiler\n\n    "/usr/local/cuda/bin/nvcc"\n\n  is not able to compile a simple test program.\n\n'
        "    host_config.h:139:2: error: #error -- unsupported GNU version! gcc versions later than 11 are not "
        "supported!\n"
        "  ERROR: Failed building wheel for engine-python\n"
    )
    assert [each.cause for each in diagnosis.findings] == ["cuda-host-too-new"]


@pytest.mark.parametrize(
    "text",
    [text for cause, text in VARIANTS if cause == "healthy"],
)
def test_what_healthy_builds_write_is_no_finding(text: str) -> None:
    serious = [each for each in diagnosis_of(text).findings if each.severity is not Severity.NOTE]
    assert serious == []


@pytest.mark.parametrize(
    ("trace", "command"),
    [
        ("-- The C compiler identification is GNU 12.2.0 (Debian)", "sudo apt install ninja-build"),
        ("gcc (GCC) 14.2.1 20240912 (Red Hat 14.2.1-3)", "sudo dnf install ninja-build"),
        ("-- The C compiler identification is AppleClang 15.0.0", "brew install ninja"),
        (
            "-- The C compiler identification is MSVC 19.41.34120.0",
            "winget install Ninja-build.Ninja",
        ),
        ("/data/data/com.termux/files/usr/bin/cmake", "pkg install ninja"),
        ("Linux", ""),
    ],
)
def test_the_fix_is_of_the_system_that_wrote_the_log(trace: str, command: str) -> None:
    diagnosis = diagnosis_of(
        f'{trace}\nCMake Error: CMake was unable to find a build program corresponding to "Ninja".'
        "  CMAKE_MAKE_PROGRAM is not set.\n"
    )
    assert diagnosis.findings[0].fix.command == command
    assert command or "apt install ninja-build" in diagnosis.findings[0].fix.text


def test_a_package_that_nobody_knows_has_no_command() -> None:
    assert install("no-such-thing", "apt") == ("", "")
