"""Ninja's progress is read from its lines."""

from __future__ import annotations

from coblyn.native.ninja import NinjaSteps, ninja_step


def test_ninja_step() -> None:
    assert ninja_step("[12/140] Building CXX object a/b.o") == (
        12,
        140,
        "Building CXX object a/b.o",
    )
    assert ninja_step("-- [1/2]") is None


def test_a_ninja_inside_a_step_does_not_count() -> None:
    steps = NinjaSteps()
    lines = ["[0/2] Re-checking", "[1/463] a", "[1/2] inner", "[2/2] inner", "[2/460] b", "noise"]
    assert [steps.take(line) for line in lines] == [
        None, (1, 463, "a"), None, None, (2, 460, "b"), None,
    ]  # fmt: skip
