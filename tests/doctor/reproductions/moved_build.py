"""CMake build directories that were made for something else."""

from __future__ import annotations

import shutil

from doctor.reproductions.reproduction import Reproduction, Workshop

LISTS = """
cmake_minimum_required(VERSION 3.16)
project(app C)
add_executable(app main.c)
"""
SOURCES = {"CMakeLists.txt": LISTS, "main.c": "int main(void) { return 0; }\n"}


def make_moved(shop: Workshop) -> None:
    """Build in one place, then move the whole tree to another."""
    first = Workshop(shop.tree / "before", shop.tools)
    first.tree.mkdir()
    first.write(SOURCES)
    first.run(*first.tools.cmake("-G", "Ninja"))
    first.run("cmake", "--build", "build")
    for each in [*first.tree.iterdir()]:
        shutil.move(each, shop.tree / each.name)
    first.tree.rmdir()


def make_copied(shop: Workshop) -> None:
    """Copy a tree with its build directory: what the cache names still exists."""
    make_moved(shop)
    elsewhere = shop.tree.with_name(f"{shop.tree.name}-elsewhere")
    elsewhere.mkdir()
    other = Workshop(elsewhere, shop.tools)
    other.write(SOURCES)
    shutil.rmtree(shop.tree / "build")
    other.run(*other.tools.cmake("-G", "Ninja"))
    shutil.copytree(elsewhere / "build", shop.tree / "build")


def make_configured(shop: Workshop) -> None:
    """Configure with make."""
    shop.write(SOURCES)
    shop.run(*shop.tools.cmake("-G", "Unix Makefiles"))


def configure_and_build(shop: Workshop):
    """What the user types."""
    return shop.all_of(shop.tools.cmake("-G", "Ninja"), ("cmake", "--build", "build"))


MOVED_BUILD = Reproduction(
    "moved-build",
    make_moved,
    configure_and_build,
    log="cmake-cache-moved",
    tree="cmake-cache-moved",
    by_steps=True,
    by_command=True,
    slow=("macos-arm64",),
)
COPIED_BUILD = Reproduction(
    "copied-build",
    make_copied,
    configure_and_build,
    log="cmake-cache-moved",
    tree="cmake-cache-moved",
    by_steps=True,
    by_command=True,
    slow=("host", "macos-arm64"),
)
OTHER_GENERATOR = Reproduction(
    "other-generator",
    make_configured,
    configure_and_build,
    log="cmake-generator-mismatch",
)
