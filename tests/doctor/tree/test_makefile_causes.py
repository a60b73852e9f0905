"""What makefiles tell: the story of KoboldCPP's Makefile.local, and its relatives, in trees of our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from coblyn.doctor.cause import Case
from coblyn.doctor.examine import examine
from coblyn.doctor.finding import Confidence, Severity, StepKind
from coblyn.native.facts import Facts
from doctor.tree.trees import age, elf, found, git, macho, needs_git, needs_make, read, write

NEW = """\
-include $(abspath $(lastword ${MAKEFILE_LIST})).local
default: app
OBJS = main.o
app: backend_default.o $(OBJS)
	$(CC) $^ -shared -o app.so
backend_default.o: backend.c backend.h
	$(CC) $(CFLAGS) -c $< -o $@
main.o: main.c
	$(CC) -c $< -o $@
clean:
	rm -f *.o
"""
OLD = """\
default: app
app: main.o backend.o
	$(CC) $^ -shared -o app.so
backend.o: backend.c backend.h
	$(CC) $(CFLAGS) -c $< -o $@
main.o: main.c
	$(CC) -c $< -o $@
clean:
	rm -f *.o
"""
SOURCES = {
    "main.c": '#include "backend.h"\nint main(void) { return 0; }\n',
    "backend.c": "int f(void) { return 1; }\n",
    "backend.h": "int f(void);\n",
}


def top(root: Path, **more: bool):
    return examine(Case(tree=read(root, **more))).findings[0]


class TestMakefileLocal:
    """An old copy of the makefile that is included."""

    @pytest.mark.parametrize("evaluate_make", [False, pytest.param(True, marks=needs_make)])
    def test_the_story(self, tmp_path: Path, evaluate_make: bool) -> None:
        write(tmp_path, {"Makefile": NEW, "Makefile.local": OLD, "backend.o": "", **SOURCES})
        finding = top(tmp_path, evaluate_make=evaluate_make)
        assert (finding.cause, finding.confidence, finding.severity) == (
            "makefile-local",
            Confidence.HIGH,
            Severity.FAILURE,
        )
        failed, again, source, why = finding.story
        assert "The link of app fails: backend.o and backend_default.o" in failed
        assert "Makefile.local defines app" in again
        assert "Makefile:1 includes it" in again
        assert "backend.c is compiled into backend.o (Makefile.local:4)" in source
        assert "into backend_default.o (Makefile:6)" in source
        assert "merges the prerequisites" in why
        assert "`make clean` cannot help" in why
        places = {(each.source, each.line) for each in finding.evidence}
        assert {("Makefile.local", 2), ("Makefile", 4), ("Makefile", 1)} <= places
        assert finding.fix.command.startswith("mv Makefile.local Makefile.local.old-2")
        assert [(step.kind, step.path.name) for step in finding.fix.steps] == [
            (StepKind.ASIDE, "Makefile.local"),
            (StepKind.CLEAR, "backend.o"),
        ]

    def test_sources_that_moved_since(self, tmp_path: Path) -> None:
        """KoboldCPP of v1.70 with the same old file: there, make finds no rule for the old sources."""
        new = NEW.replace("backend.c backend.h", "src/backend.c").replace(
            ": main.c", ": src/main.c"
        )
        write(tmp_path, {"Makefile": new, "Makefile.local": OLD})
        write(tmp_path / "src", SOURCES)
        finding = top(tmp_path)
        assert (finding.cause, finding.confidence) == ("makefile-local", Confidence.HIGH)
        assert "which is not there and which no rule makes" in finding.story[0]

    def test_settings_only_are_fine(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            {"Makefile": NEW, "Makefile.local": "CFLAGS += -g\nOBJS += more.o\n", **SOURCES},
        )
        assert examine(Case(tree=read(tmp_path))).findings == ()

    def test_a_rule_of_ones_own_is_fine(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            {"Makefile": NEW, "Makefile.local": "install: app\n\tcp app.so /opt\n", **SOURCES},
        )
        assert examine(Case(tree=read(tmp_path))).is_clean

    def test_more_prerequisites_are_fine(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            {
                "Makefile": NEW,
                "Makefile.local": "default: extra\nextra:\n\techo\nmain.o: config.h\n",
                **SOURCES,
            },
        )
        assert examine(Case(tree=read(tmp_path))).is_clean

    def test_a_branch_that_may_not_be_taken_is_no_proof(self, tmp_path: Path) -> None:
        old = f"ifeq ($(shell date),1)\n{OLD}endif\n"
        write(tmp_path, {"Makefile": NEW, "Makefile.local": old, **SOURCES})
        assert found("makefile-local", read(tmp_path)) is None

    def test_a_copy_that_does_no_harm_yet_is_a_risk(self, tmp_path: Path) -> None:
        write(tmp_path, {"Makefile": NEW, "Makefile.local": NEW.partition("\n")[2], **SOURCES})
        finding = top(tmp_path)
        assert (finding.cause, finding.severity) == ("makefile-local", Severity.RISK)

    @needs_git
    def test_a_file_of_the_repository_is_not_moved(self, tmp_path: Path) -> None:
        write(tmp_path, {"Makefile": NEW, "Makefile.local": OLD, **SOURCES})
        git(tmp_path, "init", "-q")
        git(tmp_path, "add", ".")
        finding = top(tmp_path)
        assert finding.cause == "makefile-local"
        assert finding.fix.steps == ()
        assert finding.fix.command == ""


class TestWildcardInclude:
    """`include mk/*.mk` catches a backup."""

    MAIN = "default: app\ninclude mk/*.mk\nmain.o: main.c\n\t$(CC) -c $< -o $@\n"
    RULES = "app: main.o backend_cpu.o\n\t$(CC) $^ -o $@\nbackend_cpu.o: backend.c\n\t$(CC) -DCPU -c $< -o $@\n"
    COPY = "app: main.o backend.o\n\t$(CC) $^ -o $@\nbackend.o: backend.c\n\t$(CC) -c $< -o $@\n"

    @pytest.mark.parametrize(
        "name", ["rules copy.mk", "rules-old.mk", "rules.bak.mk", "rules (1).mk", "rules 2.mk"]
    )
    def test_the_copy_is_named_and_moved(self, name: str, tmp_path: Path) -> None:
        write(
            tmp_path,
            {"Makefile": self.MAIN, "mk/rules.mk": self.RULES, f"mk/{name}": self.COPY, **SOURCES},
        )
        finding = top(tmp_path)
        assert (finding.cause, finding.confidence) == ("wildcard-include", Confidence.HIGH)
        assert [step.path.name for step in finding.fix.steps] == [name]
        assert f"mk/{name}" in finding.fix.command

    def test_age_alone_moves_nothing(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            {"Makefile": self.MAIN, "mk/rules.mk": self.RULES, "mk/zebra.mk": self.COPY, **SOURCES},
        )
        age(tmp_path / "mk/zebra.mk", 100)
        finding = top(tmp_path)
        assert finding.cause == "wildcard-include"
        assert "mk/zebra.mk defines" in finding.story[1]
        assert finding.fix.steps == ()

    def test_parts_that_do_not_meet_are_fine(self, tmp_path: Path) -> None:
        other = "tool: tool.o\n\t$(CC) $^ -o $@\n"
        write(
            tmp_path,
            {"Makefile": self.MAIN, "mk/rules.mk": self.RULES, "mk/tool.mk": other, **SOURCES},
        )
        assert examine(Case(tree=read(tmp_path))).is_clean


def test_overridden_recipe(tmp_path: Path) -> None:
    write(tmp_path, {"Makefile": "a: b\n\tone\na: c\n\ttwo\n"})
    finding = found("overridden-recipe", read(tmp_path))
    assert finding
    assert finding.severity is Severity.RISK
    assert [(each.source, each.line) for each in finding.evidence] == [
        ("Makefile", 1),
        ("Makefile", 3),
    ]
    for fine in (
        "a: b\n\tone\na: c\n",
        "a:: b\n\tone\na:: c\n\ttwo\n",
        "a:\n\tone\na:\n\tone\n",
        "ifdef X\na:\n\tone\nelse\na:\n\ttwo\nendif\n",
    ):
        write(tmp_path, {"Makefile": fine})
        assert found("overridden-recipe", read(tmp_path)) is None


@needs_git
def test_untracked_include(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"Makefile": "-include my.mk\na:\n\tx\n", "my.mk": "b:\n\ty\n", ".gitignore": "my.mk\n"},
    )
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    finding = found("untracked-include", read(tmp_path))
    assert finding
    assert finding.severity is Severity.NOTE
    write(tmp_path, {"my.mk": "a:\n\ty\n"})
    finding = found("untracked-include", read(tmp_path))
    assert finding
    assert finding.severity is Severity.RISK
    write(tmp_path, {"my.mk": "CFLAGS = -g\n"})
    assert found("untracked-include", read(tmp_path)) is None


class TestStaleObjects:
    """Make keeps an object although its header changed."""

    RULES = "app: main.o backend.o\n\t$(CC) $^ -o $@\n%.o: %.c\n\t$(CC) -c $< -o $@\n"

    def tree(self, root: Path, rules: str, header_days: float) -> Path:
        write(root, {"Makefile": rules, "main.o": "", "backend.o": "", **SOURCES})
        for name in SOURCES:
            age(root / name, 10)
        for name in ("main.o", "backend.o"):
            age(root / name, 5)
        age(root / "backend.h", header_days - 10)
        return root

    def test_a_header_that_no_rule_names(self, tmp_path: Path) -> None:
        finding = found("stale-objects", read(self.tree(tmp_path, self.RULES, 1)))
        assert finding
        assert "main.o is older than backend.h" in finding.story[0]
        assert [(step.kind, step.path.name) for step in finding.fix.steps] == [
            (StepKind.CLEAR, "main.o")
        ]

    @pytest.mark.parametrize(
        ("rules", "days"),
        [
            (RULES, 10),
            (RULES.replace("%.c\n", "%.c backend.h\n"), 1),
            (RULES + "main.o: backend.h\n", 1),
            (RULES + "backend.h:\n\tmake-header\n", 1),
        ],
        ids=["older header", "named by the pattern", "named by a rule", "made by the build"],
    )
    def test_what_make_knows_is_fine(self, rules: str, days: float, tmp_path: Path) -> None:
        assert found("stale-objects", read(self.tree(tmp_path, rules, days))) is None

    def test_lists_of_headers_from_the_compiler_count(self, tmp_path: Path) -> None:
        tree = self.tree(tmp_path, self.RULES + "-include $(wildcard *.d)\n", 1)
        write(tree, {"main.d": "main.o: main.c \\\n backend.h\n"})
        assert found("stale-objects", read(tree)) is None

    def test_an_object_older_than_its_source_is_compiled_anyway(self, tmp_path: Path) -> None:
        tree = self.tree(tmp_path, self.RULES, 1)
        age(tree / "main.c", -11)
        assert found("stale-objects", read(tree)) is None


class TestWrongArchitecture:
    """Objects for two processors."""

    RULES = TestStaleObjects.RULES

    def tree(self, root: Path, main: bytes, backend: bytes) -> Path:
        write(root, {"Makefile": self.RULES, **SOURCES})
        for name in SOURCES:
            age(root / name, 1)
        (root / "main.o").write_bytes(main)
        (root / "backend.o").write_bytes(backend)
        return root

    def test_two_in_one_link(self, tmp_path: Path) -> None:
        tree = read(self.tree(tmp_path, elf(62), elf(183)))
        machine = Facts.of(os="linux", arch="x86-64")
        finding = found("wrong-architecture", tree, machine=machine)
        assert finding
        assert (finding.confidence, finding.severity) == (Confidence.HIGH, Severity.FAILURE)
        assert [step.path.name for step in finding.fix.steps] == ["backend.o"]
        everywhere = found("wrong-architecture", tree)
        assert everywhere
        assert {step.path.name for step in everywhere.fix.steps} == {"main.o", "backend.o"}

    def test_all_for_another_machine_is_a_risk(self, tmp_path: Path) -> None:
        tree = read(self.tree(tmp_path, macho(0x01000007), macho(0x01000007)))
        machine = Facts.of(os="macos", arch="x86-64", rosetta="yes")
        finding = found("wrong-architecture", tree, machine=machine)
        assert finding
        assert finding.severity is Severity.RISK

    def test_cross_compiling_is_fine(self, tmp_path: Path) -> None:
        tree = read(self.tree(tmp_path, elf(183), elf(183)))
        machine = Facts.of(os="linux", arch="x86-64")
        assert (
            found(
                "wrong-architecture", tree, machine=machine, environ={"CC": "aarch64-linux-gnu-gcc"}
            )
            is None
        )
        other = read(self.tree(tmp_path, macho(0x0100000C), macho(0x0100000C)))
        assert found("wrong-architecture", other, machine=machine) is None

    def test_what_will_be_compiled_again_is_fine(self, tmp_path: Path) -> None:
        tree = self.tree(tmp_path, elf(62), elf(183))
        age(tree / "backend.o", 5)
        assert found("wrong-architecture", read(tree)) is None


LINK = "app: main.o a.o b.o\n\t$(CC) $^ -o $@\na.o: x.c\n\t$(CC) {a} -c $< -o $@\nb.o: x.c\n\t$(CC) {b} -c $< -o $@\n"


def test_source_compiled_twice(tmp_path: Path) -> None:
    write(tmp_path, {"Makefile": LINK.format(a="-O2", b="-O3"), "main.c": "", "x.c": ""})
    finding = found("source-compiled-twice", read(tmp_path))
    assert finding
    assert "a.o and b.o" in finding.story[0]
    assert finding.confidence is Confidence.HIGH


@pytest.mark.parametrize(("a", "b"), [("-DFLOAT", "-DDOUBLE"), ("-mavx2", ""), ("-UX", "")])
def test_one_source_for_two_sets_of_symbols_is_fine(a: str, b: str, tmp_path: Path) -> None:
    write(tmp_path, {"Makefile": LINK.format(a=a, b=b), "main.c": "", "x.c": ""})
    assert found("source-compiled-twice", read(tmp_path)) is None


def test_library_linked_twice(tmp_path: Path) -> None:
    rule = "app: main.o lib.a\n\t$(CC) main.o -Wl,--whole-archive lib.a {} -Wl,--no-whole-archive -o $@\n"
    write(tmp_path, {"Makefile": rule.format("./lib.a"), "main.c": ""})
    finding = found("library-linked-twice", read(tmp_path))
    assert finding
    assert finding.confidence is Confidence.HIGH
    write(tmp_path, {"Makefile": rule.format("other.a")})
    assert found("library-linked-twice", read(tmp_path)) is None


def test_function_in_header(tmp_path: Path) -> None:
    rules = "app: a.o b.o\n\t$(CC) $^ -o $@\n"
    body = "#ifndef H\n#define H\nint f(void) { return 1; }\n#endif\n"
    write(
        tmp_path,
        {"Makefile": rules, "a.c": '#include "h.h"\n', "b.c": '#include "h.h"\n', "h.h": body},
    )
    finding = found("function-in-header", read(tmp_path))
    assert finding
    assert (finding.evidence[0].source, finding.evidence[0].line) == ("h.h", 3)
    write(tmp_path, {"b.c": ""})
    assert found("function-in-header", read(tmp_path)) is None


@needs_git
def test_submodule_missing(tmp_path: Path) -> None:
    modules = '[submodule "x"]\n\tpath = vendor/x\n\turl = ../x\n'
    write(tmp_path, {".gitmodules": modules, "CMakeLists.txt": "add_subdirectory(vendor/x)\n"})
    (tmp_path / "vendor/x").mkdir(parents=True)
    finding = found("submodule-missing", read(tmp_path))
    assert finding
    assert finding.severity is Severity.FAILURE
    write(tmp_path, {"CMakeLists.txt": ""})
    finding = found("submodule-missing", read(tmp_path))
    assert finding
    assert finding.severity is Severity.NOTE
    write(tmp_path, {"vendor/x/CMakeLists.txt": ""})
    assert found("submodule-missing", read(tmp_path)) is None


def test_crlf(tmp_path: Path) -> None:
    write(tmp_path, {"Makefile": "v.h: v.sh\n\t./v.sh > $@\n"})
    (tmp_path / "v.sh").write_bytes(b"#!/bin/sh\r\necho\r\n")
    finding = found("crlf", read(tmp_path))
    assert finding
    assert finding.confidence is Confidence.HIGH
    (tmp_path / "v.sh").write_bytes(b"#!/bin/sh\necho\n")
    assert found("crlf", read(tmp_path)) is None
