"""Microsoft's compiler, which only works in an environment that its own script sets up.

Written from Microsoft's documentation of vswhere and vcvarsall; not yet run on Windows.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coblyn.native.probe import Prober

__all__ = ["parse_environment", "visual_studio_environment"]

# Only these are taken over and kept on disk: the rest of an environment may hold secrets.
_NAMES = ("INCLUDE", "LIB", "LIBPATH", "PATH", "VCToolsVersion", "WindowsSDKVersion")


def visual_studio_environment(
    prober: Prober, arch: str, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Variables with which the newest Visual Studio's compiler works; empty if there is none.

    Args:
        prober: Runs vswhere and vcvarsall.
        arch: "x86-64" or "arm64".
        environ: Environment of this process.
    """
    programs = Path(environ.get("ProgramFiles(x86)", "C:/Program Files (x86)"))
    vswhere = programs / "Microsoft Visual Studio" / "Installer" / "vswhere.exe"
    component = "Microsoft.VisualStudio.Component.VC.Tools." + (
        "ARM64" if arch == "arm64" else "x86.x64"
    )
    place = prober.ask(
        [
            vswhere,
            "-latest",
            "-products",
            "*",
            "-requires",
            component,
            "-property",
            "installationPath",
        ]
    ).strip()
    if not place:
        return {}
    script = Path(place) / "VC" / "Auxiliary" / "Build" / "vcvarsall.bat"
    show = " & ".join(f"set {name}" for name in _NAMES)
    command = f'call "{script}" {"arm64" if arch == "arm64" else "x64"} >nul && {show}'
    shell = environ.get("COMSPEC", "C:/Windows/System32/cmd.exe")
    return parse_environment(prober.ask([shell, "/d", "/c", command], watch=[script]))


def parse_environment(text: str) -> dict[str, str]:
    """The relevant variables, from the output of ``set NAME``, which shows all that begin with that name."""
    wanted = {name.upper() for name in _NAMES}
    pairs = [line.split("=", 1) for line in text.splitlines() if "=" in line]
    return {name.upper(): value for name, value in pairs if name.upper() in wanted}
