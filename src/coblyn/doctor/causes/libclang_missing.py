"""Rust's bindgen, which reads headers with libclang."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "libclang-missing",
    "Rust's bindgen does not find libclang",
    sign(
        r"Unable to find libclang: \"(?P<what>[^\"\n]{1,200})",
        "bindgen found no libclang: {what}",
        command="sudo apt install libclang-dev",
    ),
    sign(
        r"couldn't find any valid shared libraries matching: \['libclang",
        command="sudo apt install libclang-dev",
    ),
    looks_like="Unable to find libclang: \"couldn't find any valid shared libraries matching: ['libclang.so', ...\"",
    explanation="The crate makes its Rust interface from C headers during the build, with bindgen, and that loads "
    "libclang.",
    fix="Install it (Debian: libclang-dev, Fedora: clang-devel, macOS: brew install llvm, Windows: LLVM), and set "
    "LIBCLANG_PATH to its directory if it is in an unusual place.",
    links=(
        "https://github.com/edgenai/llama_cpp-rs/issues/81",
        "https://github.com/rust-lang/rust-bindgen/issues/1712",
    ),
)
