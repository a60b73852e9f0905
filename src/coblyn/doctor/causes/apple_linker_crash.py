"""Apple's linker, stopped by an assertion of its own."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

_CLASSIC = "make clean && make LDFLAGS=-Wl,-ld_classic"

CAUSE = log_cause(
    "apple-linker-crash",
    "Apple's linker crashed",
    sign(
        r"^[ \t]*(?:ld: )?Assertion failed: \((?P<what>[^\n]{1,200})\), function \w+, file "
        r"(?:Relocations|Fixup|Layout\w*|AtomFile\w*|InputFiles|SliceParser|macho_\w+|"
        r"ld)\w*\.c(?:pp)?",
        "The linker gave up: {what}.",
        command=_CLASSIC,
    ),
    sign(
        r"^[ \t]*ld: Assertion failed: \((?P<what>[^\n]{1,200})",
        "The linker gave up: {what}",
        command=_CLASSIC,
    ),
    sign(
        r"^[ \t]*\d+ +0x[0-9a-f]+ +ld::\w+",
        "The linker wrote where it crashed.",
        command=_CLASSIC,
        also=r"__assert_rtn|unable to execute command: (?:Abort|Segmentation)",
    ),
    looks_like="ld: Assertion failed: (resultIndex < sectData.atoms.size()), function findAtom, file Relocations.cpp",
    explanation="The linker that Xcode 15 brought crashes on some objects, often on those of Homebrew's GCC. "
    "Nothing is wrong with the sources.",
    fix="Update Xcode or its command line tools; until then use the older linker with -Wl,-ld_classic (CMake: "
    "-DCMAKE_EXE_LINKER_FLAGS and -DCMAKE_SHARED_LINKER_FLAGS), or Apple's own clang in place of GCC.",
    links=(
        "https://github.com/Homebrew/homebrew-core/issues/145991",
        "https://github.com/LostRuins/koboldcpp/issues/509",
        "https://github.com/OpenFUSIONToolkit/OpenFUSIONToolkit/issues/12",
    ),
)
