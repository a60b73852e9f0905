"""``coblyn doctor`` as a user runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from coblyn.cli.app import make_app
from coblyn.cli.diagnosis import show_finding
from coblyn.doctor.causes import cause
from coblyn.doctor.consult import consult
from coblyn.doctor.finding import Confidence, Fix, Severity, Step, StepKind
from coblyn.errors import BadRequest, NotFound

FIXTURES = Path(__file__).parent.parent / "doctor" / "fixtures"
CAUSE = "makefile-local"

needs_make = pytest.mark.skipif(
    not (shutil.which("make") and shutil.which("cc")), reason="needs make and a C compiler"
)


def doctor(*args: object, fed: str | None = None) -> Result:
    return CliRunner().invoke(make_app(), ["doctor", *map(str, args)], input=fed)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project whose makefile compiles its source under a new name; an old copy of it lies about."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "backend.c").write_text("int backend(void) { return 1; }\n")
    (root / "main.c").write_text("int backend(void);\nint main(void) { return backend() - 1; }\n")
    rules = "app: main.o {0}\n\tcc -o $@ $^\n{0}: backend.c\n\tcc -c backend.c -o $@\nclean:\n\trm -f *.o app\n"
    (root / "Makefile").write_text("-include Makefile.local\n" + rules.format("backend_default.o"))
    (root / "Makefile.local").write_text(rules.format("backend.o"))
    return root


def run_make(tree: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make"], cwd=tree, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"}
    )


def test_a_log_is_explained() -> None:
    result = doctor(FIXTURES / f"{CAUSE}.log")
    assert result.exit_code == 1
    assert f"{CAUSE}, sure" in result.output
    assert "Fix:" in result.output


@needs_make
def test_a_tree_is_explained_fixed_and_put_back(tree: Path) -> None:
    assert run_make(tree).returncode != 0
    found = json.loads(doctor(tree, "--json").stdout)
    assert found["findings"][0]["cause"] == CAUSE
    assert found["explained"] is True

    fixed = doctor(tree, "--fix")
    assert "nothing deleted" in fixed.output
    assert "Makefile.local → Makefile.local.old-" in fixed.output
    built = run_make(tree)
    assert built.returncode == 0, built.stderr
    assert doctor(tree).exit_code == 0

    undone = doctor(tree, "--undo")
    assert undone.exit_code == 0
    assert (tree / "Makefile.local").is_file()
    assert isinstance(doctor(tree, "--undo").exception, NotFound)


@needs_make
def test_make_is_asked_only_when_that_was_allowed(tree: Path) -> None:
    (tree / "Makefile.local").write_text("X := $(shell touch ran)\n")
    doctor(tree)
    doctor(tree, "--evaluate")
    assert not (tree / "ran").exists()
    result = doctor(tree, "--evaluate", "--yes")
    assert (tree / "ran").exists(), result.output


def test_a_build_is_piped_in() -> None:
    log = (FIXTURES / f"{CAUSE}.log").read_bytes()
    done = subprocess.run(
        [sys.executable, "-m", "coblyn", "doctor", "--json"], input=log, capture_output=True
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["findings"][0]["cause"] == CAUSE


def test_who_waits_for_a_pipe_says_so() -> None:
    command = [sys.executable, "-m", "coblyn", "doctor"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stderr
        assert "standard input" in process.stderr.readline()
        out, _ = process.communicate("make: *** [Makefile:2: all] Error 1\n")
    assert process.returncode == 1
    assert "not in the catalogue" in out


def test_a_healthy_log_gets_a_clean_bill(tmp_path: Path) -> None:
    log = tmp_path / "make.log"
    log.write_text("cc -Werror -c error.c -o error.o\ncc -o app error.o\n")
    result = doctor(log)
    assert result.exit_code == 0
    assert "Nothing is wrong" in result.output


def test_what_is_unknown_says_so_and_can_be_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    log = tmp_path / "make.log"
    home = tmp_path / "oakhome"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    log.write_text(
        f"frobnicate --all -I{home}/include\n"
        "/home/mary/x.frob:3:1: error: the frobs do not match\n"
        "make: *** [Makefile:2: all] Error 1\n"
    )
    result = doctor(log)
    assert result.exit_code == 1
    assert "not in the catalogue" in result.output
    assert "the frobs do not match" in result.output
    told = doctor(log, "--report").output
    assert "the frobs do not match" in told
    assert "-I~/include" in told
    assert "mary" not in told
    assert "oakhome" not in told


def test_a_report_of_a_fix_says_what_was_moved(tree: Path) -> None:
    result = doctor(tree, "--fix", "--report")
    assert "Makefile.local → Makefile.local.old-" in result.stderr
    assert f"- {CAUSE} (high)" in result.stdout
    assert "→" not in result.stdout


def test_a_report_needs_no_name_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a container, a user may have neither a name nor a home."""

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("getpass.getuser", nobody)
    monkeypatch.setattr(Path, "home", nowhere)
    log = tmp_path / "make.log"
    log.write_text("make: *** [Makefile:2: all] Error 1\n")
    assert "make: *** [Makefile:2: all] Error 1" in doctor(log, "--report").output


