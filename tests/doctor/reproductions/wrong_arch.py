"""An object for another processor among the others."""

from __future__ import annotations

from doctor.reproductions.reproduction import Reproduction, Workshop
from doctor.reproductions.toolchain import zig_program

MAKEFILE = """
app: main.o backend.o
	$(CC) $^ -o $@ $(LINK)
%.o: %.c
	$(CC) -O1 -c $< -o $@
clean:
	rm -f *.o app
"""
SOURCES = {
    "backend.c": "int backend_init(void) { return 1; }\n",
    "main.c": "int backend_init(void);\nint main(void) { return backend_init() - 1; }\n",
}


def make(shop: Workshop) -> None:
    """Compile one object in a terminal of the other architecture, the rest in this one."""
    shop.write({"Makefile": MAKEFILE, **SOURCES})
    shop.age()
    if shop.tools.is_apple:
        shop.run(shop.tools.cc, "-arch", "x86_64", "-O1", "-c", "backend.c", "-o", "backend.o")
    else:
        zig = zig_program()
        assert zig is not None
        other = "aarch64" if "x86" in shop.run("uname", "-m").output else "x86_64"
        target = f"{other}-linux-gnu"
        shop.run(str(zig), "cc", "-target", target, "-O1", "-c", "backend.c", "-o", "backend.o")


WRONG_ARCH = Reproduction(
    "wrong-arch",
    make,
    lambda shop: shop.make(check=False),
    log="wrong-architecture",
    tree="wrong-architecture",
    by_steps=True,
    by_command=True,
)
