"""A header of one release and a library of another."""

from __future__ import annotations

from doctor.reproductions.reproduction import Reproduction, Workshop

MAKEFILE = """
app: main.o
	$(CXX) main.o -Llib -lengine -o $@ $(LINK)
main.o: main.cpp
	$(CXX) -O1 -Iinclude -c $< -o $@
clean:
	rm -f main.o app
"""
OLD = """
struct params { int threads; };
int engine_run(const params &with);
int engine_count();
"""
NEW = """
struct params { int threads; long batch; };
int engine_run(const params &with, int flags = 0);
int engine_count();
"""
ENGINE = """
#include "engine.h"
int engine_run(const params &with{extra}) {{ return with.threads; }}
int engine_count() {{ return 1; }}
"""
MAIN = """
#include "engine.h"
int main() { return engine_run(params{2}) == 2 * engine_count() ? 0 : 1; }
"""


def build_library(shop: Workshop, extra: str = "") -> None:
    """Compile the library as another project would, and leave only the archive."""
    shop.write({"old/engine.cpp": ENGINE.format(extra=extra)})
    include = "-Iinclude" if extra else "-Iold"
    shop.run(shop.tools.cxx, "-O1", include, "-c", "old/engine.cpp", "-o", "old/engine.o")
    (shop.tree / "lib").mkdir(exist_ok=True)
    shop.run(shop.tools.ar, "rcs", "lib/libengine.a", "old/engine.o")


def make(shop: Workshop) -> None:
    """Install a new header over an old library."""
    shop.write(
        {"Makefile": MAKEFILE, "main.cpp": MAIN, "include/engine.h": NEW, "old/engine.h": OLD}
    )
    build_library(shop)


def update_library(shop: Workshop) -> None:
    """Build the library of the header's release."""
    (shop.tree / "lib/libengine.a").unlink()
    build_library(shop, ", int")


# Only LLVM's linkers say that the library has the function with other arguments.
ABI_MISMATCH, ABI_MISMATCH_UNTOLD = (
    Reproduction(
        name,
        make,
        lambda shop: shop.make(check=False),
        log=log,
        by_hand=update_library,
        tools=tools,
    )
    for name, log, tools in (
        ("abi-mismatch", "signature-changed", ("macos-arm64", "host-lld")),
        ("abi-mismatch-untold", "undefined-symbol", ("host",)),
    )
)
