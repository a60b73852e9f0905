"""A program loads another version of its own library."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "shared-library-outdated",
    "The program loads another version of its library than it was built with",
    sign(
        r"symbol lookup error: (?P<who>[^\s:]{1,200}): undefined symbol: (?P<name>[\w@.]{1,200})",
        "{who} looks for {name}, which the library that was loaded does not have.",
        command="ldd {who}",
    ),
    sign(
        r"AttributeError: (?P<who>[^\s:]{1,300}): undefined symbol: "
        r"(?P<name>(?:llama|ggml|mtmd|gguf|llava|whisper)_\w{1,100})",
        "Python looks for {name}, which {who} does not have.",
        command="pip install --force-reinstall --no-cache-dir llama-cpp-python",
    ),
    sign(
        r"AttributeError: function '(?P<name>(?:llama|ggml|mtmd|gguf|llava|whisper)_\w{1,100})' "
        r"not found",
        "Python looks for {name}, which the library does not have.",
        command="pip install --force-reinstall --no-cache-dir llama-cpp-python",
    ),
    sign(
        r"(?:CANNOT LINK EXECUTABLE|dlopen failed)[^\n]{0,300}cannot locate symbol \"(?P<name>[^\"\n]{1,200})\" "
        r"referenced by \"(?P<who>[^\"\n]{1,200})\"",
        "{who} looks for {name}, which the libraries that Android loaded do not have.",
        text="In Termux bring all packages to one state (pkg upgrade) and build again; do not mix the system's "
        "libraries (/system, /vendor in LD_LIBRARY_PATH) with Termux's. For an app, build for the level of the "
        "device's Android (minSdk) and pack the libraries of one build.",
    ),
    sign(
        r"OSError: (?P<who>[^\s:]{1,300}): undefined symbol: "
        r"(?P<name>(?:llama|ggml|gguf|mtmd)_\w{1,100})",
        "{who} looks for {name}, which the libraries that were loaded do not have.",
    ),
    sign(
        r"dyld\[\d+\]: Symbol not found: _(?P<name>(?:llama|ggml|gguf|mtmd)_\w{1,100})",
        "The program looks for {name}, which the library that was loaded does not have.",
    ),
    sign(
        r"dyld\[\d+\]: Symbol not found: (?P<name>\S{1,120})",
        "The program looks for {name}, which the library that was loaded does not have.",
        sure=Confidence.MEDIUM,
    ),
    looks_like="./llama-server: symbol lookup error: ./llama-server: undefined symbol: "
    "mtmd_get_cap_from_file",
    explanation="The system finds a library of the right name and of another version: an older one in "
    "/usr/local/lib, one that LD_LIBRARY_PATH or LLAMA_CPP_LIB leads to, or one of an earlier build.",
    fix="See which one is loaded (ldd, otool -L), remove the old one or the variable that leads "
    "to it, and run sudo ldconfig.",
    links=(
        "https://github.com/abetlen/llama-cpp-python/issues/479",
        "https://github.com/abetlen/llama-cpp-python/issues/509",
    ),
    explains=("undefined-symbol", "ggml-not-linked"),
)
