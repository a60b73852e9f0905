"""A C function that is called as a C++ function, or the other way round."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

# Functions of libraries that are written in C, and have no functions of C++ with such names.
_C = (
    r"(?:(?:sqlite3|curl(?:_easy|_global|_multi)?|cblas|LAPACKE|SDL|av|avcodec|avformat|sws|swr|png|jpeg|lua|luaL|uv"
    r"|zmq|opus|ogg|vorbis|FT|gzip|BZ2|lzma|ZSTD|LZ4|X?Open|cJSON|yaml|libusb|snd_pcm|Pa|xml|event)_\w{2,60}"
    r"|X(?:Open|Close|Create|Map)\w{2,40}|(?:in|de)flate(?:Init2?_|End|Reset)?|crc32|adler32|gz(?:open|read|close)"
    r"|dlopen|dlsym|pthread_\w{2,40})"
)

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
    sign(
        rf"undefined (?:reference to [`'\"]|symbol: )(?P<name>{_C}\([^)\n]{{0,300}}\))",
        "{name} is asked for with the types of its arguments, as a function of C++; it is one of a C library, whose "
        "symbol is its name alone.",
    ),
    sign(
        rf"(?:unresolved external symbol \"[^\"\n]{{1,60}}\b|^[ ]+\")(?P<name>{_C}\([^)\n]{{0,300}}\))",
        "{name} is asked for with the types of its arguments, as a function of C++; it is one of a C library, whose "
        "symbol is its name alone.",
    ),
    looks_like='>>> did you mean: extern "C" engine_init',
    explanation="C++ puts the types of its arguments into a function's symbol, C does not. A "
    'header of C that is included from C++ without extern "C" makes the compiler ask for a name that does not exist.',
    fix='Put extern "C" { } around the #include, or into the header inside #ifdef __cplusplus.',
    links=(
        "https://github.com/XKCP/XKCP/issues/108",
        "https://github.com/orangeduck/mpc/issues/26",
    ),
    explains=("undefined-symbol", "library-not-linked", "library-order", "stale-objects"),
)
