"""Write the ctypes bindings and the ABI probe from the headers of the pinned llama.cpp.

    python scripts/gen_bindings.py [--source DIR] [--bindings FILE] [--probe FILE]

Reads ``include/llama.h``, libmtmd's headers and the ggml headers they include with libclang, and writes
``src/coblyn/llama/bindings.py`` and ``src/coblyn/native/shim/abi.cpp``. The output depends on the
headers alone: they are parsed for one fixed target, against system headers made here.

Everything of ``llama.h`` that is not deprecated is taken; of ggml and libmtmd only what ``GGML_FUNCTIONS``
and ``MTMD_FUNCTIONS`` name and what these need. A struct that we never look into is a ``c_void_p``.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from clang.cindex import AvailabilityKind, Cursor, CursorKind, TranslationUnit

from coblyn.native.source import obtain, pinned_source, user_source
from ctypes_writer import GGML_STRUCTS, HeaderError, Writer, header_of, parse

ROOT = Path(__file__).resolve().parents[1]
BINDINGS = ROOT / "src/coblyn/llama/bindings.py"
PROBE = ROOT / "src/coblyn/native/shim/abi.cpp"

HEADERS = (
    "include/llama.h",
    "ggml/include/ggml.h",
    "ggml/include/ggml-backend.h",
    "ggml/include/ggml-cpu.h",
    "ggml/include/ggml-opt.h",
    "tools/mtmd/mtmd.h",
    "tools/mtmd/mtmd-helper.h",
)

# Functions of ggml that an engine needs. Those of ggml-cpu.h are in a module of their own when the
# bundle picks its CPU code at run time, so they are listed apart (CPU_FUNCTIONS in the output).
# The header also declares ggml_threadpool_get_n_threads, which no library of this release has.
GGML_FUNCTIONS = re.compile(
    r"ggml_(version|commit|type_name|type_size|blck_size|row_size|is_quantized"
    r"|log_set|set_abort_callback|threadpool_(?!get_n_threads)\w+|is_numa"
    r"|backend_(dev|reg|buft)_\w+|backend_(name|free|register|device_register|unload|load\w*)"
    r"|backend_cpu_buffer_type"
    # Single operations, to see what a device does with them.
    r"|init|free|get_mem_size|get_no_alloc|tensor_overhead|graph_overhead|nbytes|new_tensor_2d"
    r"|new_tensor_3d|mul_mat|mul_mat_id|get_rows|flash_attn_ext|new_graph|build_forward_expand"
    r"|backend_(alloc_ctx_tensors(_from_buft)?|buffer_free|tensor_set|tensor_get|graph_compute"
    r"|synchronize))"
)
# Images and sounds as input; nothing of videos, speech, and bitmaps that are made later.
MTMD_FUNCTIONS = re.compile(
    r"mtmd_(default_marker|context_params_default|init_from_file|free|decode_use_\w+|support_\w+"
    r"|get_(audio_sample_rate|marker|output_embd|cap_from_file)"
    r"|bitmap_(?!init_lazy|set_mergeable)\w+|input_chunks?_(?!save|load)\w+"
    r"|image_tokens_get_decoder_pos|tokenize_from_parts|encode_chunk"
    r"|helper_(log_set|image_get_decoder_pos|eval_chunks))"
)
GGML_MACROS = re.compile(r"GGML_(MAX_N_THREADS|DEFAULT_N_THREADS)")


def macros(source: Path, unit: TranslationUnit) -> dict[str, int]:
    """Integer macros: all of llama.h, and those of ggml.h that ``GGML_MACROS`` names."""
    names = []
    for cursor in unit.cursor.get_children():
        if cursor.kind != CursorKind.MACRO_DEFINITION or len(list(cursor.get_tokens())) < 2:
            continue
        name, ours = cursor.spelling, header_of(cursor) == "llama.h"
        if GGML_MACROS.fullmatch(name) or (ours and re.fullmatch(r"LLAMA_(?!API$)\w+", name)):
            names.append(name)
    values = "\n".join(f"enum {{ coblyn_{name} = ({name}) }};" for name in names)
    found = {}
    for cursor in parse(source, values).cursor.get_children():
        for value in cursor.get_children() if cursor.kind == CursorKind.ENUM_DECL else ():
            if value.spelling.startswith("coblyn_"):
                found[value.spelling.removeprefix("coblyn_")] = value.enum_value
    return found


@dataclass
class Output:
    """What both files are written from."""

    preamble: str
    writer: Writer
    macros: dict[str, int]
    enums: list[Cursor]
    functions: dict[str, str]
    """Row of each function by its name."""
    cpu: list[str]


def collect(source: Path, commit: str) -> Output:
    """Read the headers of a llama.cpp tree."""
    unit = parse(source)
    declarations = list(unit.cursor.get_children())
    writer, functions, cpu = Writer(), {}, []
    for cursor in declarations:
        ours = header_of(cursor) == "llama.h"
        named = GGML_FUNCTIONS.fullmatch(cursor.spelling) or MTMD_FUNCTIONS.fullmatch(
            cursor.spelling
        )
        if cursor.kind == CursorKind.STRUCT_DECL and cursor.is_definition():
            if ours or cursor.spelling in GGML_STRUCTS:
                writer.struct(cursor)
        elif cursor.kind == CursorKind.ENUM_DECL and ours:
            writer.enums.setdefault(cursor.spelling, cursor)
        elif cursor.kind == CursorKind.FUNCTION_DECL and (ours or named):
            if cursor.availability == AvailabilityKind.DEPRECATED:
                continue
            functions[cursor.spelling] = writer.function(cursor)
            if header_of(cursor) == "ggml-cpu.h":
                cpu.append(cursor.spelling)
    enums = [
        c for c in declarations if c.kind == CursorKind.ENUM_DECL and c.spelling in writer.enums
    ]
    preamble = "\n".join(
        [f"llama.cpp commit {commit}", *(f"{digest(source / name)}  {name}" for name in HEADERS)]
    )
    return Output(preamble, writer, macros(source, unit), enums, functions, cpu)


def digest(file: Path) -> str:
    """SHA-256 of a text file, the same whether it was checked out with CRLF or not."""
    return hashlib.sha256(file.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def constants(enum: Cursor) -> dict[str, int]:
    """The names and values of an enum, which must all fit ctypes' c_int."""
    values = {
        c.spelling: c.enum_value
        for c in enum.get_children()
        if c.kind == CursorKind.ENUM_CONSTANT_DECL
    }
    if any(not -(2**31) <= value < 2**31 for value in values.values()):
        raise HeaderError(f"enum {enum.spelling} does not fit an int")
    return values


