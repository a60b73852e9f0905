"""A compiler driver with the manners of Apple's clang, for machines without Apple's tools.

Runs as a program: ``driver.py cc|c++|ar ARGUMENTS``. Zig's clang compiles for macOS with the headers
that it brings, and ld64.lld links, with Apple's options and in Apple's order. Only what small C and
C++ trees need is understood. Two variables say where the tools are: ``APPLE_ZIG`` (the program) and
``APPLE_LD`` (ld64.lld); ``APPLE_LIBS`` is a directory with stubs of the system's libraries.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

MINIMUM = "13.0"
ZIG_ARCH = {"arm64": "aarch64", "x86_64": "x86_64"}
SOURCES = {".c", ".cc", ".cpp", ".cxx", ".s", ".S"}
# Zig takes no name for "this machine" when it compiles for another, and no Apple option.
DROPPED = {"-march=native", "-mcpu=native", "-mtune=native", "-pthread", "-s"}
WITH_VALUE = {
    "-o",
    "-arch",
    "-isysroot",
    "-framework",
    "-install_name",
    "-force_load",
    "-exported_symbol",
}
WITH_VALUE |= {
    "-current_version",
    "-compatibility_version",
    "-undefined",
    "-x",
    "-MF",
    "-MT",
    "-MQ",
}
WITH_VALUE |= {"-I", "-D", "-isystem", "-include"}
FOR_LD = {"-framework", "-install_name", "-force_load", "-exported_symbol", "-undefined"}
FOR_LD |= {"-current_version", "-compatibility_version"}


def main(mode: str, args: list[str]) -> int:
    zig = os.environ["APPLE_ZIG"]
    if mode == "ar":
        return subprocess.call([zig, "ar", *args])
    pairs = list(paired(args))
    arch = next((value for option, value in pairs if option == "-arch"), "arm64")
    compile_ = [
        zig,
        mode,
        "-target",
        f"{ZIG_ARCH[arch]}-macos.{MINIMUM}",
        "-fno-sanitize=undefined",
    ]
    if {"-c", "-E", "-S", "-M", "-MM"} & set(args):
        return subprocess.call([*compile_, *flat(for_compiler(pairs))])
    with tempfile.TemporaryDirectory() as folder:
        if not any(is_input(each) for each in args):
            # Asked for its version, zig leaves an empty object where it is.
            return subprocess.call([*compile_, *flat(for_compiler(pairs))], cwd=folder)
        return link(compile_, pairs, arch, Path(folder))


def paired(args: list[str]):
    """Options with their values: ``("-o", "a.o")``; an option or file alone has the value ""."""
    rest = iter(args)
    for each in rest:
        yield (each, next(rest, "")) if each in WITH_VALUE else (each, "")


def flat(pairs) -> list[str]:
    return [part for pair in pairs for part in pair if part]


def is_input(word: str) -> bool:
    return not word.startswith("-") and Path(word).suffix in {*SOURCES, ".o", ".a", ".dylib"}


def for_compiler(pairs):
    return [
        (option, value)
        for option, value in pairs
        if option not in DROPPED
        and option not in {"-arch", "-isysroot", *FOR_LD}
        and not option.startswith("-mmacosx-version-min")
    ]


def link(compile_: list[str], pairs, arch: str, folder: Path) -> int:
    """Compile the sources of a link command, then link all of it in the order given."""
    words: list[str] = []
    flags = [pair for pair in for_compiler(pairs) if not is_link_word(pair)]
    for number, (option, value) in enumerate(pairs):
        if is_input(option) and Path(option).suffix in SOURCES:
            made = str(folder / f"{Path(option).stem}-{number}.o")
            code = subprocess.call([*compile_, *flat(flags), "-c", option, "-o", made])
            if code:
                return code
            words.append(made)
        elif is_link_word((option, value)):
            words += translated(option, value)
    command = [
        os.environ["APPLE_LD"],
        "-arch",
        arch,
        "-platform_version",
        "macos",
        MINIMUM,
        MINIMUM,
    ]
    libs = os.environ["APPLE_LIBS"]
    # Apple's linker names every duplicate; lld stops at twenty unless it is told otherwise.
    command += ["--error-limit=0", f"-L{libs}", f"-F{libs}", *words, "-lSystem"]
    code = subprocess.call([*command, *os.environ.get("APPLE_LDFLAGS", "").split()])
    if code:
        message = "linker command failed with exit code 1 (use -v to see invocation)"
        print(f"clang: error: {message}", file=sys.stderr)  # noqa: T201 (a program's output)
    return code


def is_link_word(pair: tuple[str, str]) -> bool:
    option = pair[0]
    return (
        is_input(option)
        or option in FOR_LD
        or option in {"-o", "-shared", "-dynamiclib", "-bundle"}
        or option.startswith(("-l", "-L", "-F", "-Wl,"))
    )


def translated(option: str, value: str) -> list[str]:
    if option in {"-shared", "-dynamiclib"}:
        return ["-dylib"]
    if option.startswith("-Wl,"):
        return option.split(",")[1:]
    return [option, value] if value else [option]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
