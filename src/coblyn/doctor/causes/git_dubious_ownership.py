"""Git refuses a tree that belongs to another user."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Severity

_BUILT = r"Configuring done|Built target|Successfully (?:built|installed)"

CAUSE = log_cause(
    "git-dubious-ownership",
    "Git refuses the tree because it belongs to another user",
    sign(
        r"detected dubious ownership in repository at '(?P<path>[^'\n]{1,300})'",
        "Git reads nothing from {path}, for another user owns it.",
        command="git config --global --add safe.directory {path}",
        unless=_BUILT,
    ),
    sign(
        r"detected dubious ownership in repository at '(?P<path>[^'\n]{1,300})'",
        "Git reads nothing from {path}, for another user owns it; the build went on without its "
        "number.",
        command="git config --global --add safe.directory {path}",
        severity=Severity.NOTE,
        also=_BUILT,
    ),
    looks_like="fatal: detected dubious ownership in repository at '…'",
    explanation="A git hook could run commands of whoever owns the tree, so git asks to be told that it is trusted. "
    "It is usual in containers with a mounted source tree, and with sudo.",
    fix="Tell git to trust this directory, or give the tree to the user who builds (chown).",
    links=(
        "https://github.com/php/doc-base/issues/261",
        "https://github.com/everoddandeven/monero-python/issues/7",
    ),
)
