"""An install rule for a file that was never built."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "install-never-built",
    "A file is to be installed that was never built",
    sign(
        r"file INSTALL cannot find \"(?P<file>[^\"\n]{1,300}/CMakeRelink\.dir/[^\"\n]{1,200})\"",
        "{file} is made at the end of a build, only for installing, and the build has not made it.",
        command="cmake --build build && cmake --install build",
        text="Build everything first (as the same user who installs), then install.",
    ),
    sign(
        r"file INSTALL cannot find \"(?P<file>[^\"\n]{1,500}\.(?:a|lib|so|dylib|dll|exe)(?:\.[\d.]+)?)\"",
        "{file} is named by an install rule, and this configuration did not build it.",
        text="Build all targets first (cmake --build build). If it is still not there, no target of this configuration "
        "makes it: switch the option on that does (its name is like the file's), or install only what you need "
        "(cmake --build build --target NAME, cmake --install build --component NAME).",
    ),
    sign(
        r"file INSTALL cannot find \"(?P<file>[^\"\n]{1,500})\"",
        "{file} is named by an install rule, and is not there.",
        sure=Confidence.MEDIUM,
    ),
    looks_like='file INSTALL cannot find ".../libkleidiai.a": No such file or directory',
    explanation="The install rules were written when the project was configured; they name files of all its targets, "
    "also of those that an option, or a build of single targets, has left out.",
    fix="Build everything before you install, or install only the targets that were built.",
    links=(
        "https://github.com/glfw/glfw/issues/2283",
        "https://github.com/ggml-org/llama.cpp/issues/8701",
    ),
    explains=("pip-build-failed", "project-refusal"),
)
