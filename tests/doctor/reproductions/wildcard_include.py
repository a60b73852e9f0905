"""A copy of a makefile that a wildcard include reads as well."""

from __future__ import annotations

from doctor.reproductions.makefile_local import SOURCES
from doctor.reproductions.reproduction import Reproduction, Workshop

MAKEFILE = """
default: app
CFLAGS = -O1 -I.
include mk/*.mk
main.o: main.c backend.h
	$(CC) $(CFLAGS) -c $< -o $@
clean:
	rm -f *.o app
"""
RULES = """
OBJECTS = backend_cpu.o
backend_cpu.o: backend.c backend.h
	$(CC) $(CFLAGS) -DBACKEND_CPU -c $< -o $@
app: main.o backend_cpu.o
	$(CC) $^ -o $@ $(LINK)
"""
OLD_RULES = """
backend.o: backend.c backend.h
	$(CC) $(CFLAGS) -c $< -o $@
app: main.o backend.o
	$(CC) $^ -o $@ $(LINK)
"""


def make(shop: Workshop, copy: str) -> None:
    """Leave an older copy of the rules beside them."""
    shop.write({"Makefile": MAKEFILE, "mk/rules.mk": RULES, copy: OLD_RULES, **SOURCES})
    shop.age(copy, days=120)


WILDCARD_INCLUDE, WILDCARD_COPY = (
    Reproduction(
        name,
        lambda shop, copy=copy: make(shop, copy),
        lambda shop: shop.make(check=False),
        log="makefile-local",
        tree="wildcard-include",
        by_steps=True,
        by_command=True,
    )
    for name, copy in (
        ("wildcard-include", "mk/rules-old.mk"),
        ("wildcard-include-of-a-copy", "mk/rules copy.mk"),
    )
)
