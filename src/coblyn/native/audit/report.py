"""What an audit says: facts about each file, and what is wrong. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coblyn.doctor.finding import Confidence, Severity

if TYPE_CHECKING:
    from pathlib import Path

    from coblyn.doctor.finding import Finding
    from coblyn.native.audit.inside import Backend
    from coblyn.native.binary.binary import Binary

__all__ = ["AuditReport", "FileFacts"]


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is in one file, slice or member.

    Attributes:
        binary: All that was read.
        backends: The backends of ggml inside.
        shaders: Where Metal's shaders are: "embedded", "beside", "missing", or empty without Metal.
        cpu_variant: The CPU that ggml's CPU code was made for, by the file's name; empty if it does not say.
    """

    binary: Binary
    backends: tuple[Backend, ...] = ()
    shaders: str = ""
    cpu_variant: str = ""

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        binary = self.binary
        code = binary.code
        return {
            "path": str(binary.path),
            "member": binary.member,
            "format": binary.format.value,
            "kind": binary.kind.value,
            "arch": binary.arch,
            "platform": binary.platform,
            "min_os": binary.min_os,
            "sdk": binary.sdk,
            "name": binary.name,
            "needed": list(binary.needed),
            "rpaths": list(binary.rpaths),
            "backends": [
                {"name": each.name, "evidence": list(each.evidence), "needs": list(each.needs)}
                for each in self.backends
            ],
            "metal_shaders": self.shaders,
            "cpu_variant": self.cpu_variant,
            "instruction_sets": None
            if code is None
            else {each.name: each.count for each in code.instruction_sets},
            "asks_cpu": code.asks_cpu if code else None,
            "symbols": {
                "strong": len(binary.strong),
                "exported": len(binary.exported),
                "undefined": len(binary.undefined),
            },
        }


@dataclass(frozen=True, slots=True)
class AuditReport:
    """All that an audit found.

    Attributes:
        files: Facts about each file, slice and member.
        findings: What is wrong or worth knowing, the gravest first.
        unfinished: Directories that hold so many binaries that only the first were looked at.
    """

    files: tuple[FileFacts, ...]
    findings: tuple[Finding, ...] = ()
    unfinished: tuple[Path, ...] = ()

    @property
    def backends(self) -> tuple[str, ...]:
        """Names of all backends inside, in the order in which they were found."""
        names = (backend.name for facts in self.files for backend in facts.backends)
        return tuple(dict.fromkeys(names))

    @property
    def failures(self) -> tuple[Finding, ...]:
        """Findings that are sure to make it fail."""
        return tuple(
            finding
            for finding in self.findings
            if finding.severity is Severity.FAILURE and finding.confidence is Confidence.HIGH
        )

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong; notes do not count."""
        return all(finding.severity is Severity.NOTE for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "files": [facts.to_json() for facts in self.files],
            "backends": list(self.backends),
            "findings": [finding.to_json() for finding in self.findings],
            "unfinished": [str(folder) for folder in self.unfinished],
        }
