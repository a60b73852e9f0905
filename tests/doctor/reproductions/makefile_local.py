"""An old full copy of the Makefile in a file that the Makefile includes: one source, two objects."""

from __future__ import annotations

from doctor.reproductions.reproduction import Reproduction, Workshop

NEW = """
# Settings of this machine go into Makefile.local.
-include $(abspath $(lastword $(MAKEFILE_LIST))).local

default: app

CFLAGS = -O1 -I.

main.o: main.c backend.h
	$(CC) $(CFLAGS) -c $< -o $@
backend_default.o: backend.c backend.h
	$(CC) $(CFLAGS) -DBACKEND_DEFAULT -c $< -o $@
backend_vulkan.o: backend.c backend.h
	$(CC) $(CFLAGS) -DBACKEND_VULKAN -c $< -o $@

app: main.o backend_default.o
	$(CC) $(CFLAGS) $^ -o $@ $(LINK)

clean:
	rm -f *.o app
"""
OLD = """
default: app

CFLAGS = -O1 -I.

main.o: main.c backend.h
	$(CC) $(CFLAGS) -c $< -o $@
backend.o: backend.c backend.h
	$(CC) $(CFLAGS) -c $< -o $@

app: main.o backend.o
	$(CC) $(CFLAGS) $^ -o $@ $(LINK)

clean:
	rm -f *.o app
"""
SOURCES = {
    "backend.h": """
int backend_init(void);
int backend_graph_compute(int nodes);
void backend_free(void);
""",
    "backend.c": """
#include "backend.h"
int backend_init(void) { return 1; }
int backend_graph_compute(int nodes) { return nodes + backend_init(); }
void backend_free(void) {}
""",
    "main.c": """
#include "backend.h"
int main(void) {
    int nodes = backend_graph_compute(backend_init());
    backend_free();
    return nodes == 2 ? 0 : 1;
}
""",
}


def make(shop: Workshop) -> None:
    """Leave the old Makefile beside the new one."""
    shop.write({"Makefile": NEW, "Makefile.local": OLD, ".gitignore": "*.o\n*.local\n", **SOURCES})
    shop.age("Makefile.local", days=120)


def make_cleaned(shop: Workshop) -> None:
    """The same after ``make clean``, which users try first."""
    make(shop)
    shop.make(check=False)
    shop.make("clean")


MAKEFILE_LOCAL = Reproduction(
    "makefile-local",
    make,
    lambda shop: shop.make(check=False),
    log="makefile-local",
    tree="makefile-local",
    by_steps=True,
    by_command=True,
)
MAKEFILE_LOCAL_CLEANED = Reproduction(
    "makefile-local-cleaned",
    make_cleaned,
    lambda shop: shop.make("-j2", check=False),
    log="makefile-local",
    tree="makefile-local",
    by_steps=True,
    by_command=True,
)
