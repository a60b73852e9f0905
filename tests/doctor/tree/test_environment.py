"""The environment of a build."""

from __future__ import annotations

import sys
from pathlib import Path

from coblyn.doctor.tree.environment import missing_paths, program, settings


def test_settings() -> None:
    found = list(settings({"CC": "clang", "HOME": "/x", "CFLAGS": " ", "SDKROOT": "/sdk"}))
    assert [each.name for each in found] == ["CC", "SDKROOT"]
    assert all(each.effect for each in found)


def test_program() -> None:
    environ = {"CC": "ccache clang -arch arm64", "CXX": "'unclosed", "OBJC": ""}
    assert program(environ, "CC") == "clang"
    assert program(environ, "CXX") == "'unclosed"
    assert program(environ, "OBJC") == program(environ, "NOTHING") == ""


def test_missing_paths(tmp_path: Path) -> None:
    here = str(Path(sys.executable).parent)
    environ = {
        "PATH": here,
        "CC": Path(sys.executable).name,
        "CXX": "no-such-compiler",
        "SDKROOT": str(tmp_path / "gone"),
        "CUDA_HOME": str(tmp_path),
    }
    assert missing_paths(environ) == ("CXX", "SDKROOT")
    assert missing_paths({**environ, "SDKROOT": "macosx", "CXX": ""}) == ()
