"""conda's linker or compiler in a build with the system's libraries."""

from __future__ import annotations

from coblyn.doctor.causes._environment import conda_compiler
from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.causes._tree import also
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "conda-toolchain",
    "conda's linker does not find the system's libraries",
    sign(
        r"compiler_compat/ld: (?:warning: )?(?P<name>lib[\w+-]+\.so[\d.]*), needed by "
        r"[^\n,]{1,300}, not found",
        "The linker of the conda environment is used, and finds no {name}, which is the system's.",
    ),
    sign(
        r"compiler_compat/ld: [^\n]{0,300}undefined reference to "
        r"[`'](?P<name>[^'\n]{1,200}@(?:GLIBC|GLIBCXX|GOMP|OMP|CXXABI|libcudart)[\w.]*)'",
        "The linker of the conda environment is used, and finds no {name}, which is the system's.",
    ),
    sign(
        r"compiler_compat/ld: [^\n]{0,300}undefined reference to [`']"
        r"(?P<name>(?:vk[A-Z]|omp_|GOMP_|dl|pthread_|shm_|clock_|curl_|SSL_|cblas_)\w{1,100})",
        "The linker of the conda environment is used, and finds no {name}, which is the system's.",
    ),
    sign(
        r"compiler_compat/ld: cannot find (?P<name>[^\n]{1,120})",
        "The linker of the conda environment is used, and finds no {name}.",
    ),
    sign(
        r"(?:x86_64|aarch64)-conda[\w-]*-linux-gnu/bin/ld: [^\n]{0,300}(?:undefined reference to "
        r"[`'](?P<name>[^'\n]{1,200})'|"
        r"cannot find (?P<library>[^\n]{1,120})|not found)",
        "The linker of the conda environment is used, which looks in conda's own libraries only: "
        "{name}{library}",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"\S{0,200}conda\S{0,200}/bin/(?P<name>x86_64-conda[\w-]*-(?:cc|c\+\+|gcc|"
        r"g\+\+))[^\n]{0,80}(?:not found|No such file)",
        "{name} of conda was asked for (by CC or CXX), and is not there.",
        sure=Confidence.MEDIUM,
    ),
    looks_like="…/envs/name/compiler_compat/ld: warning: libgomp.so.1, needed by …, not found",
    explanation="A conda environment puts its own ld (compiler_compat) before the system's. It looks in conda's "
    "directories only, and does not find what the system's compiler brings.",
    fix="Build with the environment deactivated (or in a venv of the system's Python), or take all from conda: "
    "conda install -c conda-forge cxx-compiler; or add the directory: export LD_LIBRARY_PATH=$CONDA_PREFIX/lib. "
    "With llama-cpp-python, -DLLAVA_BUILD=OFF leaves out the programs that fail.",
    links=(
        "https://github.com/abetlen/llama-cpp-python/issues/1639",
        "https://github.com/abetlen/llama-cpp-python/issues/1752",
        "https://github.com/abetlen/llama-cpp-python/issues/1654",
    ),
    explains=(
        "library-not-linked",
        "undefined-symbol",
        "library-not-found",
        "pip-build-failed",
        "needed-library-not-found",
    ),
)

CAUSE = also(CAUSE, lambda case: conda_compiler(CAUSE, case))
