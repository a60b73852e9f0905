"""CMake is older than the project allows."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "cmake-too-old",
    "CMake is too old for this project",
    sign(
        r"CMake (?P<want>\d[\d.]*) or higher is required\. You are running version "
        r"(?P<have>\d[\w.-]*)",
        "CMake {have} is running, and the project asks for {want}.",
        command='pip install --upgrade "cmake>={want}"',
    ),
    sign(
        r"Unknown argument (?P<option>-j\d*|--parallel|--config) Usage: cmake --build",
        "This CMake does not know {option} of its build mode, which came with CMake 3.12.",
    ),
    sign(
        r"Could not create named generator (?P<name>Visual Studio 1[678] 20\d\d)",
        "This CMake does not know {name}, which is newer than it.",
        also=r"^[* ] Visual Studio \d",
    ),
    sign(
        r"Could not create named generator (?P<name>Visual Studio 1[678] 20\d\d)$",
        "This CMake does not know {name}, which is newer than it.",
        # Where the list of what it knows has none of Visual Studio, this is no CMake for Windows.
        unless=r"^Generators$",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"Could not create named generator (?P<name>Ninja Multi-Config)",
        "This CMake does not know {name}, which came with CMake 3.17.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r'requires the language dialect "(?P<dialect>\w+)" (?:\(with compiler extensions\), '
        r")?but CMake does"
        r" not know the compile flags to use to enable it",
        "CMake does not know how to ask this compiler for {dialect}.",
        text="Update CMake (pip install --upgrade cmake); if it is new already, the compiler is "
        "too old.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"CMake Error[^\n]*: Unknown CMake command \"(?P<name>block|cmake_path|cmake_language|"
        r"return_propagate)\"",
        "The project uses {name}(), which this CMake does not know.",
        sure=Confidence.MEDIUM,
    ),
    looks_like="CMake 3.x or higher is required.  You are running version …",
    explanation="A distribution's CMake is often years old, and a project may need what came later. Removing the "
    "build directory does not help.",
    fix="Install a newer CMake: the one of the Python package index works on every system, and comes first on PATH "
    "in an active virtual environment.",
    links=(
        "https://github.com/Xilinx/mlir-aie/issues/3020",
        "https://github.com/tostercx/ssocks/issues/6",
    ),
)
