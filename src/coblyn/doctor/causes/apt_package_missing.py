"""A package that apt does not know."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_NAME = r"(?P<name>[\w.+:-]{1,80})"

CAUSE = log_cause(
    "apt-package-missing",
    "apt does not know a package",
    sign(
        rf"\bE: Unable to locate package {_NAME}",
        "apt knows no package {name} here.",
        command="sudo apt-get update && sudo apt-get install {name}",
        also=r"exit code: 100|non-zero code: 100|exit status 100",
    ),
    sign(
        rf"\bE: Unable to locate package {_NAME}",
        "apt knows no package {name} here.",
        command="sudo apt-get update && sudo apt-get install {name}",
        sure=Confidence.MEDIUM,
    ),
    sign(
        rf"\bE: Package '{_NAME}' has no installation candidate",
        "apt has heard of {name}, but none of its sources has it.",
        command="sudo apt-get update && sudo apt-get install {name}",
        sure=Confidence.MEDIUM,
    ),
    looks_like="E: Unable to locate package libclblast-dev",
    explanation="apt looks in the lists that apt-get update brings, and in the sources that are named. In a fresh "
    "image there are no lists; another release of the distribution has the package under another name, or "
    "not at all; universe, or a vendor's source (CUDA, ROCm, Vulkan SDK), may not be named.",
    fix="Run apt-get update first, in a Dockerfile in the same RUN; then see with apt-cache search what the package is "
    "called in this release, and on Ubuntu that universe is switched on (sudo add-apt-repository universe).",
    links=(
        "https://github.com/FinnBehrendt/node21-submit/pull/1",
        "https://github.com/kamon-io/docker-grafana-graphite/issues/72",
    ),
)
