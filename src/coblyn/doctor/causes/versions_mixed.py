"""Sources and headers of ggml, llama.cpp or another library that are of different releases."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_NAME = r"(?P<name>_?(?:ggml|gguf|llama|whisper|clip|llava|mtmd|GGML|LLAMA|LLM)_\w{1,80})"
_STORY = "{name} is not in the headers that the compiler found: they are of another release than the source."

CAUSE = log_cause(
    "versions-mixed",
    "Source and headers are of different releases",
    sign(
        rf"error: (?:use of undeclared identifier|unknown type name|call to undeclared function) '{_NAME}'",
        _STORY,
        sure=Confidence.MEDIUM,
    ),
    sign(rf"error: '{_NAME}' (?:was not declared in this scope|undeclared|has not been declared|does not name a type)",
         _STORY, sure=Confidence.MEDIUM),
    sign(rf'error: identifier "{_NAME}" is undefined', _STORY, sure=Confidence.MEDIUM),
    sign(rf"error: implicit declaration of function '{_NAME}'", _STORY, sure=Confidence.MEDIUM),
    sign(
        r"error: no member named '(?P<name>\w{1,80})' in '(?:struct )?(?P<type>(?:ggml|llama|gguf|whisper|"
        r"mtmd)_\w{1,60})'",
        "The source uses {name} of {type}, which the header that the compiler found does not have.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"error: '(?:const )?(?:struct |class )?(?P<type>(?:ggml|llama|gguf|whisper|mtmd)_\w{1,60})' has no member "
        r"named '(?P<name>\w{1,80})'",
        "The source uses {name} of {type}, which the header that the compiler found does not have.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"error: (?:too (?:few|many) arguments to function|no matching function for call to|cannot convert "
        r"[^\n]{1,200} in (?:assignment|initialization|call) [^\n]{0,40}) ?'(?:[\w*: ]{1,60} )?(?P<name>(?:ggml"
        r"|llama|gguf|whisper|mtmd)_\w{1,80})",
        "The source calls {name} as another release has it.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"error: (?:too (?:few|many) arguments to function call|conflicting types for "
        r"'(?P<name>(?:ggml|llama|gguf)_\w+)')",
        "The source calls or defines a function as another release has it.",
        sure=Confidence.LOW,
    ),
    sign(
        r"error C2065: '(?P<name>(?:ggml|gguf|llama|whisper|GGML|LLAMA)_\w{1,80})': undeclared identifier"
        r"|error C3861: '(?P<other>(?:ggml|gguf|llama|whisper)_\w{1,80})': identifier not found",
        "A name of ggml's is not in the headers that the compiler found.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"error: (?:typedef )?redefinition of '(?:struct |enum |class )?(?P<name>_?(?:ggml|gguf|llama|whisper|block"
        r"|GGML)_\w{1,80})'",
        "{name} is defined by two headers: two releases of the library are found.",
        sure=Confidence.MEDIUM,
    ),
    looks_like="error: 'llama_get_kv_cache_view' was not declared in this scope; no member named 'n_gqa' in "
    "'llama_context_params'",
    explanation="llama.cpp, ggml and whisper.cpp change their functions with nearly every release. A program "
    "written for one does not compile with the headers of another: an older installation in /usr/local/include or "
    "Homebrew is found first, a submodule is at another commit, or one of the two was updated alone.",
    fix="Bring both to one release: git submodule update --init --recursive, remove older installed headers (look for "
    "llama.h and ggml.h in /usr/local/include), and build in a fresh build directory.",
    links=(
        "https://github.com/abetlen/llama-cpp-python/issues/852",
        "https://github.com/shubham0204/llama.cpp-simple-chat-interface/issues/1",
        "https://github.com/PKU-SEC-Lab/HybriMoE/issues/11",
    ),
)  # fmt: skip
