"""The same source in two CMake targets that end up in one link."""

from __future__ import annotations

from doctor.reproductions.reproduction import Reproduction, Workshop

SOURCES = {
    "common.c": "int common_log(int level) { return level; }\nint common_count(void) { return 1; }\n",
    "cpu.c": "int common_log(int level);\nint cpu_init(void) { return common_log(1); }\n",
    "gpu.c": "int common_log(int level);\nint gpu_init(void) { return common_log(2); }\n",
    "main.c": """
int cpu_init(void);
int gpu_init(void);
int main(void) { return cpu_init() + gpu_init() == 3 ? 0 : 1; }
""",
}
OBJECT_LIBRARIES = """
cmake_minimum_required(VERSION 3.16)
project(app C)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
add_library(cpu OBJECT cpu.c common.c)
add_library(gpu OBJECT gpu.c common.c)
add_executable(app main.c $<TARGET_OBJECTS:cpu> $<TARGET_OBJECTS:gpu>)
"""
WHOLE_ARCHIVES = """
cmake_minimum_required(VERSION 3.16)
project(app C)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
add_library(cpu STATIC cpu.c common.c)
add_library(gpu STATIC gpu.c common.c)
add_executable(app main.c)
add_dependencies(app cpu gpu)
target_link_libraries(app PRIVATE {whole})
"""


def make(shop: Workshop, lists: str) -> None:
    """Write the tree."""
    whole = shop.tools.whole_archive("$<TARGET_FILE:cpu>", "$<TARGET_FILE:gpu>")
    shop.write({"CMakeLists.txt": lists.replace("{whole}", whole), **SOURCES})


def configure_and_build(generator: str):
    """Commands of a user with a fresh checkout."""
    return lambda shop: shop.all_of(
        shop.tools.cmake("-G", generator), ("cmake", "--build", "build")
    )


def share_source(shop: Workshop) -> None:
    """Compile the common source in one target only."""
    lists = shop.tree / "CMakeLists.txt"
    lists.write_text(lists.read_text().replace("gpu.c common.c", "gpu.c"))


SAME_SOURCE_OBJECTS, SAME_SOURCE_ARCHIVES, SAME_SOURCE_MAKEFILES = (
    Reproduction(
        name,
        lambda shop, lists=lists: make(shop, lists),
        configure_and_build(generator),
        log="source-compiled-twice",
        tree="source-compiled-twice",
        by_hand=share_source,
        slow=slow,
    )
    for name, lists, generator, slow in (
        ("same-source-object-libraries", OBJECT_LIBRARIES, "Ninja", ()),
        ("same-source-whole-archives", WHOLE_ARCHIVES, "Ninja", ("macos-arm64",)),
        ("same-source-unix-makefiles", OBJECT_LIBRARIES, "Unix Makefiles", ("macos-arm64",)),
    )
)
