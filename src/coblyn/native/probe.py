"""Examines this machine: files, environment, and programs that report their version.

Answers of programs are cached, together with path, time and size of the program's file (and of the files that it
depends on), so that a second probe starts no program. Decides nothing.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from coblyn import paths
from coblyn.errors import ProgramFailed
from coblyn.files import write_whole
from coblyn.native.facts import (
    COMPILER_PATHS,
    Fact,
    Facts,
    arm_mac_features,
    cpu_flags,
    first_version,
    gfx_target,
    is_at_least,
    vulkan_version,
)
from coblyn.run import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = [
    "MAC_TOOLS",
    "MIN_CMAKE",
    "MIN_NINJA",
    "Prober",
    "cpu_facts",
    "file_identity",
    "probe",
    "system_facts",
]

_log = logging.getLogger(__name__)

# 3.24 knows current GPU architectures by name; llama.cpp itself needs 3.14 (3.21 for HIP).
MIN_CMAKE = "3.24"
MIN_NINJA = "1.10"

# What changes when another Xcode is installed or selected.
MAC_TOOLS = (Path("/var/db/xcode_select_link"), Path("/Library/Developer/CommandLineTools/SDKs"))


class Prober:
    """Runs programs and caches their answers until one of the files involved changes."""

    def __init__(self, memory: Path | None = None) -> None:
        self._path = memory or paths.cache() / "probes.json"
        self._answers = _read_answers(self._path)
        self._is_changed = False

    def ask(self, argv: Sequence[str | Path], *, watch: Sequence[Path] = ()) -> str:
        """Output of a program, or an empty string if it fails or does not exist.

        Args:
            argv: The command, with the program's full path.
            watch: Files and folders whose change makes the answer stale, besides the program
                itself.
        """
        if not argv[0] or not Path(argv[0]).is_file():
            return ""
        key = json.dumps([[str(part) for part in argv], *map(file_identity, (argv[0], *watch))])
        if key not in self._answers:
            try:
                self._answers[key] = run(argv, timeout=60, env={"LC_ALL": "C"}).output
            except ProgramFailed as error:
                _log.debug("Probe failed: %s", error)
                return ""
            self._is_changed = True
        return self._answers[key]

    def save(self) -> None:
        """Keep the answers for the next process; a cache that cannot be written is not an error."""
        if not self._is_changed:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, json.dumps(self._answers))
        except OSError as error:
            _log.debug("Probes cannot be kept: %s", error)


def file_identity(path: str | Path) -> str:
    """Real path, modification time (ns) and size of a file, which identify its version."""
    real = Path(path).resolve()
    try:
        status = real.stat()
    except OSError:
        return f"{real} missing"
    return f"{real} {status.st_mtime_ns} {status.st_size}"


def probe(prober: Prober, environ: Mapping[str, str] = os.environ) -> Facts:
    """All facts that a build depends on."""
    facts = Facts((*_system(prober), *_environment(environ)))
    for look in (_tools, _sdk, _cuda, _hip, _vulkan):
        facts = facts.with_facts(look(prober, facts, environ))
    return facts


def _environment(environ: Mapping[str, str]) -> Iterator[Fact]:
    for name in COMPILER_PATHS:
        if environ.get(name):
            yield Fact(f"env.{name}", environ[name], "environment")


def system_facts(prober: Prober) -> Facts:
    """Only facts about the system and the CPU; does not look for tools."""
    return Facts(tuple(_system(prober)))


def cpu_facts(prober: Prober) -> Facts:
    """Only facts about the CPU."""
    return Facts(tuple(_cpu(prober)))


def _read_answers(path: Path) -> dict[str, str]:
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def machine_arch() -> str:
    """The architecture of this machine, as the fact "arch"."""
    machine = platform.machine().lower()
    return {"amd64": "x86-64", "x86_64": "x86-64", "aarch64": "arm64"}.get(machine, machine)


def _system(prober: Prober) -> Iterator[Fact]:
    names = {"darwin": "macos", "win32": "windows"}
    yield Fact("os", names.get(sys.platform, sys.platform), "Python")
    yield Fact("os.version", _os_version(), "Python")
    yield Fact("arch", machine_arch(), "Python")
    yield from _cpu(prober)
    yield Fact("cores", str(psutil.cpu_count(logical=False) or 0), "psutil", "physical cores")
    yield Fact("threads", str(_usable_threads()), "psutil", "logical cores that we may use")
    yield Fact("memory", str(_usable_memory()), "psutil", "bytes that can be had now")


def _os_version() -> str:
    return platform.mac_ver()[0] if sys.platform == "darwin" else platform.release()


def _cpu(prober: Prober) -> Iterator[Fact]:
    if sys.platform == "linux":
        text = Path("/proc/cpuinfo").read_text("utf-8", errors="replace")
        yield Fact("cpu", _cpu_name(text), "/proc/cpuinfo")
        yield Fact("cpu.features", " ".join(cpu_flags(text)), "/proc/cpuinfo")
    elif sys.platform == "darwin":
        sysctl = Path("/usr/sbin/sysctl")
        name = prober.ask([sysctl, "-n", "machdep.cpu.brand_string"]).strip()
        optional = prober.ask([sysctl, "hw.optional"])
        yield Fact("cpu", name, "sysctl")
        yield Fact("cpu.features", " ".join(arm_mac_features(optional)), "sysctl hw.optional")
        translated = prober.ask([sysctl, "-in", "sysctl.proc_translated"]).strip()
        yield Fact("rosetta", "yes" if translated == "1" else "", "sysctl")
    else:
        # Windows reports family, model and stepping: enough to tell one CPU from another. Its
        # features are found by the compiler's own check.
        yield Fact("cpu", platform.processor(), "Python")
        yield Fact("cpu.features", "", "", "found by the compiler's own check")


def _cpu_name(cpuinfo: str) -> str:
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in {"model name", "CPU part", "Model"}:
            return value.strip()
    return platform.processor() or "unknown"


def _usable_threads() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _usable_memory() -> int:
    """Free bytes, within the limit of the container's control group."""
    free = int(psutil.virtual_memory().available)
    group = Path("/sys/fs/cgroup")
    try:
        limit = int((group / "memory.max").read_text("ascii"))
        used = int((group / "memory.current").read_text("ascii"))
    except (OSError, ValueError):
        return free
    return max(0, min(free, limit - used))


