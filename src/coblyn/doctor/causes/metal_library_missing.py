"""Metal's shaders, which a program looks for beside itself when it starts."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "metal-library-missing",
    "The program does not find its Metal shaders",
    sign(
        r"The file \"(?P<name>ggml-\w[\w.-]*\.metal|default\.metallib)\" couldn't be opened because there is no "
        r"such file",
        "The program started with Metal, but {name} is not where it looks: beside it, or in the working directory.",
    ),
    sign(
        r"ggml_metal_(?:library_)?init\w*: error: Error Domain=NSCocoaErrorDomain Code=(?:258|260)",
        "The program started with Metal, and found no file of shaders.",
    ),
    sign(
        r"(?P<name>ggml-metal[\w-]*\.metal|default\.metallib): No such file or directory",
        "{name} is not where the build or the program looks.",
    ),
    sign(
        r"could not use bundle path to find (?P<name>ggml-metal[\w-]*\.metal)",
        "{name} is not in the program's own directory.",
        also=r"failed to initialize Metal|ggml_metal_init: error: Error|couldn't be opened|GGML_ASSERT",
        sure=Confidence.MEDIUM,
    ),
    looks_like='ggml_metal_init: error: Error Domain=NSCocoaErrorDomain Code=260 "The file '
    '"ggml-metal.metal" couldn\'t be opened because there is no such file."',
    explanation="Unless the shaders are embedded, the program reads them from a file when it starts; the file stays "
    "behind when the program is copied or packed, or started from another directory.",
    fix="Build with -DGGML_METAL_EMBED_LIBRARY=ON; or copy the .metal files beside the program, or set "
    "GGML_METAL_PATH_RESOURCES to their directory.",
    links=(
        "https://github.com/LostRuins/koboldcpp/issues/964",
        "https://github.com/LostRuins/koboldcpp/issues/744",
        "https://github.com/ggml-org/llama.cpp/issues/6975",
    ),
    explains=("metal-shader-broken",),
)
