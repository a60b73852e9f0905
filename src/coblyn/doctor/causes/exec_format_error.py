"""A program for another processor was started."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "exec-format-error",
    "A program for another processor was started",
    sign(
        r"exec /\S{1,200}: exec format error",
        "The container image is for another processor than this machine's.",
        command="docker run --privileged --rm tonistiigi/binfmt --install all",
    ),
    sign(
        r"cannot execute binary file: Exec format error",
        "It was built for another processor or system than this.",
    ),
    sign(
        r"OSError: \[Errno 8\] Exec format error: '(?P<path>[^'\n]{1,300})'",
        "{path} is for another processor.",
    ),
    sign(
        r"bad CPU type in executable(?:: (?P<path>[^\n]{1,200}))?",
        "It is an Intel program, and Rosetta is not installed.",
        command="softwareupdate --install-rosetta",
    ),
    sign(
        r"qemu: uncaught target signal (?P<number>11) \([^)\n]{1,40}\)",
        "The emulator crashed, not the compiler: building under QEMU is slow and does not always "
        "hold.",
        text="Build on a machine of that processor, or cross compile; GGML_NATIVE=OFF avoids "
        "instructions that QEMU does not know.",
        sure=Confidence.HIGH,
    ),
    sign(
        r"WARNING: The requested image's platform \((?P<image>\S{1,40})\) does not match the "
        r"detected host platform \((?P<host>[\w/]{1,40})",
        "The image is for {image}, and the machine is {host}.",
        also=r"exec format error|Segmentation fault|core dumped|error",
        sure=Confidence.LOW,
    ),
    looks_like="exec /bin/sh: exec format error; qemu: uncaught target signal 11 (Segmentation "
    "fault)",
    explanation="The system can not run machine code of another processor, except through an "
    "emulator such as QEMU.",
    fix="Use an image or program for this machine's processor, or install the emulator.",
    links=("https://github.com/ggml-org/llama.cpp/pull/11403",),
)
