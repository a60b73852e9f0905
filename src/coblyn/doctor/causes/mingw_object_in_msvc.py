"""A library of MinGW's gcc in a link of Microsoft's."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "mingw-object-in-msvc",
    "A library made by MinGW's gcc is linked by Visual Studio",
    sign(
        r"unresolved external symbol \"?(?:__imp_)?(?P<name>_{2,3}chkstk_ms|__mingw_\w{1,60}"
        r"|_{1,2}gxx_personality_\w{1,20}|_Unwind_\w{1,30}|__emutls_\w{1,30}|__udivmodti4|__divti3"
        r"|_{1,2}pei386_runtime_relocator)",
        "{name} is of gcc's own library, which Visual Studio does not have.",
    ),
    sign(
        r"(?:libcurl|libssl|libcrypto|libopenblas|libclblast|libzlib|libz)(?:\.dll)?\.a\b[^\n]{0,400}\bLNK\d{4}"
        r"|\bLNK(?:2019|2001)\b[^\n]{0,400}lib\w{1,40}\.a\(",
        "A .a file, which is of MinGW, is in a link of Visual Studio's.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"_LIBRARY\S{0,12}=\S{1,200}\.a\b(?=[\s\S]{0,200000}?\bLNK(?:2019|2001)\b)",
        "CMake was given a .a file, which is of MinGW, for a link of Visual Studio's.",
        sure=Confidence.MEDIUM,
    ),
    looks_like="error LNK2001: unresolved external symbol ___chkstk_ms",
    explanation="On Windows gcc's libraries (.a) and Visual Studio's (.lib) call helpers of their own compiler, and "
    "C++ in them does not fit together at all.",
    fix="Take the library for Visual Studio (vcpkg install <name>:x64-windows, and "
    "-DCMAKE_TOOLCHAIN_FILE=<vcpkg>/scripts/buildsystems/vcpkg.cmake), leave the feature out (-DLLAMA_CURL=OFF), or "
    "build everything with MinGW.",
    links=("https://github.com/ggml-org/llama.cpp/issues/13614",),
    explains=("undefined-symbol", "library-not-linked"),
)
