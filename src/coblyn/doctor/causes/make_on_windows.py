"""GNU make on Windows, without the shell and the programs that a makefile counts on."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_CC = r"(?P<name>(?:cc|gcc|g\+\+|c\+\+|clang|clang\+\+|[\w-]+-(?:gcc|g\+\+))(?:\.exe)?)"
_UNIX = r"(?P<name>rm|uname|mkdir -p|cp|mv|touch|cat|sed|awk|grep|test|which|find|ar|true|sh|head|expr|install)"
_CC_TEXT = (
    "Install w64devkit, start its own terminal (w64devkit.exe) and run make there; with another MinGW put its bin "
    "directory on PATH and name the compiler: make CC=gcc CXX=g++."
)

_UNIX_TEXT = (
    "Run make in a terminal that has the programs of Unix: w64devkit's own, or MSYS2's “UCRT64”; what else the build "
    "runs (CMake) must be installed and on PATH."
)

CAUSE = log_cause(
    "make-on-windows",
    "make runs on Windows without what the makefile counts on",
    sign(
        r"process_begin: CreateProcess\([A-Za-z]:\\[^,\n]{0,100}, [A-Za-z]:[\\/](?:(?!\.exe)[^,\n\" ]){0,100}[ ]"
        r"(?:(?!\.exe)[^,\n\"]){0,100}\.exe[^\n]{0,3000} failed\.",
        "make starts its shell by a path with a space in it, and Windows takes what is before the space for the "
        "program.",
        text="Move the tools (w64devkit, MSYS2) and the sources to directories without spaces in their names, such as "
        "C:\\w64devkit and C:\\src.",
    ),
    sign(
        rf"process_begin: CreateProcess\(NULL, {_CC} [^\n]{{0,3000}} failed\.",
        "make starts the compiler {name}, and there is no such program on PATH.",
        text=_CC_TEXT,
    ),
    sign(
        r"process_begin: CreateProcess\(NULL, (?P<name>[\w./\\+-]{1,80})[ ,)][^\n]{0,3000} failed\. "
        r"(?:mingw32-)?make(?:\.exe)?(?:\[\d+\])? \(e=2\)",
        "make starts {name}, and there is no such program on PATH.",
        text=_UNIX_TEXT,
    ),
    sign(
        r"process_begin: CreateProcess\(NULL, (?P<name>[\w./\\+-]{1,80})[ ,)][^\n]{0,3000} failed\.",
        "make starts {name}, and there is no such program on PATH.",
        text=_UNIX_TEXT,
        also=r"make(?:\.exe)? \(e=2\)|\*\*\* ",
        sure=Confidence.MEDIUM,
    ),
    sign(
        rf"'{_CC}' is not recognized as an internal or external command",
        "make starts the compiler {name}, and there is no such program on PATH.",
        text=_CC_TEXT,
        also=r"(?m)^\s*(?:mingw32-|\S*[\\/])?g?make(?:\.exe)?(?:\[\d+\])?: ",
    ),
    sign(
        rf"'{_UNIX}' is not recognized as an internal or external command",
        "The makefile runs {name}, a program of Unix, which Windows does not have.",
        text=_UNIX_TEXT,
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"(?P<name>cc|gcc|g\+\+|c\+\+)(?:\.exe)?: (?:fatal )?error: cannot execute '(?P<part>\w{1,20})': "
        r"CreateProcess",
        "{name} is there, and can not start its own part {part}: it was moved out of its directory, only a part of it "
        "is on PATH, or a virus scanner took {part}.exe away.",
        text="Unpack w64devkit (or MinGW) again as a whole, in a directory without spaces, and use its own terminal; "
        "look into the virus scanner's quarantine.",
    ),
    sign(
        r"make(?:\.exe)?(?:\[\d+\])?: (?P<name>cc|gcc|g\+\+|c\+\+|clang): (?:Command not found|No such file "
        r"or directory)",
        "make starts the compiler {name}, and there is no such program on PATH.",
        text=_CC_TEXT,
        also=r"Windows_NT|MINGW(?:32|64)_NT|MSYS_NT|w64devkit|^[A-Z]:[\\/][^\n]{0,200}[>$#] ?make",
    ),
    looks_like="process_begin: CreateProcess(NULL, cc -O3 -c ggml.c -o ggml.o, ...) failed.; make (e=2): The system "
    "cannot find the file specified.",
    explanation="A makefile for Unix runs a Unix shell, uname, rm and a compiler called cc. make.exe alone brings "
    "none of them, and Windows' own shell has others.",
    fix="Install w64devkit, start its own terminal, and run make there; or build with CMake and Visual Studio.",
    links=(
        "https://github.com/LostRuins/koboldcpp/issues/74",
        "https://github.com/ggml-org/llama.cpp/issues/5171",
        "https://github.com/skeeto/w64devkit/issues/110",
        "https://github.com/solokeys/solo1/issues/467",
    ),
    explains=("compiler-missing", "tool-missing", "no-rule-to-make"),
)
