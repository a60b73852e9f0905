"""A library for Alpine's C library on another Linux, or the other way round."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "musl-glibc-mix",
    "Built for another C library: Alpine's musl and glibc do not mix",
    sign(
        r"libc\.musl-(?P<arch>\w+)\.so\.1: cannot open shared object file",
        "The library was built on Alpine (musl), and this system has glibc.",
        command="pip install --no-binary llama-cpp-python --no-cache-dir --force-reinstall "
        "llama-cpp-python",
    ),
    sign(
        r"Error loading shared library (?P<name>ld-linux-\S{1,40}\.so\.\d|libc\.so\.6|"
        r"libgcc_s\.so\.1|libstdc\+\+\.so\.6): No such file or directory",
        "The program was built for glibc ({name}), and this system has musl.",
        text="Install what is missing (apk add gcompat libstdc++ libgcc), or build on Alpine "
        "itself, or use an image of Debian.",
        command="apk add gcompat libstdc++ libgcc",
    ),
    sign(
        r"Error relocating [^\n:]{1,300}: (?P<name>\w{1,100}): symbol not found",
        "{name} of glibc is not in musl.",
        command="apk add gcompat libstdc++ libgcc",
    ),
    looks_like="libc.musl-x86_64.so.1: cannot open shared object file: No such file or directory",
    explanation="Wheels and programs are for one C library. Alpine uses musl, nearly all others "
    "glibc.",
    fix="Build from source on this system.",
    links=("https://github.com/abetlen/llama-cpp-python/issues/1628",),
    explains=(
        "shared-library-missing",
        "llama-library-missing",
    ),
)
