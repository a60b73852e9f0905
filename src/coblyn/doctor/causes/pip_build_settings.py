"""A package's build settings and the build tool of today do not fit."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "pip-build-settings",
    "The package's build settings do not fit the build tool's version",
    sign(
        r"ERROR: Use (?P<new>[\w.-]{1,40}) instead of (?P<old>[\w.-]{1,40}) with "
        r"scikit-build-core >= (?P<version>[\d.]+)",
        "The package says {old}, which scikit-build-core from {version} on calls {new}.",
        text="Use a newer release of the package, or hold the tool back: PIP_CONSTRAINT with "
        '"scikit-build-core<0.11".',
    ),
    sign(
        r"ERROR: Unrecognized options? in (?P<where>pyproject\.toml|config-settings)[^\n]{0,40}:?",
        "The build tool does not know an option in {where}.",
    ),
    sign(
        r"invalid pyproject\.toml config: `(?P<name>[^`\n]{1,60})`",
        "setuptools refuses {name} in pyproject.toml.",
    ),
    sign(
        r"configuration error: `(?P<name>[^`\n]{1,60})` must",
        "setuptools refuses {name} in pyproject.toml.",
    ),
    sign(
        r"error in \S{1,60} setup command: use_2to3 is invalid",
        "The package was made for Python 2.",
        command='pip install "setuptools<58"',
    ),
    looks_like="ERROR: Use cmake.version instead of cmake.minimum-version with scikit-build-core "
    ">= 0.8",
    explanation="pip builds with the newest build tool that the package allows. A tool that "
    "became stricter fails older packages.",
    fix="Use a newer release of the package; else hold the build tool back with a file of "
    "constraints that PIP_CONSTRAINT names.",
    links=("https://github.com/runew0lf/RuinedFooocus/pull/308",),
    explains=("pip-build-failed",),
)
