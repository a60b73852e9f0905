"""A shared library that asks for a symbol which the archive keeps to itself."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "symbol-hidden",
    "A shared library of the link needs a symbol that another file hides",
    sign(
        r"hidden symbol [`'](?P<name>(?:__cpu_\w+|__sfp_\w+|__[a-z]\w+|atexit))' in (?P<file>[^\n]{1,200}(?:libgcc|"
        r"libc_nonshared)[^\n]{0,80}) is referenced by DSO",
        "{name} is in the compiler's or the C library's own archive, {file}, for each program by itself, and a shared "
        "library of this link counts on finding it elsewhere.",
        text="That library was linked by another compiler, or with ld in place of gcc. Link it again with g++ (or "
        "add -lgcc_s to the link), with the same GCC as the rest.",
    ),
    sign(
        r"(?:hidden|non-exported|internal) symbol [`'](?P<name>[^'\n]{1,200})' in [`']?(?P<file>[^'\n]{1,300}?)'? "
        r"is referenced by DSO(?: '(?P<by>[^'\n]{1,300})')?",
        "{name} is in {file}, which hides it, and a shared library {by} of the link asks for it.",
    ),
    looks_like="ld: main: hidden symbol `__cpu_model' in libgcc.a(cpuinfo.o) is referenced by DSO",
    explanation="A symbol compiled with hidden visibility is for the file that it is linked into alone. A static "
    "library that is in the program, and that a shared library of the program uses too, looks so.",
    fix="Link the static library into the shared one too (or use its shared form for both), or build it without "
    "-fvisibility=hidden; clear what was built with other settings.",
    links=(
        "https://github.com/VisionLabs/FaceEngineExamples/issues/36",
        "https://github.com/openvstorage/volumedriver/issues/72",
        "https://github.com/j256/dmalloc/issues/116",
    ),
    explains=("undefined-symbol",),
)
