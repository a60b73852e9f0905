"""HIP's headers of the distribution, found before those of ROCm."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_REMOVE = "sudo apt remove libamdhip64-dev hipcc"
_TEXT = (
    "Remove the distribution's packages with HIP's headers (Debian, Ubuntu: libamdhip64-dev, hipcc, librocblas-dev, "
    "libhipblas-dev; Fedora: rocm-hip-devel), so that /usr/include/hip is gone; then build in a fresh directory."
)

CAUSE = log_cause(
    "hip-headers-shadowed",
    "The distribution's HIP headers stand before ROCm's",
    sign(
        r"^(?:In file included from )?/usr/include/(?P<header>(?:hip|hipblas|rocblas|hsa|hipcub|rocprim"
        r"|roctracer)/[\w./-]{1,80}):"
        r"\d+(?::\d+)?: (?:fatal )?error:",
        "The compiler reads {header} from /usr/include, and other parts from ROCm in /opt.",
        command=_REMOVE,
        text=_TEXT,
        also=r"/opt/rocm",
    ),
    sign(
        r"/usr/include/(?P<header>(?:hip|hipblas|rocblas|hsa)/[\w./-]{1,80}):\d+",
        "The compiler reads {header} from /usr/include, and other parts from ROCm in /opt.",
        command=_REMOVE,
        text=_TEXT,
        also=r"/opt/rocm[\s\S]{0,4000}error: (?:redefinition of|use of undeclared|unknown type|no member"
        r"|typedef redefinition)",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"^(?P<header>/opt/rocm[\w.-]*/[^\n:]{1,200}/hip/[\w./-]{1,80}):\d+:\d+: error: redefinition of"
        r" '(?P<name>[^'\n]{1,100})'",
        "{name} is defined in {header} and in another HIP header that was read before it: two installations are mixed.",
        text="See which hip/ directories there are (find / -name hip_bf16.h): remove the distribution's "
        "packages, and an "
        "older ROCm in /opt or a path of it in CPATH and CPLUS_INCLUDE_PATH.",
        sure=Confidence.MEDIUM,
    ),
    looks_like="/usr/include/hip/hip_bf16.h:120:8: error: redefinition of '__hip_bfloat16', with ROCm in /opt/rocm",
    explanation="Two installations of HIP are mixed: the distribution's in /usr/include and AMD's in /opt/rocm. The "
    "system's directory is searched first, so that headers of one release meet the compiler and the libraries of "
    "another.",
    fix="Keep one of the two installations.",
    links=("https://github.com/ROCm/hipBLASLt/issues/1697",),
    explains=("hip-version-mismatch", "cuda-only-source"),
)
