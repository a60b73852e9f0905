"""Options that are meant for another linker."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "linker-option-unknown",
    "The linker does not know an option that it is given",
    sign(
        r"ld: unknown options?: (?P<option>-ld_classic|-ld64)\b",
        "This linker has no {option}: it is older than Xcode 15, or newer than the one that had it.",
        text="Take {option} out of LDFLAGS and of the makefile, or update Xcode.",
    ),
    sign(
        r"ld: unknown options?: (?P<option>-{1,2}[\w=.-]{1,80})",
        "Apple's linker does not know {option}, which is one of GNU ld's.",
    ),
    sign(
        r"ld(?:\.\w+)?(?:\.exe)?: unrecogni[sz]ed option '(?P<option>[^'\n]{1,100})'",
        "GNU ld does not know {option}.",
    ),
    sign(
        r"ld\.lld: error: unknown argument '(?P<option>[^'\n]{1,100})'",
        "LLD does not know {option}.",
    ),
    sign(
        r"ld(?:\.\w+)?: unrecogni[sz]ed (?:emulation mode|-a option)[: `']{1,3}(?P<option>[\w]{1,40})",
        "GNU ld was not built for {option}: it is the linker of another system.",
    ),
    sign(
        r"(?:collect2: fatal error: cannot find 'ld'|error: invalid linker name in '-fuse-ld=(?P<option>\w+)'|"
        r"error: invalid linker name in argument '-fuse-ld=(?P<name>\w+)')",
        "The linker that was asked for is not installed.",
        sure=Confidence.HIGH,
    ),
    looks_like="ld: unknown options: --version-script; ld: unknown option: -ld_classic",
    explanation="GNU ld, LLD, Apple's ld and Microsoft's link have options of their own. Flags for one of them were "
    "set for all (LDFLAGS in the environment, conda), or the compiler took another linker than the build "
    "expects (the first ld in PATH).",
    fix="Unset LDFLAGS, see with `which -a ld` that no foreign linker is first in PATH, and configure in a fresh build "
    "directory.",
    links=(
        "https://github.com/OpenFUSIONToolkit/OpenFUSIONToolkit/issues/12",
        "https://github.com/firebase/firebase-ios-sdk/issues/11818",
    ),
)
