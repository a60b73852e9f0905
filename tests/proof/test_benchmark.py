"""What counts as the engine's own part of a decode step."""

from __future__ import annotations

import math

import pytest

from coblyn.proof.benchmark import Note, own_part


def test_only_what_lies_between_decode_steps_counts() -> None:
    notes = [
        Note(0.0, 0.0, 0),  # a prompt
        Note(1.0, 0.5, 1),
        Note(2.0, 1.4, 1),
        Note(3.0, 2.2, 1),
        Note(9.0, 2.5, 0),  # the next request was taken up meanwhile
        Note(10.0, 3.0, 1),
    ]
    assert own_part(notes, 1) == pytest.approx(1 - 1.7 / 2)


def test_other_numbers_of_streams_do_not_count() -> None:
    notes = [Note(0.0, 0.0, 2), Note(1.0, 0.9, 2), Note(2.0, 1.0, 1), Note(3.0, 1.1, 1)]
    assert own_part(notes, 2) == pytest.approx(0.1)
    assert math.isnan(own_part(notes, 8))