def test_fix_is_offered_only_for_what_it_does(tree: Path) -> None:
    offer = f"coblyn doctor {tree} --fix"
    console = Console(width=400)
    step = Step(StepKind.ASIDE, tree / "Makefile.local", "")
    sure = cause(CAUSE).finding(fix=Fix(steps=(step,)))
    for finding, is_offered in (
        (sure, True),
        (replace(sure, confidence=Confidence.MEDIUM), False),
        (replace(sure, severity=Severity.NOTE), False),
    ):
        with console.capture() as shown:
            show_finding(console, finding, str(tree))
        assert (offer in shown.get()) is is_offered
        assert bool(finding.safe_steps) is is_offered


def test_an_object_file_is_looked_into() -> None:
    result = doctor(sys.executable, "--json")
    (facts, *_) = json.loads(result.stdout)["audit"]["files"]
    assert facts["kind"] == "program"


def test_the_catalogue() -> None:
    assert f"{CAUSE} " in doctor("--list").output
    assert len(json.loads(doctor("--list", "--json").output)) >= 40
    shown = doctor("--explain", CAUSE).output
    assert "Why" in shown
    assert "koboldcpp/issues/915" in shown
    assert json.loads(doctor("--explain", CAUSE, "--json").output)["id"] == CAUSE
    unknown = doctor("--explain", "makefile-locale").exception
    assert isinstance(unknown, NotFound)
    assert CAUSE in unknown.hint


def test_what_can_not_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(doctor(tmp_path / "nothing").exception, NotFound)
    assert isinstance(doctor("a" * 5000).exception, BadRequest)
    assert isinstance(doctor(tmp_path, tmp_path).exception, BadRequest)
    log = tmp_path / "a.log"
    log.write_text("make: nothing to be done\n")
    refused = doctor(log, "--fix").exception
    assert isinstance(refused, BadRequest)
    assert "source tree" in refused.message
    assert isinstance(doctor(log, "--undo").exception, NotFound)
    assert isinstance(doctor(log, tmp_path, "--undo").exception, BadRequest)
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(BadRequest, match="closed"):
        consult(["-"])


def test_without_an_engine_the_machine_is_shown_and_what_to_do() -> None:
    result = CliRunner().invoke(make_app(), ["doctor"], env={"COLUMNS": "200"})
    assert result.exit_code == 1
    assert "This machine" in result.output
    assert "coblyn build" in result.output
    answer = json.loads(doctor("--json").output)
    assert answer["engine"] is None
    assert {"os", "arch"} <= {fact["name"] for fact in answer["facts"]}


def test_a_command_can_be_pasted_wherever_one_is(tree: Path, monkeypatch) -> None:
    result = doctor(FIXTURES / f"{CAUSE}.log", tree)
    assert f"cd {tree} && mv Makefile.local Makefile.local.old-" in result.output
    assert " && make clean" in result.output
    monkeypatch.chdir(tree)
    assert "cd " not in doctor(".").output


def test_a_log_and_its_tree_say_what_both_know(tree: Path) -> None:
    """The count of the symbols is only in the log, the file and its lines only in the tree."""
    log = FIXTURES / f"{CAUSE}.log"
    both = json.loads(doctor(log, tree, "--json").output)["findings"][0]
    assert (both["cause"], both["confidence"]) == (CAUSE, "high")
    assert "84 symbols are defined in both" in both["story"][0]
    assert {each["source"] for each in both["evidence"]} >= {"Makefile", "Makefile.local"}


def test_a_fix_that_is_not_sure_says_what_is_missing(tree: Path) -> None:
    """A copy that does no harm yet may be meant."""
    own = (tree / "Makefile").read_text().partition("\n")[2]
    (tree / "Makefile.local").write_text(own)
    result = doctor(tree, "--fix")
    words = " ".join(result.output.split())
    assert "Nothing was moved: makefile-local is likely, not sure. Give the log" in words
    assert (tree / "Makefile.local").exists()
