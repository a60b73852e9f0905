"""An old makefile whose object comes into a link through a variable, in every shape that such a file has."""

from __future__ import annotations

from doctor.reproductions.reproduction import Reproduction, Workshop

RECIPE = "\n\t$(CC) $^ -o $@\n"
COMPILE = "\n\t$(CC) -c $< -o $@\n"
NEW = f"{{include}}\nOBJS += util.o\nprog: main.o core_default.o $(OBJS){RECIPE}core_default.o: core.c{COMPILE}"
OLD = f"OBJS = core.o\nprog: main.o $(OBJS){RECIPE}"
CORE = f"core.o: core.c{COMPILE}"
TOOL = f"tool: tool.o core_default.o $(OBJS){RECIPE}"
# Where both define no target, make has no warning for the log.
TREE = ("tree", "both")
LOCAL = "-include $(abspath $(lastword ${MAKEFILE_LIST})).local"
SOURCES = {
    "main.c": "int core(void);\nint util(void);\nint main(void) { return core() + util(); }\n",
    "tool.c": "int core(void);\nint util(void);\nint main(void) { return core() + util(); }\n",
    "core.c": "int core_state = 0;\nint core(void) { return core_state; }\n",
    "util.c": "int util(void) { return 0; }\n",
}


def git(shop: Workshop, *argv: str) -> None:
    shop.run("git", "-c", "user.name=t", "-c", "user.email=t@example.org", *argv)


def make(shop: Workshop, include: str, name: str, old: str, more: str) -> None:
    """A repository of the new makefile, and the old one beside it, which git does not know."""
    shop.write({"Makefile": NEW.format(include=include) + more, ".gitignore": "*.o\n", **SOURCES})
    git(shop, "init", "-q")
    git(shop, "add", ".")
    git(shop, "commit", "-qm", "new")
    shop.write({name: old})
    shop.age(name, days=200)


def old_makefile(
    shape: str,
    *,
    include: str = LOCAL,
    name: str = "Makefile.local",
    old: str = OLD + CORE,
    more: str = "",
    goals: tuple[str, ...] = ("prog",),
    tree: str = "makefile-local",
    sure: tuple[str, ...] = ("log", "tree", "both"),
    by_steps: bool = True,
) -> Reproduction:
    return Reproduction(
        f"old-makefile-{shape}",
        lambda shop: make(shop, include, name, old, more),
        lambda shop: shop.make(*goals, check=False),
        log="makefile-local",
        tree=tree,
        both=tree,
        sure=sure,
        by_steps=by_steps,
        by_command=True,
        tools=("host",),
    )


BY_VARIABLE = old_makefile("by-variable")
OTHER_NAME = old_makefile("other-name", include="-include config.mk", name="config.mk")
SINCLUDE = old_makefile("sinclude", include="sinclude site/local.mk", name="site/local.mk")
NEEDED = old_makefile("needed", include="include local.mk", name="local.mk", by_steps=False)
WILDCARD = old_makefile(
    "wildcard", include="-include mk/*.mk", name="mk/old.mk", tree="wildcard-include"
)
OPEN_WILDCARD = old_makefile(
    "open-wildcard", include="include $(wildcard Makefile.*)", tree="wildcard-include"
)
SECOND_TARGET = old_makefile(
    "second-target", old=f"all: prog tool\n{OLD}{CORE}", more=f"all: prog\n{TOOL}", goals=()
)
STATIC_PATTERN = old_makefile("static-pattern", old=f"{OLD}$(OBJS): %.o: %.c{COMPILE}")
BUILT_IN_RULE = old_makefile("built-in-rule", old=OLD)
ONLY_VARIABLE = old_makefile("only-variable", old="OBJS = core.o\n", sure=TREE)
MADE_NAMES = old_makefile(
    "made-names", old="OLD = core\nOBJS := $(addsuffix .o,$(OLD))\n", sure=TREE
)
CONTINUED = old_makefile("continued", old=f"OBJS = \\\n\tcore.o\n{CORE}", sure=TREE)
READ_LAST = old_makefile(
    "read-last", include="", more=f"{LOCAL}\n", old=f"prog: core.o{RECIPE}{CORE}"
)