def _tools(prober: Prober, _: Facts, __: Mapping[str, str]) -> Iterator[Fact]:
    yield from _best_tool(prober, "cmake", MIN_CMAKE)
    yield from _best_tool(prober, "ninja", MIN_NINJA)
    ccache = shutil.which("ccache") or shutil.which("sccache") or ""
    yield Fact(
        "ccache", ccache, "PATH", "" if ccache else "not installed: every build compiles all"
    )


def _best_tool(prober: Prober, name: str, minimum: str) -> Iterator[Fact]:
    """The system's tool if it is new enough, else the tool of the Python package with that name."""
    system = shutil.which(name)
    version = first_version(prober.ask([system, "--version"])) if system else ""
    if system and is_at_least(version, minimum):
        yield Fact(name, system, "PATH", f"version {version}")
        yield Fact(f"{name}.version", version, system)
        return
    packaged = _packaged_tool(name)
    why = f"the system's is {version}, {minimum} is needed" if version else "the system has none"
    version = first_version(prober.ask([packaged, "--version"])) if packaged else ""
    yield Fact(name, packaged if version else "", f"Python package {name}", why)
    yield Fact(f"{name}.version", version, packaged)


def _packaged_tool(name: str) -> str:
    try:
        if name == "cmake":
            from cmake import CMAKE_BIN_DIR

            folder = CMAKE_BIN_DIR
        else:
            from ninja import BIN_DIR

            folder = BIN_DIR
    except ImportError:
        return ""
    return shutil.which(name, path=folder) or ""


def _sdk(prober: Prober, facts: Facts, environ: Mapping[str, str]) -> Iterator[Fact]:
    if facts["os"] != "macos":
        return
    xcrun = Path("/usr/bin/xcrun")
    path = environ.get("SDKROOT") or prober.ask([xcrun, "--show-sdk-path"], watch=MAC_TOOLS).strip()
    version = prober.ask([xcrun, "--show-sdk-version"], watch=MAC_TOOLS).strip()
    missing = "" if path else "the command line tools are not installed"
    yield Fact("sdk", path, "SDKROOT" if environ.get("SDKROOT") else "xcrun", missing)
    yield Fact("sdk.version", version, "xcrun")


