"""What the process that proves and the one that listens agree on."""

from __future__ import annotations

__all__ = ["MARK", "NUM_STAGES"]

MARK = "coblyn-proof "
"""How a line begins that is a report; every other line is log."""

NUM_STAGES = 2800
"""About how many stages a proof has, for the progress."""
