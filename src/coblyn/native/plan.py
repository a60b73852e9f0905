"""Makes the plan of a build, as one value, from facts and options. Pure.

The plan contains no paths of this build: the build that executes it adds directories and tools. Its id is
the hash of everything that can change a byte of the result, so the same id always means the same bundle.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn.native.backends import Choice, choose
from coblyn.native.facts import COMPILER_PATHS, Fact, Facts, is_at_least
from coblyn.native.known_bad import KnownBad, compiler_version, known_bad
from coblyn.native.sets import features_without, group_of, present, variants_with
from coblyn.native.without import checked_names, without_args

if TYPE_CHECKING:
    from coblyn.native.source import Source
    from coblyn.native.toolchain import Toolchain

__all__ = ["CLEARED", "BuildOptions", "BuildPlan", "make_plan"]

CLEARED = (
    # Turns off GGML_NATIVE and with it every SIMD instruction; wheel builders set it.
    "SOURCE_DATE_EPOCH",
    # Flags and settings that other programs export for their own builds (conda, distributions,
    # wheel builders). Options for this build are given with --cmake-arg, and are then part of
    # the bundle's id.
    "CMAKE_ARGS",
    "CMAKE_BUILD_TYPE",
    "CMAKE_CONFIG_TYPE",
    "CMAKE_C_COMPILER_LAUNCHER",
    "CMAKE_CXX_COMPILER_LAUNCHER",
    "CMAKE_CUDA_COMPILER_LAUNCHER",
    "CMAKE_GENERATOR",
    "CMAKE_GENERATOR_PLATFORM",
    "CMAKE_GENERATOR_TOOLSET",
    "CMAKE_PREFIX_PATH",
    "CMAKE_TOOLCHAIN_FILE",
    "CFLAGS",
    "CPPFLAGS",
    "CXXFLAGS",
    "ASMFLAGS",
    "CUDAFLAGS",
    "HIPFLAGS",
    "LDFLAGS",
    "CL",
    "_CL_",
    "LINK",
    "_LINK_",
    "ARCHFLAGS",
    "MAKEFLAGS",
    "NVCC_APPEND_FLAGS",
    "NVCC_PREPEND_FLAGS",
    # Already read, and passed to CMake by name.
    "CC",
    "CXX",
    "CUDACXX",
    "CUDAHOSTCXX",
    "CUDAARCHS",
    "HIPCXX",
    "SDKROOT",
    "MACOSX_DEPLOYMENT_TARGET",
)
"""Environment variables that are hidden from a build."""

_MEMORY_PER_JOB = (
    1_500_000_000  # bytes; the largest unit (all model graphs in one) needs about 1.3 GB with GCC
)
_SET = {
    "LC_ALL": "C",  # errors in the language that `trace.error` reads
    "NINJA_STATUS": "[%f/%t] ",
    # The tree is not a repository, and must not be mistaken for part of one above it.
    "GIT_DIR": ".coblyn-no-repository",
}
_BASE = ("ggml-base", "ggml", "ggml-rpc", "llama", "mtmd", "coblyn_shim", "coblyn_kernels")


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """The user's choices.

    Attributes:
        backend: "auto" or the name of a backend.
        portable: Run on any CPU of this architecture, choosing the best code at start.
        jobs: Maximum number of concurrent compilers; 0 derives it from cores and memory. Not part of the id.
        cmake_args: Additional arguments for CMake; they come last and so take precedence.
        without: Instruction sets that no CPU code may use, "avx512_vnni", or groups of them, "amx"; in a
            portable build also variants of ggml's code, "sapphirerapids".
    """

    backend: str = "auto"
    portable: bool = False
    jobs: int = 0
    cmake_args: tuple[str, ...] = ()
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """Everything that a build will do.

    Attributes:
        id: Name of the bundle: the backend and 12 hex digits of the hash of ``inputs``.
        backend: Name of the backend.
        cmake_args: Arguments for configuring, without source, build directory, generator and make
            program.
        targets: Targets that ninja builds.
        libraries: Libraries that the build must produce, without prefix and suffix.
        dropped: Libraries that the build produces but that do not go into the bundle, without prefix and suffix.
        without: Groups of instruction sets, and variants, that it leaves out, sorted.
        env: Variables to set, or to remove (None).
        jobs: Maximum number of concurrent compilers.
        inputs: All inputs of the id.
        accelerates: What accelerates inference, as one phrase.
        reasons: Why each choice was made.
        notes: Notes for the user.
    """

    id: str
    backend: str
    cmake_args: tuple[str, ...]
    targets: tuple[str, ...]
    libraries: tuple[str, ...]
    dropped: tuple[str, ...]
    without: tuple[str, ...]
    env: dict[str, str | None]
    jobs: int
    inputs: dict[str, str]
    accelerates: str
    reasons: tuple[str, ...]
    notes: tuple[str, ...]


def make_plan(
    facts: Facts, options: BuildOptions, source: Source, shim_digest: str, toolchain: Toolchain
) -> BuildPlan:
    """Plan a build.

    Args:
        facts: Facts about this machine.
        options: The user's choices.
        source: The llama.cpp tree.
        shim_digest: Digest of our own sources.
        toolchain: The compilers.

    Raises:
        ToolchainMissing: The backend that the user named cannot be built here.
        SettingsError: An instruction set to leave out is not known.
    """
    choice = choose(options.backend, facts)
    without = _Without.of(facts, options, toolchain)
    args = (
        *_common_args(facts, options, toolchain),
        *_unit_args(facts, source),
        *choice.backend.cmake_args(facts, portable=options.portable),
        *_host_compiler(choice, toolchain),
        *without.args(facts, toolchain, portable=options.portable),
        f"-DLLAMA_BUILD_COMMIT={source.commit}",
        *options.cmake_args,
    )
    inputs = _inputs(facts, options, source, shim_digest, toolchain, choice)
    inputs["cmake_args"] = "\n".join(args)
    if without.names:
        inputs["without"] = " ".join(without.names)
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    return BuildPlan(
        id=f"{choice.backend.NAME}-{digest[:12]}",
        backend=choice.backend.NAME,
        cmake_args=(*args, *_ccache_args(facts)),
        targets=("llama", "ggml", "mtmd", "coblyn_shim", "coblyn_kernels"),
        libraries=_libraries(facts, options, choice),
        dropped=without.dropped(facts, portable=options.portable),
        without=without.names,
        env={**dict.fromkeys(CLEARED), **_SET, **toolchain.env},
        jobs=options.jobs or _jobs(facts),
        inputs=inputs,
        accelerates=choice.backend.phrase(without.left(facts), portable=options.portable),
        reasons=(
            f"Backend {choice.backend.NAME}: {choice.reason}",
            f"Compiler: {toolchain.reason}",
            *without.reasons(facts, toolchain),
        ),
        notes=(*choice.notes, *_source_notes(source)),
    )


@dataclass(frozen=True, slots=True)
class _Without:
    """What a build leaves out: as requested, and because the compiler is known to miscompile it."""

    asked: frozenset[str]
    faults: tuple[KnownBad, ...]

    @classmethod
    def of(cls, facts: Facts, options: BuildOptions, toolchain: Toolchain) -> _Without:
        arch, portable = facts["arch"], options.portable
        features = () if portable else facts.words("cpu.features")
        there = {group.name for group in present(arch, features)}
        faults = known_bad(toolchain.family, compiler_version(toolchain.version))
        return cls(
            checked_names(arch, options.without, portable=portable),
            tuple(fault for fault in faults if fault.group in there),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """All groups and variants."""
        return tuple(sorted(self.asked | {fault.group for fault in self.faults}))

    def args(self, facts: Facts, toolchain: Toolchain, *, portable: bool) -> tuple[str, ...]:
        """Arguments for CMake. Our own kernels work around the faults of compilers."""
        return without_args(facts, toolchain.family, self.names, self.asked, portable=portable)

    def left(self, facts: Facts) -> Facts:
        """The facts of a processor that has only the instruction sets that the build uses."""
        words = features_without(facts["arch"], facts.words("cpu.features"), self.names)
        return facts.with_facts([Fact("cpu.features", " ".join(words))]) if self.names else facts

    def dropped(self, facts: Facts, *, portable: bool) -> tuple[str, ...]:
        """Libraries with variants of ggml's code that a portable build makes unnecessarily."""
        variants = variants_with(facts["arch"], self.names) if portable and self.names else ()
        return tuple(f"ggml-cpu-{name}" for name in variants)

    def reasons(self, facts: Facts, toolchain: Toolchain) -> tuple[str, ...]:
        """One sentence per fault of the compiler."""
        version = compiler_version(toolchain.version)
        return tuple(
            f"{group.title if (group := group_of(facts['arch'], fault.group)) else fault.group} is left out: "
            f"{toolchain.family.upper()} {version} {fault.reason} ({fault.source})."
            for fault in self.faults
        )


