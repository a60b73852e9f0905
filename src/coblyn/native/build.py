"""Executes a build plan: fetch, configure, compile, audit, prove, and move the bundle into place.

All work happens in a fresh directory next to the bundles, under a lock. If the build ends early for any
reason, that directory is
deleted: at once if possible, otherwise by the next build.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from coblyn import paths
from coblyn.errors import BuildFailed, DiskFull, NativeError, SettingsError
from coblyn.files import disk_errors, require_space
from coblyn.native import audit
from coblyn.native.bundle import Bundle, open_bundle, use
from coblyn.native.fault import Fault, FaultKind, Prove
from coblyn.native.memory import recall, remember
from coblyn.native.mend import Removable, Repair, mend
from coblyn.native.ninja import NinjaSteps
from coblyn.native.plan import BuildOptions, BuildPlan
from coblyn.native.prepare import Preparation, do_without, prepare
from coblyn.native.receipt import Receipt, write_receipt
from coblyn.native.sets import present, variants
from coblyn.native.source import obtain
from coblyn.native.toolchain import archiver_args
from coblyn.native.trace.error import first_error
from coblyn.native.without import FORGET
from coblyn.progress import Progress, Report, silent
from coblyn.run import ending_signals, stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["BuildResult", "build"]

_PREFIX = ".new-"
# Bytes that a build needs while it runs. A CPU build takes 50 MB with GCC 12 and 230 MB with zig; the
# rest is rounded up from what it adds: shaders, kernels for several GPUs, variants of the CPU code.
_ROOM = {"cpu": 250_000_000, "metal": 250_000_000, "vulkan": 600_000_000}
_ANOTHER_COMPILER = (
    "Leaving out instruction sets does not help. Try another compiler: "
    "CC=clang CXX=clang++ coblyn build\n"
)
_ROOM_GPU = 3_000_000_000
_ROOM_VARIANTS = 250_000_000


@dataclass(frozen=True, slots=True)
class BuildResult:
    """The result of a build.

    Attributes:
        bundle: The bundle, which is now in use if that was requested.
        was_built: False if it already existed.
        plan: The plan that was executed.
        seconds: Time from the request to the result.
    """

    bundle: Bundle
    was_built: bool
    plan: BuildPlan
    seconds: float


def _ignore(_: str) -> None:
    """Discard the message."""


@dataclass(frozen=True, slots=True)
class _Watch:
    """The receivers of a build's progress, and when it started."""

    report: Report
    announce: Callable[[str], None]
    on_line: Callable[[str], None]
    started: float


@dataclass(frozen=True, slots=True)
class _Shop:
    """Where a build takes place, and the receivers of its progress."""

    tree: Path
    work: Path
    log: Path
    watch: _Watch
    prove: Prove | None

    @property
    def output(self) -> Path:
        """Directory where the linker puts libraries."""
        return self.work / "b" / "bin"

    @property
    def stage(self) -> Path:
        """The bundle that is being built."""
        return self.work / "bundle"