def bindings_text(output: Output) -> str:
    """The Python file, not yet formatted."""
    types = "\n".join(output.writer.types)
    functions = "".join(output.functions.values())
    used = sorted(
        set(re.findall(r"\b(?:c_\w+|POINTER|CFUNCTYPE|Structure|Union)\b", types + functions))
    )
    lines = [
        "# Generated by scripts/gen_bindings.py; do not edit. Read from:",
        *(f"#   {line}" for line in output.preamble.splitlines()),
        '"""libllama, libmtmd and ggml for ctypes: constants, structs, callbacks, a table of functions."""',
        "",
        "from __future__ import annotations",
        "",
        f"from ctypes import {', '.join(used)}",
        "from typing import Any",
        "",
        *(f"{name} = {value}" for name, value in output.macros.items()),
    ]
    for enum in output.enums:
        lines += ["", f"# enum {enum.spelling}"]
        lines += [f"{name} = {value}" for name, value in constants(enum).items()]
    structs = "".join(f"    {name},\n" for name in output.writer.structs)
    cpu = "".join(f'    "{name}",\n' for name in output.cpu)
    lines += [
        "",
        types,
        "# Every struct above that the fingerprint covers.",
        f"STRUCTS = (\n{structs})",
        "",
    ]
    lines += ["# Name of each function: what it returns, and what it takes."]
    lines += [f"FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {{\n{functions}}}", ""]
    lines += [
        "# Those of the CPU backend: in a module, when the bundle picks its CPU code at run time."
    ]
    lines += [f"CPU_FUNCTIONS = frozenset(({cpu}))"]
    return "\n".join(lines) + "\n"


