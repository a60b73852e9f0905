"""pip finds no release that fits this machine."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "pip-no-distribution",
    "There is no release of the package for this machine",
    sign(
        r"ERROR: (?P<name>\S{1,200}\.whl) is not a supported wheel on this platform",
        "{name} is for another Python, system or processor.",
        text="Compare its name with pip debug --verbose: cp311 is Python 3.11, then the system "
        "and the processor.",
        command="pip debug --verbose",
    ),
    sign(
        r"ERROR: No matching distribution found for (?P<name>\S{1,100})",
        "No release of {name} fits this Python, system and processor in the indexes that pip asked.",
        sure=Confidence.MEDIUM,
        unless=r"SSLError|CERTIFICATE_VERIFY_FAILED|NewConnectionError|ProxyError|Temporary "
        r"failure in name resolution|"
        r"Network is unreachable|Connection (?:timed out|refused)",
    ),
    looks_like="ERROR: No matching distribution found for …; … is not a supported wheel on this "
    "platform.",
    explanation="A wheel is for one Python version, system and processor. Where none fits and no source release is "
    "allowed (--only-binary, a private index), pip finds nothing.",
    fix="Check name and version, the Python version (the newest has no wheels yet) and the index; allow the source "
    "release if a compiler is there.",
    links=(
        "https://github.com/SeargeDP/ComfyUI_Searge_LLM/issues/39",
        "https://github.com/jllllll/llama-cpp-python-cuBLAS-wheels/issues/24",
    ),
)
