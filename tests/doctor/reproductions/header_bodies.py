"""A header with function bodies and a variable, read by two sources."""

from __future__ import annotations

from doctor.reproductions.reproduction import Reproduction, Workshop

MAKEFILE = """
app: main.o engine.o
	$(CXX) $^ -o $@ $(LINK)
%.o: %.cpp util.h
	$(CXX) -O1 -c $< -o $@
"""
SOURCES = {
    "util.h": """
#ifndef UTIL_H
#define UTIL_H
int clamp_layers(int layers) { return layers < 0 ? 0 : layers; }
int verbosity = 0;
#endif
""",
    "engine.cpp": '#include "util.h"\nint engine_init() { return clamp_layers(-1) + verbosity; }\n',
    "main.cpp": '#include "util.h"\nint engine_init();\n'
    "int main() { return engine_init() + clamp_layers(0); }\n",
}


def make(shop: Workshop) -> None:
    """Write the tree."""
    shop.write({"Makefile": MAKEFILE, **SOURCES})


def say_inline(shop: Workshop) -> None:
    """Declare what the header defines inline, and the variable const."""
    text = SOURCES["util.h"].replace("int clamp", "inline int clamp")
    shop.age()
    shop.write({"util.h": text.replace("int verbosity", "const int verbosity")})


# Only LLVM's linkers name the header as the place of a definition; the others leave it to the tree.
HEADER_BODIES, HEADER_BODIES_UNNAMED = (
    Reproduction(
        name,
        make,
        lambda shop: shop.make(check=False),
        log=log,
        tree="function-in-header",
        by_hand=say_inline,
        tools=(tools,),
    )
    for name, log, tools in (
        ("header-bodies", "function-in-header", "macos-arm64"),
        ("header-bodies-unnamed", "duplicate-symbols", "host"),
    )
)
