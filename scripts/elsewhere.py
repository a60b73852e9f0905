"""Builds, proves, tests and measures Coblyn on another machine, from a pack, and brings a report back.

    python scripts/elsewhere.py make PACK --backend cuda        here, in a checkout, with network
    python3 PACK/checkout/scripts/elsewhere.py run PACK OUT     there, without network

``make`` fills a pack and puts this checkout's tests beside it. ``run`` needs nothing but Python and what the engine is
built with; it keeps all files in OUT, and writes OUT/report.json and OUT/report.txt. A step that fails does not end it:
what can be tried without that step is tried.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CHECKOUT = ("pyproject.toml", "scripts/elsewhere.py", "tests", "bench")
MODEL = "smollm2"
TAIL = 60
"""Lines of a step's output that the report keeps."""

LOOKS = (
    ("nvidia-smi",),
    ("nvcc", "--version"),
    ("rocminfo",),
    ("vulkaninfo", "--summary"),
    ("c++", "--version"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do there.

    Attributes:
        name: What the report calls it.
        argv: The command.
        needs: Steps that must have gone well before.
        minutes: How long it may take.
    """

    name: str
    argv: tuple[str, ...]
    needs: tuple[str, ...] = ()
    minutes: float = 10


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a step.

    Attributes:
        name: Of the step.
        code: Exit code; None if it was not tried or took too long.
        seconds: How long it took.
        answer: What it wrote to standard output, if that is JSON.
        tail: The last lines of all that it wrote.
    """

    name: str
    code: int | None
    seconds: float
    answer: Any
    tail: tuple[str, ...]


def steps(pack: Path, out: Path, backend: str) -> list[Step]:
    """All that is done there, in order."""
    scripts = out / "venv" / ("Scripts" if os.name == "nt" else "bin")
    python, coblyn = str(scripts / "python"), str(scripts / "coblyn")
    pip = (
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--find-links",
        str(pack / "packages"),
    )
    tests = ("-m", "pytest", "-m", "gpu", "-p", "no:cacheprovider", "-W", "default", "--tb=short")
    return [
        Step("environment", (sys.executable, "-m", "venv", str(out / "venv"))),
        Step("install", (*pip, "coblyn[test]"), ("environment",)),
        Step("pack", (coblyn, "pack", str(pack), "--check", "--json"), ("install",)),
        Step(
            "build",
            (coblyn, "build", "--offline", "--backend", backend, "--json"),
            ("install",),
            60,
        ),
        Step("model", (coblyn, "pull", MODEL, "--json"), ("install",)),
        Step("proof", (coblyn, "doctor", "--json"), ("build",)),
        Step("tests", (python, *tests, str(pack / "checkout" / "tests")), ("build", "model"), 30),
        Step("bench", (coblyn, "bench", MODEL, "--json"), ("build", "model"), 30),
    ]


def run(pack: Path, out: Path, backend: str) -> list[Outcome]:
    """Do all steps, and write the report after each, so that a crash of the machine leaves one."""
    out.mkdir(parents=True, exist_ok=True)
    machine = look()
    outcomes: list[Outcome] = []
    for step in steps(pack, out, backend):
        failed = {each.name for each in outcomes if each.code != 0}
        missing = [name for name in step.needs if name in failed]
        print(f"{step.name} ...", file=sys.stderr, flush=True)
        outcomes.append(skip(step, missing) if missing else do(step, pack, out))
        write_report(out, machine, outcomes)
    return outcomes


def skip(step: Step, missing: list[str]) -> Outcome:
    return Outcome(step.name, None, 0.0, None, (f"not tried: {', '.join(missing)} went wrong",))


def do(step: Step, pack: Path, out: Path) -> Outcome:
    started = time.monotonic()
    home = {"COBLYN_HOME": str(out / "home"), "COBLYN_PACK": str(pack), "COBLYN_YES": "1"}
    try:
        done = subprocess.run(
            step.argv,
            env=os.environ | home,
            cwd=pack / "checkout",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60 * step.minutes,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return Outcome(step.name, None, time.monotonic() - started, None, (str(problem),))
    lines = (done.stderr + done.stdout).splitlines()
    seconds = round(time.monotonic() - started, 1)
    return Outcome(step.name, done.returncode, seconds, parsed(done.stdout), tuple(lines[-TAIL:]))


def parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def look() -> dict[str, str]:
    """What the machine says about itself."""
    seen = {
        "system": platform.platform(),
        "python": sys.version.split()[0],
        "cpus": str(os.cpu_count()),
    }
    for argv in LOOKS:
        if shutil.which(argv[0]):
            done = subprocess.run(
                argv, capture_output=True, text=True, errors="replace", check=False
            )
            seen[" ".join(argv)] = done.stdout.strip()
    return seen


def write_report(out: Path, machine: dict[str, str], outcomes: list[Outcome]) -> None:
    report = {"machine": machine, "steps": [asdict(each) for each in outcomes]}
    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (out / "report.txt").write_text("\n".join(lines_of(machine, outcomes)) + "\n", encoding="utf-8")


def lines_of(machine: dict[str, str], outcomes: list[Outcome]) -> Iterator[str]:
    for each in outcomes:
        state = {None: "not done", 0: "well"}.get(each.code, f"exit code {each.code}")
        yield f"{each.name:12} {state:14} {each.seconds:8.1f} s"
    for name, text in machine.items():
        yield f"\n== {name}\n{text}"
    for each in outcomes:
        yield "\n".join((f"\n== {each.name}", *each.tail))


def make(pack: Path, backend: str, options: list[str]) -> int:
    """Fill a pack, with the tests of this checkout in it."""
    checkout = pack / "checkout"
    shutil.rmtree(checkout, ignore_errors=True)
    for name in CHECKOUT:
        source, target = ROOT / name, checkout / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    argv = [sys.executable, "-m", "coblyn", "pack", str(pack), "--backend", backend]
    argv += ["--model", MODEL, "--extra", "test", *options]
    return subprocess.run(argv, check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    making = verbs.add_parser("make", help="fill a pack; further options go to coblyn pack")
    running = verbs.add_parser("run", help="do all from a pack, and write a report")
    for verb in (making, running):
        verb.add_argument("pack", type=Path)
        verb.add_argument("--backend", default="")
    running.add_argument("out", type=Path)
    chosen, more = parser.parse_known_args()
    pack = chosen.pack.absolute()
    if chosen.verb == "make":
        return make(pack, chosen.backend or "auto", more)
    if more:
        parser.error(f"unknown: {' '.join(more)}")
    backend = chosen.backend or json.loads((pack / "manifest.json").read_text("utf-8"))["backend"]
    outcomes = run(pack, chosen.out.absolute(), backend)
    print(chosen.out / "report.txt")
    return 0 if all(each.code == 0 for each in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
