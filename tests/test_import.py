"""`import coblyn` and `coblyn --help` stay light: what is heavy comes when it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import coblyn
from coblyn.cli.verbs import VERBS

HEAVY = (
    "numpy",
    "ctypes",
    "starlette",
    "uvicorn",
    "pydantic",
    "rich",
    "asyncio",
    "httpx",
    "jinja2",
)


def modules_after(code: str) -> set[str]:
    """Names of all modules that a fresh interpreter holds after running some code."""
    script = f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


def test_the_web_application_does_without_what_it_does_not_use() -> None:
    assert not modules_after("import coblyn.api.app") & {
        "fastapi",
        "httpx",
        "jinja2",
        "numpy",
        "urllib.request",
    }


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not modules_after("import coblyn") & set(HEAVY)


def modules_of(*arguments: str) -> set[str]:
    """Names of all modules that the command line with these arguments loads."""
    return modules_after(
        f"sys.argv = ['coblyn', *{arguments!r}]\n"
        "from coblyn.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass"
    )


@pytest.mark.parametrize("option", ["--help", "-h", "--version"])
def test_what_needs_no_parser_loads_none(option: str) -> None:
    assert not modules_of(option) & {*HEAVY, "typer", "coblyn.errors"}


def test_the_help_of_a_verb_loads_no_other_verb() -> None:
    verbs = {name for name in modules_of("serve", "--help") if name.startswith("coblyn.cli.")}
    assert "coblyn.cli.serve" in verbs
    assert not verbs & {f"coblyn.cli.{name}" for name in VERBS if name != "serve"}


def test_every_public_name_is_there() -> None:
    for name in coblyn.__all__:
        assert getattr(coblyn, name) is not None


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'engines'"):
        _ = coblyn.engines  # type: ignore[attr-defined]
