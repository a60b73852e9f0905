"""Symbols that a library needs but that none of its loaded libraries provides.

Apple's and Microsoft's formats name the library that each symbol is expected in. ELF does not; but symbols of the
system's libraries carry versions, which name it, so the remaining symbols must come from the other libraries present.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn.errors import BinaryUnreadable
from coblyn.native.audit.suppliers import Supplier, base_name, supplier
from coblyn.native.binary.binary import Format
from coblyn.native.binary.read import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coblyn.native.audit.search import Neighbours
    from coblyn.native.binary.binary import Binary, Symbol

__all__ = ["Unresolved", "unresolved"]

# Provided by the program that loads the library (Python, Node), by the compiler's runtime, or by the loader.
_FROM_HOST = (
    *("Py", "_Py", "napi_", "node_", "uv_", "_ZN2v8", "_ZNK2v8", "_ZN4node", "lua", "rb_"),
    *("JNI_", "Java_", "__asan_", "__tsan_", "__msan_", "__ubsan_", "__sanitizer_", "__gmon_start"),
    *("_ITM_", "__tls_get_addr", "__cxa_", "_DYNAMIC", "_GLOBAL_OFFSET_TABLE_", "__dso_handle"),
    *("__start_", "__stop_", "environ"),
)
# Every process has the C library, and a library may rely on that without naming it; likewise the C++ library, if
# a library that needs it is loaded first. Where they cannot be read, the names of the symbols show their origin.
_RUNTIME = (
    "libc.so.6",
    "libdl.so.2",
    "libm.so.6",
    "libpthread.so.0",
    "librt.so.1",
    "libstdc++.so.6",
)
_FROM_RUNTIME = (
    *(
        "_ZNSt",
        "_ZNKSt",
        "_ZSt",
        "_ZTISt",
        "_ZTVSt",
        "_ZTSSt",
        "_ZTIN10__cxxabiv1",
        "_ZTVN10__cxxabiv1",
    ),
    *("_Znw", "_Zna", "_Zdl", "_Zda", "dl", "pthread_", "sem_", "__gxx_", "_Unwind_"),
)
_VERSIONED = (
    *("libc.so", "libm.so", "libdl.so", "librt.so", "libpthread.so", "libgcc_s"),
    *("libstdc++", "libgomp", "ld-linux"),
)
_DEPTH = 8
_MAX_NAMED = 4


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Symbols needed by one library that no library provides.

    Attributes:
        binary: The library.
        symbols: Their names.
        expected: The library that should provide them; empty if the format does not say.
        is_sure: Whether the library that should provide them was read, or provides other symbols of their kind.
    """

    binary: Binary
    symbols: tuple[str, ...]
    expected: str
    is_sure: bool

    @property
    def text(self) -> str:
        """The finding, as a phrase that follows the binary's name."""
        more = len(self.symbols) - _MAX_NAMED
        named = ", ".join(self.symbols[:_MAX_NAMED])
        return f"needs {named}{f' and {more} more' if more > 0 else ''}, which no library has"

    @property
    def is_fatal(self) -> bool:
        """Whether the library cannot be loaded."""
        return self.is_sure


def unresolved(neighbours: Neighbours) -> tuple[Unresolved, ...]:
    """Symbols that no library provides, for each library and program.

    Args:
        neighbours: The binaries, and the machine to search.
    """
    found: list[Unresolved] = []
    for binary in neighbours.binaries:
        if binary.is_linked:
            found += (
                _elf(binary, neighbours)
                if binary.format is Format.ELF
                else _named(binary, neighbours)
            )
    return tuple(found)


def _named(binary: Binary, neighbours: Neighbours) -> Iterator[Unresolved]:
    """Mach-O and PE: each symbol is looked up in the library that it names, if that library was given."""
    groups: dict[str, list[str]] = {}
    for symbol in binary.undefined:
        if symbol.library and symbol.library not in binary.optional:
            groups.setdefault(symbol.library, []).append(symbol.name)
    for library, names in groups.items():
        givers = neighbours.named(library, binary)
        # A library may pass on symbols that others define (re-exports), which only the full chain shows.
        given = _exported(givers, neighbours) if givers else frozenset(names)
        missing = tuple(sorted(name for name in names if name not in given))
        if missing:
            yield Unresolved(binary, missing, base_name(library), is_sure=True)


