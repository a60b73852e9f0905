"""``coblyn doctor`` without arguments: this machine, the engine in use, and a measured proof of what accelerates it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from coblyn.cli.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console

    from coblyn.doctor.finding import Diagnosis
    from coblyn.errors import BundleMissing
    from coblyn.native.bundle import Bundle
    from coblyn.native.facts import Facts
    from coblyn.proof.evidence import DeviceProof, GenerationProof, Measured, Proof
    from coblyn.proof.verdict import Verdict

__all__ = ["examine_machine"]


def examine_machine(*, as_json: bool) -> bool:
    """Inspect and measure everything, and show it.

    Returns:
        Whether everything is in order.
    """
    from coblyn.doctor.consult import check_machine, machine_facts
    from coblyn.errors import BundleMissing
    from coblyn.native import bundle

    facts = machine_facts()
    diagnosis = check_machine(facts)
    try:
        in_use = bundle.current()
    except BundleMissing as missing:
        _show_without_engine(facts, diagnosis, missing, as_json=as_json)
        return False
    inside = _inside(in_use, facts)
    proof = _prove(in_use, facts)
    if as_json:
        answer: dict[str, Any] = {"facts": _facts_json(facts), "engine": in_use.receipt.to_json()}
        answer |= {"findings": [each.to_json() for each in (*diagnosis.findings, *inside.findings)]}
        print(json.dumps(answer | proof.to_json(), indent=2))
    else:
        _show(facts, diagnosis, in_use, inside, proof)
    return diagnosis.is_clean and inside.is_clean and not proof.verdict.is_fault


def _show_without_engine(
    facts: Facts, diagnosis: Diagnosis, missing: BundleMissing, *, as_json: bool
) -> None:
    if as_json:
        findings = [each.to_json() for each in diagnosis.findings]
        answer = {"facts": _facts_json(facts), "engine": None, "findings": findings}
        print(json.dumps(answer, indent=2))
        return
    from coblyn.cli.diagnosis import show_findings

    console = _console()
    _show_machine(console, facts)
    show_findings(console, diagnosis)
    print(shown(f"✗ {missing}"))


def _inside(in_use: Bundle, facts: Facts) -> Diagnosis:
    """Faults of the engine's libraries."""
    from coblyn.doctor.cause import Case
    from coblyn.doctor.examine import examine
    from coblyn.native.audit import audit_bundle

    return examine(Case(binaries=audit_bundle(in_use.lib_dir, in_use.receipt.backend, facts)))


def _prove(in_use: Bundle, facts: Facts) -> Proof:
    from coblyn.cli.bar import bar, later
    from coblyn.cli.verdict import machine_of
    from coblyn.engine.config import EngineConfig
    from coblyn.proof.prove import prove
    from coblyn.settings import Settings

    settings = Settings.load(None, {})
    model = _model_here()
    if model:
        config = EngineConfig.from_settings(
            settings, model=model, library=in_use.lib_dir, bundle=in_use.id
        )
    else:
        config = EngineConfig("", str(in_use.lib_dir), in_use.id)
    with bar() as report:
        machine = machine_of(facts, in_use.receipt, os.environ)
        return prove(config, machine, report=later(report))


def _model_here() -> Path | None:
    """The newest local model; nothing is downloaded for a proof."""
    from coblyn.models import store

    return store.newest()


def _show(
    facts: Facts, diagnosis: Diagnosis, in_use: Bundle, inside: Diagnosis, proof: Proof
) -> None:
    from coblyn.cli.diagnosis import show_finding, show_findings
    from coblyn.doctor.finding import Severity

    console = _console()
    _show_machine(console, facts)
    _heading(console, f"Engine {in_use.id}")
    _rows(console, _engine_rows(in_use, proof))
    _heading(console, f"Proof, measured in {proof.measured.seconds:.1f} s")
    _rows(console, _proof_rows(proof.measured))
    console.print()
    show_findings(console, diagnosis)
    for finding in inside.findings:
        # Notes, such as code for newer CPUs chosen at run time, are shown only when the engine itself is inspected.
        if finding.severity is not Severity.NOTE:
            show_finding(console, finding)
    _show_verdict(console, proof.verdict)


