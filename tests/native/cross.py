"""Real objects and libraries for any platform, made while the tests run: zig compiles and links for all of them.

Without the C library (``-nostdlib``), linking takes a fraction of a second.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

from coblyn.run import run

TARGETS = {
    "linux": "x86_64-linux-gnu",
    "linux-arm64": "aarch64-linux-gnu",
    "mac-arm64": "aarch64-macos.12.0",
    "mac-x86-64": "x86_64-macos.11.0",
    "windows": "x86_64-windows-gnu",
}
ARCHES = {
    "linux": "x86-64",
    "linux-arm64": "arm64",
    "mac-arm64": "arm64",
    "mac-x86-64": "x86-64",
    "windows": "x86-64",
}


class Cross:
    """A directory of its own with compilers for all targets."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self._env = {
            "ZIG_GLOBAL_CACHE_DIR": str(cache / "zig"),
            "ZIG_LOCAL_CACHE_DIR": str(cache / "zig-local"),
        }

    def zig(self, *args: str | Path) -> None:
        run([sys.executable, "-m", "ziglang", *args], env=self._env, timeout=300, cwd=self.folder)

    def object(self, name: str, source: str, target: str = "linux", *flags: str) -> Path:
        """Compile C (or C++, if the name ends with ``.cpp.o``) to an object of that name."""
        ending = "cpp" if name.endswith(".cpp.o") else "c"
        text = self.folder / f"{name}.{ending}"
        text.parent.mkdir(parents=True, exist_ok=True)
        text.write_text(source)
        made = self.folder / name
        driver = "c++" if ending == "cpp" else "cc"
        args = ["-target", TARGETS[target], "-O2", "-fno-sanitize=all", *flags]
        self.zig(driver, *args, "-c", text, "-o", made)
        return made

    def library(self, name: str, source: str, target: str = "linux", *flags: str) -> Path:
        """Compile and link a shared library without the C library."""
        if target == "windows":
            return self._dll(name, source, *flags)
        text = self.folder / f"{name}.c"
        text.parent.mkdir(parents=True, exist_ok=True)
        text.write_text(source)
        made = self.folder / name
        args = ["-target", TARGETS[target], "-O2", "-fno-sanitize=all", "-nostdlib", "-shared"]
        self.zig("cc", *args, text, "-o", made, *flags)
        return made

    def _dll(self, name: str, source: str, *flags: str) -> Path:
        text = self.object(f"{name}.o", source, "windows")
        made = self.folder / name
        # Exports say so in the source: __declspec(dllexport).
        args = ["/dll", "/noentry", f"/out:{made}", f"/implib:{made}.lib"]
        self.zig("lld-link", *args, text, *flags)
        return made


def universal(*parts: bytes) -> bytes:
    """A universal file of thin Mach-O files or archives, as ``lipo`` makes it."""
    kinds = {0x0100000C: (0x0100000C, 0), 0x01000007: (0x01000007, 3)}
    offset, head, body = 4096, struct.pack(">II", 0xCAFEBABE, len(parts)), b""
    for number, part in enumerate(parts):
        cpu, subtype = kinds[0x0100000C if number == 0 else 0x01000007]
        head += struct.pack(">iiIII", cpu, subtype, offset + len(body), len(part), 12)
        body += part + b"\0" * (-len(part) % 4096)
    return head.ljust(offset, b"\0") + body


def archive(members: dict[str, bytes], *, names: bytes = b"") -> bytes:
    """An ``ar`` archive, written by hand; names as they stand in the headers."""
    text = b"!<arch>\n"
    table = {"//": names} if names else {}
    for name, body in (table | members).items():
        head = f"{name:<16}{0:<12}{0:<6}{0:<6}{644:<8}{len(body):<10}".encode() + b"`\n"
        text += head + body + b"\n" * (len(body) % 2)
    return text
