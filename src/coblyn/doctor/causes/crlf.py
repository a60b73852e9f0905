"""Scripts with Windows' line ends."""

from __future__ import annotations

from coblyn.doctor.causes._checkout import script_of_windows
from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.causes._tree import also

_GIT = "git config core.autocrlf input && git rm -r --cached -q . && git reset --hard"

CAUSE = log_cause(
    "crlf",
    "A script has the line ends of Windows",
    sign(r"\$'[^'\n]{0,100}\\r': command not found", command=_GIT),
    sign(r"env: (?:'|`)?(?P<name>\w+)(?:\\r|\^M)'?: No such file or directory", command=_GIT),
    sign(r"bad interpreter: (?P<name>[^\s^]{1,80})\^M: ", command=_GIT),
    sign(r"(?P<name>/\S{1,60})\^M: (?:bad interpreter|not found)", command=_GIT),
    sign(r"syntax error near unexpected token [`']\$'(?:\w*\\r)+'", command=_GIT),
    looks_like="$'\\r': command not found; env: 'bash\\r': No such file or directory",
    explanation="The files were checked out or edited on Windows, where a line ends with two characters; a shell on "
    "Linux, WSL, or in a container takes the first for a part of the line.",
    fix="Check the tree out again with Unix line ends (git config core.autocrlf input), or convert the file: "
    "sed -i 's/\\r$//' FILE.",
    links=(
        "https://github.com/nodenv/nodenv/issues/55",
        "https://github.com/Hypertopic/HyperGlosae/issues/202",
    ),
)

CAUSE = also(CAUSE, lambda case: script_of_windows(CAUSE, case))
