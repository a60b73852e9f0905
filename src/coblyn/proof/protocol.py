"""Constants shared by the proving process and the process that reads its output."""

from __future__ import annotations

__all__ = ["MARK", "NUM_STAGES"]

MARK = "coblyn-proof "
"""Prefix of a report line; every other line is log."""

NUM_STAGES = 2800
"""Approximate number of stages in a proof, for the progress."""
