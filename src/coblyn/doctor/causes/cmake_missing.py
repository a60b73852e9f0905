"""There is no CMake, or what is called cmake does not run."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "cmake-missing",
    "CMake is not installed",
    sign(r"\bcmake: (?:command )?not found", "The shell finds no cmake.", package="cmake"),
    # zsh
    sign(r"command not found: cmake\b", "The shell finds no cmake.", package="cmake"),
    sign(r"'cmake' is not recognized as an internal or external command", package="cmake"),
    sign(r"The term 'cmake' is not recognized as", package="cmake"),
    sign(
        r"CMake must be installed to build (?:the following extensions|this package)",
        package="cmake",
    ),
    sign(r"CMakeNotFoundError: Could not find CMake", package="cmake"),
    sign(r"is `?cmake`? (?:installed|not installed)\?", package="cmake", sure=Confidence.MEDIUM),
    sign(
        r"Problem with the CMake installation, aborting build",
        command="pip install --upgrade cmake",
    ),
    sign(r"(?:No such file or directory|FileNotFoundError)[^\n]{0,40}'cmake'", package="cmake"),
    sign(
        r"^[ ]*make(?:\[\d+\])?: cmake: (?:No such file or directory|Command not found)",
        package="cmake",
    ),
    sign(
        r"from cmake import cmake[\s\S]{0,200}ModuleNotFoundError: No module named 'cmake'",
        "The cmake on PATH is the small starter script of a Python package, and that package is not in the Python "
        "that runs it.",
        command="pip install --force-reinstall cmake",
    ),
    looks_like="cmake: command not found; CMake must be installed to build …",
    explanation="Nothing by the name of cmake can be run in the environment of this build.",
    fix="Install CMake and open a new terminal, so that PATH has it.",
    links=("https://github.com/abetlen/llama-cpp-python/issues/2047",),
    explains=(
        "pip-build-failed",
        "tool-missing",
    ),
)
