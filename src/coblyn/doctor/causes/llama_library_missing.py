"""The Python package is there without its native library."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "llama-library-missing",
    "The Python package was installed without its native library",
    sign(
        r"Shared library with base name '(?P<name>\w+)' not found",
        "{name} is in none of the places where the package looks.",
        command="pip install --force-reinstall --no-cache-dir --verbose llama-cpp-python",
    ),
    looks_like="FileNotFoundError: Shared library with base name 'llama' not found",
    explanation="Python imported the package from its source directory (the current one comes first), or the build "
    "did not put the library beside it.",
    fix="Leave the source directory, or install again and look at the build's output.",
    links=(
        "https://github.com/abetlen/llama-cpp-python/issues/568",
        "https://github.com/abetlen/llama-cpp-python/issues/1764",
        "https://github.com/abetlen/llama-cpp-python/issues/739",
    ),
)
