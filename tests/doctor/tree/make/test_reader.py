"""Makefiles are read as make reads them, and nothing of them is run."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from coblyn.doctor.tree.files import list_files
from coblyn.doctor.tree.make.database import MakeDatabase
from coblyn.doctor.tree.make.reader import read_makefile
from coblyn.doctor.tree.make.value import MAYBE, UNKNOWN, Budget
from doctor.tree.trees import make, needs_make, posix, value, write

EXPANSIONS = {
    "recursive": ("a = $(b)\nb = 1\nx = $(a)", "1"),
    "simple": ("a := $(b)\nb = 1\nx = [$(a)]", "[]"),
    "posix simple": ("b = 1\nx ::= $(b)", "1"),
    "if not set": ("x = 1\nx ?= 2", "1"),
    "append": ("x = a\nx += b", "a b"),
    "append to simple": ("b = 1\nx := a\nx += $(b)\nb = 2", "a 1"),
    "define": ("define x =\nfirst\nsecond\nendef", "first\nsecond"),
    "nested define": ("define x\ndefine y\nendef\nendef", "define y\nendef"),
    "undefine": ("x = 1\nundefine x", ""),
    "override": ("override x = 1\nx = 2", "1"),
    "continuation": ("x = a \\\n    b \\\n\tc", "a b c"),
    "even backslashes are no continuation": ("x = a\\\\\ny = 2", "a\\\\"),
    "comment": ("x = a # b", "a "),
    "escaped hash": ("x = a\\#b", "a#b"),
    "computed name": ("n = y\ny = 1\nx = $($(n))", "1"),
    "computed assignment": ("n = x\n$(n) = 1", "1"),
    "dollar": ("x = $$HOME", "$HOME"),
    "braces": ("a = 1\nx = ${a}", "1"),
    "one letter": ("a = 1\nx = $ab", "1b"),
    "suffixes": ("s = a.c b.c\nx = $(s:.c=.o)", "a.o b.o"),
    "suffix pattern": ("s = a.c\nx = $(s:%.c=obj/%.o)", "obj/a.o"),
    "subst": ("x = $(subst -O3,-Ofast,-O3 -g)", "-Ofast -g"),
    "patsubst": ("x = $(patsubst src/%.c,%.o,src/a.c src/b.c d.h)", "a.o b.o d.h"),
    "strip": ("x = $(strip  a   b )", "a b"),
    "findstring": ("x = $(findstring b,abc)$(findstring z,abc)", "b"),
    "filter": ("x = $(filter %.c y,a.c b.o y)", "a.c y"),
    "filter-out": ("x = $(filter-out %.c,a.c b.o)", "b.o"),
    "sort": ("x = $(sort c a b a)", "a b c"),
    "words": ("x = $(words a b c) $(word 2,a b c) $(wordlist 2,3,a b c d)", "3 b b c"),
    "first and last": ("x = $(firstword a b) $(lastword a b)", "a b"),
    "names": (
        "x = $(dir s/a.c b) $(notdir s/a.c) $(suffix a.c) $(basename s/a.c)",
        "s/ ./ a.c .c s/a",
    ),
    "addprefix": ("x = $(addprefix -I,a b) $(addsuffix .o,a b)", "-Ia -Ib a.o b.o"),
    "join": ("x = $(join a b,.c .o .d)", "a.c b.o .d"),
    "if": ("x = $(if ,yes,no) $(if 1,yes)", "no yes"),
    "or, and": ("x = $(or ,b,c) $(and a,,c) $(and a,b)", "b  b"),
    "foreach": ("x = $(foreach i,1 2,a$(i).o)", "a1.o a2.o"),
    "call": ("f = $(2)-$(1)\nx = $(call f,a,b)", "b-a"),
    "call a function": ("x = $(call subst,a,b,aa)", "bb"),
    "value": ("a = $(b)\nx = $(value a)", "$(b)"),
    "origin": ("a = 1\nx = $(origin a) $(origin zz) $(flavor a)", "file undefined recursive"),
    "eval": ("$(eval x = 7)", "7"),
    "commas in brackets": ("x = $(subst a,b,$(or ,a))", "b"),
    "wildcard": ("x = $(sort $(wildcard *.c) $(wildcard nowhere*))", "one.c two.c"),
    "abspath": ("x = $(notdir $(abspath sub/../one.c))", "one.c"),
    "ifdef": ("a = 1\nifdef a\nx = 1\nelse\nx = 2\nendif", "1"),
    "ifndef": ("ifndef a\nx = 1\nelse\nx = 2\nendif", "1"),
    "ifeq": ("a = 1\nifeq ($(a),1)\nx = 1\nelse ifeq ($(a),2)\nx = 2\nendif", "1"),
    "ifeq with quotes": ("ifeq 'a' \"a\"\nx = 1\nendif", "1"),
    "else ifeq": (
        "a = 2\nifeq ($(a),1)\nx = 1\nelse ifeq ($(a),2)\nx = 2\nelse\nx = 3\nendif",
        "2",
    ),
    "nested": ("ifdef a\nifdef b\nx = 1\nelse\nx = 2\nendif\nelse\nx = 3\nendif", "3"),
    "indented with a tab": ("\tx = 1\nifdef a\n\tx = 2\nendif", "1"),
    "conditional in a skipped define": ("ifdef a\ndefine b\nendif\nendef\nendif\nx = 1", "1"),
    "makefile list": ("x = $(notdir $(lastword $(MAKEFILE_LIST)))", "Makefile"),
    "curdir": ("x = $(if $(filter /% C:%,$(CURDIR)),yes)", "yes"),
}


@pytest.mark.parametrize(("text", "wanted"), EXPANSIONS.values(), ids=EXPANSIONS)
def test_variables_and_functions(text: str, wanted: str, tmp_path: Path) -> None:
    write(tmp_path, {"one.c": "", "two.c": ""})
    assert value(tmp_path, text) == wanted


def test_environment_is_seen_and_overridden(tmp_path: Path) -> None:
    assert value(tmp_path, "x = $(origin A) $(A)", {"A": "1"}) == "environment 1"
    assert value(tmp_path, "A = 2\nx = $(A)", {"A": "1"}) == "2"


class TestUnknown:
    """What only a program could tell."""

    def test_shell_is_never_run(self, tmp_path: Path) -> None:
        mark = tmp_path / "pwned"
        text = (
            f"a := $(shell touch {mark})\nb != touch {mark}\n$(shell touch {mark})\n"
            f"ifeq ($(shell touch {mark}),)\nendif\n$(eval c := $(shell touch {mark}))\n"
            f'include $(shell touch {mark})\n$(file >{mark},x)\n$(guile (system "touch {mark}"))\n'
            f"load {mark}.so\nall:\n\t+touch {mark}\n\t$(shell touch {mark})\n"
        )
        database = make(tmp_path, text)
        assert "all" in database.rules
        assert not mark.exists()

    def test_the_value_is_unknown(self, tmp_path: Path) -> None:
        assert value(tmp_path, "x := $(shell date)") == UNKNOWN

    @posix
    def test_uname_is_known_without_running_it(self, tmp_path: Path) -> None:
        assert (
            value(tmp_path, "x := $(shell uname -s 2>/dev/null || echo no)") == os.uname().sysname
        )
        assert value(tmp_path, "x := $(shell sh -c 'uname -s')") == os.uname().sysname

    def test_both_branches_are_read_and_marked(self, tmp_path: Path) -> None:
        database = make(
            tmp_path,
            "OBJ = a.o\nifeq ($(shell date),1)\nOBJ += b.o\nelse\nOBJ += c.o\nx: d.o\nendif\n"
            "app: $(OBJ)\n\tld $^\n",
        )
        (rule,) = database.rules["app"]
        assert rule.prerequisites == ("a.o", "b.o", "c.o")
        assert rule.maybe == {"b.o", "c.o"}
        assert not rule.is_maybe
        assert database.rules["x"][0].is_maybe

    def test_a_value_of_either_branch_decides_nothing(self, tmp_path: Path) -> None:
        text = "ifeq ($(shell date),1)\na = 1\nendif\nifeq ($(a),1)\nx := yes\nendif"
        assert value(tmp_path, text).startswith((MAYBE, UNKNOWN))

    def test_unknown_names_are_left_out_and_noted(self, tmp_path: Path) -> None:
        database = make(tmp_path, "app: a.o $(shell ls).o\n\tld $^\n")
        assert database.prerequisites("app") == ("a.o",)
        assert any("Makefile:1" in note for note in database.notes)

    def test_text_can_not_forge_the_marks(self, tmp_path: Path) -> None:
        assert value(tmp_path, f"x := {MAYBE}a{UNKNOWN}") == "?a?"


class TestRules:
    """Each definition of a target, with its place."""

    def test_a_target_defined_twice_keeps_both(self, tmp_path: Path) -> None:
        database = make(tmp_path, "a: b c\n\tone\na: d\na: e\n\ttwo\n\tthree\n")
        assert [(rule.place.line, rule.prerequisites) for rule in database.rules["a"]] == [
            (1, ("b", "c")),
            (3, ("d",)),
            (4, ("e",)),
        ]
        assert [rule.recipe for rule in database.recipes("a")] == [("one",), ("two", "three")]
        assert database.prerequisites("a") == ("e", "b", "c", "d")

    def test_several_targets_and_kinds(self, tmp_path: Path) -> None:
        database = make(
            tmp_path,
            "a b: c | d\n\tx\n%.o: %.c\n\ty\nm.o n.o: %.o: %.c h.h\n\tz\ne:: f\n\tone\ne:: g\n\ttwo\nk: ; cmd\n",
        )
        assert database.rules["b"][0].order_only == ("d",)
        assert database.patterns[0].target == "%.o"
        assert database.rules["n.o"][0].prerequisites == ("n.c", "h.h")
        assert database.rules["n.o"][0].stem == "n"
        assert all(rule.is_double_colon for rule in database.rules["e"])
        assert database.rules["k"][0].recipe == ("cmd",)

    def test_a_variable_ends_a_recipe(self, tmp_path: Path) -> None:
        database = make(tmp_path, "a:\n\tone\nv = 1\n\tw = 2\n")
        assert database.recipes("a")[0].recipe == ("one",)
        assert database.variables["w"].value == "2"

    def test_conditionals_inside_of_a_recipe(self, tmp_path: Path) -> None:
        database = make(tmp_path, "a:\n\tone\nifdef nothing\n\ttwo\nelse\n\tthree\nendif\n\tfour\n")
        assert database.recipes("a")[0].recipe == ("one", "three", "four")

    def test_a_variable_of_a_target_is_no_prerequisite(self, tmp_path: Path) -> None:
        database = make(tmp_path, "a: CFLAGS += -g\na: b\n\tx\n")
        assert database.prerequisites("a") == ("b",)

    def test_rules_that_are_made_by_eval(self, tmp_path: Path) -> None:
        text = "define rule\n$(1).o: $(1).c\n\tcc -c $$< -o $$@\nendef\n$(foreach f,a b,$(eval $(call rule,$(f))))\n"
        database = make(tmp_path, text)
        assert database.prerequisites("b.o") == ("b.c",)
        assert database.commands["b.o"] == ("cc -c b.c -o b.o",)

    def test_commands_have_all_prerequisites(self, tmp_path: Path) -> None:
        database = make(tmp_path, "app: a.o\napp: b.o b.o\n\t$(CC) $^ -o $@ # $< $(@D) $(<F)\n")
        assert database.commands["app"] == ("cc b.o a.o -o app # b.o . b.o",)

    def test_objects_get_a_pattern_or_makes_own_rule(self, tmp_path: Path) -> None:
        write(tmp_path, {"a.c": "", "b.cpp": "", "src/c.c": ""})
        database = make(
            tmp_path,
            "CFLAGS = -g\napp: a.o b.o c.o\n\tld $^\n%.o: src/%.c h.h\n\tmy -c $< -o $@\nh.h:\n",
        )
        assert "-c" in database.commands["a.o"][0]
        assert database.commands["a.o"][0].endswith("a.c")
        assert database.commands["b.o"][0].startswith("g++")
        assert database.commands["c.o"] == ("my -c src/c.c -o c.o",)
        assert database.implicit["c.o"] == ("src/c.c", "h.h")


class TestIncludes:
    """What is read besides, and by which line."""

    def test_by_name_wildcard_and_makefile_list(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            {
                "Makefile.local": "a:\n\tlocal\n",
                "mk/1 copy.mk": "b:\n\tx\n",
                "mk/2.mk": "c:\n\tx\n",
            },
        )
        text = "-include $(abspath $(lastword $(MAKEFILE_LIST))).local\ninclude mk/*.mk\nsinclude missing.mk\n"
        database = make(tmp_path, text)
        assert database.makefiles() == ("Makefile", "Makefile.local", "mk/1 copy.mk", "mk/2.mk")
        wild = [each for each in database.includes if each.is_wildcard]
        assert [each.place.line for each in wild] == [2, 2]
        missing = database.includes[-1]
        assert (missing.is_found, missing.is_optional) == (False, True)
        assert database.rules["a"][0].place.file == "Makefile.local"
        assert {"b", "c"} <= set(database.rules)

    def test_a_makefile_in_a_folder_counts_from_there(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            {
                "src/Makefile": "include ../common.mk\nx := $(wildcard *.c)\n",
                "common.mk": "",
                "src/a.c": "",
            },
        )
        database = read_makefile(list_files(tmp_path), "src/Makefile", environ={})
        assert database.makefiles() == ("src/Makefile", "common.mk")
        assert database.variables["x"].value == "a.c"


class TestHostile:
    """No makefile hangs the reading, fills memory, or ends it with an error."""

    @pytest.mark.parametrize(
        "text",
        [
            "include Makefile\n",
            "x = $(x)\ny := $(x)\n",
            "".join(f"v{n} = $(v{n + 1})\n" for n in range(5000)) + "y := $(v0)\n",
            "".join(f"v{n} = $(v{n + 1})$(v{n + 1})\n" for n in range(60))
            + "v60 = x\ny := $(v0)\n",
            "x := " + "$(" * 20_000 + ")" * 20_000 + "\n",
            "x := " + "$(" * 20_000 + "\n",
            "$(eval $(value a))\ndefine a\n$(eval $(value a))\nendef\n$(eval $(value a))\n",
            "f = $(call f,$(1)x)\ny := $(call f,1)\n",
            "define unclosed\nx = 1\n",
            "ifdef\nifeq\nelse\nelse\nendif\nendif\nendif\n",
            ": : : :\n::\n:=\n=\n: = :\n\t\n|\n;\n%: %\n",
            "\\\n" * 5000,
            "a" * 3_000_000 + ": b\n",
            "x = 1 2 3\ny := $(foreach a,$(x),$(foreach b,$(x),$(foreach c,$(x),$(x)$(x)$(x))))\n"
            * 50,
            "$(shell\n$(word x,y)\n$(word 99999999999,y)\n$(subst)\n$(if)\n$(foreach)\n$(call)\n$(wildcard)\n",
        ],
        ids=range(15),
    )
    def test_it_ends(self, text: str, tmp_path: Path) -> None:
        write(tmp_path, {"Makefile": text})
        budget = Budget(letters=3_000_000, steps=60_000)
        database = read_makefile(list_files(tmp_path), "Makefile", environ={}, budget=budget)
        assert database.makefile == "Makefile"

    def test_work_without_end_is_noted(self, tmp_path: Path) -> None:
        text = "".join(f"v{n} = $(v{n + 1})$(v{n + 1})\n" for n in range(60)) + "y := $(v0)\n"
        write(tmp_path, {"Makefile": text})
        budget = Budget(letters=100_000, steps=10_000)
        database = read_makefile(list_files(tmp_path), "Makefile", environ={}, budget=budget)
        assert any("more text" in note for note in database.notes)

    def test_an_include_loop_is_noted(self, tmp_path: Path) -> None:
        write(tmp_path, {"a.mk": "include Makefile\n"})
        assert any("includes itself" in note for note in make(tmp_path, "include a.mk\n").notes)

    def test_a_line_of_ten_megabytes(self, tmp_path: Path) -> None:
        database = make(tmp_path, "app: " + "a.o " * 2_500_000 + "\n\tld\n")
        assert any("too large" in note for note in database.notes)

    @posix
    def test_a_pipe_is_not_opened(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.mk")
        database = make(tmp_path, "include pipe.mk\na: b\n")
        assert "a" in database.rules
        assert not database.includes[0].is_found

    @posix
    def test_names_that_are_no_utf8(self, tmp_path: Path) -> None:
        (tmp_path / os.fsdecode(b"\xff.mk")).write_bytes(b"b\xff: c\n\tx\n")
        database = make(tmp_path, "include *.mk\n")
        assert len(database.makefiles()) == 2


SEARCHED = """\
CFLAGS = -O2
ALL = $(CFLAGS) $(MORE)
app: a.o b.o sub.o
	cc -o $@ $^
