"""Objects that are older than what they were made of, since the Makefile knows no headers."""

from __future__ import annotations

from doctor.reproductions.reproduction import Reproduction, Workshop

MAKEFILE = """
CFLAGS = -O1 -I.

app: main.o engine.o params.o
	$(CC) $^ -o $@ $(LINK)
%.o: %.c
	$(CC) $(CFLAGS) -c $< -o $@
clean:
	rm -f *.o app
"""
PARAMS = """
#include "engine.h"
struct params default_params(void) {
    struct params made = { .threads = 4, .layers = 2 };
    return made;
}
"""
MAIN = """
#include "engine.h"
int main(void) {
    struct params wanted = default_params();
    return engine_start(&wanted) == 2 ? 0 : 1;
}
"""
BEFORE = {
    "engine.h": """
struct params { int threads; int layers; };
struct params default_params(void);
int engine_run(const struct params *with);
#define engine_start engine_run
""",
    "engine.c": """
#include "engine.h"
int engine_run(const struct params *with) { return with->layers; }
""",
}
RENAMED = {
    "engine.h": BEFORE["engine.h"].replace("engine_run", "engine_run_graph"),
    "engine.c": BEFORE["engine.c"].replace("engine_run", "engine_run_graph"),
}
WIDENED = {
    "engine.h": BEFORE["engine.h"].replace("{ int threads;", "{ long batch; int threads;"),
    "engine.c": BEFORE["engine.c"],
}


def make(shop: Workshop, after: dict[str, str]) -> None:
    """Build, then bring in a newer version of the header and of one source, as a pull does."""
    shop.write({"Makefile": MAKEFILE, "main.c": MAIN, "params.c": PARAMS, **BEFORE})
    shop.make()
    shop.age()
    shop.write(after)


def gives_right_answer(shop: Workshop) -> None:
    """The program ends with code 0."""
    if not shop.tools.is_apple:
        assert shop.run("./app", check=False).code == 0


STALE_SYMBOL = Reproduction(
    "stale-object-undefined-symbol",
    lambda shop: make(shop, RENAMED),
    lambda shop: shop.make(check=False),
    log="undefined-symbol",
    tree="stale-objects",
    by_steps=True,
    by_command=True,
    works=gives_right_answer,
)
STALE_LAYOUT = Reproduction(
    "stale-object-silent-layout",
    lambda shop: make(shop, WIDENED),
    lambda shop: shop.make(check=False),
    tree="stale-objects",
    fails=False,
    by_steps=True,
    by_command=True,
    works=gives_right_answer,
)
