"""pip can not import what builds the package."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "pip-build-backend",
    "The package's build tool is not installed",
    sign(
        r"BackendUnavailable: Cannot import '(?P<name>[\w.]{1,80})'",
        "pip can not import {name}, which builds the package.",
        command="python -m pip install --upgrade pip scikit-build-core",
    ),
    sign(
        r"ModuleNotFoundError: No module named '(?P<name>torch|numpy|psutil|tensorflow)'",
        "The package's setup imports {name}, and pip builds it in an environment of its own, without what is "
        "installed here.",
        also=r"[Gg]etting requirements to build|Preparing metadata|metadata-generation-failed|setup\.py|"
        r"pip-build-env|subprocess-exited-with-error",
        command="pip install {name} setuptools wheel packaging ninja",
        text="Then install the package with --no-build-isolation, so that it sees {name}.",
    ),
    sign(
        r"ModuleNotFoundError: No module named '(?P<name>skbuild|scikit_build_core|setuptools|"
        r"hatchling|flit_core|poetry|pybind11|mesonpy|"
        r"setuptools_scm|setuptools_rust|wheel|Cython|pkg_resources|distutils|torch|"
        r"packaging)(?:\.[\w.]{1,60})?'",
        "The build imports {name}, and it is not installed where the build runs.",
        also=r"Getting requirements to build|pyproject\.toml|Preparing metadata|build_meta|no-build-isolation"
        r"|setup\.py|egg_info|Building wheel|pip subprocess",
        command="python -m pip install --upgrade pip setuptools wheel {name}",
    ),
    sign(
        r"(?:pip\._vendor\.pep517\S*|pyproject_hooks\S*)BackendUnavailable",
        command="python -m pip install --upgrade pip",
    ),
    sign(
        r"error: invalid command 'bdist_wheel'",
        "setuptools has no bdist_wheel: the package wheel is missing.",
        command="python -m pip install --upgrade wheel setuptools",
    ),
    sign(
        r"AttributeError: module 'pkgutil' has no attribute 'ImpImporter'",
        "A setuptools from before Python 3.12 is in use.",
        command="python -m pip install --upgrade pip setuptools",
        sure=Confidence.HIGH,
    ),
    sign(
        r"(?:pip version|You are using pip version) (?P<version>(?:9|1[0-8])\.\d[\d.]*)[^\n]{0,40}",
        "pip {version} is too old for packages with a pyproject.toml.",
        also=r"error:|ERROR:",
        command="python -m pip install --upgrade pip",
        sure=Confidence.LOW,
    ),
    looks_like="ModuleNotFoundError: No module named 'skbuild'; BackendUnavailable: Cannot "
    "import 'scikit_build_core.build'",
    explanation="Packages name the tool that builds them; pip fetches it into an environment of its own. With "
    "--no-build-isolation, an embedded Python or an old pip, it has to be there beforehand.",
    fix="Update pip and install that tool, or leave out --no-build-isolation.",
    links=(
        "https://github.com/Dao-AILab/flash-attention/issues/246",
        "https://github.com/runew0lf/RuinedFooocus/pull/308",
        "https://github.com/BetaDoggo/ComfyUI-Kolors-Translator/issues/1",
        "https://github.com/Big-Idea-Technology/ComfyUI_LLM_Node/issues/12",
    ),
    explains=("pip-build-failed",),
)
