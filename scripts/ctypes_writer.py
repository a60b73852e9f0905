"""From C declarations to the ctypes expressions that stand for them, through libclang.

Knows C types and nothing of what the bindings are for; ``gen_bindings.py`` decides what goes in.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from clang.cindex import (
    Cursor,
    CursorKind,
    Diagnostic,
    Index,
    TranslationUnit,
    Type,
    TypeKind,
)

# Structs of ggml that we look into; a pointer to any other one is opaque.
GGML_STRUCTS = frozenset(
    {
        "ggml_backend_dev_caps",
        "ggml_backend_dev_props",
        "ggml_backend_feature",
        "ggml_threadpool_params",
    }
)
# Headers of which every struct is ours to look into.
OURS = frozenset({"llama.h", "mtmd.h", "mtmd-helper.h"})
# Known to the bindings, but no part of the fingerprint: that would give every bundle another name.
# Callers check by what the library tells (see src/coblyn/llama/product.py).
UNPROBED = frozenset({"ggml_init_params", "ggml_status"})
# Complete in the header, yet a handle that only the library makes and frees.
HANDLES = frozenset({"llama_sampler"})

# The stubs decide the spelling of each C type: size_t is the only "unsigned long".
STUBS = {
    "stddef.h": "typedef unsigned long size_t;\n#define NULL ((void *) 0)\n",
    "stdbool.h": "#define bool _Bool\n#define true 1\n#define false 0\n",
    "stdint.h": (
        "typedef signed char int8_t; typedef unsigned char uint8_t;\n"
        "typedef short int16_t; typedef unsigned short uint16_t;\n"
        "typedef int int32_t; typedef unsigned int uint32_t;\n"
        "typedef long long int64_t; typedef unsigned long long uint64_t;\n"
        "typedef unsigned long long uintptr_t; typedef long long intptr_t;\n"
    ),
    "stdio.h": '#include "stddef.h"\ntypedef struct coblyn_file FILE;\n',
}

SCALARS = {
    TypeKind.BOOL: "c_bool",
    TypeKind.CHAR_S: "c_char",
    TypeKind.SCHAR: "c_int8",
    TypeKind.UCHAR: "c_uint8",
    TypeKind.SHORT: "c_int16",
    TypeKind.USHORT: "c_uint16",
    TypeKind.INT: "c_int32",
    TypeKind.UINT: "c_uint32",
    TypeKind.ULONG: "c_size_t",
    TypeKind.LONGLONG: "c_int64",
    TypeKind.ULONGLONG: "c_uint64",
    TypeKind.FLOAT: "c_float",
    TypeKind.DOUBLE: "c_double",
    TypeKind.ENUM: "c_int",
}


class HeaderError(Exception):
    """The headers hold something that this generator does not know how to write."""


def parse(source: Path, extra: str = "") -> TranslationUnit:
    """Parse the headers of a llama.cpp tree, and C text after them, for one fixed 64-bit target."""
    with tempfile.TemporaryDirectory() as stubs:
        for name, text in STUBS.items():
            (Path(stubs) / name).write_text(text, encoding="utf-8")
        folders = ("include", "ggml/include", "tools/mtmd")
        includes = [*(f"-I{source / folder}" for folder in folders), f"-I{stubs}"]
        unit = Index.create().parse(
            "coblyn.c",
            args=["-xc", "-std=c11", "-nostdinc", "-target", "x86_64-unknown-linux-gnu", *includes],
            unsaved_files=[("coblyn.c", f'#include "llama.h"\n#include "mtmd-helper.h"\n{extra}')],
            options=TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD,
        )
    errors = [str(d) for d in unit.diagnostics if d.severity >= Diagnostic.Error]
    if errors:
        raise HeaderError("the headers do not parse:\n" + "\n".join(errors))
    return unit


def header_of(cursor: Cursor) -> str:
    """The name of the header that a declaration is in, without its directory."""
    return Path(cursor.location.file.name).name if cursor.location.file else ""


def bare(kind: Type) -> Type:
    """The type without typedefs and without const."""
    return kind.get_canonical()


@dataclass
class Writer:
    """Turns declarations into lines of Python, each type after those that it needs."""

    enums: dict[str, Cursor] = field(default_factory=dict)
    types: list[str] = field(default_factory=list)
    structs: dict[str, list[str]] = field(default_factory=dict)
    """Name of each struct written, with its fields as C knows them."""
    unprobed: set[str] = field(default_factory=set)
    """Structs written that are not among these."""
    callbacks: dict[str, str] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)

    def spell(self, kind: Type, *, argument: bool = False) -> str:
        """The ctypes expression for a type; ``argument`` where a caller passes it."""
        named = kind.get_declaration().spelling  # of the typedef, if it is one
        plain = bare(kind)
        if plain.kind == TypeKind.POINTER:
            target = (kind if kind.kind == TypeKind.POINTER else plain).get_pointee()
            if bare(target).kind == TypeKind.FUNCTIONPROTO:
                return self.callback(named, bare(target))
            return self.pointer(target, argument=argument)
        if plain.kind == TypeKind.CONSTANTARRAY:
            return f"{self.spell(plain.element_type)} * {plain.element_count}"
        if plain.kind == TypeKind.RECORD:
            return self.struct(plain.get_declaration())
        if plain.kind == TypeKind.ENUM:
            declaration = plain.get_declaration()
            if declaration.spelling not in UNPROBED:
                self.enums.setdefault(declaration.spelling, declaration)
        if plain.kind not in SCALARS:
            raise HeaderError(f"no ctypes type for {kind.spelling!r} ({plain.kind})")
        return SCALARS[plain.kind]

    def pointer(self, target: Type, *, argument: bool) -> str:
        """The ctypes expression for a pointer to ``target``."""
        plain = bare(target)
        if plain.kind == TypeKind.VOID:
            return "c_void_p"
        if plain.kind == TypeKind.CHAR_S:
            return "c_char_p" if target.is_const_qualified() else "POINTER(c_char)"
        if argument and plain.kind == TypeKind.UCHAR:
            return "c_void_p"  # a buffer of bytes: bytes, arrays and addresses are all welcome
        if plain.kind == TypeKind.RECORD and self.is_opaque(plain.get_declaration()):
            return "c_void_p"
        return f"POINTER({self.spell(target)})"

    def is_opaque(self, declaration: Cursor) -> bool:
        """Whether we only carry pointers to this struct around."""
        name = declaration.spelling
        if declaration.get_definition() is None or name in HANDLES or name in self.open:
            return True
        return not (header_of(declaration) in OURS or name in GGML_STRUCTS)

    def callback(self, name: str, function: Type) -> str:
        """The name of a function pointer type, which is written first if it is new."""
        if not name:
            raise HeaderError(f"a function pointer without a name: {function.spelling}")
        if name not in self.callbacks:
            result = function.get_result()
            if bare(result).kind == TypeKind.RECORD:
                # ctypes can call such a function but not make one, so it is a plain pointer to us.
                self.callbacks[name] = "c_void_p"
            else:
                parts = [self.result(result), *(self.spell(a) for a in function.argument_types())]
                self.types.append(f"{name} = CFUNCTYPE({', '.join(parts)})\n")
                self.callbacks[name] = name
        return self.callbacks[name]

    def result(self, kind: Type) -> str:
        """The ctypes expression for what a function returns."""
        return "None" if bare(kind).kind == TypeKind.VOID else self.spell(kind)

    def struct(self, declaration: Cursor) -> str:
        """The name of a struct, which is written first if it is new."""
        declaration = declaration.get_definition() or declaration
        name = declaration.spelling
        if name in self.structs or name in self.unprobed:
            return name
        self.open.add(name)
        lines, flat = self.fields(name, declaration)
        self.open.discard(name)
        self.types.append(f"class {name}(Structure):\n{lines}\n")
        if name in UNPROBED:
            self.unprobed.add(name)
        else:
            self.structs[name] = flat
        return name

    def fields(self, owner: str, declaration: Cursor) -> tuple[str, list[str]]:
        """The body of a struct or union, and its fields with those of unnamed unions among them."""
        rows, flat, unnamed = [], [], ""
        for child in declaration.get_children():
            if child.kind == CursorKind.UNION_DECL and child.is_anonymous():
                inner, inner_flat = self.fields(f"{owner}_union", child)
                self.types.append(f"class {owner}_union(Union):\n{inner}\n")
                rows.append(("value", f"{owner}_union"))
                unnamed = '    _anonymous_ = ("value",)\n'
                flat += inner_flat
            elif child.kind == CursorKind.FIELD_DECL:
                rows.append((child.spelling, self.field(owner, child)))
                flat.append(child.spelling)
        body = "".join(f'        ("{name}", {kind}),\n' for name, kind in rows)
        return f"{unnamed}    _fields_ = (\n{body}    )\n", flat

    def field(self, owner: str, cursor: Cursor) -> str:
        """The ctypes expression for a field; a function pointer in it gets the name owner_field."""
        if cursor.is_bitfield():
            raise HeaderError(f"{owner}.{cursor.spelling} is a bit field")
        if cursor.type.kind == TypeKind.POINTER:
            target = bare(cursor.type.get_pointee())
            if target.kind == TypeKind.FUNCTIONPROTO:
                return self.callback(f"{owner}_{cursor.spelling}", target)
        return self.spell(cursor.type)

    def function(self, cursor: Cursor) -> str:
        """One row of the table of functions."""
        arguments = [self.spell(a.type, argument=True) for a in cursor.get_arguments()]
        listed = "".join(f"{a}, " for a in arguments).strip()
        if len(arguments) > 1:
            listed = listed.removesuffix(",")
        return f'    "{cursor.spelling}": ({self.result(cursor.result_type)}, ({listed})),\n'
