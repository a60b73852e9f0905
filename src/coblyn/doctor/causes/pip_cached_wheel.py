"""pip took a wheel that it had built before, so that the options did nothing."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence, Severity

_NAME = (
    r"(?:llama[_-]cpp[_-]python|stable[_-]diffusion[_-]cpp[_-]python|pywhispercpp|ctransformers)"
)

CAUSE = log_cause(
    "pip-cached-wheel",
    "pip took a wheel that it had built before, without your options",
    sign(
        r"Using cached (?P<wheel>" + _NAME + r"-\S{1,120}\.whl)",
        "pip took {wheel} from its cache; CMAKE_ARGS was not looked at.",
        command="pip install --no-cache-dir --force-reinstall llama-cpp-python",
        also=r"CMAKE_ARGS|FORCE_CMAKE",
        severity=Severity.RISK,
    ),
    sign(
        r"Requirement already satisfied: (?P<wheel>" + _NAME + r")\b",
        "{wheel} is installed, and pip leaves it as it is; CMAKE_ARGS was not looked at.",
        command="pip install --no-cache-dir --force-reinstall llama-cpp-python",
        also=r"CMAKE_ARGS=|FORCE_CMAKE=",
        unless=r"Building wheel for " + _NAME,
        severity=Severity.RISK,
        sure=Confidence.MEDIUM,
    ),
    looks_like="Using cached llama_cpp_python-0.2.…-linux_x86_64.whl, although CMAKE_ARGS is set",
    explanation="pip keeps the wheels that it has built, by name and version only. With other CMAKE_ARGS it takes "
    "the same one again, so that the result is without the accelerator.",
    fix="Build anew, past the cache.",
    links=(
        "https://github.com/abetlen/llama-cpp-python/issues/514",
        "https://github.com/gokayfem/ComfyUI_VLM_nodes/issues/71",
    ),
)
