"""A log and its tree: which file defines what a link misses, or has twice, and what is not in the tree at all."""

from __future__ import annotations

import io
from pathlib import Path

from coblyn.doctor.cause import Case
from coblyn.doctor.examine import examine
from coblyn.doctor.finding import Confidence, Finding
from coblyn.doctor.log.reader import read_log
from doctor.tree.trees import read, write

RULES = "app: main.o\n\t$(CC) $^ -o $@\nmain.o: main.c\n\t$(CC) -c $< -o $@\n"
MISSING = (
    "/usr/bin/ld: main.o: in function `main':\nmain.c:(.text+0xe): undefined reference to `{}'\n"
    "collect2: error: ld returned 1 exit status\nmake: *** [Makefile:2: app] Error 1\n"
)


def top(root: Path, log: str) -> Finding:
    return examine(Case(read_log(io.BytesIO(log.encode())), read(root))).findings[0]


def test_a_source_that_the_makefile_does_not_know(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "Makefile": RULES,
            "main.c": "int start(int);\nint main(void) { return start(1); }\n",
            "new/start.c": "#include <stdio.h>\n\nint start(int how) {\n    return how;\n}\n",
        },
    )
    finding = top(tmp_path, MISSING.format("start"))
    assert (finding.cause, finding.confidence) == ("undefined-symbol", Confidence.HIGH)
    assert "new/start.c:3 defines start, and no link" in finding.story[1]
    assert "new/start.c" in finding.fix.text


def test_a_name_of_one_letter_is_looked_for(tmp_path: Path) -> None:
    sources = {"main.c": "int main(void) { return f(); }\n", "new.c": "int f(void) { return 0; }\n"}
    write(tmp_path, {"Makefile": RULES, **sources})
    assert "new.c:1 defines f" in top(tmp_path, MISSING.format("f")).story[1]


def test_nothing_defines_it(tmp_path: Path) -> None:
    write(tmp_path, {"Makefile": RULES, "main.c": "int main(void) { return start(1); }\n"})
    finding = top(tmp_path, MISSING.format("start"))
    assert "No file of this tree defines start" in finding.story[1]
    assert finding.confidence is Confidence.MEDIUM


def test_a_template_without_an_instance(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "Makefile": RULES,
            "main.c": "int main(void) { return 0; }\n",
            "mmq.cuh": "template <int type>\nvoid mul_mat_q_case(int n, void * p) {\n    run(n, p);\n}\n",
        },
    )
    finding = top(tmp_path, MISSING.format("void mul_mat_q_case<(ggml_type)2>(int, void*)"))
    assert "mmq.cuh:2 has the body of mul_mat_q_case, in a header" in finding.story[1]


def test_without_the_tree_it_is_asked_for() -> None:
    log = read_log(io.BytesIO(MISSING.format("start").encode()))
    finding = examine(Case(log)).findings[0]
    assert "Give the tree" in finding.fix.text
    assert finding.confidence < Confidence.HIGH


def test_who_owns_a_single_symbol(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "Makefile": RULES,
            "main.c": "int verbose = 1;\nint main(void) { return 0; }\n",
            "log.c": "#include <stdio.h>\nint verbose;\n",
        },
    )
    log = (
        "/usr/bin/ld: log.o:(.bss+0x0): multiple definition of `verbose'; main.o:(.data+0x0): first defined here\n"
        "collect2: error: ld returned 1 exit status\n"
    )
    finding = top(tmp_path, log)
    told = " ".join(finding.story)
    assert "log.c:2" in told
    assert "main.c:1" in told
    assert "`make clean` cannot help" in told


class TestAHeaderOfTheProject:
    """`fatal error: engine-new.h: No such file` and the tree that should have it."""

    LOG = (
        "src/a.c:1:10: fatal error: engine-new.h: No such file or directory\n"
        '    1 | #include "engine-new.h"\ncompilation terminated.\nmake: *** [Makefile:2: a.o] Error 1\n'
    )

    def test_no_directory_has_it(self, tmp_path: Path) -> None:
        write(tmp_path, {"Makefile": RULES, "src/a.c": '#include "engine-new.h"\n'})
        finding = top(tmp_path, self.LOG)
        assert (finding.cause, finding.confidence) == ("checkout-incomplete", Confidence.HIGH)
        assert "no directory of the tree has it" in finding.story[0]

    def test_it_is_there(self, tmp_path: Path) -> None:
        write(tmp_path, {"src/a.c": '#include "engine-new.h"\n', "include/engine-new.h": ""})
        assert top(tmp_path, self.LOG).cause != "checkout-incomplete"

    def test_it_is_made_by_the_build(self, tmp_path: Path) -> None:
        rules = "engine-new.h: make.sh\n\tsh make.sh > $@\n"
        write(tmp_path, {"Makefile": RULES + rules, "src/a.c": '#include "engine-new.h"\n'})
        assert top(tmp_path, self.LOG).confidence is Confidence.MEDIUM
