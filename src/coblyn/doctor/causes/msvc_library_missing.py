"""Microsoft's linker finds no library of a name."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "msvc-library-missing",
    "Microsoft's linker does not find a library",
    sign(
        r"LNK1(?:104|181): cannot open (?:input )?file ['\"](?P<name>(?:kernel32|user32|ucrtd?|"
        r"msvcrtd?|libcmtd?|uuid|msvcprtd?|libcpmtd?|gdi32|"
        r"advapi32|oldnames|vcruntimed?)\.lib)['\"]",
        "{name} belongs to the Windows SDK or the compiler, and LIB does not lead there.",
        text="Build in the “x64 Native Tools Command Prompt” of Visual Studio, or install the "
        "Windows SDK with the C++ workload.",
    ),
    sign(
        r"LNK1(?:104|181): cannot open (?:input )?file ['\"](?P<name>python3\w*\.lib)['\"]",
        "{name} is the import library of Python, which some distributions of Python lack or keep "
        "elsewhere.",
        text="Use Python from python.org (with its “libs” directory), not the embeddable one.",
    ),
    sign(
        r"LNK1(?:104|181): cannot open (?:input )?file ['\"](?P<name>[^'\"\n]{1,200}\.(?:lib|"
        r"obj))['\"]",
        "The linker finds no {name}.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"lld-link: error: could not open '(?P<name>[^'\n]{1,200}\.lib)'",
        "The linker finds no {name}.",
        sure=Confidence.MEDIUM,
    ),
    looks_like="LINK : fatal error LNK1181: cannot open input file 'cublas.lib'",
    explanation="The linker looks in the directories of LIB and of /LIBPATH. The library is not installed, not "
    "built yet, or built in another configuration (Debug, Release).",
    fix="Install or build that library, or say where it is (-DCMAKE_PREFIX_PATH=…); build all of one configuration: "
    "cmake --build build --config Release.",
    links=("https://github.com/TheAudioProgrammer/BeginnerBookAudioProgramming/issues/9",),
)
