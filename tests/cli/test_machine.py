"""What ``coblyn doctor`` shows of this machine and its engine."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from rich.console import Console

from coblyn.cli import machine
from coblyn.native.facts import Facts
from coblyn.proof.verdict import State, Verdict

ODD = "GPU\x1b[2J [red]\u202e"


@pytest.fixture
def console() -> Console:
    return Console(width=200)


def test_names_of_the_machine_do_not_steer_the_terminal(console: Console) -> None:
    facts = Facts.of(os="linux", arch="x86-64", cpu=ODD, threads="2", memory="1000")
    device = SimpleNamespace(device=SimpleNamespace(name=ODD, description=ODD), products=())
    measured = SimpleNamespace(
        devices=(device,), generation=None, reference=None, comparison=None, model=ODD, skipped=ODD
    )
    with console.capture() as capture:
        machine._show_machine(console, facts)
        machine._heading(console, f"Engine {ODD}")
        machine._rows(console, machine._proof_rows(measured))
        machine._show_verdict(console, Verdict(State.NOT_USED, ODD, "driver", ODD, ODD))
    text = capture.get()
    assert not set(text) & set("\x1b\u202e")
    assert text.count("GPU\\x1b[2J [red]\\u202e") == 8
