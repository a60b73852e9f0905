"""CMake 4 has dropped what an old project asks for."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "cmake-too-new",
    "CMake 4 no longer builds projects written for CMake before 3.5",
    sign(
        r"Compatibility with CMake < (?P<version>3\.\d+) has been removed from CMake",
        "A CMakeLists.txt in this build asks for the behaviour of a CMake before {version}.",
        command="export CMAKE_POLICY_VERSION_MINIMUM=3.5",
    ),
    sign(
        r"Policy CMP\d{4} may not be set to OLD behavior because this version of CMake no longer "
        r"supports it",
    ),
    looks_like="Compatibility with CMake < 3.5 has been removed from CMake.",
    explanation="CMake 4.0 removed the policies of versions before 3.5. Where pip builds in an environment of its "
    "own, it fetches the newest CMake, so that an old package fails although nothing on the machine changed.",
    fix="Set CMAKE_POLICY_VERSION_MINIMUM=3.5 in the environment (pip hands it on; on Windows with set or $env:), "
    "or configure with -DCMAKE_POLICY_VERSION_MINIMUM=3.5, or use a release of the project that knows CMake 4.",
    links=(
        "https://github.com/MCPI-Revival/Ninecraft/issues/29",
        "https://github.com/Point72/csp/issues/508",
        "https://github.com/linuxdeploy/linuxdeploy/issues/312",
    ),
)