def _common_args(facts: Facts, options: BuildOptions, toolchain: Toolchain) -> tuple[str, ...]:
    """Arguments common to all backends: what to build, how, for which CPU, with which compilers."""
    return (
        "-DCMAKE_BUILD_TYPE=Release",
        "-DBUILD_SHARED_LIBS=ON",
        "-DLLAMA_BUILD_MTMD=ON",
        # Videos would be read by whichever ffmpeg is in the path.
        "-DMTMD_VIDEO=OFF",
        "-DLLAMA_BUILD_IS_DEV=OFF",
        "-DLLAMA_BUILD_NUMBER=0",
        "-DGGML_RPC=ON",
        # Found by accident if a development package is installed, and then needed at every
        # start.
        "-DGGML_RPC_RDMA=OFF",
        "-DGGML_BUILD_TESTS=OFF",
        "-DGGML_BUILD_EXAMPLES=OFF",
        *_cpu_args(options),
        *_openmp_args(facts, toolchain),
        *_platform_args(facts),
        *_compiler_args(toolchain),
    )


def _unit_args(facts: Facts, source: Source) -> tuple[str, ...]:
    """Whether files of libllama are compiled together; names in another tree may clash then."""
    is_known = source.is_pinned and facts["os"] != "windows"
    return ("-DCOBLYN_UNITS=ON",) if is_known else ()


