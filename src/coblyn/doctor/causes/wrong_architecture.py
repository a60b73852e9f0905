"""Objects, libraries or programs for another processor than the rest."""

from __future__ import annotations

from coblyn.doctor.causes._links import other_architecture
from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.causes._tree import also

_FRESH = "cmake --fresh -B build -DCMAKE_OSX_ARCHITECTURES={need}"
_LINK_FAILED = (
    r"Undefined symbols|symbol\(s\) not found|linker command failed|ld returned 1|undefined symbol"
)

_ROSETTA = (
    "This link is for x86_64 on a Mac with Apple silicon: the terminal, CMake, Python or conda that runs it is an "
    "Intel program under Rosetta. Use arm64 ones (arch -arm64 zsh -l; Homebrew in /opt/homebrew; Miniforge for "
    "arm64), and build in a fresh directory."
)
_SAME_PYTHON = (
    "With a Python that is {need} itself (python3 -c 'import platform; print(platform.machine())'): on Apple silicon "
    "not an Intel one under Rosetta, of an Intel conda or of the Homebrew in /usr/local; Miniforge has one for arm64."
)
_INTEL_BREW = (
    "The file is of the Homebrew for Intel in /usr/local. Install the library with the Homebrew for Apple silicon "
    "(/opt/homebrew/bin/brew install ...), see that /opt/homebrew/bin comes first on PATH, and configure in a fresh "
    "build directory."
)

