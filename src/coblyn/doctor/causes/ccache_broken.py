"""ccache stands between the build and the compiler, and fails."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "ccache-broken",
    "ccache fails, not the compiler",
    sign(
        r"ccache: error: (?P<why>[^\n]{1,200})",
        "ccache says: {why}",
        command="cmake --fresh -B build -DGGML_CCACHE=OFF",
    ),
    sign(
        r"sccache: (?:error|caused by): (?P<why>[^\n]{1,200})",
        "sccache says: {why}",
        command="cmake --fresh -B build -DGGML_CCACHE=OFF",
    ),
    looks_like="ccache: error: Failed to create directory …",
    explanation="llama.cpp puts ccache before every compiler call if it finds it. A cache directory that can not be "
    "written or a broken ccache then fails each compilation.",
    fix="Build without it (-DGGML_CCACHE=OFF), or point CCACHE_DIR at a directory that can be "
    "written.",
    links=(
        "https://github.com/OP-TEE/optee_os/issues/3505",
        "https://github.com/ros-infrastructure/ros_buildfarm/issues/695",
    ),
)
