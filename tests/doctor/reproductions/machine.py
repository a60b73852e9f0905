"""The machine gets in the way: no compiler, no room, no memory, a processor that is too old."""

from __future__ import annotations

from doctor.reproductions.reproduction import Reproduction, Workshop

MAKEFILE = """
app: main.o
	$(CC) main.o -o $@ $(LINK)
main.o: main.c
	$(CC) -O1 -c $< -o $@
check: app
	./app
listing: main.s
main.s: main.c
	$(CC) -O1 -S $< -o $@
"""
PACKING = MAKEFILE.replace("app: main.o", "app: main.o\n\tshader-packer main.o", 1)
SIMPLE = {"Makefile": MAKEFILE, "main.c": "int main(void) { return 0; }\n"}
# XOP, which no processor of today has: GCC and clang still know its instructions.
NEWER_CPU = """
int main(void) {
    __asm__ volatile ("vpcmov %xmm1, %xmm2, %xmm3, %xmm0");
    return 0;
}
"""


def missing_compiler(shop: Workshop):
    """Name a compiler that is not there."""
    return shop.run("make", "CC=gcc-99", check=False)


def missing_cmake_compiler(shop: Workshop):
    """Name a compiler that is not there, to CMake."""
    return shop.run(
        "cmake", "-S", ".", "-B", "build", "-G", "Ninja", "-DCMAKE_CXX_COMPILER=g++-99", check=False
    )


def memory(shop: Workshop):
    """Compile with less memory than the compiler needs."""
    return shop.shell("ulimit -v 60000; make CC=cc", check=False)


def no_room(shop: Workshop):
    """Write where no byte fits."""
    (shop.tree / "main.s").symlink_to("/dev/full")
    return shop.make("--always-make", "listing", check=False)


COMPILER_MISSING = Reproduction(
    "compiler-missing",
    lambda shop: shop.write(SIMPLE),
    missing_compiler,
    log="compiler-missing",
    tools=("host",),
)
PROGRAM_MISSING = Reproduction(
    "program-missing",
    lambda shop: shop.write(
        {
            **SIMPLE,
            "Makefile": MAKEFILE.replace("app: main.o", "app: main.o\n\tshader-packer main.o", 1),
        }
    ),
    lambda shop: shop.make(check=False),
    log="tool-missing",
    tools=("host",),
)
CMAKE_COMPILER_MISSING = Reproduction(
    "cmake-compiler-missing",
    lambda shop: shop.write(
        {"CMakeLists.txt": "cmake_minimum_required(VERSION 3.16)\nproject(a CXX)\n"}
    ),
    missing_cmake_compiler,
    log="cmake-no-compiler",
    tools=("host",),
)
OUT_OF_MEMORY = Reproduction(
    "out-of-memory",
    lambda shop: shop.write(
        {
            **SIMPLE,
            "main.c": "char big[] = {\n" + "1,\n" * 900000 + "};\nint main(void) { return 0; }\n",
        }
    ),
    memory,
    log="out-of-memory",
    tools=("host",),
)
DISK_FULL = Reproduction(
    "disk-full", lambda shop: shop.write(SIMPLE), no_room, log="disk-full", tools=("host",)
)
ILLEGAL_INSTRUCTION = Reproduction(
    "illegal-instruction",
    lambda shop: shop.write({**SIMPLE, "main.c": NEWER_CPU}),
    lambda shop: shop.make("check", check=False),
    log="illegal-instruction",
    tools=("host",),
)