PROBE_TEXT = """\
// Generated by scripts/gen_bindings.py; do not edit. Read from:
{preamble}
//
// The layout of every struct and the value of every constant that the bindings know, as this
// compiler sees them. src/coblyn/llama/abi.py builds the same text from the bindings and compares.

#include "coblyn.h"
#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "llama.h"
#include "mtmd-helper.h"

#include <cstddef>
#include <string>

namespace {{

struct entry {{
    const char * group; // null: belongs to the group above
    const char * name;
    long long value;
    long long size; // 0: has none
}};

#define GROUP(text)  {{ text, nullptr, 0, 0 }}
#define SIZE(type)   {{ nullptr, "sizeof", static_cast<long long>(sizeof(struct type)), 0 }}
#define FIELD(type, field)                                                     \\
    {{ nullptr, #field, static_cast<long long>(offsetof(struct type, field)),   \\
      static_cast<long long>(sizeof(static_cast<struct type *>(nullptr)->field)) }}
#define VALUE(name)  {{ nullptr, #name, static_cast<long long>(name), 0 }}
#define SCALAR(name, type) {{ nullptr, name, static_cast<long long>(sizeof(type)), 0 }}

const entry entries[] = {{
    GROUP("scalars"),
    SCALAR("bool", bool),
    SCALAR("int", int),
    SCALAR("enum", enum llama_split_mode),
    SCALAR("float", float),
    SCALAR("double", double),
    SCALAR("size_t", size_t),
    SCALAR("pointer", void *),
    SCALAR("function", void (*)()),
{rows}}};

std::string build() {{
    std::string text;
    for (const entry & e : entries) {{
        if (e.group) {{
            text += text.empty() ? "" : "\\n";
            text += e.group;
            continue;
        }}
        text += std::string(" ") + e.name + "=" + std::to_string(e.value);
        if (e.size) {{
            text += "+" + std::to_string(e.size);
        }}
    }}
    return text + "\\n";
}}

}} // namespace

extern "C" COBLYN_API const char * coblyn_abi(void) {{
    static const std::string text = build();
    return text.c_str();
}}
"""


def probe_text(output: Output) -> str:
    """The C++ file that tells the layout which the compiler chose."""
    rows = ['    GROUP("constants"),']
    rows += [f"    VALUE({name})," for name in output.macros]
    for enum in output.enums:
        rows += [f"    VALUE({name})," for name in constants(enum)]
    for name, fields in output.writer.structs.items():
        rows.append(f'    GROUP("{name}"),')
        rows += [f"    FIELD({name}, {field})," for field in fields]
        rows.append(f"    SIZE({name}),")
    preamble = "\n".join(f"//   {line}" for line in output.preamble.splitlines())
    return PROBE_TEXT.format(preamble=preamble, rows="".join(f"{row}\n" for row in rows))


def formatted(text: str) -> str:
    """Python text as ruff writes it."""
    ruff = [sys.executable, "-m", "ruff"]
    file = ["--quiet", "--config", str(ROOT / "pyproject.toml"), "--stdin-filename", str(BINDINGS)]
    for verb in (["check", "--fix-only", "--select", "I"], ["format"]):
        done = subprocess.run(
            [*ruff, *verb, *file, "-"],
            input=text,
            capture_output=True,
            check=True,
            encoding="utf-8",
        )
        text = done.stdout
    return text


def generate(source: Path, commit: str) -> tuple[str, str]:
    """The texts of bindings.py and abi.cpp for a llama.cpp tree."""
    output = collect(source, commit)
    return formatted(bindings_text(output)), probe_text(output)


def main() -> None:
    """Write both files."""
    options = argparse.ArgumentParser(description="Write the bindings and the ABI probe.")
    options.add_argument("--source", type=Path, help="a llama.cpp tree; else the pinned one")
    options.add_argument("--bindings", type=Path, default=BINDINGS, help="where to write them")
    options.add_argument("--probe", type=Path, default=PROBE, help="where to write it")
    chosen = options.parse_args()
    source = user_source(chosen.source) if chosen.source else pinned_source()
    bindings, probe = generate(chosen.source or obtain(source), source.commit)
    chosen.bindings.write_text(bindings, encoding="utf-8", newline="\n")
    chosen.probe.write_text(probe, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
