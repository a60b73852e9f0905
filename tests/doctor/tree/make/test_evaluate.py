"""Make's own view: the same value as the static reading, without a recipe being run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from coblyn.doctor.tree.files import list_files
from coblyn.doctor.tree.make.evaluate import (
    evaluate_makefile,
    parse_targets,
    parse_variables,
)
from coblyn.doctor.tree.make.reader import read_makefile
from coblyn.errors import ProgramFailed
from doctor.tree.trees import needs_make, write

SAMPLES = {
    "plain": "app: a.o b.o\n\tcc $^ -o $@\na.o: a.c a.h\n\tcc -c $<\nb.o: b.c\n",
    "merged": "app: a.o\n\tx\napp: b.o c.o\n\ty\n",
    "variables": "S = a.c b.c\nO := $(S:.c=.o)\nO += $(patsubst %.c,%.x,$(filter a%,$(S)))\napp: $(O) | dir\n\tld\n",
    "static pattern": "O = a.o b.o\napp: $(O)\n$(O): %.o: %.c common.h\n\tcc\n",
    "conditional": "ifdef NOTHING\napp: a\nelse ifeq ($(words a b),2)\napp: b\nendif\n",
    "eval": "define r\n$(1): $(1).o $$(X)\nendef\nX = later\n$(foreach p,p q,$(eval $(call r,$(p))))\n",
    "wildcard": "app: $(sort $(wildcard *.txt)) *.txt\n\tx\n",
    "escapes": "app: a.o # comment: b\n\tx\nother: \\\n   one \\\n   two\n",
    "continued rule": "a \\\n b: c\\\nd\n\tx\n",
    "simple define": "define V :=\nx y\nendef\napp: $(V)\n",
}


@needs_make
@pytest.mark.parametrize("text", SAMPLES.values(), ids=SAMPLES)
def test_static_reading_agrees_with_make(text: str, tmp_path: Path) -> None:
    write(tmp_path, {"Makefile": text, "one.txt": "", "two.txt": ""})
    files = list_files(tmp_path)
    static = read_makefile(files, "Makefile", environ={})
    real = evaluate_makefile(files, "Makefile", environ={})
    assert real.is_evaluated
    assert set(static.rules) == set(real.rules)
    for target in static.rules:
        assert set(static.prerequisites(target)) == set(real.prerequisites(target)), target
        assert [str(rule.place) for rule in static.rules[target]] == [
            str(rule.place) for rule in real.rules[target]
        ]


@needs_make
def test_what_reading_could_not_know_is_decided(tmp_path: Path) -> None:
    text = (
        "WHICH := $(shell echo two)\nifeq ($(WHICH),two)\nOBJ = two.o\nelse\nOBJ = one.o\nendif\n"
        "app: $(OBJ) $(shell echo made.o)\n\tcc $^\n"
    )
    write(tmp_path, {"Makefile": text})
    files = list_files(tmp_path)
    assert read_makefile(files, "Makefile", environ={}).rules["app"][0].maybe
    real = evaluate_makefile(files, "Makefile", environ={})
    assert "two.o" in real.prerequisites("app")
    assert "one.o" not in real.prerequisites("app")


@needs_make
def test_no_recipe_runs(tmp_path: Path) -> None:
    """Not those with + or $(MAKE), nor those that remake makefiles, included or missing."""
    marks = [tmp_path / f"ran-{number}" for number in range(6)]
    text = (
        f"include old.mk\n-include missing.mk\n-include $(shell echo hidden).mk\n"
        f"all:\n\t+touch {marks[0]}\n\t$(MAKE) -v; touch {marks[1]}\n"
        f"Makefile: newer\n\ttouch {marks[2]}\n"
        f"old.mk: newer\n\ttouch {marks[3]}; touch old.mk\n"
        f"missing.mk:\n\t+touch {marks[4]}; echo > $@\n"
        f"hidden.mk:\n\t+touch {marks[5]}; echo > $@\n"
        ".PHONY: newer\nnewer:\n"
    )
    write(tmp_path, {"Makefile": text, "old.mk": ""})
    before = sorted(path.name for path in tmp_path.iterdir())
    database = evaluate_makefile(list_files(tmp_path), "Makefile", environ={})
    assert "all" in database.rules
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@needs_make
def test_what_runs_is_what_make_runs_while_it_reads(tmp_path: Path) -> None:
    """The user is asked first, since this is so."""
    write(tmp_path, {"Makefile": "x := $(shell touch read)\nall:\n"})
    evaluate_makefile(list_files(tmp_path), "Makefile", environ={})
    assert (tmp_path / "read").exists()


@needs_make
def test_flags_of_an_outer_make_stay_outside(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("MAKEFLAGS", "-t --no-such-option")
    monkeypatch.setenv("MAKEFILES", str(write(tmp_path / "o", {"other.mk": "b:\n"}) / "other.mk"))
    write(tmp_path, {"Makefile": "a: b.c\n"})
    assert "a" in evaluate_makefile(list_files(tmp_path), "Makefile", environ={}).rules


@needs_make
def test_a_broken_makefile_is_an_error_with_makes_words(tmp_path: Path) -> None:
    write(tmp_path, {"Makefile": "a: b\n  nonsense without colon\n"})
    with pytest.raises(ProgramFailed, match="missing separator"):
        evaluate_makefile(list_files(tmp_path), "Makefile", environ={})


@needs_make
def test_a_makefile_that_hangs_is_ended(tmp_path: Path) -> None:
    write(
        tmp_path, {"Makefile": f"x := $(shell {sys.executable} -c 'import time; time.sleep(60)')\n"}
    )
    with pytest.raises(ProgramFailed, match="longer"):
        evaluate_makefile(list_files(tmp_path), "Makefile", environ={}, seconds=1.0)


# As GNU make 3.81 of macOS writes it: other quotes, and "commands" for recipes.
OLD_DATABASE = """\
# GNU Make 3.81
# Variables

# automatic
<D = $(patsubst %/,%,$(dir $<))
# makefile (from `Makefile', line 3)
CFLAGS := -O2 -g
# environment
HOME = /nowhere
# makefile (from `Makefile.local', line 1)
define body
one
two
endef
# variable set hash-table stats:
# Implicit Rules

%.o: %.c
#  commands to execute (built-in):
	$(COMPILE.c) $(OUTPUT_OPTION) $<

# Files

# Not a target:
a.c:
#  Implicit rule search has not been done.

app: a.o b.o | dir
#  Implicit rule search has not been done.
#  commands to execute (from `Makefile', line 7):
	cc $^ -o $@

# files hash-table stats:
"""


class TestOldDatabase:
    """GNU make 3.81."""

    def test_variables(self) -> None:
        found = parse_variables(OLD_DATABASE.splitlines())
        assert set(found) == {"CFLAGS", "body"}
        assert (found["CFLAGS"].value, found["CFLAGS"].is_simple) == ("-O2 -g", True)
        assert found["CFLAGS"].place.line == 3
        assert found["body"].value == "one\ntwo"

    def test_targets(self) -> None:
        (target,) = parse_targets(OLD_DATABASE.splitlines()).items()
        name, (prerequisites, place) = target
        assert (name, prerequisites, str(place)) == ("app", ("a.o", "b.o"), "Makefile:7")
