"""A static library that is linked twice, each time with all of its objects."""

from __future__ import annotations

from doctor.reproductions.reproduction import Reproduction, Workshop

MAKEFILE = """
app: main.o libengine.a backends/libengine.a
	$(CC) main.o $(WHOLE) -o $@ $(LINK)
libengine.a: engine.o
	$(AR) rcs $@ $^
backends/libengine.a: libengine.a
	mkdir -p backends && cp $< $@
%.o: %.c
	$(CC) -O1 -c $< -o $@
"""
SOURCES = {
    "engine.c": "int engine_init(void) { return 1; }\nint engine_free(void) { return 0; }\n",
    "main.c": "int engine_init(void);\nint main(void) { return engine_init() - 1; }\n",
}


def make(shop: Workshop) -> None:
    """Take the library once for the engine and once for its backends."""
    whole = shop.tools.whole_archive("libengine.a", "backends/libengine.a")
    shop.write({"Makefile": f"WHOLE = {whole}\n{MAKEFILE}", **SOURCES})


def link_once(shop: Workshop) -> None:
    """Name it once."""
    file = shop.tree / "Makefile"
    text = file.read_text()
    for second in (" backends/libengine.a -Wl,", " -Wl,-force_load,backends/libengine.a"):
        text = text.replace(second, " -Wl," if second.endswith(",") else "")
    file.write_text(text)


ARCHIVE_TWICE = Reproduction(
    "archive-twice",
    make,
    lambda shop: shop.make(check=False),
    log="library-linked-twice",
    tree="library-linked-twice",
    by_hand=link_once,
)
