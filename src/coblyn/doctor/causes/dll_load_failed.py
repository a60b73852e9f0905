"""Python can not load a library that is there, because one that it needs is not."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "dll-load-failed",
    "A DLL is there, and one that it needs is not",
    sign(
        r"Could not find module '(?P<path>[^'\n]{1,300}?(?P<name>[^'\\/\n]{1,80}\.dll))' \(or "
        r"one of its dependencies\)",
        "Windows could not load {name}.",
    ),
    sign(
        r"ImportError: DLL load failed while importing (?P<name>[\w.]{1,80}): The specified "
        r"(?:module|procedure) could not be found",
        "Windows could not load {name}.",
    ),
    sign(r"ImportError: DLL load failed: The specified (?:module|procedure) could not be found"),
    sign(r"\[WinError 1(?:26|27)\][^\n]{0,300}", "Windows found a DLL, but not one that it needs."),
    sign(
        r"The code execution cannot proceed because (?P<name>[\w.-]{1,80}\.dll) was not found",
        "{name} is not found.",
    ),
    sign(
        r"[Tt]he procedure entry point (?P<name>\S{1,80}) could not be located in the dynamic "
        r"link library (?P<dll>[^\n]{1,200}?)\.?$",
        "{dll} has no {name}: it is of another version.",
    ),
    sign(
        r"exit code (?:-1073741515|3221225781|0xC0000135)",
        "The program ended with the code for a missing DLL.",
    ),
    looks_like="FileNotFoundError: Could not find module '…\\llama.dll' (or one of its "
    "dependencies).",
    explanation="The message names the library that was asked for; the one that is missing is among those that it "
    "needs: CUDA's cudart64_*.dll and cublas64_*.dll (the toolkit's bin directory), the Visual C++ runtime, or "
    "ggml-*.dll beside it. Since Python 3.8, PATH is not searched for them.",
    fix="Install the CUDA version that it was built for (CUDA_PATH must lead to it) and the Visual C++ "
    "Redistributable; or install a wheel for the CPU.",
    links=(
        "https://github.com/abetlen/llama-cpp-python/issues/981",
        "https://github.com/abetlen/llama-cpp-python/issues/1150",
        "https://github.com/JamePeng/llama-cpp-python/issues/14",
    ),
    explains=("llama-library-missing",),
)
