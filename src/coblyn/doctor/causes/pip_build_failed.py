"""pip says that a build failed, and nothing of the build itself is in the log."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

# Any of these is the build's own voice: then pip's summary explains nothing.
_INNER = (
    r"CMake Error|\berror:(?! (?:subprocess-exited-with-error|metadata-generation-failed|"
    r"legacy-install-failure|could not build wheels))|"
    r"fatal error|\*\*\* \[|FAILED: |undefined reference|Traceback \(most recent|error "
    r"[A-Z]{1,4}\d{4}|nvcc fatal|not found"
)

CAUSE = log_cause(
    "pip-build-failed",
    "A package failed to build, and the log does not show why",
    sign(
        r"(?:ERROR: )?Failed building wheel for (?P<name>[\w.-]{1,100})",
        "pip could not build {name}; why, the lines before this would say.",
        command="pip install --no-cache-dir --verbose {name}",
        sure=Confidence.LOW,
        unless=_INNER,
    ),
    sign(
        r"(?:Preparing metadata|Building wheel for (?P<name>[\w.-]{1,100})|Getting requirements "
        r"to build wheel)[^\n]{0,40}"
        r"(?:did not run successfully|error)",
        sure=Confidence.LOW,
        unless=_INNER,
    ),
    sign(
        r"error: (?:subprocess-exited-with-error|metadata-generation-failed)|ERROR: Could not "
        r"build wheels for",
        sure=Confidence.LOW,
        unless=_INNER,
    ),
    looks_like="ERROR: Failed building wheel for …; error: subprocess-exited-with-error",
    explanation="These lines are pip's summary. The compiler's or CMake's own message is the "
    "cause, and is not in this log.",
    fix="Run pip again with --verbose and --no-cache-dir, keep the whole output, and give it to "
    "the doctor.",
    links=(
        "https://github.com/abetlen/llama-cpp-python/issues/1617",
        "https://github.com/abetlen/llama-cpp-python/issues/1947",
    ),
)