%.o: %.c
	cc $(ALL) -c $< -o $@
"""
AS_MAKE_DOES = {
    "VPATH": "VPATH = src:other\n",
    "VPATH with blanks": "d = src\nVPATH = $(d) other\n",
    "vpath": "vpath %.c nowhere src\nvpath sub.c other\n",
    "vpath that is taken back": "vpath %.c nowhere\nvpath %.c\nvpath %.c src other\n",
    "all are taken back": "vpath %.c nowhere\nvpath\nVPATH = src other\n",
    "for one target": "VPATH = src other\nb.o: CFLAGS = -O3\n",
    "appended": "VPATH = src other\na.o b.o: CFLAGS += -g\nb.o: CFLAGS += -DB\nb.o: MORE := $(CFLAGS)\n",
    "a pattern": "VPATH = src other\nb.o: MORE = -DB\n%.o: MORE = -DALL\ns%.o: MORE += -DS\n",
    "only if not set": "VPATH = src other\nb.o: CFLAGS ?= -DB\nb.o: MORE ?= -DC\n",
    "private, override, export": "VPATH = src other\napp: private MORE = -DP\nb.o: override MORE = -DQ\n"
    "a.o: export MORE = -DR\n",
    "with a semicolon": "VPATH = src other\nb.o: MORE = -D'X=1;2'\nb.o: src/b.c ; \n",
    "in a rule without a pattern": "VPATH = src other\na.o: b.c\n\tcc -c $< $(<F) $(<D)\n",
}


@needs_make
@pytest.mark.parametrize("text", AS_MAKE_DOES.values(), ids=AS_MAKE_DOES)
def test_commands_are_those_of_make(text: str, tmp_path: Path) -> None:
    write(tmp_path, {"src/a.c": "", "src/b.c": "", "other/sub.c": ""})
    database = make(tmp_path, SEARCHED + text)
    argv = ["make", "-n", "--no-print-directory"]
    done = subprocess.run(argv, cwd=tmp_path, check=True, capture_output=True, text=True)
    told = [line for target in ("a.o", "b.o", "sub.o", "app") for line in database.commands[target]]
    assert [line.split() for line in told] == [line.split() for line in done.stdout.splitlines()]


def test_what_is_expanded_twice_is_unknown(tmp_path: Path) -> None:
    text = ".SECONDEXPANSION:\napp_OBJ = a.o\napp: $$($$@_OBJ) b.o\n\tcc $^ -o $@\n"
    database = make(tmp_path, text)
    assert database.prerequisites("app") == ("b.o",)
    assert any("Makefile:3" in note for note in database.notes)


EXPENSIVE = {
    "the whole disk": "x := $(wildcard /*/*/*/*)\n" * 100,
    "a search that finds nothing": "x := $(wildcard */*/zzz* */z*)\n" * 20_000,
    "subst": "x := aaaaaaaa\n" + "x := $(subst a,$(x),$(x))\n" * 20,
    "patsubst": "x := a b c d\n" + "x := $(patsubst %,$(x)%,$(x))\n" * 20,
    "suffixes": "x := a b c d\n" + "x := $(x:%=%$(x))\n" * 20,
    "addprefix": "x := a b c d\n" + "x := $(addprefix $(x),$(x))\n" * 20,
    "filter": "x := " + "%a b " * 100_000 + "\ny := $(filter $(x),$(x))\n",
    "variables of one target": "a: V := 1\n" * 100_000,
    "variables of patterns": "".join(f"%{n}.o: V := 1\n" for n in range(5000))
    + "".join(f"a{n}.o: b.c\n\tcc -c $<\n" for n in range(5000)),
    "search paths": "".join(f"vpath %.c d{n}\n" for n in range(2000))
    + f"app: {' '.join(f'a{n}.o' for n in range(5000))}\n\tcc $^\n",
    "pattern rules": "".join(f"%.o: x{n}%.c\n\tcc\n" for n in range(1000))
    + f"app: {' '.join(f'a{n}.o' for n in range(5000))}\n\tcc $^\n",
}


@pytest.mark.parametrize("text", EXPENSIVE.values(), ids=EXPENSIVE)
def test_little_text_that_asks_for_much_work(text: str, tmp_path: Path) -> None:
    write(tmp_path, {f"d{n}/f{m}.c": "" for n in range(10) for m in range(50)})
    write(tmp_path, {"Makefile": text})
    started = time.process_time()
    budget = Budget(letters=3_000_000, steps=60_000)
    read_makefile(list_files(tmp_path), "Makefile", environ={}, budget=budget)
    assert time.process_time() - started < 30


@posix
class TestOutside:
    """A stranger's makefile does not make the doctor show the user's files in its report."""

    SECRET = "all: hunter2\n\tcurl -u me:hunter2\nTOKEN = hunter2\n"

    def read(self, tmp_path: Path, text: str) -> MakeDatabase:
        write(tmp_path, {"home/.netrc": self.SECRET, "home/rules.mk": "ok: a.o\n\tld $^\n"})
        write(tmp_path, {"tree/Makefile": text.format(home=tmp_path / "home")})
        return read_makefile(list_files(tmp_path / "tree"), "Makefile", environ={})

    def test_only_makefiles_are_read(self, tmp_path: Path) -> None:
        text = "include {home}/.netrc\n-include ../home/.netrc\ninclude {home}/rules.mk\nall:\n"
        database = self.read(tmp_path, text)
        assert "ok" in database.rules
        assert "hunter2" not in repr(database)
        assert sum("outside of the tree" in note for note in database.notes) == 2

    def test_links_out_of_the_tree(self, tmp_path: Path) -> None:
        self.read(tmp_path, "")
        (tmp_path / "tree/Makefile.local").symlink_to(tmp_path / "home/.netrc")
        (tmp_path / "tree/more.mk").symlink_to(tmp_path / "home/rules.mk")
        database = self.read(tmp_path, "include Makefile.local\ninclude more.mk\n")
        assert "ok" in database.rules
        assert "hunter2" not in repr(database)

    def test_the_makefile_itself_may_be_a_link(self, tmp_path: Path) -> None:
        write(tmp_path, {"home/rules.mk": "ok: a.o\n\tld $^\n"})
        (tmp_path / "tree").mkdir()
        (tmp_path / "tree/Makefile").symlink_to("../home/rules.mk")
        tree = list_files(tmp_path / "tree")
        assert "ok" in read_makefile(tree, "Makefile", environ={}).rules
        (tmp_path / "home/rules.mk").rename(tmp_path / "home/secret")
        (tmp_path / "tree/Makefile").unlink()
        (tmp_path / "tree/Makefile").symlink_to("../home/secret")
        tree = list_files(tmp_path / "tree")
        assert read_makefile(tree, "Makefile", environ={}).rules == {}
