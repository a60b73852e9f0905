"""llama.cpp's converter in a separate environment, for dependencies of gigabytes that Coblyn itself does not need.

The environment is created once per release of llama.cpp and Python, and is complete if its stamp exists.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from coblyn import paths
from coblyn.errors import FetchError, ProgramFailed
from coblyn.fetch.offline import require_network
from coblyn.files import alone, disk_errors, require_space
from coblyn.progress import Progress, Report, silent
from coblyn.run import Environment, run, stream

__all__ = ["Converter", "obtain_environment", "requirements_of"]

ROOM = 8 * 10**9
"""Required bytes: 4.9 GB with PyTorch's CUDA libraries, which PyPI has for Linux, and the files that pip unpacks."""

_REQUIREMENTS = "requirements/requirements-convert_hf_to_gguf.txt"
_OURS = {"gguf"}
"""Packages that are in the tree itself."""

_STAMP = ".complete"


@dataclass(frozen=True, slots=True)
class Converter:
    """A converter that is ready to run.

    Attributes:
        python: The environment's interpreter.
        script: The converter's script.
    """

    python: Path
    script: Path

    @property
    def environment(self) -> Environment:
        """Changes to our environment variables: no network access, and unbuffered output."""
        return {
            "HF_HUB_OFFLINE": "1",
            "TRANSFORMERS_OFFLINE": "1",
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": None,
            "NO_LOCAL_GGUF": None,
        }


def obtain_environment(tree: Path, report: Report = silent) -> Converter:
    """The converter of a tree, with its environment, which is created if it does not exist.

    Args:
        tree: Where ``convert_hf_to_gguf.py``, ``gguf-py`` and ``requirements`` are.
        report: Receives the progress of the installation.

    Raises:
        FetchError: Packages cannot be downloaded, or network access is disabled.
        DiskFull: There is not enough space for them.
    """
    packages = requirements_of(tree / _REQUIREMENTS)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    name = hashlib.sha256("\n".join([version, *packages]).encode()).hexdigest()[:12]
    folder = paths.cache() / "converter" / f"environment-{name}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (
        disk_errors(folder.parent, what="Installing the converter", error=FetchError),
        alone(folder, on_wait=lambda: None),
    ):
        if not (folder / _STAMP).is_file():
            _make(folder, packages, report)
    return Converter(_python(folder), tree / "convert_hf_to_gguf.py")


def requirements_of(path: Path) -> list[str]:
    """Read a requirements file and those that it includes: packages, and pip options that name an index."""
    found: list[str] = []
    for line in path.read_text("utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if text.startswith("-r "):
            found += requirements_of(path.parent / text.removeprefix("-r ").strip())
        elif text and re.split(r"[^\w.-]", text)[0].lower() not in _OURS:
            found.append(text)
    return list(dict.fromkeys(found))


def _make(folder: Path, packages: list[str], report: Report) -> None:
    require_network("What the converter of models needs")
    require_space(folder.parent, ROOM, what="Installing the converter")
    shutil.rmtree(folder, ignore_errors=True)
    phase = "Installing the converter"
    report(Progress(phase, 0, None, detail="an environment of its own"))
    options = [word for each in packages if each.startswith("--") for word in each.split()]
    wanted = [each for each in packages if not each.startswith("--")]
    try:
        run([sys.executable, "-m", "venv", folder], timeout=300)
        pip: list[str | Path] = [_python(folder), "-m", "pip", "install", "--no-input"]
        quick = [
            "--disable-pip-version-check",
            "--retries",
            "2",
            "--timeout",
            "20",
            "--progress-bar",
            "off",
        ]
        stream([*pip, *quick, *options, *wanted], _Told(phase, report).read)
    except ProgramFailed as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise FetchError(
            f"What the converter of models needs cannot be installed. {error.message}",
            hint="Check the network and pip's index settings.",
        ) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    (folder / _STAMP).touch()


def _python(folder: Path) -> Path:
    """The interpreter of an environment; its path differs on Windows."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


class _Told:
    """Converts pip's output to progress: the number of packages that it has started."""

    def __init__(self, phase: str, report: Report) -> None:
        self._phase = phase
        self._report = report
        self._count = 0

    def read(self, line: str) -> None:
        """Process one line."""
        text = line.strip()
        if text.startswith(("Collecting ", "Downloading ", "Installing ")):
            self._count += text.startswith("Collecting ")
            self._report(Progress(self._phase, self._count, None, "steps", text[:100]))
