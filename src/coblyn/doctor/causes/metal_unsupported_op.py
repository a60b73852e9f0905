"""Metal met an operation that it does not do."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "metal-unsupported-op",
    "Metal does not do an operation of this model",
    sign(
        r"ggml_metal\w*: (?:error: )?unsupported op '(?P<op>[^'\n]{1,40})'",
        "Metal does not do {op}, and the program was aborted.",
    ),
    sign(
        r"GGML_ASSERT[^\n]{0,60}unsupported op|unsupported op[^\n]{0,40}[\s\S]{0,200}GGML_ABORT",
        "The backend was given an operation that it does not do.",
    ),
    looks_like="ggml_metal_graph_compute: error: unsupported op 'CPY'",
    explanation="A backend does not have every operation for every type. With a quantized cache, some models' "
    "layers or an older GPU, the program asks for one that is missing, and ggml ends the process.",
    fix="Update the program; else leave out the option that leads there (a quantized cache, "
    "flash attention), or keep those layers on the CPU.",
    links=(
        "https://github.com/LostRuins/koboldcpp/issues/906",
        "https://github.com/LostRuins/koboldcpp/issues/2276",
        "https://github.com/ggml-org/llama.cpp/issues/10976",
    ),
)
