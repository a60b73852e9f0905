"""Sources that a newer compiler no longer compiles, since it includes less by itself."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "missing-include",
    "The source lacks an #include that older compilers did not ask for",
    sign(
        r"note: '(?P<name>[^'\n]{1,80})' is defined in header '<(?P<header>[\w.]{1,40})>'; (?:did you forget to"
        r"|this is probably fixable by adding) '#include",
        "{name} is in <{header}>, which the source does not include.",
        also=r"error: ",
        text="Compile with CXXFLAGS='-include {header}', or put #include <{header}> into the source.",
    ),
    sign(
        r"error: '(?P<name>u?int(?:8|16|32|64)_t|uintptr_t|intptr_t)' (?:does not name a type|was not declared "
        r"in this scope|"
        r"has not been declared)",
        "{name} is in <cstdint>, which the source does not include.",
        text="Compile with CXXFLAGS='-include cstdint', or put #include <cstdint> into the source.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"error: (?:unknown type name|no type named) '(?P<name>u?int(?:8|16|32|64)_t)'",
        "{name} is in <cstdint>, which the source does not include.",
        text="Compile with CXXFLAGS='-include cstdint', or put #include <cstdint> into the source.",
        sure=Confidence.MEDIUM,
    ),
    looks_like="note: 'uint32_t' is defined in header '<cstdint>'; did you forget to '#include <cstdint>'?",
    explanation="The headers of the C++ library include each other less with each release (GCC 11, 13 and 15 above "
    "all), so that a source which took something from one by luck does not compile any more.",
    fix="Update the sources: newer releases of the project have the include. Until then give it on the command line.",
    links=("https://github.com/OSGeo/gdal/pull/6915", "https://github.com/TES3MP/TES3MP/pull/674"),
    explains=("pip-build-failed",),
)
