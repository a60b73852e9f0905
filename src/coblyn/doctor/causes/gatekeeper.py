"""macOS does not let a downloaded program run."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

_CLEAR = "xattr -dr com.apple.quarantine ."

CAUSE = log_cause(
    "gatekeeper",
    "macOS keeps a downloaded program from running",
    sign(
        r"[\"](?P<name>[^\"\n]{1,80})[\"] is damaged and can't be opened",
        "macOS says that {name} is damaged; it is unsigned.",
        command=_CLEAR,
    ),
    sign(
        r"cannot be opened because (?:the developer cannot be verified|Apple cannot check it for "
        r"malicious software)",
        command=_CLEAR,
    ),
    sign(
        r"Apple could not verify [\"](?P<name>[^\"\n]{1,80})[\"] is free of malware",
        "macOS does not know {name}.",
        command=_CLEAR,
    ),
    sign(r"library load disallowed by system policy", command=_CLEAR),
    sign(
        r"code signature in [^\n]{1,300} not valid for use in process[^\n]{0,200}",
        "A library is signed by another than the program.",
        command="codesign --force --sign - path/to/library",
    ),
    sign(
        r"(?:code signature invalid|CODESIGNING[^\n]{0,60}Invalid Page|Taskgated Invalid Signature)",
        command="codesign --force --sign - path/to/program",
    ),
    looks_like="“koboldcpp-mac-arm64” is damaged and can't be opened; library load disallowed by "
    "system policy",
    explanation="macOS marks what a browser downloads, and refuses what is marked and not signed. A signature is "
    "also lost when a program is changed or stripped after linking.",
    fix="Take the mark away from the program's directory (or sign it again for this machine), "
    "and run it from the terminal.",
    links=("https://github.com/LostRuins/koboldcpp/issues/1310",),
    explains=("shared-library-missing",),
)