def build(
    options: BuildOptions = BuildOptions(),  # noqa: B008 (frozen)
    *,
    source: Path | None = None,
    shim: Path | None = None,
    force: bool = False,
    take: bool = True,
    prove: Prove | None = None,
    report: Report = silent,
    announce: Callable[[str], None] = _ignore,
    on_line: Callable[[str], None] = _ignore,
) -> BuildResult:
    """Build the engine, unless the same bundle already exists, and take it into use.

    Args:
        options: The user's choices.
        source: A llama.cpp tree to use instead of the pinned one.
        shim: A directory with our CMake project, to use instead of the one in this package.
        force: Build even if the same bundle exists.
        take: Take the bundle into use.
        prove: Runs the built libraries before the bundle gets its name. If they fail, the engine is built again without
            the failing instruction sets.
        report: Receives the progress.
        announce: Receives the choices and their reasons, as sentences, before a build begins.
        on_line: Receives each line that CMake and the compilers write.

    Raises:
        ToolchainMissing: There is no compiler, or the tools to build the backend are missing.
        BuildFailed: Configuring, compiling, the check or the proof failed; the message has the first error.
        SettingsError: An instruction set to leave out is not known.
        FetchError: The source cannot be fetched.
        DiskFull: There is no room.
    """
    started = time.monotonic()
    asked = prepare(options, source=source, shim=shim)
    ready = asked if force else _recalled(asked)
    bundle = None if force else _existing(ready.plan)
    was_built = False
    if bundle is None:
        for sentence in (*ready.plan.reasons, *ready.plan.notes):
            announce(sentence)
        watch = _Watch(report, announce, on_line, started)
        ready, bundle, was_built = _build_alone(asked, watch, prove, force=force)
    if take:
        with disk_errors(paths.bundles(), what="Choosing the engine", error=NativeError):
            use(bundle.id)
    return BuildResult(bundle, was_built, ready.plan, time.monotonic() - started)


def _recalled(asked: Preparation) -> Preparation:
    """The plan that passed its proof in place of this one, if one is on record."""
    names = recall(asked.plan.id)
    try:
        return do_without(asked, names) if names else asked
    except SettingsError:  # remembered by another version
        return asked


def _existing(plan: BuildPlan) -> Bundle | None:
    path = paths.bundles() / plan.id
    if not path.is_dir():
        return None
    try:
        bundle = open_bundle(path)
    except NativeError:
        return None
    return bundle if bundle.is_complete() else None


def _build_alone(
    asked: Preparation, watch: _Watch, prove: Prove | None, *, force: bool
) -> tuple[Preparation, Bundle, bool]:
    """Build while no other process does; another may have made the same bundle while this one waited."""
    root = paths.bundles()
    with disk_errors(root, what="Building the engine", error=NativeError):
        root.mkdir(parents=True, exist_ok=True)
        with _lock(root, watch.report), ending_signals():
            _sweep(root)
            ready = asked if force else _recalled(asked)
            bundle = None if force else _existing(ready.plan)
            if bundle:
                return ready, bundle, False
            ready, bundle = _build(ready, watch, prove)
            if prove:
                remember(asked.plan.id, ready.repaired)
            return ready, bundle, True


