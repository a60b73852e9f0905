"""Files from the future, which make takes for new for ever."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence, Severity

CAUSE = log_cause(
    "clock-skew",
    "Files are newer than the clock says",
    sign(
        r"[Ww]arning: [Ff]ile [`'](?P<file>[^'\n]{1,200})' has modification time (?:[1-9]\d{2,}"
        r"|\d+e\+\d+)(?:\.\d+)? s in the future",
        "{file} was written at a time that has not come yet.",
        sure=Confidence.MEDIUM,
        severity=Severity.RISK,
        also=r"\*\*\*",
    ),
    sign(
        r"[Ww]arning: +Clock skew detected\. +Your build may be incomplete",
        sure=Confidence.LOW,
        severity=Severity.NOTE,
    ),
    looks_like="make: warning: Clock skew detected. Your build may be incomplete.",
    explanation="make compares times: with a clock that goes wrong (WSL after sleep, a network disk, a container, an "
    "unpacked archive) it takes old objects for new ones, or builds the same again and again.",
    fix="Set the clock (WSL: wsl --shutdown), then touch all files and build again: find . -type f -exec touch {} +",
    links=(
        "https://github.com/microsoft/WSL/issues/4975",
        "https://github.com/libkrun/libkrun/issues/80",
    ),
)
