"""Whether a build failed, and its first real error. Pure text; does not know causes, files or processes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["LogError", "failure", "first_error", "without_trials"]

_CONTEXT = 8

_COMPILER = (
    r"(?:\S*[/\\])?(?:[\w.]+-)*(?:cc1plus|cc1(?:obj)?|g?cc|[gc]\+\+|clang(?:\+\+|-cl)?|nvcc|hipcc|icp?x|ptxas\s*"
    r"|zig|emcc)(?:-[\d.]+)?(?:\.exe)?"
)
_LINKER = r"(?:\S*[/\\])?(?:[\w.]+-)*(?:ld(?:\.\w+)?|ld64\.lld|lld|lld-link|mold|gold)(?:\.exe)?"
# Some compiler tests of configure or CMake are meant to fail; and a line of source is not a message.
_SCRATCH = re.compile(r"^\s*\d* \| |conftest|CMakeScratch|CMakeTmp|TryCompile|\bcheck_\w+\.c\b")

_TRIAL = re.compile(r"configure:\d+: .*\bconftest\b")
_TRIAL_END = re.compile(r"configure:\d+: (?:checking|result|\$\?)|#|\| #")

# Messages of pip and setuptools about a program that failed, which itself has already given the reason.
_WRAPPER = r"subprocess-exited-with-error|metadata-generation-failed|command '"

_IN_SOURCE = (
    r"^\s*\S.*?:\d+(?::\d+)?: (?:fatal |internal compiler )?error\b(?!\.)"
    r"|^\s*(?:\d+>)?\S.*?\(\d+(?:,\d+)?\)\s?: (?:fatal )?error\b"
)
# Ordered by how much each explains: a full disk or memory breaks whichever compiler comes next, and a compiler's
# own message says more than the linker's, which says more than ninja's or make's.
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "disk",
        re.compile(
            r"No space left on device|Disk quota exceeded|not enough space on the disk",
            re.IGNORECASE,
        ),
    ),
    (
        "memory",
        re.compile(
            r"Killed signal terminated program|(?i:out of memory)|virtual memory exhausted"
            r"|unable to execute command: Killed|C1060|std::bad_alloc"
        ),
    ),
    ("cmake", re.compile(r"^\s*CMake Error\b(?!.*\.log)")),
    (
        "compiler",
        re.compile(
            rf"(?!\s*\S+\.tbd:)(?:{_IN_SOURCE})|internal compiler error|^\s*nvcc fatal"
            rf"|^\s*(?:fatal )?error: (?!XDG_RUNTIME_DIR|{_WRAPPER})"
            rf"|^\s*cl : .*error|^\s*{_COMPILER}\s?: (?:fatal )?error\b(?!: linker command)"
        ),
    ),
    (
        "linker",
        re.compile(
            r"undefined reference to|undefined symbol:|multiple definition of"
            r"|Undefined symbols for architecture|^\s*Undefined symbols:|duplicate symbol|\bLNK\d{4}\b(?<!LNK4\d\d\d)"
            rf"|^\s*collect2(?:\.exe)?: |^\s*{_LINKER}: (?!.*\bwarning: )|linker command failed"
            r"|\.tbd, malformed file|\.tbd:\d+:\d+: error|\btapi error"
        ),
    ),
    (
        "python",
        re.compile(
            rf"^\s*error: (?:{_WRAPPER})"
            r"|^\s*\*\*\* CMake|^\s*[\w.]*(?:Error|Exception): \S|^ERROR: |^\s*error\[E\d+\]: |\): error : "
        ),
    ),
    ("ninja", re.compile(r"^ninja: (?:error|fatal)|^FAILED: ")),
    (
        "run",
        re.compile(
            r"Illegal instruction|^coblyn-crash |engine died|Segmentation fault|GGML_ASSERT|Library not loaded"
            r"|error while loading shared libraries|: command not found|: Permission denied"
            r"|terminate called after|^\w+: error: "
        ),
    ),
    ("make", re.compile(r"^\s*\S*make(?:\.exe)?(?:\[\d+\])?: \*\*\*")),
)

# Signs that a build has failed, whatever the cause. Text after a warning, a test of configure, or a name that
# contains "error" is not a sign.
_FAILURE = re.compile(
    rf"{_IN_SOURCE}"
    rf"|^\s*{_COMPILER}\s?: (?:fatal |internal compiler )?error\b"
    r"|^\s*\S*make(?:\.exe)?(?:\[\d+\])?: \*\*\* (?!.*\(ignored\))|^\s*\*\*\* Error code \d|^\s*\*\*\* \[.*\] Error"
    r"|Makefile:\d+: \*\*\* |^NMAKE : fatal"
    r"|command not found: (?:cmake|make|gcc|clang|nvcc|ninja)$|C source files not allowed when not using cgo"
    r"|^(?:[^\n]{1,40}: )?Multiple commands produce '"
    r"|meson\.build:\d+:\d+: ERROR"
    r"|^FAILED: |^ninja: (?:error|fatal|build stopped)|^\s*CMake Error\b|Configuring incomplete, errors"
    r"|^\s*collect2(?:\.exe)?: |linker command failed|: undefined reference to|: multiple definition of"
    r"|\bld: symbol\(s\) not found|\bld: \d+ duplicate symbols?"
    r"|^\s*(?:\S*/)?ld(?:\.\w+)?: (?:library|framework) not found"
    r"|^\s*(?:\S*/)?ld(?:\.\w+)?: cannot find|\bld: Assertion|: error: (?:undefined|duplicate) symbol"
    r"|\berror (?:C|LNK|MSB|CS|RC|U|NU|NETSDK)\d{3,5}\b|(?:^| )error : |^\s*nvcc fatal|ptxas fatal"
    r"|^\s*error: subprocess-exited-with-error|^\s*error: metadata-generation-failed|Failed building wheel"
    r"|ERROR: (?:Failed to build|Could not build|Could not find a version|No matching dist|Cannot install)"
    r"|^\s*\*\*\* CMake (?:build|configuration) failed|CMake configuration failed|^\s*error: command '"
    r"|^\s*(?:fatal )?error: (?!XDG_RUNTIME_DIR)|^\s*error\[E\d+\]"
    r"|^\s*configure: error:|xcrun: error:|^xcode-select: error"
    r"|^ERROR: failed to solve|did not complete successfully: exit code|completed with exit code [1-9]"
    r"|^Traceback \(most recent call last\)|Illegal instruction|Segmentation fault|\(core dumped\)|GGML_ASSERT\("
    r"|Library not loaded:|error while loading shared libraries:|ImportError: |OSError: |^Killed$|^fatal: "
    r"(?!not a git repository|No names found|No tags can describe|cannot describe)"
    r"|No space left on device|virtual memory exhausted|terminate called after|^FAILURE: Build failed|BUILD FAILED"
    r"|build constraints exclude all Go files|\.go:\d+:\d+: undefined: |[Ss]ymbol not found: "
    rf"|^\s*{_LINKER}: (?:fatal )?error\b|final link failed|symbol lookup error: "
    r"|CANNOT LINK EXECUTABLE|dlopen failed: "
    r"|gyp ERR! |^npm (?:ERR!|error) code |could not determine kind of name for C\.|^FAIL\t"
    r"|\.go:\d+:\d+: undefined|link: running \S+ failed"
    r"|^\s*(?:Runtime|Value|Index|Attribute|FileNotFound|ModuleNotFound)Error: \S|ptxas [^\n]*?\berror\s*:"
    r"|^process_begin: CreateProcess\(.*failed\."
    r"|^\s*\S*make: stopped in |Fatal errors encountered"
    r"|\bexit(?:ed with)? (?:status|code):? (?:[1-9]|-\d|0x[Cc])|^coblyn-crash |engine died|(?:ended"
    r"|terminated) by (?:SIG"
    r"|signal )|received signal SIG(?!INT|TERM|TRAP)"
    r"|^(?!\d+: )\w+: error: (?!.*\bignored\b)|^Error: "
)


@dataclass(frozen=True, slots=True)
class LogError:
    """The first error in a log.

    Attributes:
        kind: "disk", "memory", "cmake", "compiler", "linker", "python", "ninja", "run", "make"
            or "unknown".
        lines: The line with the error, and the lines that belong to it.
    """

    kind: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.lines)


def first_error(lines: Sequence[str]) -> LogError:
    """Find the first real error of the kind that explains most; the last lines if none is known."""
    for kind, pattern in _KINDS:
        for number, line in enumerate(lines):
            if pattern.search(line) and not _SCRATCH.search(line):
                return LogError(kind, _with_context(lines, number, kind))
    return LogError("unknown", tuple(line for line in lines if line.strip())[-_CONTEXT:])


def failure(lines: Iterable[str]) -> str | None:
    """The first line that shows that a build failed; None if there is no such sign."""
    return next(
        (line for line in lines if _FAILURE.search(line) and not _SCRATCH.search(line)), None
    )


def without_trials(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Leave out the log of configure's tests, most of which are meant to fail, unless configure itself failed.

    Args:
        lines: Lines with their numbers.
    """
    if not any("conftest." in line for _, line in lines):
        return lines
    if any("configure: error:" in line for _, line in lines):
        return lines
    is_trial = False
    kept = []
    for number, line in lines:
        if _TRIAL.match(line):
            is_trial = True
        elif _TRIAL_END.match(line):
            is_trial = False
        if not is_trial and "conftest." not in line:
            kept.append((number, line))
    return kept


def _with_context(lines: Sequence[str], number: int, kind: str) -> tuple[str, ...]:
    block = [lines[number].rstrip()]
    # Ninja prints the command, often thousands of characters, before the command's output.
    start = number + (2 if block[0].startswith("FAILED: ") else 1)
    for line in lines[start : start + _CONTEXT]:
        if _BORDER.match(line):
            break
        # A CMake block is indented and may have an empty line after its head; the extent of an unknown program's output
        # cannot be known.
        if not line.strip() and kind != "ninja" and (kind != "cmake" or len(block) > 2):
            break
        block.append(line.rstrip())
    return tuple(line for line in block if line)


_BORDER = re.compile(r"\[\d+/\d+\] ?|FAILED: |ninja: |\$ |# |\S*make(?:\[\d+\])?: ")
