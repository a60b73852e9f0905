"""A C function that is called as a C++ function, or the other way round."""

from __future__ import annotations

from coblyn.native.doctor.causes._sign import log_cause, sign
from coblyn.native.doctor.finding import Confidence

CAUSE = log_cause(
    "extern-c-missing",
    'A C function is declared without extern "C"',
    sign(
        r">>> did you mean(?: to declare)?:? (?:extern \"C\" (?P<name>\w{1,200})|[^\n]{1,300} as "
        r"extern \"C\"\?)",
        "The linker sees the function under its C name only.",
    ),
    sign(
        r"\"(?P<name>[^\"\n]{1,300}\([^\"\n]{0,300}\))\", referenced from:[^\"]{1,2000}?\(maybe "
        r"you meant: _\w{1,200}\)",
        "{name} is asked for as a function of C++, and the linker sees one of C with that name.",
        sure=Confidence.MEDIUM,
    ),
    looks_like='>>> did you mean: extern "C" engine_init',
    explanation="C++ puts the types of its arguments into a function's symbol, C does not. A "
    'header of C that is included from C++ without extern "C" makes the compiler ask for a name that does not exist.',
    fix='Put extern "C" { } around the #include, or into the header inside #ifdef __cplusplus.',
    links=(
        "https://github.com/XKCP/XKCP/issues/108",
        "https://github.com/orangeduck/mpc/issues/26",
    ),
    explains=("undefined-symbol",),
)