CAUSE = log_cause(
    "wrong-architecture",
    "A file is for another processor",
    sign(
        r"ignoring file '?(?P<file>/usr/local/[^\n',]{1,300})[^\n]{0,200}(?:required architecture '|building "
        r"for \S{0,20}-)arm64",
        "{file} is for Intel's processors, and the link is for Apple's.",
        also=_LINK_FAILED,
        text=_INTEL_BREW,
    ),
    sign(
        r"ignoring file '?(?P<file>/opt/homebrew/[^\n',]{1,300})[^\n]{0,200}(?:required architecture "
        r"'|building for \S{0,20}-)x86_64",
        "{file} is for Apple's processors, and the link is for Intel's.",
        also=_LINK_FAILED,
        text=_ROSETTA,
    ),
    sign(
        r"site-packages/llama_cpp/[^\n]{0,300}\([^\n]{0,20}mach-o[^\n]{0,40} incompatible architecture \(have "
        r"'(?P<have>[\w, ]+)', need '(?:arm64e' or ')?(?P<need>\w+)'",
        "llama-cpp-python was built for {have}, and the Python that loads it is {need}.",
        command="CMAKE_ARGS=-DCMAKE_OSX_ARCHITECTURES={need} ARCHFLAGS='-arch {need}' pip install --force-reinstall "
        "--no-cache-dir llama-cpp-python",
        text=_SAME_PYTHON,
    ),
    sign(
        r"site-packages/(?P<package>\w{1,60})[/.][^\n]{0,300}\([^\n]{0,20}mach-o[^\n]{0,40} incompatible "
        r"architecture \(have '(?P<have>[\w, ]+)', need '(?:arm64e' or ')?(?P<need>\w+)'",
        "{package} was built for {have}, and the Python that loads it is {need}.",
        command="CMAKE_ARGS=-DCMAKE_OSX_ARCHITECTURES={need} ARCHFLAGS='-arch {need}' pip install --force-reinstall "
        "--no-cache-dir {package}",
        text=_SAME_PYTHON,
    ),
    sign(
        r"ignoring file (?P<file>[^\n]{1,300}?), building for \S*?-(?P<need>\w+) but attempting to link with file "
        r"built for (?:\S*?-)?(?P<have>\w+)",
        "{file} is for {have}, and the link is for {need}.",
        also=_LINK_FAILED,
        command=_FRESH,
    ),
    sign(
        r"ignoring file (?P<file>[^\n]{1,300}?), file was built for (?P<have>x86_64|i386|arm64|arm\w*) which is not "
        r"the architecture being linked \((?P<need>\w+)\)",
        "{file} is for {have}, and the link is for {need}, so that all it defines is missing.",
        also=_LINK_FAILED,
        command="make clean && make",
    ),
    sign(
        r"ignoring file '?(?P<file>[^'\n]{1,300}?)'?[:,] found architecture '(?P<have>\w+)', required architecture "
        r"'(?P<need>\w+)'",
        "{file} is for {have}, and the link is for {need}, so that all it defines is missing.",
        also=_LINK_FAILED,
        command="make clean && make",
    ),
    sign(
        r"(?P<file>[^\s('\"]{1,300})'? \([^\n]{0,20}mach-o[^\n]{0,40} incompatible architecture \(have "
        r"'(?P<have>[\w, ]+)', need '(?:arm64e' or ')?(?P<need>\w+)'",
        "{file} is for {have}, and the program that loads it is {need}.",
        text="Build it again for {need}, with a compiler, CMake and Python that are {need} themselves: on Apple "
        "silicon not under Rosetta, and not with an x86_64 conda or Homebrew (/usr/local).",
    ),
    sign(
        r"incompatible architecture \(have '(?P<have>[\w, ]+)', need '(?:arm64e' or ')?(?P<need>\w+)'"
        r"|mach-o, but wrong architecture",
        text="Build it again with a compiler, CMake and Python for one and the same processor: on Apple silicon not "
        "under Rosetta, and not with an x86_64 conda or Homebrew (/usr/local).",
    ),
    sign(
        r"building for [^\n]{1,40}?,? but attempting to link with file built for [^\n]{1,60}",
        also=_LINK_FAILED,
    ),
    sign(
        r"(?:error|warning): (?P<file>[^\s:]{1,300}):? has architecture (?P<have>\w+) which is incompatible with "
        r"target architecture (?P<need>\w+)",
        "{file} is for {have}, and the link is for {need}.",
    ),
    sign(
        r"(?P<file>[^\s:]{1,300}): (?:error adding symbols: )?(?:file|File) in wrong format",
        "{file} is for another processor.",
    ),
    sign(
        r"error: (?P<file>[^\s:]{1,300}) is incompatible with (?P<need>elf\w+|\S+)$",
        "{file} is for another processor than {need}.",
    ),
    sign(
        r"(?P<file>[^\s:]{1,300}): unsupported ELF machine number (?P<have>\d+)",
        "{file} is for another processor.",
    ),
    sign(
        r"(?P<file>[^\s:]{1,300}): incompatible file type: (?P<need>\S+) is expected but got (?P<have>\S+)",
        "{file} is for {have}, and the link is for {need}.",
    ),
    sign(
        r"architecture of input file [`'](?P<file>[^'\n]{1,300})' is incompatible with "
        r"(?P<need>\S+) output",
        "{file} is for another processor than {need}.",
    ),
    sign(
        r"Relocations in generic ELF \(EM: (?P<have>\d+)\)", "An object is for another processor."
    ),
    sign(
        r"skipping incompatible (?P<file>\S{1,300}) when searching for -l(?P<name>\S+)",
        "{file} is for another processor, and there is no other {name}.",
        also=r"cannot find -l",
    ),
    sign(
        r"(?P<file>[^\s:]{1,300}): wrong ELF class: ELFCLASS(?P<have>32|64)",
        "{file} is for {have} bits, and the program that loads it is not.",
    ),
    sign(
        r"error LNK1112: module machine type '(?P<have>\w+)' conflicts with target machine type "
        r"'(?P<need>\w+)'",
        "An object is for {have}, and the link is for {need}.",
        text="Open the x64 Native Tools prompt (not the x86 one), and configure in a fresh build "
        "directory.",
    ),
    looks_like="ld: warning: ignoring file x.o: found architecture 'x86_64', required architecture 'arm64'; mach-o "
    "file, but is an incompatible architecture (have 'x86_64', need 'arm64')",
    explanation="Everything in one program is for one processor. On Apple silicon an x86_64 terminal, Python, conda "
    "or CMake (all run by Rosetta without a word) makes x86_64 files; elsewhere files of an earlier build, or of "
    "another machine, are left over.",
    fix="Clear what was built, and build with tools that are all for the same processor.",
    links=(
        "https://github.com/abetlen/llama-cpp-python/issues/724",
        "https://github.com/ggml-org/llama.cpp/issues/8211",
        "https://github.com/RWKV/rwkv.cpp/issues/59",
        "https://github.com/stealth/opmsg/issues/21",
    ),
    explains=(
        "library-not-linked",
        "stale-objects",
        "library-not-found",
        "undefined-symbol",
        "ggml-not-linked",
    ),
)

CAUSE = also(CAUSE, lambda case: other_architecture(CAUSE, case))