def _cuda(prober: Prober, _: Facts, environ: Mapping[str, str]) -> Iterator[Fact]:
    named = [environ.get(name) for name in ("CUDACXX", "CUDA_PATH", "CUDA_HOME")]
    nvcc = _find_program("nvcc", *named, "/usr/local/cuda")
    answer = prober.ask([nvcc, "--version"]) if nvcc else ""
    release = answer.partition("release ")[2]
    version = first_version(release)
    yield _working("cuda.compiler", nvcc, version, "CUDACXX, CUDA_PATH, PATH, /usr/local/cuda")
    yield Fact("cuda.version", version, nvcc)
    smi = _find_program("nvidia-smi")
    query = [smi, "--query-gpu=name,compute_cap,driver_version", "--format=csv,noheader"]
    gpus = sorted(map(str, Path("/proc/driver/nvidia/gpus").glob("*")))
    answer = prober.ask(query, watch=[Path(gpu) for gpu in gpus]) if smi else ""
    rows = [[cell.strip() for cell in row.split(",")] for row in answer.splitlines()]
    rows = [row for row in rows if len(row) == 3]
    yield Fact("cuda.devices", "; ".join(row[0] for row in rows), smi or "nvidia-smi not found")
    yield Fact("cuda.capabilities", " ".join(sorted({row[1] for row in rows})), smi)
    yield Fact("cuda.driver", rows[0][2] if rows else "", smi)


def _hip(prober: Prober, _: Facts, environ: Mapping[str, str]) -> Iterator[Fact]:
    rocm = Path(environ.get("ROCM_PATH", "/opt/rocm"))
    compiler = _find_program("hipconfig", str(rocm))
    yield Fact("hip.compiler", compiler, f"{rocm}, PATH")
    version = first_version(prober.ask([compiler, "--version"])) if compiler else ""
    yield Fact("hip.version", version, compiler)
    clang = rocm / "llvm" / "bin" / "clang++"
    yield Fact("hip.clang", str(clang) if clang.exists() else "", str(clang))
    nodes = sorted(Path("/sys/class/kfd/kfd/topology/nodes").glob("*/properties"))
    targets = {gfx_target(_gfx_version(node)) for node in nodes} - {""}
    yield Fact("hip.targets", " ".join(sorted(targets)), "/sys/class/kfd")


def _gfx_version(properties: Path) -> int:
    try:
        lines = properties.read_text("ascii").splitlines()
    except OSError:
        return 0
    return next(
        (int(line.split()[1]) for line in lines if line.startswith("gfx_target_version ")), 0
    )


def _vulkan(prober: Prober, facts: Facts, environ: Mapping[str, str]) -> Iterator[Fact]:
    sdk = environ.get("VULKAN_SDK", "")
    glslc = _find_program("glslc", sdk)
    version = first_version(prober.ask([glslc, "--version"]))
    yield _working("vulkan.glslc", glslc, version, "VULKAN_SDK, PATH")
    yield Fact("vulkan.glslc.version", version, glslc)
    roots = [Path(root) for root in (sdk, "/usr", "/usr/local", "/opt/homebrew") if root]
    headers = ["include/vulkan/vulkan_core.h", "Include/vulkan/vulkan_core.h"]
    header = _first_file(roots, headers)
    yield Fact("vulkan.header", header, "VULKAN_SDK, /usr, /usr/local")
    text = Path(header).read_text("utf-8", errors="replace") if header else ""
    yield Fact("vulkan.header.version", vulkan_version(text), header)
    has_settings = "VK_EXT_layer_settings" in text
    yield Fact("vulkan.layer-settings", "yes" if has_settings else "", header)
    spirv = _first_file(
        roots,
        [
            f"{place}/cmake/SPIRV-Headers/SPIRV-HeadersConfig.cmake"
            for place in ("share", "lib", "Lib")
        ],
    )
    yield Fact("vulkan.spirv-headers", spirv, "VULKAN_SDK, /usr, /usr/local")
    yield Fact(
        "vulkan.devices", _render_devices(facts["os"]), "/dev/dri" if facts["os"] == "linux" else ""
    )


def _render_devices(system: str) -> str:
    if system == "linux":
        return " ".join(sorted(node.name for node in Path("/dev/dri").glob("renderD*")))
    if system == "windows":
        return "vulkan-1.dll" if shutil.which("vulkan-1.dll") else ""
    return ""


def _working(name: str, program: str, version: str, source: str) -> Fact:
    """Find a program that runs; one that exists but does not run counts as missing."""
    reason = f"{program} does not run" if program and not version else ""
    return Fact(name, program if version else "", source, reason)


def _find_program(name: str, *places: str | None) -> str:
    """Full path of a program, from: the program's own path, a directory that contains it, or PATH."""
    for place in filter(None, places):
        found = shutil.which(place) or shutil.which(name, path=str(Path(place) / "bin"))
        if found and not Path(found).is_dir():
            return found
    return shutil.which(name) or ""


def _first_file(roots: Sequence[Path], names: Sequence[str]) -> str:
    return next(
        (str(root / name) for root in roots for name in names if (root / name).is_file()), ""
    )
