"""No Fortran compiler, which a numerical library is written for."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

_WHEEL = (
    "Or take a release that has a wheel for this Python and system (pip install --only-binary :all: NAME): "
    "then nothing "
    "is compiled at all."
)

CAUSE = log_cause(
    "fortran-missing",
    "No Fortran compiler is installed",
    sign(
        r"ERROR: Unknown compiler\(s\): \[\[?['\"](?:gfortran|ifort|flang)[^\n]{1,400}",
        "Meson looked for every Fortran compiler that it knows and found none.",
        package="gfortran",
        text=_WHEEL,
    ),
    sign(
        r"No CMAKE_Fortran_COMPILER could be found",
        "CMake looked for a Fortran compiler and found none.",
        package="gfortran",
        text=_WHEEL,
    ),
    sign(
        r"has Fortran sources but no Fortran compiler found"
        r"|error: \[?(?:Errno 2\] )?[^\n]{0,60}'?gfortran'?: (?:command "
        r"not found|No such file)|configure: error: [^\n]{0,60}(?:no (?:acceptable )?Fortran|Fortran (?:77 )?compiler)",
        "The build needs a Fortran compiler, and there is none.",
        package="gfortran",
        text=_WHEEL,
    ),
    looks_like="ERROR: Unknown compiler(s): [['gfortran'], ['flang'], …]",
    explanation="Numerical libraries (SciPy, LAPACK, OpenBLAS) have parts in Fortran. pip compiles them where there is "
    "no wheel for this Python and system.",
    fix="Install gfortran, or take a wheel.",
    links=(
        "https://github.com/cmusphinx/pocketsphinx/issues/312",
        "https://github.com/scipy/scipy/issues/17994",
    ),
    explains=(
        "pip-build-failed",
        "compiler-missing",
        "tool-missing",
        "cmake-no-compiler",
        "project-refusal",
    ),
)
