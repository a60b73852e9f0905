"""macOS without its command line tools, as happens after most system upgrades."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._machine import no_command_line_tools
from coblyn.doctor.causes._table import described

CAUSE: Cause = described(__name__, lambda case: no_command_line_tools(CAUSE, case))