def _exported(givers: Iterable[Binary], neighbours: Neighbours, depth: int = 2) -> frozenset[str]:
    """All symbols exported by some libraries and by the given libraries that they need."""
    names: set[str] = set()
    for giver in givers:
        names |= giver.exported
        if depth:
            for library in giver.needed:
                names |= _exported(neighbours.named(library, giver), neighbours, depth - 1)
    return frozenset(names)


def _elf(binary: Binary, neighbours: Neighbours) -> Iterator[Unresolved]:
    """ELF: symbols without a version must be in one of the libraries that are loaded together."""
    wanted = [symbol for symbol in binary.undefined if not symbol.library and not _is_hosts(symbol)]
    if not wanted:
        return
    chain = _Chain(neighbours)
    chain.add(binary)
    missing = {symbol.name for symbol in wanted} - chain.given
    if missing:
        missing -= chain.look_outside(binary)
    # If a library could not be read, the missing symbols may be in it.
    if not missing or chain.is_unknown:
        return
    is_sure = _has_relatives(missing, chain.given)
    if is_sure or not _is_plugin(binary):
        yield Unresolved(binary, tuple(sorted(missing)), "", is_sure)


def _is_hosts(symbol: Symbol) -> bool:
    return symbol.name.startswith((*_FROM_HOST, *_FROM_RUNTIME))


def _is_plugin(binary: Binary) -> bool:
    """Whether a program loads it and provides names to it, as with modules of Python and Node."""
    return any(mark in binary.path.name for mark in (".cpython-", ".abi3.", ".node"))


def _has_relatives(missing: Iterable[str], given: Iterable[str]) -> bool:
    """Whether the other libraries provide names with the same prefix (``ggml_``) as all the missing ones.

    A library that a program loads may rely on that program's names; in that case no other library has names like them.
    """
    families = {_family(name) for name in given}
    return all(_family(name) in families for name in missing)


def _family(name: str) -> str:
    head, bar, _ = name.partition("_")
    return head if bar and len(head) > 2 else name


class _Chain:
    """The libraries that are loaded together with the given one, according to what they need."""

    def __init__(self, neighbours: Neighbours) -> None:
        self.given: set[str] = set()
        self.outside: list[tuple[str, Binary]] = []
        self.is_unknown = False
        self._neighbours = neighbours
        self._seen: set[int] = set()

    def add(self, binary: Binary, depth: int = _DEPTH) -> None:
        """Add a library and all given libraries that it needs."""
        if id(binary) in self._seen or not depth:
            return
        self._seen.add(id(binary))
        self.given |= binary.exported
        for library in binary.needed:
            givers = self._neighbours.named(library, binary)
            for giver in givers:
                self.add(giver, depth - 1)
            if not givers and not _is_versioned(library, binary):
                self.outside.append((library, binary))

    def look_outside(self, binary: Binary) -> frozenset[str]:
        """Symbols provided by libraries of this machine; notes whether a library could not be read."""
        names: set[str] = set()
        for library, asker in self.outside:
            exported = self._exported(library, asker)
            self.is_unknown = self.is_unknown or exported is None
            names |= exported or frozenset()
        if self._neighbours.is_native(binary):
            for library in _RUNTIME:
                names |= self._exported(library, binary) or frozenset()
        return frozenset(names)

    def _exported(self, library: str, asker: Binary) -> frozenset[str] | None:
        place = self._neighbours.place(library, asker)
        try:
            found = read(place, with_code=False) if place else ()
        except BinaryUnreadable:
            return None
        return frozenset(name for each in found for name in each.exported) if found else None


def _is_versioned(library: str, binary: Binary) -> bool:
    """Whether a library is known to give all its symbols versions: a symbol without one is not from there.

    Others, such as zlib, may have versions for some of their symbols only.
    """
    name = base_name(library)
    return (
        supplier(library, binary.platform) is Supplier.SYSTEM
        and name.startswith(_VERSIONED)
        and any(symbol.library for symbol in binary.symbols)
    )
