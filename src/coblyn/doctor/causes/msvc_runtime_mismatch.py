"""Objects of different C runtimes or toolsets in one link, with Microsoft's tools."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "msvc-runtime-mismatch",
    "Objects of different Visual Studio settings are linked together",
    sign(
        r"(?P<who>[^\s(]{1,120})\(?[^\n)]{0,120}\)? : error LNK2038: mismatch detected for '(?P<what>\w{1,60})': "
        r"value '(?P<one>[^'\n]{1,60})' doesn't match value '(?P<other>[^'\n]{1,60})'(?: in (?P<where>\S{1,120}))?",
        "{who} was built with {what} {one}, and {where} with {other}.",
    ),
    sign(
        r"error LNK2038: mismatch detected for '(?P<what>\w{1,60})'",
        "Objects with different {what} are linked together.",
    ),
    sign(
        r"unresolved external symbol (?P<name>__std_(?:search|find|min|max|count|mismatch|remove|"
        r"replace|reverse|swap|rotate|unique|includes|regex|"
        r"bitset|is_sorted|init)\w{0,60})",
        "{name} belongs to the C++ library of a newer Visual Studio than the one that links.",
        text="Build all of it with one Visual Studio, the newest of those in use: a newer one links what older ones "
        "(2015 and later) have compiled, but not the other way round.",
    ),
    sign(
        r"LNK4098: defaultlib '(?P<name>\w{1,20})' conflicts with use of other libs",
        "{name} is pulled in beside another C runtime.",
        also=r"LNK2005|LNK1169|LNK1120",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"(?:LIBCMTD?|MSVCRTD?|libcpmtd?|msvcprtd?|libucrtd?|ucrtd?|libvcruntimed?)\.lib\([^)\n]{1,120}\) : "
        r"error LNK2005",
        "Two C or C++ runtimes are in the link: what was compiled with /MT and with /MD, or for Debug and Release.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"error LNK2005: [^\n]{1,400} already defined in "
        r"(?P<name>(?i:libcmtd?|msvcrtd?|libcpmtd?|msvcprtd?|libucrtd?|ucrtd?)\.lib)",
        "{name} is in the link beside another C or C++ runtime: parts were compiled with /MT and with /MD, or for "
        "Debug and Release.",
        sure=Confidence.MEDIUM,
    ),
    # Visual Studio speaks the language of its Windows; the numbers and the names stay.
    sign(
        r"error LNK2038: [^\n]{1,200}(?:RuntimeLibrary|_ITERATOR_DEBUG_LEVEL|_MSC_VER)",
        "The linker names a setting in which the objects differ.",
    ),
    looks_like="error LNK2038: mismatch detected for 'RuntimeLibrary': value 'MT_StaticRelease' "
    "doesn't match value 'MD_DynamicRelease'",
    explanation="The C runtime (/MT, /MD), the debug level of the iterators and the toolset must be the same for "
    "all that is linked into one program.",
    fix="Build all parts with the same -DCMAKE_MSVC_RUNTIME_LIBRARY and the same configuration "
    "(Release or Debug), and clean what is older.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/2034",
        "https://github.com/aseprite/aseprite/issues/2645",
        "https://github.com/mlc-ai/mlc-llm/issues/999",
    ),
    explains=(
        "undefined-symbol",
        "duplicate-symbols",
    ),
)
