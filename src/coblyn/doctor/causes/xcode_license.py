"""Xcode's license, which every tool of it asks for first."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "xcode-license",
    "Xcode's license has not been accepted",
    sign(
        r"You have not agreed to the Xcode license agreements?"
        r"|Agreeing to the Xcode/iOS license requires admin privileges",
        command="sudo xcodebuild -license accept",
    ),
    looks_like="You have not agreed to the Xcode license agreements.",
    explanation="After Xcode is installed or updated, its compiler, make and git refuse to run until the license is "
    "accepted once.",
    fix="Accept the license, then build again.",
    links=(),
)
