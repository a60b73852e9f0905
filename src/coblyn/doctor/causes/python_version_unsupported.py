"""A package that does not take this Python."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "python-version-unsupported",
    "The package does not take this version of Python",
    sign(
        r"ERROR: Package '(?P<name>[^'\n]{1,100})' requires a different Python: "
        r"(?P<have>[\d.]+\w*) not in '(?P<want>[^'\n]{1,60})'",
        "{name} asks for Python {want}, and this is {have}.",
    ),
    sign(
        r"ERROR: (?P<name>[\w.-]{1,100}) requires Python '(?P<want>[^'\n]{1,60})' but the "
        r"running Python is (?P<have>[\d.]+)",
        "{name} asks for Python {want}, and this is {have}.",
    ),
    sign(
        r"ERROR: Ignored the following versions that require a different python version: "
        r"(?P<which>[^\n]{1,300})",
        "Releases were left out because they ask for another Python: {which}",
        also=r"No matching distribution found|Could not find a version",
    ),
    sign(
        r"RuntimeError: Cannot install on Python version (?P<have>[\d.]+\w*); only versions "
        r"(?P<want>[^\n]{1,60}?) are supported",
        "The package takes Python {want}, and this is {have}.",
    ),
    sign(
        r"the configured Python interpreter version \((?P<have>[\d.]+)\) is newer than PyO3's "
        r"maximum supported version \((?P<want>[\d.]+)\)",
        "PyO3 knows Python up to {want}, and this is {have}.",
    ),
    sign(
        r"SyntaxError: future feature annotations is not defined",
        "This Python is older than 3.7.",
        sure=Confidence.HIGH,
    ),
    sign(
        r"ModuleNotFoundError: No module named '(?P<name>distutils|imp|asyncore|pkg_resources)'",
        "The build uses Python's module {name}, which newer Pythons no longer bring (distutils and imp went "
        "with 3.12).",
        command="pip install 'setuptools<81' wheel",
        text="distutils and pkg_resources come with setuptools; if that does not help, use Python 3.11, or a newer "
        "release of the package (with node-gyp: npm install -g node-gyp@latest).",
        sure=Confidence.MEDIUM,
    ),
    looks_like="ERROR: Package '…' requires a different Python: 3.6.9 not in '>=3.8'",
    explanation="A package states the versions of Python that it was made for. The newest Python is often ahead of "
    "packages with native code, an old one behind them.",
    fix="Make an environment with a version that the package takes.",
    links=("https://github.com/SeargeDP/ComfyUI_Searge_LLM/issues/39",),
    explains=(
        "pip-no-distribution",
        "pip-build-failed",
    ),
)
