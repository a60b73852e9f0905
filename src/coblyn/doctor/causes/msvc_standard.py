"""Microsoft's compiler is set to, or is of, an older C++ than the source."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "msvc-standard",
    "The source needs a newer C++ than the compiler is set to",
    sign(
        r"error C(?:2429|7555|7525|7582)[^\n]{0,200} requires (?:at least )?(?:compiler flag "
        r")?'?/std:(?P<standard>c\+\+\w+)'?",
        "The source needs /std:{standard}.",
        command="cmake --fresh -B build -DCMAKE_CXX_STANDARD=17",
    ),
    sign(
        r"error C1189: #error: [^\n]{0,40}(?:C\+\+(?P<standard>\d\d)|C\+\+ ?(?:1[147]|20)) (?:or "
        r"(?:later|newer|better)|compatible compiler|compiler)[^\n]{0,60}",
        "The source asks for C++{standard}.",
    ),
    sign(
        r"error C2039: '(?P<name>filesystem|string_view|optional|variant|clamp|any)': is not a "
        r"member of 'std'",
        "std::{name} is of C++17.",
        command="cmake --fresh -B build -DCMAKE_CXX_STANDARD=17",
    ),
    sign(
        r"STL1005|The contents of <(?P<name>\w+)> are available only with "
        r"C\+\+(?P<standard>\d\d) or later",
        "<{name}> is of C++{standard}.",
        also=r"error C\d{4}",
        sure=Confidence.MEDIUM,
    ),
    looks_like="error C2429: language feature 'nested-namespace-definition' requires compiler "
    "flag '/std:c++17'",
    explanation="Visual Studio compiles as C++14 unless told otherwise, and Visual Studio 2015 "
    "knows no more.",
    fix="Configure with -DCMAKE_CXX_STANDARD=17 (or what is asked for), with Visual Studio 2019 "
    "or later.",
    links=("https://github.com/PanosK92/SpartanEngine/issues/7",),
    explains=("pip-build-failed",),
)