@contextmanager
def _lock(root: Path, report: Report) -> Iterator[None]:
    lock = FileLock(root / ".lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        report(Progress("Waiting for another build to end", 0, None))
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _sweep(root: Path) -> None:
    """Delete the leftovers of killed builds; only one process holds the lock, so no other build is running."""
    for path in root.iterdir():
        if path.name.startswith((_PREFIX, ".old-")):
            _delete(path)


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _build(ready: Preparation, watch: _Watch, prove: Prove | None) -> tuple[Preparation, Bundle]:
    plan, root = ready.plan, paths.bundles()
    room = _ROOM.get(plan.backend, _ROOM_GPU) + _ROOM_VARIANTS * ready.options.portable
    require_space(root, room, what="Building the engine")
    tree = obtain(ready.source, report=watch.report)
    log = paths.logs() / f"build-{plan.id}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    work = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
    try:
        shop = _Shop(tree, work, log, watch, prove)
        ready, repairs = _make(ready, shop)
        for repair in repairs:
            watch.announce(repair.sentence(ready.facts["arch"]))
        write_receipt(shop.stage, _receipt(ready, repairs, shop))
        return ready, _put_in_place(shop.stage, root / ready.plan.id)
    finally:
        _delete(work)


def _make(ready: Preparation, shop: _Shop) -> tuple[Preparation, tuple[Repair, ...]]:
    """Build until the proof passes, and return the plan that passed."""
    fault = _attempt(ready, shop)
    if fault is None:
        return ready, ()
    before = frozenset(ready.plan.without)

    def attempt(without: frozenset[str]) -> Fault | None:
        _put_back(shop)
        try:
            return _attempt(do_without(ready, without - before), shop, is_first=False)
        except BuildFailed as error:
            return Fault(FaultKind.FAILED, "building it again", error.message)

    mended = mend(fault, before, _removable(ready), attempt)
    if mended.fault:
        raise _unproved(fault, shop.log)
    return do_without(ready, mended.without - before), mended.repairs


def _attempt(ready: Preparation, shop: _Shop, *, is_first: bool = True) -> Fault | None:
    """Build in the directory, which may hold an earlier build; returns the fault, if there is one."""
    _configure(ready, shop, is_first=is_first)
    _compile(ready, shop)
    shop.watch.report(Progress("Checking", 0, None))
    return _prove(_collect(ready, shop), shop)


def _prove(lib_dir: Path, shop: _Shop) -> Fault | None:
    """Open the libraries, and prove them if requested."""
    try:
        audit.check_loads(lib_dir)
    except BuildFailed:
        fault = shop.prove(lib_dir, shop.watch.report) if shop.prove else None
        # The code that runs while a library is opened may be the code that fails.
        if fault is None or fault.kind is not FaultKind.CRASH:
            raise
        return fault
    return shop.prove(lib_dir, shop.watch.report) if shop.prove else None


def _removable(ready: Preparation) -> Removable:
    arch = ready.facts["arch"]
    groups = present(arch, ready.facts.words("cpu.features"))
    names = tuple(group.name for group in groups)
    return Removable(arch, names, variants(arch) if ready.options.portable else ())


def _put_back(shop: _Shop) -> None:
    """Move the libraries back to the linker's directory, so that unchanged ones are not linked again."""
    lib_dir = shop.stage / "lib"
    for path in lib_dir.iterdir() if lib_dir.is_dir() else ():
        path.rename(shop.output / path.name)
    _delete(shop.stage)


def _configure(ready: Preparation, shop: _Shop, *, is_first: bool) -> None:
    watch = shop.watch
    watch.report(Progress("Configuring", 0, None))
    argv: list[str | Path] = [
        ready.facts["cmake"],
        "-S",
        ready.shim,
        "-B",
        shop.work / "b",
        "-G",
        "Ninja",
        *(() if is_first else FORGET),
        f"-DCMAKE_MAKE_PROGRAM={ready.facts['ninja']}",
        f"-DCOBLYN_LLAMA_DIR={shop.tree.as_posix()}",
        *archiver_args(ready.toolchain, shop.work),
        *ready.plan.cmake_args,
    ]
    lines: list[str] = []

    def on_line(line: str) -> None:
        lines.append(line)
        watch.on_line(line)
        if line.startswith("-- "):
            watch.report(Progress("Configuring", 0, None, detail=line[3:]))

    done = stream(argv, on_line, env=_environment(ready, shop.work), log=shop.log, check=False)
    if done.code != 0:
        raise _failure("Configuring", lines, shop.log)


def _compile(ready: Preparation, shop: _Shop) -> None:
    watch = shop.watch
    jobs = str(ready.plan.jobs)
    argv: list[str | Path] = [ready.facts["ninja"], "-C", shop.work / "b", "-j", jobs]
    argv += ready.plan.targets
    phase = " without ".join(filter(None, ("Compiling", ", ".join(sorted(ready.repaired)))))
    lines: list[str] = []
    steps = NinjaSteps()

    def on_line(line: str) -> None:
        lines.append(line)
        watch.on_line(line)
        step = steps.take(line)
        if step:
            done, total, what = step
            watch.report(Progress(phase, done, total, detail=what.rpartition("/")[2]))

    done = stream(argv, on_line, env=_environment(ready, shop.work), log=shop.log, check=False)
    if done.code != 0:
        raise _failure("Compiling", lines, shop.log)


def _environment(ready: Preparation, work: Path) -> dict[str, str | None]:
    """The plan's environment, and the variables that depend on where this build takes place."""
    places: dict[str, str | None] = {
        # Each build has its own directory, and each home its own copy of the source. Relative to the
        # cache's root, both are always in the same place; otherwise ccache would never find a match.
        "CCACHE_BASEDIR": str(paths.cache()),
        "CCACHE_NOHASHDIR": "1",
    }
    if ready.toolchain.family == "zig":
        # Zig compiles its own C++ library on first use. It is kept, since that takes longer than
        # configuring.
        places["ZIG_GLOBAL_CACHE_DIR"] = str(paths.cache() / "zig")
        places["ZIG_LOCAL_CACHE_DIR"] = str(work / "zig")
    return ready.plan.env | places


def _failure(phase: str, lines: Sequence[str], log: Path) -> NativeError | DiskFull:
    error = first_error(lines)
    hint = f"The full log is {log}"
    if error.kind == "disk":
        return DiskFull(
            f"{phase} the engine: no space left.\n{error}",
            hint=f"Free some space, or set COBLYN_HOME to a directory on a larger disk. {hint}",
        )
    if error.kind == "memory":
        hint = f"The compiler ran out of memory; try fewer at once: coblyn build --jobs 1. {hint}"
    return BuildFailed(f"{phase} the engine failed:\n{error}", hint=hint, log=log)


def _unproved(fault: Fault, log: Path) -> BuildFailed:
    with log.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in (*fault.log, f"{fault.stage}: {fault.message}"))
    return BuildFailed(
        f"The engine was built, but did not pass its proof ({fault.stage}): {fault.message}",
        hint=f"{_ANOTHER_COMPILER}The full log is {log}",
        log=log,
    )


