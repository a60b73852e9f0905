"""A git submodule was not fetched, so that its directory is empty."""

from __future__ import annotations

from coblyn.doctor.causes._checkout import no_submodule
from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.causes._tree import also
from coblyn.doctor.finding import Confidence

_FETCH = "git submodule update --init --recursive"

CAUSE = log_cause(
    "submodule-missing",
    "A git submodule was not fetched",
    sign(
        r"\(add_subdirectory\): The source directory (?P<path>[^\n]{1,300}?) does not contain a "
        r"CMakeLists\.txt file",
        "{path} is empty or not there: it is a submodule, and the source was cloned or "
        "downloaded without it.",
        command=_FETCH,
    ),
    sign(
        r"\(add_subdirectory\): add_subdirectory given source \"(?P<path>[^\"\n]{1,300})\" which is not an existing "
        r"directory",
        "{path} is not there.",
        command=_FETCH,
        sure=Confidence.MEDIUM,
        unless=r"given source \"[^\"\n]{0,200}(?:llama|ggml|whisper|third[-_]?party|vendor|extern|"
        r"submodules?|deps|3rdparty|googletest|pybind)",
    ),
    sign(
        r"add_subdirectory given source \"(?P<path>[^\"\n]{0,200}(?:llama|ggml|whisper|"
        r"third[-_]?party|vendor|extern|submodules?|deps|3rdparty|"
        r"googletest|pybind)[^\"\n]{0,200})\" which is not an existing directory",
        "{path} is not there.",
        command=_FETCH,
    ),
    sign(
        r"(?:git )?submodules? (?:have |has |is |are )?not (?:been )?(?:initiali[sz]ed|found|cloned|checked out"
        r"|updated)",
        command=_FETCH,
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"could not lock config file \.git/modules/(?P<path>[^\n]{1,200}?)/config: No such file",
        "git has nothing of the submodule {path}.",
        command=_FETCH,
    ),
    looks_like="The source directory …/vendor/llama.cpp does not contain a CMakeLists.txt file.",
    explanation="git clone leaves submodules empty unless told otherwise, and the zip files of "
    "GitHub never have them.",
    fix="Fetch the submodules; in a zip file without git, clone the repository instead: git "
    "clone --recursive.",
    links=(
        "https://github.com/kuvaus/LlamaGPTJ-chat/issues/1",
        "https://github.com/kevin2431/Traj-LO/issues/8",
        "https://github.com/ad-freiburg/qlever/issues/376",
    ),
    explains=(
        "cmake-no-source",
        "pip-build-failed",
    ),
)

CAUSE = also(CAUSE, lambda case: no_submodule(CAUSE, case))
