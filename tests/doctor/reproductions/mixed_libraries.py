"""One object made for libc++, linked with libstdc++."""

from __future__ import annotations

from doctor.reproductions.reproduction import Reproduction, Workshop
from doctor.reproductions.toolchain import zig_program

MAKEFILE = """
app: main.o engine.o
	$(CXX) $^ -o $@ $(LINK)
%.o: %.cpp
	$(CXX) -O1 -c $< -o $@
clean:
	rm -f *.o app
"""
SOURCES = {
    "engine.h": "#include <string>\nint engine_load(const std::string &path);\n",
    "engine.cpp": '#include "engine.h"\n'
    "int engine_load(const std::string &path) { return std::stoi(path); }\n",
    "main.cpp": '#include "engine.h"\nint main() { return engine_load("3") - 3; }\n',
}


def make(shop: Workshop) -> None:
    """Compile one object with zig, whose C++ library is LLVM's."""
    shop.write({"Makefile": MAKEFILE, **SOURCES})
    shop.age()
    zig = zig_program()
    assert zig is not None
    shop.run(str(zig), "c++", "-O1", "-c", "engine.cpp", "-o", "engine.o")


MIXED_LIBRARIES = Reproduction(
    "mixed-c++-libraries",
    make,
    lambda shop: shop.make(check=False),
    log="mixed-libcxx",
    tools=("host",),
)
