"""`import coblyn` and `coblyn --help` stay light: what is heavy comes when it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import coblyn

HEAVY = ("numpy", "ctypes", "fastapi", "uvicorn", "pydantic", "rich", "asyncio", "httpx", "jinja2")


def modules_after(code: str) -> set[str]:
    """Names of all modules that a fresh interpreter holds after running some code."""
    script = f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not modules_after("import coblyn") & set(HEAVY)


def test_help_loads_nothing_heavy() -> None:
    code = (
        "sys.argv = ['coblyn', '--help']\n"
        "from coblyn.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass"
    )
    assert not modules_after(code) & (set(HEAVY) - {"ctypes"})


def test_every_public_name_is_there() -> None:
    for name in coblyn.__all__:
        assert getattr(coblyn, name) is not None


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'engines'"):
        _ = coblyn.engines  # type: ignore[attr-defined]
