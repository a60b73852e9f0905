"""A project that refuses to be built as it was asked to, in words of its own."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

# CMake's own modules speak in the same form; what they say is other causes' matter.
_OWN = (
    r"CMake Error at (?![^\n]{0,300}(?:/share/cmake|/Modules/|\\Modules\\|\.cmake-"
    r"|_deps/))(?P<at>[^\s:]{1,200}:\d+) \(message\): "
)
_ONLY = r"[^\n]{0,200}?"

CAUSE = log_cause(
    "project-refusal",
    "The project itself refuses this compiler, machine or setting",
    sign(
        _OWN
        + rf"(?P<said>{_ONLY}(?:(?i:(?:only|requires?|needs?|must be|use)) [^\n]{{0,40}}\b[Cc]lang\b(?!-?cl)"
        rf"|\b[Cc]lang only\b"
        rf"|\b(?:GCC|gcc|GNU|MSVC)\b[^\n]{{0,60}}(?:not supported|unsupported))[^\n]{{0,200}})",
        "{at} refuses this compiler: “{said}”",
        command="cmake --fresh -B build -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++",
        text="Install clang, and configure in a fresh build directory with it.",
    ),
    sign(
        _OWN
        + rf"(?P<said>{_ONLY}(?:(?i:(?:only|requires?|needs?|must be|use)) [^\n]{{0,40}}\b(?:GCC|gcc|GNU|g\+\+)"
        rf"|\b(?:GCC|gcc|GNU) only\b"
        rf"|\b(?:Clang|clang|MSVC)\b[^\n]{{0,60}}(?:not supported|unsupported))[^\n]{{0,200}})",
        "{at} refuses this compiler: “{said}”",
        command="cmake --fresh -B build -DCMAKE_C_COMPILER=gcc -DCMAKE_CXX_COMPILER=g++",
        text="Install GCC, and configure in a fresh build directory with it.",
    ),
    sign(
        _OWN + r"(?!Error generating|Failed to |Could not "
        r"|Could NOT )(?P<said>[^\n]{2,300}(?:\n[ ]{2}\S[^\n]{1,200}){0,3})",
        "{at} stops the build in the project's own words: “{said}”",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"^(?P<at>[^\s:][^:\n]{0,200}:\d+)(?::\d+)?: (?:fatal )?error: #error \"?(?P<said>[^\n\"]{3,200})",
        "{at} stops the build in the project's own words: “{said}”",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"^(?P<at>[^\s:][^:\n]{0,200}:\d+)(?::\d+)?: (?:fatal )?error: \"(?P<said>[^\n\"]{3,200})\"\s*\n"
        r"[ \t]*(?:\d+ )?\|?[ \t]*#[ \t]*error",
        "{at} stops the build in the project's own words: “{said}”",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"^(?P<at>[^\s(][^(\n]{0,200}\(\d+(?:,\d+)?\)) ?: fatal error C1189: #error: +(?P<said>[^\n]{3,200})",
        "{at} stops the build in the project's own words: “{said}”",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"^(?P<at>(?:[\w./\\-]{0,200}[/\\])?(?:[Mm]akefile\S{0,40}|[\w.-]+\.mk):\d+): \*\*\* (?!missing"
        r"|multiple|commands|recipe"
        r"|unterminated|Recursive|target|mixed|empty|insufficient|missing)(?P<said>[^\n]{3,300}?)\.[ ]+Stop\.",
        "{at} stops the build in the project's own words: “{said}”",
        sure=Confidence.MEDIUM,
    ),
    looks_like='CMake Error at CMakeLists.txt:12 (message): This project builds with Clang only.; #error "…"',
    explanation="A check that the project's authors have written fails: nothing is broken, but what was asked for is "
    "not supported, or must be asked for in another way.",
    fix="Do what the words ask for; the line named there shows the condition. Configure in a fresh build directory "
    "afterwards, since CMake keeps the compiler that it found first.",
    links=(
        "https://github.com/GrinPlusPlus/GrinPlusPlus/issues/210",
        "https://github.com/ad-freiburg/qlever/pull/988",
    ),
    explains=("pip-build-failed",),
    is_last=True,
)
