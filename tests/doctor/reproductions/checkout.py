"""A checkout that is not as its authors left it: line ends, submodules, order of libraries."""

from __future__ import annotations

from doctor.reproductions.reproduction import Reproduction, Workshop

MAKEFILE = """
app: main.o engine.o
	$(CC) main.o engine.o -o $@ $(LINK)
%.o: %.c version.h
	$(CC) -O1 -c $< -o $@
version.h: scripts/version.sh
	scripts/version.sh > $@
"""
SCRIPT = "#!/usr/bin/env bash\necho '#define VERSION 1'\n"
SOURCES = {
    "engine.c": "int engine_init(void) { return 1; }\n",
    "main.c": "int engine_init(void);\nint main(void) { return engine_init() - 1; }\n",
}
LINK_ORDER = """
app: main.o libengine.a
	$(CC) -L. -lengine main.o -o $@ $(LINK)
libengine.a: engine.o
	$(AR) rcs $@ $^
%.o: %.c
	$(CC) -O1 -c $< -o $@
"""
WITH_SUBMODULE = """
cmake_minimum_required(VERSION 3.16)
project(app C)
add_subdirectory(vendor/engine)
add_executable(app main.c)
"""
GITMODULES = """
[submodule "vendor/engine"]
	path = vendor/engine
	url = ../engine.git
"""


def make_crlf(shop: Workshop) -> None:
    """Write a script with the line ends of Windows, as git does there (make itself bears them)."""
    script = SCRIPT.replace("\n", "\r\n")
    shop.write({"Makefile": MAKEFILE, "scripts/version.sh": script, **SOURCES})
    (shop.tree / "scripts/version.sh").chmod(0o755)


def make_without_submodule(shop: Workshop) -> None:
    """Clone without --recursive."""
    shop.write({"CMakeLists.txt": WITH_SUBMODULE, ".gitmodules": GITMODULES, **SOURCES})
    (shop.tree / "vendor/engine").mkdir(parents=True)
    shop.run("git", "init", "-q")


def unix_line_ends(shop: Workshop) -> None:
    """Take the carriage returns away."""
    shop.write({"scripts/version.sh": SCRIPT})


def libraries_last(shop: Workshop) -> None:
    """Name the library after what needs it."""
    shop.write({"Makefile": LINK_ORDER.replace("-L. -lengine main.o", "main.o -L. -lengine")})


CRLF_SCRIPT = Reproduction(
    "crlf-script",
    make_crlf,
    lambda shop: shop.make(check=False),
    log="crlf",
    tree="crlf",
    by_hand=unix_line_ends,
    tools=("host",),
)
SUBMODULE_MISSING = Reproduction(
    "submodule-missing",
    make_without_submodule,
    lambda shop: shop.run(*shop.tools.cmake("-G", "Ninja"), check=False),
    log="submodule-missing",
    tree="submodule-missing",
    tools=("host",),
)
LIBRARY_ORDER = Reproduction(
    "library-order",
    lambda shop: shop.write({"Makefile": LINK_ORDER, **SOURCES}),
    lambda shop: shop.make(check=False),
    log="library-order",
    by_hand=libraries_last,
    # Only GNU's linkers read libraries once, from left to right.
    tools=("host",),
)