def _ccache_args(facts: Facts) -> tuple[str, ...]:
    """Whether to use ccache; does not change the result, so it is not part of the id."""
    return (f"-DGGML_CCACHE={'ON' if facts['ccache'] else 'OFF'}",)


def _cpu_args(options: BuildOptions) -> tuple[str, ...]:
    if options.portable:
        return ("-DGGML_NATIVE=OFF", "-DGGML_BACKEND_DL=ON", "-DGGML_CPU_ALL_VARIANTS=ON")
    return ("-DGGML_NATIVE=ON", "-DGGML_BACKEND_DL=OFF", "-DGGML_CPU_ALL_VARIANTS=OFF")


def _openmp_args(facts: Facts, toolchain: Toolchain) -> tuple[str, ...]:
    # Apple has none, and a package manager's must not be picked up by accident; zig has none;
    # Microsoft's and LLVM's on Windows would be one more DLL to find. ggml's own thread pool
    # replaces it.
    has_openmp = facts["os"] == "linux" and toolchain.family == "gcc"
    return (f"-DGGML_OPENMP={'ON' if has_openmp else 'OFF'}",)


def _platform_args(facts: Facts) -> tuple[str, ...]:
    if facts["os"] == "windows":
        return ()
    beside = "@loader_path" if facts["os"] == "macos" else "$ORIGIN"
    rpath = (
        f"-DCMAKE_INSTALL_RPATH={beside}",
        "-DCMAKE_BUILD_WITH_INSTALL_RPATH=ON",
        "-DCMAKE_PLATFORM_NO_VERSIONED_SONAME=ON",
    )
    if facts["os"] != "macos":
        return rpath
    machine = "arm64" if facts["arch"] == "arm64" else "x86_64"
    # Upstream's minimum is 13.3; an older system can still use an engine built for itself.
    is_new = is_at_least(facts["os.version"], "13.3")
    return (
        *rpath,
        f"-DCMAKE_OSX_ARCHITECTURES={machine}",
        f"-DCMAKE_OSX_DEPLOYMENT_TARGET={'13.3' if is_new else facts['os.version']}",
        *((f"-DCMAKE_OSX_SYSROOT={facts['sdk']}",) if facts["sdk"] else ()),
    )


def _compiler_args(toolchain: Toolchain) -> tuple[str, ...]:
    args: list[str] = []
    for language, compiler in (("C", toolchain.cc), ("CXX", toolchain.cxx)):
        args.append(f"-DCMAKE_{language}_COMPILER={compiler[0]}")
        if compiler[1:]:
            args.append(f"-DCMAKE_{language}_COMPILER_ARG1={' '.join(compiler[1:])}")
    if toolchain.family == "zig":
        # It links its whole C++ library into each of ours, with all names: 70 MB instead of 10.
        args += [f"-DCMAKE_{kind}_LINKER_FLAGS=-s" for kind in ("SHARED", "MODULE")]
    return tuple(args)


def _host_compiler(choice: Choice, toolchain: Toolchain) -> tuple[str, ...]:
    """One compiler for all code: nvcc uses it for the host's code."""
    if choice.backend.NAME != "cuda" or toolchain.family == "zig":
        return ()
    return (f"-DCMAKE_CUDA_HOST_COMPILER={toolchain.cxx[0]}",)


def _libraries(facts: Facts, options: BuildOptions, choice: Choice) -> tuple[str, ...]:
    cpu = () if options.portable else ("ggml-cpu",)
    blas = ("ggml-blas",) if facts["os"] == "macos" else ()
    return tuple(sorted((*_BASE, *cpu, *blas, *choice.backend.LIBRARIES)))


def _inputs(
    facts: Facts,
    options: BuildOptions,
    source: Source,
    shim_digest: str,
    toolchain: Toolchain,
    choice: Choice,
) -> dict[str, str]:
    """All named inputs that can change the result; the arguments of CMake are added to them."""
    inputs = {
        "source": source.digest,
        "shim": shim_digest,
        "compiler": toolchain.identity,
        "os": facts["os"],
        "arch": facts["arch"],
        "sdk": f"{facts['sdk']} {facts['sdk.version']}".strip(),
    }
    inputs |= {name: facts[name] for name in choice.backend.INPUTS}
    inputs |= {name: facts[f"env.{name}"] for name in COMPILER_PATHS if facts[f"env.{name}"]}
    if not options.portable:
        inputs |= {"cpu": facts["cpu"], "cpu.features": facts["cpu.features"]}
    return inputs


def _jobs(facts: Facts) -> int:
    """One compiler per logical core, as far as memory allows; at least one."""
    return max(1, min(facts.number("threads", 1), facts.number("memory") // _MEMORY_PER_JOB))


def _source_notes(source: Source) -> tuple[str, ...]:
    if source.is_pinned:
        return ()
    return (f"The source is {source.origin}, and Coblyn may refuse to load what is built from it.",)
