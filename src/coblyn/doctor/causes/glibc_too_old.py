"""A program built on a newer system than the one that runs it."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "glibc-too-old",
    "It was built on a newer Linux than this one",
    sign(
        r"(?P<path>/[^\s:]{0,300}lib(?:c|m|pthread|dl|mvec)\.so\.\d): version "
        r"[`']?(?P<version>GLIBC_[\d.]+)'? not found",
        "{version} is asked for, and this system's C library ({path}) is older.",
        command="pip install --no-binary llama-cpp-python --no-cache-dir --force-reinstall "
        "llama-cpp-python",
    ),
    sign(
        r"version [`']?(?P<version>GLIBC_[\d.]+)'? not found",
        "{version} is asked for, and this system's C library is older.",
    ),
    looks_like="libc.so.6: version `GLIBC_2.32' not found (required by …/libllama.so)",
    explanation="A program runs on the C library that it was built with and newer ones. That library is the system; "
    "it can not be updated by itself.",
    fix="Build on this system itself, use a wheel or release for older systems, or a container "
    "with a newer one. Never copy a libc.so.6.",
    links=("https://github.com/abetlen/llama-cpp-python/issues/1840",),
    explains=(
        "shared-library-missing",
        "llama-library-missing",
    ),
)
