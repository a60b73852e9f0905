"""A compiler, or its library, that does not know what the source is written in."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_NEWER = "sudo apt install gcc-12 g++-12 && CC=gcc-12 CXX=g++-12 cmake --fresh -B build"
_CXX17 = r"filesystem|charconv|optional|variant|string_view|any|memory_resource|execution"
_CXX20 = (
    r"span|concepts|ranges|format|bit|source_location|numbers|semaphore|barrier|latch|"
    r"expected|print"
)

CAUSE = log_cause(
    "compiler-too-old",
    "The compiler is too old for the source",
    sign(
        r"error: unrecogni[sz]ed (?:command[- ]line )?option '-?-std=(?P<standard>[\w+]{1,20})'",
        "The compiler does not know {standard}.",
        command=_NEWER,
    ),
    sign(
        r"error: invalid value '(?P<standard>(?:c|gnu)\+\+\w{1,5})' in '-std=",
        "The compiler does not know {standard}.",
        command=_NEWER,
    ),
    sign(
        r"(?:Target|target) \"[^\"\n]{1,80}\" requires the language dialect \"(?P<standard>\w{1,10})\" "
        r"[^\n]{0,10}\(?with compiler extensions\)?[^\n]{0,3} but CMake does not know",
        "The compiler does not know {standard}.",
        command=_NEWER,
    ),
    sign(
        rf"fatal error: '?(?P<header>{_CXX17}|{_CXX20})'?(?: file not found|: No such file)",
        "The compiler's library has no <{header}>.",
        command=_NEWER,
    ),
    sign(
        r"error: '(?P<name>from_chars|to_chars|filesystem|string_view|optional|variant|span|format|ranges|numbers"
        r"|source_location|bit_cast|jthread|erase_if|clamp|shared_mutex)' (?:is not a member of|in namespace) 'std",
        "std::{name} is newer than the compiler's library, or than the standard that it is set to.",
        command=_NEWER,
    ),
    sign(
        r"error: no (?:member|type|template) named '(?P<name>from_chars|to_chars|filesystem|"
        r"string_view|span|format|ranges|"
        r"source_location|bit_cast|jthread|erase_if)' in namespace 'std",
        "std::{name} is newer than the compiler's library, or than the standard that it is set to.",
        command=_NEWER,
    ),
    sign(
        r"implicit declaration of function '(?P<name>_mm(?:256|512)?_(?:set_m128\w*|storeu_si\d+|"
        r"loadu_si\d+|"
        r"cvtsi\w+|loadu2_\w+|dpbusd\w*|undefined_\w+))'",
        "The compiler's headers do not have {name}.",
        command=_NEWER,
        also=r"error:|\*\*\*",
    ),
    sign(
        r"error: (?:unknown type name|use of undeclared identifier) '(?P<name>sv(?:u?int|float|bool|bfloat)\d*_t"
        r"|__bf16|_Float16|bfloat16x\d_t|float16x8_t|int8x16x4_t)'",
        "The compiler does not know the type {name}.",
        command=_NEWER,
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"error: invalid initializer\s{1,3}(?:\d{1,6} )?\|? ?#define "
        r"(?P<macro>\w{1,60})\s{1,4}(?P<name>v(?:ld|st)1q?_\w{1,12}_x[234])",
        "The compiler's ARM headers do not have {name}: GCC has it from release 10 on.",
        command=_NEWER,
        unless=r"armv[67]|armeabi|-mfpu=|arm-linux-gnueabi",
    ),
    sign(
        r"error: (?:invalid initializer|incompatible types when (?:assigning|initializing)[^\n]{0,60}"
        r"'(?:u?int|poly|float)\d+x\d+x[234]_t)(?=[\s\S]{0,300}(?P<name>v(?:ld|st)1q?_\w{1,12}_x[234]))?",
        "The compiler's ARM headers do not have the loads of several vectors that the source uses.",
        command=_NEWER,
        also=r"v(?:ld|st)1q?_\w{1,12}_x[234]",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"error: (?:implicit declaration of function|use of undeclared identifier|call to undeclared function) "
        r"'(?P<name>_mm(?:256|512)?_\w{1,40}|v(?:ld|st)1q?_\w{1,12}_x[234]|vdotq_\w+|vmmlaq_\w+)'",
        "The compiler's headers do not have {name}.",
        command=_NEWER,
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"implicit declaration of function '(?P<name>vld1q_[su]8_x[24])'|'(?P<other>vld1q_[su]8_x[24])' was not "
        r"declared in this scope",
        "GCC has vld1q_s8_x4 and its like only since release 10.",
        command=_NEWER,
        also=r"error:|\*\*\*",
    ),
    sign(
        r"#error \"?(?:This (?:file|project|program|library|code) requires (?:compiler and "
        r"library support for|a|C\+\+))? ?"
        r"[^\n]{0,60}(?P<standard>(?:ISO )?C\+\+ ?(?:11|14|17|20|23|2011))",
        "The source asks for {standard}, and the compiler is not set to it.",
    ),
    sign(
        r"error: #error (?:You need|This requires|Requires|requires)? ?[^\n]{0,40}(?:GCC|gcc|g\+\+|clang|compiler) "
        r"(?:version )?(?:>=? ?)?(?P<version>\d[\d.]*)",
        "The source asks for release {version} of the compiler.",
    ),
    sign(
        r"CMake Error[^\n]{0,200} (?:GCC|GNU|Clang|clang|Compiler|"
        r"compiler)[^\n]{0,60}(?:version)? (?:must be at least|or "
        r"(?:newer|later|higher) is required|too old|at least)",
        "The project asks for a newer compiler.",
        command=_NEWER,
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"\bSTL1000\W{1,4}Unexpected compiler version, expected (?P<least>Clang [\d.]+\d) or newer",
        "Visual Studio's C++ headers ask for {least} or newer, and the clang that reads them is older.",
        text="Update LLVM (winget upgrade LLVM.LLVM), or install an older MSVC toolset beside and use its headers.",
    ),
    sign(
        r"\bSTL1001\W{1,4}Unexpected compiler version, expected (?P<least>MSVC [\d.]+\d)[^\n]{0,20} or newer",
        "The C++ headers are of a newer Visual Studio, {least} or later, than the compiler that reads them.",
        text="Build in the developer prompt of one Visual Studio, with INCLUDE and PATH of that one only, in a fresh "
        "build directory; and update Visual Studio.",
    ),
    looks_like="unrecognized command line option '-std=c++17'; 'filesystem' file not found; implicit declaration of "
    "function 'vld1q_s8_x4'",
    explanation="Each release of a compiler brings newer parts of the language, of its library and of the "
    "processors' intrinsics. Long-lived distributions (CentOS 7, Ubuntu 18.04, Jetson) come with old ones.",
    fix="Install a newer compiler (GCC 9 or clang 9 for C++17, GCC 11 or clang 14 for C++20) and choose it with CC "
    "and CXX, in a fresh build directory.",
    links=(
        "https://github.com/CVI-SZU/Linly/issues/59",
        "https://github.com/actions/runner-images/issues/10018",
    ),
    explains=("pip-build-failed",),
)
