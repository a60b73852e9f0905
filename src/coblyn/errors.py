"""All exceptions that Coblyn raises deliberately, with their meaning for users and clients.

    CoblynError
    ├─ BadRequest               a caller's input is wrong; ``field`` names it
    │  ├─ PromptTooLong
    │  └─ FileRefused           a file cannot be imported
    ├─ NotFound
    ├─ Busy                     the queue is full: try again
    ├─ LimitReached             a key has used up what it may: try again later
    ├─ Unauthorized             a key is missing or unknown
    ├─ Forbidden                a key is known, and may not do that
    ├─ Cancelled                the user stopped it
    ├─ SettingsError            a flag, environment variable or settings file
    ├─ ModelError               a model file
    │  ├─ ModelNotFound
    │  ├─ ModelBroken           no GGUF, truncated, unreadable
    │  ├─ ModelUnsupported      a GGUF that this engine cannot run
    │  └─ ModelTooLarge         memory has no room for it
    ├─ EngineError              the engine process
    │  ├─ PromptForgotten       it does not have a prompt any longer: that is encoded again
    │  ├─ EngineRestarted       it died while it worked on this request
    │  └─ EngineStopped         it is gone for good
    ├─ NativeError              building and loading the native engine
    │  ├─ ToolchainMissing
    │  ├─ BuildFailed
    │  ├─ BundleMissing
    │  ├─ ProofFailed           a bundle does not run here, or computes wrongly
    │  ├─ BinaryUnreadable      an object file or library
    │  └─ AbiMismatch
    ├─ FetchError               a download
    │  └─ ChecksumMismatch
    ├─ DiskFull
    ├─ ProgramFailed            another program that we ran
    └─ PortInUse

A message names what is wrong; ``hint`` says what to do about it. ``status`` is the HTTP status and ``exit_code`` the
exit code of the command line. This module imports nothing of Coblyn, so that every package can use it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "AbiMismatch",
    "BadRequest",
    "BinaryUnreadable",
    "BuildFailed",
    "BundleMissing",
    "Busy",
    "Cancelled",
    "ChecksumMismatch",
    "CoblynError",
    "ConstraintRefused",
    "DiskFull",
    "EngineError",
    "EngineRestarted",
    "EngineStopped",
    "FetchError",
    "FileRefused",
    "Forbidden",
    "LimitReached",
    "ModelBroken",
    "ModelError",
    "ModelNotFound",
    "ModelTooLarge",
    "ModelUnsupported",
    "NativeError",
    "NotFound",
    "PortInUse",
    "ProgramFailed",
    "PromptForgotten",
    "PromptTooLong",
    "ProofFailed",
    "SettingsError",
    "ToolchainMissing",
    "Unauthorized",
    "error_from_code",
]


class CoblynError(Exception):
    """Root of the tree: whatever is raised as this is shown to the user without a traceback.

    Args:
        message: What is wrong, as one sentence that names the thing.
        hint: What to do about it, or an empty string.
    """

    code = "internal"
    status = 500
    exit_code = 1

    field = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class BadRequest(CoblynError):
    """A caller's input is wrong. ``field`` names the part of the input, if there is one."""

    code = "bad_request"
    status = 400
    exit_code = 2

    def __init__(self, message: str, *, field: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


class PromptTooLong(BadRequest):
    """The prompt does not fit into the context.

    Args:
        num_prompt: Tokens of the prompt; 0 where they were not counted.
        context: Tokens that prompt and completion may have together; 0 where the message has to say it.
    """

    code = "prompt_too_long"

    def __init__(
        self,
        message: str,
        *,
        field: str = "",
        hint: str = "",
        num_prompt: int = 0,
        context: int = 0,
    ) -> None:
        super().__init__(message, field=field, hint=hint)
        self.num_prompt = num_prompt
        self.context = context


class ConstraintRefused(BadRequest):
    """A schema or a grammar is wrong, or cannot be enforced."""

    code = "constraint_refused"


class FileRefused(BadRequest):
    """A file cannot be imported.

    Args:
        said: The message in a form that clients can put into their language (`story.phrases.Phrase`); None if it has
            none.
    """

    code = "file_refused"

    def __init__(
        self, message: str, *, field: str = "", hint: str = "", said: object = None
    ) -> None:
        super().__init__(message, field=field, hint=hint)
        self.said = said


class NotFound(CoblynError):
    """A thing that was named does not exist."""

    code = "not_found"
    status = 404
    exit_code = 4


class Busy(CoblynError):
    """The queue is full."""

    code = "busy"
    status = 503
    exit_code = 75


class LimitReached(CoblynError):
    """An API key has used up what it may use. ``retry_after`` says in how many seconds there is more."""

    code = "rate_limit_exceeded"
    status = 429
    exit_code = 75

    def __init__(self, message: str, *, retry_after: float = 1.0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class Unauthorized(CoblynError):
    """An API key is needed, and there is none, or none that is known."""

    code = "invalid_api_key"
    status = 401
    exit_code = 2


class Forbidden(CoblynError):
    """An API key is known, and may not do what was asked."""

    code = "forbidden"
    status = 403
    exit_code = 2


class Cancelled(CoblynError):
    """The user stopped it."""

    code = "cancelled"
    status = 499
    exit_code = 130


class SettingsError(CoblynError):
    """A flag, an environment variable or a settings file holds something that cannot be used."""

    code = "settings"
    exit_code = 2


class ModelError(CoblynError):
    """Something is wrong with a model file."""

    code = "model"
    exit_code = 3


class ModelNotFound(ModelError):
    """The model that was named does not exist."""

    code = "model_not_found"
    status = 404


class ModelBroken(ModelError):
    """The file is not a GGUF file, is cut short, or cannot be read."""

    code = "model_broken"


class ModelUnsupported(ModelError):
    """A sound GGUF file that this engine cannot run."""

    code = "model_unsupported"


class ModelTooLarge(ModelError):
    """Memory has no room for it with the settings that the user chose."""

    code = "model_too_large"
    status = 507


class EngineError(CoblynError):
    """The engine process failed."""

    code = "engine"
    status = 503
    exit_code = 5


class PromptForgotten(EngineError):
    """A request refers to a prompt that the engine does not have any longer."""

    code = "prompt_forgotten"


class EngineRestarted(EngineError):
    """The engine process died while it worked on this request; a new one is up or on its way."""

    code = "engine_restarted"


class EngineStopped(EngineError):
    """The engine process is gone and will not come back by itself."""

    code = "engine_stopped"


class NativeError(CoblynError):
    """The native engine cannot be built or loaded."""

    code = "native"
    exit_code = 6


class ToolchainMissing(NativeError):
    """A compiler or a build tool is missing."""

    code = "toolchain_missing"


class BuildFailed(NativeError):
    """Configuring or compiling failed, or what was built is not sound.

    Args:
        log: Path of what the build wrote; None if that says nothing of the failure.
        audit: What the audit saw that refused the libraries (`native.audit.AuditReport`); None if it refused none.
    """

    code = "build_failed"

    def __init__(
        self, message: str, *, hint: str = "", log: Path | None = None, audit: object = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.log = log
        self.audit = audit


class BundleMissing(NativeError):
    """There is no engine bundle of that name, or none at all."""

    code = "bundle_missing"


class ProofFailed(NativeError):
    """An engine bundle does not run on this machine, or computes wrongly."""

    code = "proof_failed"

    @classmethod
    def of(cls, bundle_id: str, stage: str, message: str) -> ProofFailed:
        """The error of a bundle whose proof ended with a message during a stage."""
        return cls(
            f"The engine {bundle_id} did not pass its proof on this machine ({stage}): {message}",
            hint="`coblyn build --force` builds it again, without what fails.",
        )


class BinaryUnreadable(NativeError):
    """An object file, library or archive is damaged, cut short, or none at all."""

    code = "binary_unreadable"


class AbiMismatch(NativeError):
    """The bundle's structures are laid out differently from those that the bindings expect."""

    code = "abi_mismatch"


class FetchError(CoblynError):
    """A download failed."""

    code = "fetch"
    status = 502
    exit_code = 7


class ChecksumMismatch(FetchError):
    """A download arrived, but is not the file that it should be."""

    code = "checksum_mismatch"


class DiskFull(CoblynError):
    """There is no room left where something has to be written."""

    code = "disk_full"
    status = 507
    exit_code = 8


class ProgramFailed(CoblynError):
    """A program that we ran ended with an error, could not be started, or took too long."""

    code = "program_failed"
    exit_code = 9


class PortInUse(CoblynError):
    """Another program listens on that port."""

    code = "port_in_use"
    exit_code = 10


def _tree(root: type[CoblynError]) -> dict[str, type[CoblynError]]:
    found = {root.code: root}
    for child in root.__subclasses__():
        found |= _tree(child)
    return found


def error_from_code(code: str, message: str, *, hint: str = "", field: str = "") -> CoblynError:
    """Rebuild an error that crossed a process border; an unknown code becomes the root class."""
    kind = _tree(CoblynError).get(code, CoblynError)
    if issubclass(kind, BadRequest):
        return kind(message, hint=hint, field=field)
    return kind(message, hint=hint)
