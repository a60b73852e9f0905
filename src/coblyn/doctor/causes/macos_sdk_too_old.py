"""Sources that name what the SDK of an older Xcode does not have."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_NAME = r"(?P<name>MTL\w{2,80}|MPS\w{2,80}|MTKit\w{1,80})"
_STORY = "The source uses {name}, which the SDK in use does not have."
_UPDATE = "softwareupdate --all --install --force"

CAUSE = log_cause(
    "macos-sdk-too-old",
    "Xcode's SDK is older than the sources",
    sign(
        rf"error: use of undeclared identifier '{_NAME}'",
        _STORY,
        command=_UPDATE,
        # Where the framework's header itself is not included, it is another matter.
        unless=r"'Metal/Metal\.h' file not found",
    ),
    sign(rf"error: (?:unknown type name|unknown receiver) '{_NAME}'", _STORY, command=_UPDATE),
    sign(
        rf"error: cannot find (?:protocol|interface) declaration for '{_NAME}'",
        _STORY,
        command=_UPDATE,
    ),
    sign(rf"error: no type or protocol named '{_NAME}'", _STORY, command=_UPDATE),
    sign(
        r"error: property '(?P<name>\w{2,80})' not found on object of type '[^'\n]{0,40}MTL\w+",
        _STORY,
        command=_UPDATE,
        sure=Confidence.MEDIUM,
    ),
    looks_like="error: use of undeclared identifier 'MTLGPUFamilyApple7'",
    explanation="Metal grows with each macOS, and the SDK of an older Xcode does not know the new names, even where "
    "the system is newer.",
    fix="Update Xcode or the command line tools to the newest that this macOS takes (see that xcrun "
    "--show-sdk-version is the new one), then build in a fresh build directory; where that is not possible, use an "
    "older release of the project, or build without Metal (-DGGML_METAL=OFF).",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/3962",
        "https://github.com/ggml-org/llama.cpp/issues/6886",
        "https://github.com/ggml-org/whisper.cpp/issues/2717",
        "https://github.com/antirez/h3.c/issues/66",
    ),
)