def _collect(ready: Preparation, shop: _Shop) -> Path:
    """Gather the libraries and check them; returns their directory."""
    lib_dir = shop.stage / "lib"
    lib_dir.mkdir(parents=True)
    for path in sorted(shop.output.iterdir()):
        is_dropped = path.name.removeprefix("lib").startswith(
            tuple(f"{name}." for name in ready.plan.dropped)
        )
        if audit.is_library(path) and not path.is_symlink() and not is_dropped:
            path.rename(lib_dir / path.name)
    portable = ready.options.portable
    audit.check_libraries(lib_dir, ready.plan.libraries, portable=portable)
    report = audit.audit_bundle(lib_dir, ready.plan.backend, ready.facts, build_dir=shop.work / "b")
    audit.require_sound(report)
    return lib_dir


def _receipt(ready: Preparation, repairs: tuple[Repair, ...], shop: _Shop) -> Receipt:
    facts, plan = ready.facts, ready.plan
    return Receipt(
        id=plan.id,
        backend=plan.backend,
        portable=ready.options.portable,
        asked={
            "backend": ready.options.backend,
            "cmake_args": list(ready.options.cmake_args),
            "without": sorted(ready.options.without),
        },
        accelerates=plan.accelerates,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - shop.watch.started, 1),
        llama_version=ready.source.version,
        llama_commit=ready.source.commit,
        source=ready.source.origin,
        compiler=ready.toolchain.version,
        tools={name: facts[f"{name}.version"] for name in ("cmake", "ninja")}
        | {"ccache": facts["ccache"]},
        platform={
            name: facts[name] for name in ("os", "os.version", "arch", "cpu", "cpu.features", "sdk")
        },
        cmake_args=plan.cmake_args,
        inputs=plan.inputs,
        reasons=plan.reasons,
        notes=plan.notes,
        libraries=audit.collect(shop.stage / "lib"),
        repairs=repairs,
    )


def _put_in_place(stage: Path, target: Path) -> Bundle:
    if target.exists():
        old = target.with_name(f".old-{target.name}")
        _delete(old)
        try:
            target.rename(old)
        except OSError as error:
            raise NativeError(
                f"{target} cannot be replaced: {error.strerror}.",
                hint="Stop the engines that run from it.",
            ) from error
        stage.rename(target)
        _delete(old)
    else:
        stage.rename(target)
    return open_bundle(target)
