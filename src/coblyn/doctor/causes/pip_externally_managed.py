"""A system's own Python that pip may not change."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "pip-externally-managed",
    "This Python belongs to the system, and pip may not install into it",
    sign(
        r"externally-managed-environment",
        command="python3 -m venv .venv && . .venv/bin/activate",
        also=r"error: externally-managed-environment|This environment is externally managed",
    ),
    looks_like="error: externally-managed-environment",
    explanation="Debian 12, Ubuntu 23.04, Fedora, Arch and Homebrew keep pip out of their own "
    "Python, since it could break the system.",
    fix="Install into a virtual environment, and use its pip.",
    links=(
        "https://github.com/meta-llama/llama-models/issues/301",
        "https://github.com/vllm-project/vllm/issues/21677",
    ),
    explains=("pip-build-failed",),
)
