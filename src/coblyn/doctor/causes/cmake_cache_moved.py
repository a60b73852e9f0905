"""A CMake cache that was made in or for another directory."""

from __future__ import annotations

from coblyn.doctor.causes._cmake import cache_moved
from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.causes._tree import also

CAUSE = log_cause(
    "cmake-cache-moved",
    "The build directory was made in another place",
    sign(
        r"The current CMakeCache\.txt directory (?P<here>[^\n]{1,300}?) is different than the "
        r"directory "
        r"(?P<there>[^\n]{1,300}?) where CMakeCache\.txt was created",
        "{here} was made in {there}: the build directory was moved or copied after CMake had "
        "configured it.",
        command="cmake --fresh -B build",
    ),
    sign(
        r'The source "(?P<source>[^"\n]{1,300})" does not match the source '
        r'"(?P<old>[^"\n]{1,300})" used to generate cache',
        "The cache was made for the source {old}, and now {source} is to be built in it.",
        command="cmake --fresh -B build",
    ),
    sign(
        r"ninja: error: rebuilding 'build\.ninja': [^\n]*CMakeLists\.txt[^\n]* missing",
        "The source that build.ninja was made from is gone.",
        command="cmake --fresh -B build",
    ),
    looks_like="The current CMakeCache.txt directory … is different than the directory … where "
    "it was created",
    explanation="CMake writes absolute paths into its cache. A tree that was renamed, copied, checked in with its "
    "build directory or mounted elsewhere in a container can not go on with them; cleaning does not remove the "
    "cache.",
    fix="Remove the build directory (or CMakeCache.txt and CMakeFiles in it) and configure again; "
    "cmake --fresh does that from CMake 3.24 on.",
    links=(
        "https://github.com/EOSIO/eos/issues/4885",
        "https://github.com/oven-sh/bun/issues/1154",
        "https://github.com/goodtft/LCD-show/issues/137",
    ),
    explains=("cmake-no-source",),
)

CAUSE = also(CAUSE, lambda case: cache_moved(CAUSE, case))