def _show_machine(console: Console, facts: Facts) -> None:
    from coblyn.files import human_size
    from coblyn.native.backends import BACKENDS
    from coblyn.native.facts import accelerated_features

    _heading(console, "This machine")
    features = " ".join(accelerated_features(facts.words("cpu.features")))
    rows = [
        ("system", f"{facts['os']} {facts['os.version']}, {facts['arch']}"),
        ("CPU", f"{facts['cpu']}, {facts['threads']} threads: {features}"),
        ("memory", f"{human_size(facts.number('memory'))} can be had"),
    ]
    for name, backend in BACKENDS.items():
        if name != "cpu":
            verdict = backend.detect(facts)
            hint = f" {verdict.hint}" if verdict.has_device and verdict.hint else ""
            rows.append((name, f"{verdict.reason}{hint}"))
    _rows(console, iter(rows))


def _engine_rows(in_use: Bundle, proof: Proof) -> Iterator[tuple[str, str]]:
    yield "built", f"{in_use.receipt.created[:10]} with {in_use.receipt.compiler}"
    yield "backends", ", ".join(proof.measured.backends) or "none that answers"
    for name, features in proof.measured.features:
        if features:
            yield name, " ".join(features)


def _proof_rows(measured: Measured) -> Iterator[tuple[str, str]]:
    for device in measured.devices:
        yield device.device.name, _product_text(device)
    if measured.generation:
        yield "model", f"{measured.model}: {_speed(measured.generation)}"
    if measured.reference:
        yield "reference", f"the CPU: {_speed(measured.reference)}"
    if measured.comparison:
        same = measured.comparison
        agreed = f"the same token at {same.same} of {same.positions} positions"
        yield "compared", f"{agreed}, divergence {same.divergence:.1e} nats"
    if not measured.model:
        yield "model", "none is here, so only products were tried (coblyn pull smollm2)"
    if measured.skipped:
        yield "left out", measured.skipped


def _speed(run: GenerationProof) -> str:
    place = run.placement
    layers = f", {place.on_devices} of {place.num_layers} layers on accelerators"
    speed = f"prefill {run.prefill:.0f}, decode {run.decode:.0f} tokens/s"
    return f"{speed}{layers if place.accelerators else ''}"


def _product_text(device: DeviceProof) -> str:
    products = [
        f"{each.kind} {each.gflops:.0f} GFLOP/s (error {each.error:.0e})"
        for each in device.products
        if each.is_supported
    ]
    return f"{device.device.description}: " + (", ".join(products) or "no product was tried")


def _show_verdict(console: Console, verdict: Verdict) -> None:
    mark = "[bold red]✗[/]" if verdict.is_fault else "[green]✓[/]"
    console.print(f"{mark} ", end="")
    text = shown(f"{verdict.text} {verdict.reason}".rstrip())
    console.print(text, markup=False, highlight=False)
    if verdict.fix:
        fix = shown(f"    {verdict.fix}")
        console.print(fix, style="bold green", markup=False, highlight=False)


def _heading(console: Console, text: str) -> None:
    console.print(shown(text), style="bold", markup=False, highlight=False)


def _rows(console: Console, rows: Iterator[tuple[str, str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column()
    for name, text in rows:
        # As `Text`, since strings in cells are always parsed as markup.
        grid.add_row(Text(shown(f"  {name}")), Text(shown(text)))
    console.print(grid)


def _facts_json(facts: Facts) -> list[dict[str, str]]:
    return [
        {"name": fact.name, "value": fact.value, "source": fact.source, "reason": fact.reason}
        for fact in facts
    ]


def _console() -> Console:
    from rich.console import Console

    return Console()
