"""The build fetches something from the network and does not get it."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "source-download-failed",
    "The build could not download a part of its source",
    sign(
        r"Failed to clone repository: '(?P<url>[^'\n]{1,300})'",
        "CMake could not clone {url}.",
    ),
    sign(
        r"error: downloading '(?P<url>[^'\n]{1,300})' failed",
        "CMake could not download {url}.",
    ),
    sign(r"Each download failed!"),
    sign(
        r"Build step for (?P<name>[\w.-]+) failed: \d+",
        "Fetching {name} failed.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"CMake step for (?P<name>[\w.-]+) failed: \d+",
        "Fetching {name} failed.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"fatal: unable to access '(?P<url>[^'\n]{1,300})': (?P<why>[^\n]{1,160})",
        "git could not reach {url}: {why}",
    ),
    sign(
        r"Could not resolve host: (?P<host>[\w.-]{1,200})", "The name {host} could not be resolved."
    ),
    sign(r"Could NOT find Git[^\n]*[\s\S]{0,600}could not find git for clone of", package="git"),
    sign(
        r"could not find git for clone of",
        "The build clones a part of its source, and there is no git.",
        package="git",
    ),
    looks_like="Failed to clone repository; error: downloading '…' failed; Could not resolve host",
    explanation="Some builds fetch dependencies while they configure. In a container build, behind a proxy or on a "
    "node without network that fails, whatever the compiler is like.",
    fix="Check the network, http_proxy and https_proxy; or fetch the part beforehand and name it with "
    "-DFETCHCONTENT_SOURCE_DIR_<NAME>=….",
    links=(
        "https://github.com/opentrack/opentrack/issues/2131",
        "https://github.com/TheHPXProject/hpx/issues/5378",
        "https://github.com/wpilibsuite/allwpilib/issues/5237",
    ),
    explains=("pip-build-failed",),
)
